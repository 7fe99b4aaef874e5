"""Keys in files, and calls of the command line in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from repro.attest import keys
from repro.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a call came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


@pytest.fixture
def repro(capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Calls `repro` in this process; the first argument is the folder to work in."""

    def call(folder: Path, *arguments: str | Path) -> Said:
        capfd.readouterr()
        code = run(["-C", str(folder), *map(str, arguments)])
        out, err = capfd.readouterr()
        return Said(code=code, out=out, err=err)

    return call


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFiles:
    """A private key, encrypted, its password's file, and the public half."""

    private: Path
    password: Path
    public: keys.PublicKey

    @property
    def options(self) -> tuple[str, ...]:
        """What names them on the command line."""
        return ("--key", str(self.private), "--password-file", str(self.password))


def key_files(folder: Path, name: str = "repro") -> KeyFiles:
    """A new key in a folder."""
    key = keys.generate()
    keys.write_private(folder / f"{name}.key", key.to_pem(PASSWORD.encode()))
    keys.write_public(folder / f"{name}.pub", key.public)
    password = folder / f"{name}.password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    return KeyFiles(private=folder / f"{name}.key", password=password, public=key.public)


@pytest.fixture
def key(tmp_path: Path) -> KeyFiles:
    """A key beside the test's files."""
    folder = tmp_path / "keys"
    folder.mkdir()
    return key_files(folder)
