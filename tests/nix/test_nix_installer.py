"""The script that takes a Nix from Debian's packages."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.nix.conftest import INSTALLER, unavailable

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.nix, pytest.mark.xdist_group("nix-installer")]


def install(*arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    """Run the script with nothing of the caller's but HOME and `path`."""
    variables = {"PATH": path, "HOME": os.environ["HOME"]}
    return subprocess.run(
        [str(INSTALLER), *arguments], env=variables, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation into a prefix in which an earlier one was interrupted."""
    if (
        sys.platform != "linux"
        or not os.access("/usr/bin/apt-get", os.X_OK)
        or platform.machine() != "x86_64"
    ):
        unavailable("the installer takes Debian's packages, and this is no Debian")
    folder = tmp_path_factory.mktemp("prefix")
    (folder / "debian.new" / "usr").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "nix").write_text("half")
    done = install(str(folder), path="/usr/bin:/bin")
    if "apt reached no mirror" in done.stderr:
        unavailable("apt reaches no mirror")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f'export PATH="{folder}/bin:$PATH"\n'
    return folder


def test_an_interrupted_installation_is_finished(prefix: Path) -> None:
    """What an interrupted installation left is replaced, and the result runs and evaluates."""
    assert not (prefix / "debian.new").exists()
    nix = prefix / "bin" / "nix"
    done = subprocess.run([nix, "eval", "--expr", "1 + 1"], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"


def test_a_second_run_changes_nothing(prefix: Path) -> None:
    """An installation that is complete is said again, and not a file of it is written."""
    files = {path: path.lstat().st_mtime_ns for path in prefix.rglob("*") if path.name != ".lock"}
    again = install(str(prefix), path="/usr/bin:/bin")
    assert again.stdout == f'export PATH="{prefix}/bin:$PATH"\n'
    assert {path: path.lstat().st_mtime_ns for path in prefix.rglob("*") if path.name != ".lock"} == files


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
