"""What is verified: an artifact by its digests, taken once from one open descriptor."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import EvidenceError, ReproError
from repro.core.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ALGORITHMS = ("sha256", "sha512")
"""What files are hashed with; npm's statements have sha512 alone."""

WEAK = frozenset({"md5", "md5-dos2unix", "sha1"})
"""Digests that tie no artifact to a statement: two files with the same one can be made."""

MAX_KEPT = 16 << 20
"""Artifacts of up to so many bytes are kept in memory: some signatures are not over a digest."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """An artifact: how it is called, and its digests by algorithm, each of the same bytes.

    `content` are the bytes themselves, None where they are more than `MAX_KEPT` or not at hand.
    """

    name: str
    digests: Mapping[str, str]
    content: bytes | None = None

    @property
    def sha256(self) -> str:
        """Hexadecimal, "" where it is not known."""
        return self.digests.get("sha256", "")


def artifact_of(name: str, digests: Mapping[str, str]) -> Artifact:
    """An artifact known by digests alone. Raises FormatError where one cannot be a digest."""
    return Artifact(name=name, digests=Subject(name=name, digests=digests).digests)


def open_artifact(path: Path) -> Artifact:
    """The artifact in a file, hashed from a descriptor that is opened once.

    Whatever happens to the name `path` afterwards, these are the digests of what was opened; a file that
    changes while it is read is refused. Raises EvidenceError for that, ReproError where it cannot be read.
    """
    try:
        # Without NONBLOCK the opening of a pipe would wait for someone to write.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ReproError(f"{path}: {error.strerror}", hint="name a file that can be read") from error
    try:
        return _hash(descriptor, path)
    finally:
        os.close(descriptor)


def _hash(descriptor: int, path: Path) -> Artifact:
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        raise ReproError(f"{path}: not a file", hint="name a file, or each file of a folder")
    hashers = {algorithm: hashlib.new(algorithm) for algorithm in ALGORITHMS}
    size, kept = 0, bytearray()
    room = min(_CHUNK, before.st_size + 1)
    while chunk := os.read(descriptor, room):
        size += len(chunk)
        if size <= MAX_KEPT:
            kept += chunk
        for hasher in hashers.values():
            hasher.update(chunk)
    after = os.fstat(descriptor)
    was, now = ((one.st_mtime_ns, one.st_ctime_ns) for one in (before, after))
    if size != before.st_size or now != was:
        raise EvidenceError(f"{path}: changed while it was read", hint="verify it when nothing writes to it")
    digests = {algorithm: hasher.hexdigest() for algorithm, hasher in hashers.items()}
    return Artifact(name=path.name, digests=digests, content=bytes(kept) if size <= MAX_KEPT else None)
