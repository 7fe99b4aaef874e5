from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from repro.conditions.interpreter import ask, find_interpreter, minor_of_caller, require_minor
from repro.core.errors import ConfigError, RealisationError
from repro.core.exits import Exit
from repro.tools import host

if TYPE_CHECKING:
    from pathlib import Path


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_callers_own_base_is_taken_for_its_version() -> None:
    """The caller's minor version needs no search; of a virtual environment the base is taken."""
    found = find_interpreter(minor_of_caller(), {})
    assert found.version == ".".join(map(str, sys.version_info[:3]))
    assert sys.base_prefix in map(str, found.prefixes)


def test_a_missing_interpreter_says_what_provides_it() -> None:
    """No interpreter of the version: exit 3, and the hint names three ways to get one."""
    with pytest.raises(RealisationError, match=r"Python 3\.99") as caught:
        find_interpreter("3.99", host.variables())
    assert caught.value.exit is Exit.NOT_CHECKED
    for way in ("apt install python3.99", "pyenv install 3.99", "uv python install 3.99"):
        assert way in caught.value.hint


@pytest.mark.parametrize(
    "lie", [f'exec {sys.executable} "$@"', "exit 127", "echo '{}'", "echo not json", "echo '[1]'"]
)
def test_a_shim_that_lies_is_not_believed(tmp_path: Path, lie: str) -> None:
    """A file called python3.99 counts only when it answers that it is Python 3.99."""
    script(tmp_path / "python3.99", lie)
    with pytest.raises(RealisationError):
        find_interpreter("3.99", {"PATH": str(tmp_path), "HOME": str(tmp_path)})


def test_an_interpreter_behind_a_broken_shim_is_found(tmp_path: Path) -> None:
    """Where a shim does not answer, the search goes on to those of pyenv."""
    for minor in ("3.11", "3.12", "3.13", "3.14"):
        if minor == minor_of_caller():
            continue
        try:
            real = find_interpreter(minor, host.variables())
        except RealisationError:
            continue
        script(tmp_path / f"python{minor}", "exit 127")
        folder = tmp_path / "pyenv" / "versions" / real.version / "bin"
        folder.mkdir(parents=True)
        (folder / f"python{minor}").symlink_to(real.executable)
        found = find_interpreter(minor, {"PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path / "pyenv")})
        assert found.version == real.version
        return
    pytest.skip("this machine has no second minor version of Python")


@pytest.mark.parametrize("text", ["3", "3.12.1", "2.7", "python3.12", ">=3.12", "3.12 ", "3.x", "3.١٢"])
def test_only_a_minor_version_is_one(text: str) -> None:
    """A Python version is asked for as 3.N and in no other way."""
    with pytest.raises(ConfigError, match="environment e: python"):
        require_minor(text, what="environment e: python")


def test_a_file_that_is_no_interpreter_has_nothing_to_say(tmp_path: Path) -> None:
    """A missing file, a folder and a text file are no interpreters."""
    (tmp_path / "text").write_text("hello")
    assert [ask(tmp_path / name, {}) for name in ("none", ".", "text")] == [None, None, None]
