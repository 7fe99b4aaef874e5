"""The script that takes a Nix from Debian's packages."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.nix.conftest import INSTALLER, locked, unavailable

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nix


def install(*arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    """Run the script with nothing of the caller's but HOME and `path`."""
    variables = {"PATH": path, "HOME": os.environ["HOME"]}
    return subprocess.run(
        [str(INSTALLER), *arguments], env=variables, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="session")
def prefix(session_folder: Path) -> Path:
    """An installation into a prefix in which an earlier one was interrupted; all workers share it."""
    if (
        sys.platform != "linux"
        or not os.access("/usr/bin/apt-get", os.X_OK)
        or platform.machine() != "x86_64"
    ):
        unavailable("the installer takes Debian's packages, and this is no Debian")
    with locked(session_folder / "installer") as folder:
        prefix = folder / "prefix"
        if not prefix.exists():
            install_over_half_of_one(folder / "prefix")
    return prefix


def install_over_half_of_one(prefix: Path) -> None:
    """Leave what an interrupted installation might, then install."""
    (prefix / "debian.new" / "usr").mkdir(parents=True)
    (prefix / "bin").mkdir()
    (prefix / "bin" / "nix").write_text("half")
    done = install(str(prefix), path="/usr/bin:/bin")
    if "apt reached no mirror" in done.stderr:
        shutil.rmtree(prefix)
        unavailable("apt reaches no mirror")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f'export PATH="{prefix}/bin:$PATH"\n'


def test_an_interrupted_installation_is_finished(prefix: Path) -> None:
    """What an interrupted installation left is replaced, and the result runs and evaluates."""
    assert not (prefix / "debian.new").exists()
    nix = prefix / "bin" / "nix"
    done = subprocess.run([nix, "eval", "--expr", "1 + 1"], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"


def test_a_second_run_changes_nothing(prefix: Path) -> None:
    """An installation that is complete is said again, and not a file of it is written."""
    before = written(prefix)
    again = install(str(prefix), path="/usr/bin:/bin")
    assert again.stdout == f'export PATH="{prefix}/bin:$PATH"\n'
    assert before
    assert written(prefix) == before


def written(prefix: Path) -> dict[Path, int]:
    """When each installed file was written; what Nix itself keeps beside them is left out."""
    installed = (path for part in ("bin", "debian", "etc") for path in (prefix / part).rglob("*"))
    return {path: path.lstat().st_mtime_ns for path in installed}


def test_the_store_is_in_the_prefix(prefix: Path) -> None:
    """Store, state and configuration are below the prefix; nothing of the host's is used."""
    nix = prefix / "bin" / "nix"
    shown = subprocess.run(
        [nix, "eval", "--raw", "--expr", "builtins.storeDir"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == f"{prefix}/store"


def test_a_nix_on_the_path_is_used(tmp_path: Path) -> None:
    """Where there is a Nix, the script names it, prints no line for the shell and writes nothing."""
    (tmp_path / "nix").write_text("#!/bin/sh\n")
    (tmp_path / "nix").chmod(0o755)
    done = install(path=f"{tmp_path}:/usr/bin:/bin")
    assert (done.returncode, done.stdout) == (0, "")
    assert f"using {tmp_path}/nix" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["nix"]


@pytest.mark.parametrize("prefix", ["/tmp/with space", "/tmp/with$dollar", '/tmp/with"quote'])  # noqa: S108 - not made
def test_a_prefix_that_cannot_be_quoted_is_refused(prefix: str) -> None:
    """A prefix that would break the line for the shell ends with exit 3 and what to do."""
    done = install(prefix, path="/usr/bin:/bin")
    assert done.returncode == 3
    assert "hint: " in done.stderr


def test_the_script_names_no_host() -> None:
    """The mirror is the host's own: no address stands in the script."""
    assert not re.search(r"https?:|ftp:|\w\.(org|net|com)\b", INSTALLER.read_text())
