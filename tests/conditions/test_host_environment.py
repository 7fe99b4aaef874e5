from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

from repro.conditions.host import HostEnvironment, installed
from repro.core import canonical
from repro.core.events import silent
from repro.tools import process

if TYPE_CHECKING:
    from pathlib import Path


def test_the_host_is_recorded_as_not_reproducible() -> None:
    """The caller's interpreter runs as it is, with its packages and the reason in the record."""
    realised = HostEnvironment(name="here").realise(silent)
    assert not realised.reproducible
    assert realised.content is None
    assert realised.facts["python"] == platform.python_version()
    assert "no lock" in str(realised.facts["not_reproducible_because"])
    canonical.to_bytes(realised.facts)
    assert process.run([str(realised.python), "-c", "import sys; print(sys.prefix)"]).text == sys.prefix


def test_the_host_keeps_its_identity() -> None:
    """Nothing installed, nothing removed: the state before a run is the state after it."""
    environment = HostEnvironment(name="here")
    realised = environment.realise(silent)
    assert environment.check(realised, paranoid=False) == environment.identity() == realised.identity
    assert environment.check(realised, paranoid=True) == realised.identity


def test_installed_distributions_are_read_from_their_folders(tmp_path: Path) -> None:
    """Names and versions come from the metadata folders; the first on the path counts."""
    for folder, name in (("a", "x-1.0.dist-info"), ("b", "x-2.0.dist-info"), ("b", "y_z-3.dist-info")):
        (tmp_path / folder / name).mkdir(parents=True)
    path = [str(tmp_path / "a"), str(tmp_path / "none"), str(tmp_path / "b")]
    assert installed(path) == {"x": "1.0", "y_z": "3"}
