"""Files below one root, wherever they are: on a disk, in a wheel, in the layers of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from repro.core.digest import Digest


class Tree(Protocol):
    """Regular files by their POSIX path below the root; no path is absolute or holds `..`."""

    def paths(self) -> Iterable[str]:
        """Every regular file, sorted."""

    def read(self, path: str, limit: int) -> bytes:
        """A file's bytes; FormatError where it has more than `limit` of them."""

    def sha256(self, path: str) -> Digest:
        """The SHA-256 of a file's bytes, streamed."""


@runtime_checkable
class Windowed(Protocol):
    """What a tree may offer beside: parts of a file, without all that stands before them."""

    def window(self, path: str, start: int, size: int) -> bytes:
        """At most `size` bytes from `start` on; fewer where the file ends before."""


@runtime_checkable
class Hashing(Protocol):
    """What a tree may offer beside: the digests of many files in less time than one by one."""

    def digests(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The SHA-256 of each file's bytes."""
