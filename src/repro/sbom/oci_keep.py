"""What is remembered of a file when a layer passes by: its hash, and bytes that tell about packages."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.sbom.elf import is_candidate, sections
from repro.tools.archive import CHUNK

if TYPE_CHECKING:
    from repro.tools.archive import Member, Stream

MAX_KEPT = 512 << 20
"""Bytes kept of all files together."""

MAX_PROGRAM = 128 << 20
"""Bytes of a program that is held while its sections are looked at; a larger one is not opened."""

MAX_SCRIPT = 1 << 20
"""Bytes of a script, kept because its first line names the place of an interpreter."""

HEAD = 4
ELF = b"\x7fELF"
SCRIPT = b"#!"

DATABASE, FILE, TEXT = 64 << 20, 32 << 20, 512 << 10

WHOLE = (
    (re.compile(r"var/lib/dpkg/status|(?:usr/)?lib/apk/db/installed"), DATABASE),
    (re.compile(r"var/lib/dpkg/(?:status\.d/[^/]+|info/[^/]+\.list)"), FILE),
    (re.compile(r"(?:.*/)?[^/]+\.(?:dist|egg)-info(?:/.*)?", re.DOTALL), FILE),
    (re.compile(r"(?:etc|usr/lib)/os-release|usr/share/doc/[^/]+/copyright"), TEXT),
)
"""Files that are kept whole, by their paths, if they have at most so many bytes."""


@dataclass(frozen=True, slots=True)
class Windows:
    """The parts of a program that hold its list of packages, by their start and length.

    `opened` is False of a program that is too large to be looked into.
    """

    parts: dict[tuple[int, int], bytes]
    opened: bool = True


UNOPENED = Windows({}, opened=False)


def hash_rest(hasher: hashlib._Hash, content: Stream) -> None:
    """All that is left of a content, into a hash and nowhere else."""
    while part := content.read(CHUNK):
        hasher.update(part)


class Keeper:
    """Looks at each file once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.left = MAX_KEPT

    def look(self, member: Member, content: Stream) -> tuple[bytes, bytes | Windows | None]:
        """The SHA-256 of a file's bytes, and what is kept of them."""
        hasher = hashlib.sha256()
        head = content.read(HEAD)
        while head and len(head) < HEAD and (more := content.read(HEAD - len(head))):
            head += more
        hasher.update(head)
        program = head == ELF and is_candidate(member.path)
        keep = _whole(member, head)
        if program and member.size > MAX_PROGRAM and not keep:
            hash_rest(hasher, content)
            return hasher.digest(), UNOPENED
        parts = [head]
        while part := content.read(CHUNK):
            hasher.update(part)
            if keep or program:
                parts.append(part)
        kept = b"".join(parts) if keep else _windows(member.path, b"".join(parts)) if program else None
        self._count(kept)
        return hasher.digest(), kept

    def _count(self, kept: bytes | Windows | None) -> None:
        if isinstance(kept, Windows):
            self.left -= sum(map(len, kept.parts.values()))
        elif kept is not None:
            self.left -= len(kept)
        if self.left < 0:
            raise FormatError(f"{self.name}: more than {MAX_KEPT} bytes of files that tell about packages")


def _whole(member: Member, head: bytes) -> bool:
    if member.executable and head.startswith(SCRIPT):
        return member.size <= MAX_SCRIPT
    return any(member.size <= limit and pattern.fullmatch(member.path) for pattern, limit in WHOLE)


def _windows(path: str, data: bytes) -> Windows | None:
    program = _Program(data)
    return Windows(program.asked) if any(True for _ in sections(program, path)) else None


class _Program:
    """One file, which remembers what parts of it were asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: dict[tuple[int, int], bytes] = {}

    def window(self, _path: str, start: int, size: int) -> bytes:
        part = self.data[start : start + size]
        self.asked[start, size] = part
        return part
