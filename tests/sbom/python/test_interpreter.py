"""The interpreter of an environment: hashed where it stands, never started or mistaken."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.sbom.python.conftest import named

from repro.core.digest import of_bytes
from repro.tools.files import hash_file

if TYPE_CHECKING:
    from tests.sbom.python.conftest import Venv

PROGRAM = b"\x7fELF and more"


def place(folder: Path, name: str = "python3.11", data: bytes = PROGRAM) -> Path:
    """A file that could be an interpreter."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return path


def test_the_interpreter_behind_the_links_is_hashed(venv: Venv, tmp_path: Path) -> None:
    """What `bin/python` leads to is what runs: its bytes, its licence; no place of it is told."""
    program = place(tmp_path / "base")
    (venv.root / "bin/python3").symlink_to(program)
    (venv.root / "bin/python").symlink_to("python3")
    found = named(venv.read(), "python")
    assert found.digests == (of_bytes(PROGRAM),)
    assert [each.expression for each in found.licences] == ["PSF-2.0"]
    assert str(tmp_path) not in repr(found)


def test_this_interpreter_has_the_hash_of_its_file(venv: Venv) -> None:
    """Of a real interpreter it is the SHA-256 of the program."""
    (venv.root / "bin/python").symlink_to(sys.executable)
    assert named(venv.read(), "python").digests == (hash_file(Path(sys.executable).resolve()),)


@pytest.mark.parametrize("defect", ["missing", "circle", "folder", "pipe", "secret", "key", "empty"])
def test_what_is_no_interpreter_is_not_read(venv: Venv, tmp_path: Path, defect: str) -> None:
    """A link to nothing, to itself, to a folder, a pipe or a file that is no program gives no hash."""
    link = venv.root / "bin/python"
    if defect == "circle":
        link.symlink_to("python")
    elif defect == "folder":
        (tmp_path / "python").mkdir()
        link.symlink_to(tmp_path / "python")
    elif defect == "pipe":
        os.mkfifo(tmp_path / "python")
        link.symlink_to(tmp_path / "python")
    elif defect == "secret":
        link.symlink_to(place(tmp_path / "base", "shadow"))
    elif defect == "key":
        link.symlink_to(place(tmp_path / "base", "python", b"a password"))
    elif defect == "empty":
        program = place(tmp_path / "base")
        link.symlink_to(program)
        program.write_bytes(b"")
    assert named(venv.read(), "python").digests == ()


def test_another_implementation_has_no_licence_of_ours(venv: Venv) -> None:
    """The licence is CPython's; of PyPy none is stated."""
    with (venv.root / "pyvenv.cfg").open("a", encoding="utf-8") as file:
        file.write("implementation = PyPy\n")
    assert named(venv.read(), "python").licences == ()
