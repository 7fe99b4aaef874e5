"""NARs written, to be hashed (Nix manual, "Nix Archive Format"): what lies at a path now."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from typing import TYPE_CHECKING, Protocol

from repro.core.errors import EvidenceError, FormatError

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"nix-archive-1"
"""The word with which every NAR begins."""

CHUNK = 1 << 20
MAX_DEPTH = 200
"""Folders within folders."""


class Sink(Protocol):
    """What takes bytes."""

    def update(self, data: bytes, /) -> None:
        """Take the next ones."""


def nar_sha256(path: Path) -> str:
    """The SHA-256 of a path's NAR, as hexadecimal digits; links are not followed."""
    hasher = hashlib.sha256()
    _text(hasher, MAGIC)
    _node(hasher, path, 0)
    return hasher.hexdigest()


def packed(*words: bytes) -> bytes:
    """Words as a NAR has them: each with its length before it, and filled up to eight bytes."""
    return b"".join([length(len(word)) + word + bytes(-len(word) % 8) for word in words])


def length(size: int) -> bytes:
    """What stands before a word or a file's content of so many bytes."""
    return struct.pack("<Q", size)


def _text(sink: Sink, *words: bytes) -> None:
    sink.update(packed(*words))


def _node(sink: Sink, path: Path, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise FormatError(f"{path}: more than {MAX_DEPTH} folders within each other")
    status = path.lstat()
    _text(sink, b"(", b"type")
    if stat.S_ISLNK(status.st_mode):
        _text(sink, b"symlink", b"target", os.fsencode(path.readlink()))
    elif stat.S_ISREG(status.st_mode):
        _text(sink, b"regular")
        if status.st_mode & stat.S_IXUSR:
            _text(sink, b"executable", b"")
        _text(sink, b"contents")
        _content(sink, path, status.st_size)
    elif stat.S_ISDIR(status.st_mode):
        _text(sink, b"directory")
        for name in sorted(os.fsencode(one.name) for one in path.iterdir()):
            _text(sink, b"entry", b"(", b"name", name, b"node")
            _node(sink, path / os.fsdecode(name), depth + 1)
            _text(sink, b")")
    else:
        raise FormatError(f"{path}: neither a file, a folder nor a link")
    _text(sink, b")")


def _content(sink: Sink, path: Path, size: int) -> None:
    """The bytes of a file, which must stay as many as it said."""
    sink.update(length(size))
    count = 0
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        while chunk := os.read(descriptor, CHUNK):
            count += len(chunk)
            sink.update(chunk)
    finally:
        os.close(descriptor)
    if count != size:
        raise EvidenceError(f"{path}: changed while it was read", hint="verify it when nothing writes to it")
    sink.update(bytes(-size % 8))
