"""The two commands of a newcomer: what they say where something is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what the Makefile needs, and no installation."""
    for name in ("Makefile", "pyproject.toml", *(path.name for path in ROOT.glob("*.lock"))):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("make")
    assert tool is not None
    return subprocess.run(
        [tool, *arguments], cwd=folder, env=variables or None, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("target", ["demo", "test", "interop", "lint", "types", "bench"])
def test_a_missing_python_is_one_line(clone: Path, target: str) -> None:
    """Without Python, every target stops with one line that says what to install, and creates nothing."""
    done = make(clone, target, "PYTHON=python-that-is-not-here")
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert said == [
        "python-that-is-not-here not found: install Python 3.11 or newer (or: make PYTHON=/path/to/python3)"
    ]
    assert not (clone / ".venv").exists()


def test_a_missing_git_is_one_line(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without git, `make demo` stops with one line that says what to install."""
    tools = tmp_path_factory.mktemp("bin")
    for name in ("sh", "make"):
        (tools / name).symlink_to(shutil.which(name) or "")
    done = make(clone, "demo", f"PYTHON={sys.executable}", PATH=str(tools))
    assert done.returncode != 0
    assert [line for line in done.stderr.splitlines() if not line.startswith("make")] == [
        "git not found: install git"
    ]


def test_a_python_without_venv_is_one_line(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A Python that has no ensurepip, as Debian splits it, is one line that names the package."""
    tools = tmp_path_factory.mktemp("bin")
    bare = tools / "bare-python"
    # the real interpreter, with the module made unfindable as on a machine that has not installed it
    bare.write_text(f'#!/bin/sh\nexport PYTHONPATH="{tools}"\nexec {sys.executable} "$@"\n', encoding="utf-8")
    bare.chmod(0o755)
    (tools / "ensurepip.py").write_text("raise ImportError\n", encoding="utf-8")
    done = make(clone, "demo", f"PYTHON={bare}")
    assert done.returncode != 0
    assert "apt install python3-venv" in done.stderr


def test_nothing_is_installed_from_unpinned_requirements() -> None:
    """Each installation in the Makefile demands hashes, or installs this project alone."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(INSTALL)", "pip install")
    lines = [line for line in text.splitlines() if "pip install" in line and not line.startswith("INSTALL")]
    assert len(lines) == 4
    for line in lines:
        assert "--require-hashes" in line or "--no-deps --editable ." in line, line
