"""What cyclonedx-py finds in an environment is found here too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from repro.sbom.python_environment import environment
from repro.sbom.python_interpreter import INTERPRETER
from repro.sbom.python_metadata import normalised


def test_every_component_of_cyclonedx_py_is_there(tmp_path: Path) -> None:
    """Of this very environment, every component of cyclonedx-py is told, and no need beside its."""
    if find_spec("cyclonedx_py") is None:
        absent = "no cyclonedx-py here, as inside of a Nix build"
        assert os.environ.get("CI") != "true", absent
        pytest.skip(absent)
    out = tmp_path / "peer.json"
    argv = [sys.executable, "-m", "cyclonedx_py", "environment", "--no-validate", "-o", str(out), sys.prefix]
    subprocess.run(argv, check=True, capture_output=True)
    theirs = json.loads(out.read_bytes())
    ours = environment(Path(sys.prefix))
    known = {each.ref: (normalised(each.name), each.version) for each in ours.components}
    peers = {each["bom-ref"]: (normalised(each["name"]), each["version"]) for each in theirs["components"]}
    assert len(peers) > 50
    assert set(peers.values()) <= set(known.values())
    stated = {
        (peers[each["ref"]], peers[other])
        for each in theirs["dependencies"]
        for other in each.get("dependsOn", ())
        if each["ref"] in peers
    }
    top = {each.ref for each in ours.components if not each.inside} - {INTERPRETER}
    needs = {(known[ref], known[other]) for ref in top for other in ours.needs[ref] if other in top}
    assert needs <= stated  # which holds the needs of extras that nobody asked for beside them
