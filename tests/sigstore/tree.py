"""The Merkle tree of RFC 6962, section 2.1: its head and its inclusion proofs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of an entry."""
    return hashlib.sha256(b"\0" + leaf).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two below the size."""
    return 1 << (size - 1).bit_length() - 1


def head(hashes: Sequence[bytes]) -> bytes:
    """The tree's head over the hashes of its leaves."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    middle = _split(len(hashes))
    return _node(head(hashes[:middle]), head(hashes[middle:]))


def proof(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    """The hashes that lead from one leaf to the head."""
    if len(hashes) == 1:
        return []
    middle = _split(len(hashes))
    if index < middle:
        return [*proof(index, hashes[:middle]), head(hashes[middle:])]
    return [*proof(index - middle, hashes[middle:]), head(hashes[:middle])]
