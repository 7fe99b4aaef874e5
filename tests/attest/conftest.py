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
    """A private key, the file of its password (None for one in the clear), and the public half."""

    private: Path
    password: Path | None
    public: keys.PublicKey

    @property
    def options(self) -> tuple[str, ...]:
        """What names them on the command line."""
        return (
            "--key",
            str(self.private),
            *(("--password-file", str(self.password)) if self.password else ()),
        )


def key_files(folder: Path, name: str = "repro", *, encrypted: bool = False) -> KeyFiles:
    """A new key in a folder."""
    key, password = keys.generate(), None
    if encrypted:
        password = folder / f"{name}.password"
        password.write_text(PASSWORD + "\n")
        password.chmod(0o600)
    keys.write_private(folder / f"{name}.key", key.to_pem(PASSWORD.encode() if encrypted else b""))
    keys.write_public(folder / f"{name}.pub", key.public)
    return KeyFiles(private=folder / f"{name}.key", password=password, public=key.public)


@pytest.fixture
def key(tmp_path: Path) -> KeyFiles:
    """A key in the clear, beside the test's files: to open an encrypted one takes a third of a second."""
    (tmp_path / "keys").mkdir()
    return key_files(tmp_path / "keys")


@pytest.fixture
def locked(tmp_path: Path) -> KeyFiles:
    """An encrypted key, and its password."""
    (tmp_path / "locked").mkdir()
    return key_files(tmp_path / "locked", encrypted=True)
