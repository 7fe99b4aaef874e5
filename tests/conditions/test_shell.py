"""What a run takes over from the shell of a flake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from repro.conditions.shell import LEFT_OUT, shell_of
from repro.core.errors import FormatError, RealisationError
from repro.tools.nix_shells import parse_dev_env

if TYPE_CHECKING:
    from pathlib import Path


def exported(**values: str) -> dict[str, dict[str, Any]]:
    """Variables as `nix print-dev-env --json` has them."""
    return {name: {"type": "exported", "value": value} for name, value in values.items()}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with an interpreter and a shell."""
    for name in ("a-python/bin/python3", "b-tools/bin/bash", "b-tools/bin/env"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_only_folders_of_the_store_are_searched(store: Path) -> None:
    """Neither placeholders nor folders of the host come into PATH, and none comes twice."""
    mine = f"{store}/a-python/bin"
    shell = shell_of(exported(PATH=f"/usr/bin:{mine}:/path-not-set::{mine}"), store, name="e")
    assert shell.search_path == (mine,)
    assert shell.python == f"{mine}/python3"


def test_variables_of_the_build_are_left_out(store: Path) -> None:
    """A run gets what the shell exports, but nothing that describes its build or the machine."""
    found = exported(PATH=f"{store}/a-python/bin", CC="gcc", out="/o", dev="/d", outputs="out dev")
    found |= exported(**dict.fromkeys(LEFT_OUT - {"PATH", "outputs"}, "x"))
    found["inner"] = {"type": "var", "value": "x"}
    found["list"] = {"type": "array", "value": ["x"]}
    assert shell_of(found, store, name="e").variables == {"CC": "gcc"}


def test_first_lines_of_scripts_lead_to_the_shell(store: Path) -> None:
    """/bin/sh is the bash that the shell was built with, /usr/bin/env is looked for on its PATH."""
    found = exported(PATH=f"{store}/a-python/bin")
    assert shell_of(found, store, name="e").links == {}
    found["BASH"] = {"type": "var", "value": f"{store}/b-tools/bin/bash"}
    links = {"/bin/sh": f"{store}/b-tools/bin/bash", "/usr/bin/env": f"{store}/b-tools/bin/env"}
    assert shell_of(found, store, name="e").links == links


def test_the_host_lends_no_python(store: Path) -> None:
    """A shell whose PATH has no interpreter in the store is refused, whatever the host has."""
    with pytest.raises(RealisationError, match="no Python"):
        shell_of(exported(PATH=f"/usr/bin:/usr/local/bin:{store}/b-tools/bin"), store, name="e")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"variables": []}', b'{"variables": {"a": 1}}', b'{"variables": {"a": {}}}']
)
def test_what_is_no_environment_is_refused(data: bytes) -> None:
    """Anything but variables with a type is a FormatError."""
    with pytest.raises(FormatError):
        parse_dev_env(data)
