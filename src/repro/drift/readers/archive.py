"""ZIP, tar and compressed files: archives are folders of the files in them, opened in memory and capped."""

from __future__ import annotations

import bz2
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

from repro.core.errors import FormatError
from repro.core.strictjson import MAX_BYTES

if TYPE_CHECKING:
    from repro.drift.readers.form import Data

MAX_MEMBERS: Final = 100_000
MAX_RATIO: Final = 1100
"""Cap on unpacked to packed bytes: Deflate reaches 1032 at most (RFC 1951: 258 bytes for 2 bits)."""

BLOCK: Final = 1 << 20
BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # encrypted; NotImplementedError (unknown compression) is one of them
    ValueError,
    LookupError,
    OverflowError,
    TypeError,
    AttributeError,
)
"""What the standard library raises for archives that are none."""

PACKED = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}


def is_zip(head: bytes) -> bool:
    """Whether a file begins as a ZIP archive, an empty one included."""
    return head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}


def is_tar(head: bytes) -> bool:
    """Whether a file begins as a tar archive of POSIX or GNU."""
    return head[257:262] == b"ustar"


def packing(head: bytes) -> str:
    """The compression of a file, empty if there is none."""
    return next((kind for magic, kind in PACKED.items() if head.startswith(magic)), "")


def unpacked(data: Data, *, name: str) -> bytes:
    """The content of a compressed file; FormatError beyond the caps or if it is broken or truncated."""
    raw = bytes(data)
    kind = packing(raw[:6])
    limit = min(MAX_BYTES, MAX_RATIO * len(raw))
    pieces: list[bytes] = []
    size = 0
    rest = raw
    try:
        while rest:
            machine = _machine(kind)
            while True:
                piece = machine.decompress(rest, BLOCK)
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    raise FormatError(f"{name}: unpacks to more than {limit} bytes")
                if machine.eof:
                    break
                rest = machine.unconsumed_tail if kind == "gz" else b""  # type: ignore[union-attr]
                if not piece and not rest:
                    raise FormatError(f"{name}: truncated")
            rest = machine.unused_data.lstrip(b"\x00")
    except BROKEN as error:
        raise FormatError(f"{name}: not a compressed file: {error}") from error
    return b"".join(pieces)


def _machine(kind: str) -> zlib._Decompress | bz2.BZ2Decompressor | lzma.LZMADecompressor:
    if kind == "gz":
        return zlib.decompressobj(wbits=31)
    return bz2.BZ2Decompressor() if kind == "bz2" else lzma.LZMADecompressor(memlimit=1 << 28)


def members(data: Data, *, name: str) -> dict[str, bytes]:
    """The files of a ZIP or tar archive by name; FormatError for a member that is no plain file in it."""
    raw = bytes(data)
    try:
        found = _from_zip(raw, name) if is_zip(raw[:4]) else _from_tar(raw, name)
    except BROKEN as error:
        raise FormatError(f"{name}: not a readable archive: {error}") from error
    if not found:
        raise FormatError(f"{name}: an archive of nothing")
    return found


def zip_names(data: Data, *, name: str) -> list[str]:
    """The names in a ZIP archive, folders left out."""
    try:
        with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
            return [info.filename for info in archive.infolist() if not info.is_dir()]
    except BROKEN as error:
        raise FormatError(f"{name}: not a readable archive: {error}") from error


class _Caps:
    """What has been taken out of one archive so far."""

    def __init__(self, name: str, packed: int) -> None:
        self.name = name
        self.limit = min(MAX_BYTES, MAX_RATIO * packed)
        self.total = 0
        self.found: dict[str, bytes] = {}

    def check(self, member: str, size: int) -> str:
        """The name of a member that may be read."""
        parts = member.split("/")
        if (
            not member
            or member.startswith("/")
            or ".." in parts
            or set(member) & set("\\\x00")
            or ":" in parts[0]
        ):
            raise FormatError(f"{self.name}: {member[:100]!r} is a name that leaves the folder")
        clean = "/".join(part for part in parts if part not in {"", "."})
        if clean in self.found:
            raise FormatError(f"{self.name}: {clean!r} is given twice")
        if len(self.found) >= MAX_MEMBERS:
            raise FormatError(f"{self.name}: more than {MAX_MEMBERS} files")
        self.total += size
        if self.total > self.limit:
            raise FormatError(f"{self.name}: unpacks to more than {self.limit} bytes")
        return clean


def _from_zip(raw: bytes, name: str) -> dict[str, bytes]:
    caps = _Caps(name, len(raw))
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in {0, stat.S_IFREG}:
                raise FormatError(f"{name}: {info.filename[:100]!r} is no plain file")
            clean = caps.check(info.filename, info.file_size)
            with archive.open(info) as member:
                content = member.read(info.file_size + 1)
            if len(content) != info.file_size:
                raise FormatError(f"{name}: {clean!r} is truncated")
            caps.found[clean] = content
    return caps.found


def _from_tar(raw: bytes, name: str) -> dict[str, bytes]:
    caps = _Caps(name, len(raw))
    with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
        for info in archive:
            if info.isdir():
                continue
            if not info.isreg() or info.issparse():
                raise FormatError(f"{name}: {info.name[:100]!r} is no plain file")
            clean = caps.check(info.name, info.size)
            member = archive.extractfile(info)
            content = member.read() if member is not None else b""
            if len(content) != info.size:
                raise FormatError(f"{name}: {clean!r} is truncated")
            caps.found[clean] = content
    return caps.found
