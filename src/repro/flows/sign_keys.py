"""`repro keys`: make a pair of keys, say what a key is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.attest import keys
from repro.core.errors import UsageError
from repro.tools.files import disk_errors

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A pair of keys in its two files, and how it is named: in policies, and in bundles."""

    private: Path
    public: Path
    kind: str
    fingerprint: str
    hint: str
    encrypted: bool

    def to_dict(self) -> dict[str, Any]:
        """For the document of `--json`."""
        return {
            "private": str(self.private),
            "public": str(self.public),
            "kind": self.kind,
            "fingerprint": self.fingerprint,
            "hint": self.hint,
            "encrypted": self.encrypted,
        }


def generate(out: Path, *, kind: str, password: bytes) -> Pair:
    """Make a pair: `NAME.key`, which only its owner can read, and `NAME.pub`. Neither may exist.

    `password` is b"" for a private key in the clear.
    """
    private, public = paths(out)
    if taken := next((path for path in (private, public) if path.exists() or path.is_symlink()), None):
        hint = "name another with --out; a key that is lost cannot be made again"
        raise UsageError(f"{taken}: exists already, and is not overwritten", hint=hint)
    made = keys.generate(kind)
    with disk_errors("writing the keys"):
        keys.write_private(private, made.to_pem(password))
        keys.write_public(public, made.public)
    return Pair(
        private=private,
        public=public,
        kind=made.public.kind,
        fingerprint=made.public.fingerprint,
        hint=made.public.hint,
        encrypted=bool(password),
    )


def paths(out: Path) -> tuple[Path, Path]:
    """The private and the public key's file."""
    stem = out.with_suffix("") if out.suffix in {".key", ".pub"} else out
    return stem.with_name(stem.name + ".key"), stem.with_name(stem.name + ".pub")
