"""NAR, the archive form of a store path (Nix manual, "Nix Archive Format"): a strict, streaming reader.

A NAR holds names, contents, links and one permission, that to execute; times and owners are not in it.
Equal trees have equal NARs, and the hash of a store path is the SHA-256 of its NAR.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO

from repro.core.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

MAX_NAME = 4096
"""Bytes of a file's name or a link's target."""

MAX_DEPTH = 200
"""Folders within folders."""

MAX_ENTRIES = 5_000_000
"""Files, folders and links in one archive."""

CHUNK = 1 << 20


class Sort(StrEnum):
    """What an entry is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file, folder or link: `offset` and `size` (bytes) say where in the archive its content lies."""

    sort: Sort
    executable: bool = False
    offset: int = 0
    size: int = 0
    sha256: str = ""
    target: str = ""

    @property
    def meaning(self) -> tuple[object, ...]:
        """What two entries must share to be the same, whatever their place in an archive."""
        return (self.sort, self.executable, self.sha256, self.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A NAR read once: its file, its own hash as SRI, and its entries by relative path ("" is the root)."""

    file: Path
    nar_hash: str
    entries: dict[str, Entry]


def read(file: Path) -> Archive:
    """Index the NAR in `file`; FormatError where it is not one."""
    with file.open("rb") as stream:
        reader = _Reader(stream, file.name)
        reader.expect("nix-archive-1")
        reader.node("", 0)
        reader.end()
    return Archive(file=file, nar_hash=sri(reader.hasher.digest()), entries=reader.entries)


def content(archive: Archive, entry: Entry) -> bytes:
    """The bytes of one file of an archive."""
    with archive.file.open("rb") as stream:
        stream.seek(entry.offset)
        return stream.read(entry.size)


def unpack(archive: Archive, folder: Path) -> None:
    """Write an archive's files, folders and links below `folder`, which must not exist; the root becomes it.

    Names were checked when the archive was read, and a folder's entry comes before what is in it, so
    nothing is written through a link.
    """
    for path, entry in archive.entries.items():
        place = folder / path if path else folder
        if entry.sort is Sort.FOLDER:
            place.mkdir(parents=not path)
        elif entry.sort is Sort.LINK:
            place.symlink_to(entry.target)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content(archive, entry))
            place.chmod(0o755 if entry.executable else 0o644)


def sri(digest: bytes) -> str:
    """A SHA-256 as Nix prints it (W3C Subresource Integrity): `sha256-` and base64."""
    return "sha256-" + base64.b64encode(digest).decode()


class _Reader:
    """One pass over an archive; names are kept as text with surrogate escapes."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.stream, self.name = stream, name
        self.hasher = hashlib.sha256()
        self.entries: dict[str, Entry] = {}
        self.at = 0

    def node(self, path: str, depth: int) -> None:
        if depth > MAX_DEPTH or len(self.entries) >= MAX_ENTRIES:
            raise self._wrong("too deep or too many entries")
        self.expect("(", "type")
        sort = self.token()
        if sort == "regular":
            self._file(path)
        elif sort == "symlink":
            self.expect("target")
            self.entries[path] = Entry(sort=Sort.LINK, target=self.token())
            self.expect(")")
        elif sort == "directory":
            self.entries[path] = Entry(sort=Sort.FOLDER)
            self._folder(path, depth)
        else:
            raise self._wrong(f"unknown type {sort!r}")

    def _file(self, path: str) -> None:
        word = self.token()
        executable = word == "executable"
        if executable:
            self.expect("")
            word = self.token()
        if word != "contents":
            raise self._wrong(f"expected contents, found {word!r}")
        size = self._length()
        offset, content = self.at, hashlib.sha256()
        left = size
        while left:
            chunk = self._take(min(left, CHUNK))
            content.update(chunk)
            left -= len(chunk)
        self._padding(size)
        self.expect(")")
        self.entries[path] = Entry(
            sort=Sort.FILE, executable=executable, offset=offset, size=size, sha256=content.hexdigest()
        )

    def _folder(self, path: str, depth: int) -> None:
        last = b""
        while (word := self.token()) != ")":
            if word != "entry":
                raise self._wrong(f"expected entry, found {word!r}")
            self.expect("(", "name")
            name = self.token()
            raw = name.encode(errors="surrogateescape")
            if not name or name in {".", ".."} or "/" in name or "\0" in name or raw <= last:
                raise self._wrong(f"not a name in order: {name!r}")
            last = raw
            self.expect("node")
            self.node(f"{path}/{name}" if path else name, depth + 1)
            self.expect(")")

    def expect(self, *words: str) -> None:
        for word in words:
            found = self.token()
            if found != word:
                raise self._wrong(f"expected {word!r}, found {found!r}")

    def token(self) -> str:
        size = self._length()
        if size > MAX_NAME:
            raise self._wrong(f"a word of {size} bytes")
        word = self._take(size)
        self._padding(size)
        return word.decode(errors="surrogateescape")

    def end(self) -> None:
        if self.stream.read(1):
            raise self._wrong("something follows its end")

    def _length(self) -> int:
        (size,) = struct.unpack("<Q", self._take(8))
        return int(size)

    def _padding(self, size: int) -> None:
        if any(self._take(-size % 8)):
            raise self._wrong("padding that is not zero")

    def _take(self, size: int) -> bytes:
        data = self.stream.read(size)
        if len(data) != size:
            raise self._wrong("ends too early")
        self.hasher.update(data)
        self.at += size
        return data

    def _wrong(self, what: str) -> FormatError:
        return FormatError(f"{self.name}: not a NAR: {what} (near byte {self.at})")
