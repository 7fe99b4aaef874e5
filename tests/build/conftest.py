"""A Nix with an empty store of its own for each test, and a flake of tiny derivations built with busybox."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.nix.conftest import CONFIGURATION, Nix, find_nix, unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

FLAKE = """{
  outputs = { self }:
    let
      make = { name, script, ... } @ more: derivation ({
        inherit name;
        system = "x86_64-linux";
        builder = "${./bin}/busybox";
        PATH = "${./bin}";
        args = [ "sh" "-euc" script ];
      } // removeAttrs more [ "name" "script" ]);
    in
    { packages.x86_64-linux = rec { %s }; };
}
"""

APPLETS = (
    "cat",
    "chmod",
    "date",
    "echo",
    "head",
    "ln",
    "mkdir",
    "od",
    "printf",
    "shuf",
    "sleep",
    "tr",
    "yes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a call of `repro` came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What --json printed."""
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder with a flake, and the Nix that builds it."""

    root: Path
    nix: Nix

    def attributes(self, **scripts: str) -> None:
        """Write the flake: each attribute a derivation that runs a script, or raw Nix after a `=`."""
        lines = [
            f"{name} = {script[1:]};"
            if script.startswith("=")
            else f"{name} = make {{ name = {json.dumps(name)}; script = ''{script}''; }};"
            for name, script in scripts.items()
        ]
        (self.root / "flake.nix").write_text(FLAKE % "\n".join(lines))

    @property
    def environment(self) -> dict[str, str]:
        """The caller's, with Nix and every folder that is written below the test's own."""
        home = self.nix.home
        return {
            **self.nix.environment,
            "REPRO_NIX": str(self.nix.program),
            "REPRO_CACHE_DIR": str(home / "cache"),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
        }

    def command(self, *arguments: str) -> list[str]:
        """The call of `repro build` on this flake."""
        return [sys.executable, "-m", "repro", "build", *arguments]

    def repro(self, *arguments: str, extra: Mapping[str, str] | None = None) -> Said:
        """Run `repro build`; `path:.#x` is written `#x`."""
        words = [f"path:{self.root}{word}" if word.startswith("#") else word for word in arguments]
        done = subprocess.run(
            self.command(*words),
            cwd=self.root,
            env=self.environment | dict(extra or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    def path(self, attribute: str) -> Path:
        """The store path of an attribute's first output."""
        return Path(self.nix("path-info", f"path:{self.root}#{attribute}").strip())

    def git(self, *arguments: str) -> str:
        """Run git here, as somebody."""
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        return subprocess.run(
            ["git", *who, *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout


def _busybox(program: Path) -> Path:
    """A busybox that needs no libraries: the installed Nix brings one, or the host has it."""
    prefix = program.resolve().parent.parent / "debian"
    found = [path for path in prefix.rglob("busybox") if path.parent.name == "bin" and path.is_file()]
    named = shutil.which("busybox")
    if not found and named is None:
        unavailable("no static busybox to build with: .ci/nix installs one")
    return (found or [Path(str(named))])[0]


@pytest.fixture
def nix(tmp_path: Path) -> Nix:
    """A Nix whose store is this test's alone and begins empty."""
    program = find_nix()
    if program is None:
        unavailable("no Nix on PATH, and .ci/nix has not installed one")
    home = tmp_path / "home"
    for name in ("etc", "user", "tmp", "var"):
        (home / name).mkdir(parents=True)
    (home / "etc" / "nix.conf").write_text(CONFIGURATION)
    return Nix(program=program, home=home)


@pytest.fixture
def project(nix: Nix, tmp_path: Path) -> Project:
    """A flake without attributes; its scripts have a few of busybox's applets."""
    root = tmp_path / "flake"
    (root / "bin").mkdir(parents=True)
    shutil.copy(_busybox(nix.program), root / "bin" / "busybox")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    return Project(root=root, nix=nix)
