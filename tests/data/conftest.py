"""A real DVC repository with a remote, made once by dvc's own command line and copied for each test."""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from repro.data.dvc import DvcRemote
from repro.tools import host, process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILES = {
    "data/nist/Norris.dat": b"0.1 0.2\n",
    "data/nist/sub/deep.txt": b"a\r\nb\r\n",
    "data/nist/sub/empty": b"",
    "data/nist/a b \u00e9\n.txt": b"spaces, accents, a newline\n",
    "data/one.csv": b"x,y\n1,2\n",
}
"""What the repository keeps under DVC."""


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A checkout with DVC pointers, an empty cache, and the remote that holds their objects."""

    root: Path
    store: Path
    files: Mapping[str, bytes]

    @property
    def remote(self) -> DvcRemote:
        """Made anew each time: the configuration is read once per object."""
        return DvcRemote(self.root)

    @property
    def cache(self) -> Path:
        """Where DVC keeps objects when nothing else is configured."""
        return self.root / ".dvc" / "cache"

    def object_of(self, name: str, *, top: Path | None = None) -> Path:
        """Where a file's object lies, in the cache or below `top`."""
        md5 = hashlib.md5(self.files[name], usedforsecurity=False).hexdigest()
        return (top or self.cache) / "files/md5" / md5[:2] / md5[2:]

    def setting(self, section: str, key: str, value: str, *, file: Path | None = None) -> None:
        """One more setting, by default in `.dvc/config.local`, where DVC itself would write it."""
        file = file or self.root / ".dvc/config.local"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as out:
            out.write(f"[{section}]\n{key} = {value}\n")


def dvc(root: Path, *arguments: str) -> None:
    process.run([sys.executable, "-m", "dvc", *arguments, "--quiet"], cwd=root, env=host.variables())


def git(root: Path, *arguments: str) -> None:
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    process.run(["git", *author, *arguments], cwd=root)


@pytest.fixture(scope="session")
def private_dvc(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """No setting and no folder of the machine's own DVC takes part."""
    home = tmp_path_factory.mktemp("dvc-home")
    places = ("GLOBAL_CONFIG", "SYSTEM_CONFIG", "SITE_CACHE")
    return {f"DVC_{place}_DIR": str(home / place) for place in places} | {"DVC_NO_ANALYTICS": "1"}


@pytest.fixture(autouse=True)
def _private(private_dvc: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in private_dvc.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, private_dvc: dict[str, str]) -> Path:
    top = tmp_path_factory.mktemp("made")
    root = top / "repo"
    root.mkdir()
    git(root, "init", "--quiet")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in private_dvc.items():
            patch.setenv(name, value)
        dvc(root, "init")
        for name, data in FILES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        dvc(root, "remote", "add", "-d", "shelf", "../store")
        dvc(root, "add", "data/nist", "data/one.csv")
        dvc(root, "push")
    (root / "plain.txt").write_text("plain\n")
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "data")
    shutil.rmtree(root / "data/nist")
    shutil.rmtree(root / ".dvc/cache")
    shutil.rmtree(root / ".dvc/tmp")
    (root / "data/one.csv").unlink()
    return top


@pytest.fixture
def lab(made: Path, tmp_path: Path) -> Lab:
    """A fresh clone beside a remote of its own, both free to be spoilt."""
    shutil.copytree(made, tmp_path / "lab")
    return Lab(root=tmp_path / "lab/repo", store=tmp_path / "lab/store", files=FILES)
