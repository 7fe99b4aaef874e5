"""Bytes in a format that is not known here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core import digest
from repro.drift.tree import Opaque

if TYPE_CHECKING:
    from repro.drift.tree import Tree


def read(data: bytes, *, name: str, printed: bool) -> Tree:  # noqa: ARG001 - the signature of every reader
    """One leaf: the digest of the bytes."""
    return {(): Opaque(digest=digest.of_bytes(data), size=len(data))}
