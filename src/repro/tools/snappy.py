"""Raw blocks of Snappy, in which GitHub stores bundles: no frame, no checksum, the size stands in front.

Own code, for none of the libraries that are here anyway reads them, and the format is small (google/snappy,
format_description.txt, whose sections are named).
"""

from __future__ import annotations

from repro.core.errors import CapError, FormatError

MAX_PREAMBLE = 5
"""Bytes of the size, of seven bits each (section 1)."""

LONG = 60
"""Literals from this many bytes on have their length behind the tag (section 2.1)."""


def decompress(data: bytes, *, name: str, max_bytes: int) -> bytes:
    """What a block holds. Raises FormatError for what is none, CapError for one of more than `max_bytes`.

    The size is looked at first, and no more than it says is ever made.
    """
    size, at = _preamble(data, name)
    if size > max_bytes:
        raise CapError(f"{name}: {size} bytes when decompressed; {max_bytes} are read")
    if len(data) > longest(size):
        raise CapError(f"{name}: {len(data)} bytes of Snappy for {size}")
    out = bytearray()
    while at < len(data):
        at, length, piece = _copy(data, at, out) if data[at] & 3 else _literal(data, at)
        if at > len(data) or len(piece) != length or len(out) + length > size:
            raise _wrong(name)
        out += piece
    if len(out) != size:
        raise _wrong(name)
    return bytes(out)


def longest(size: int) -> int:
    """Bytes that `size` bytes take at most: what no encoder exceeds (google/snappy, MaxCompressedLength)."""
    return 32 + size + size // 6


def _preamble(data: bytes, name: str) -> tuple[int, int]:
    """The size of what a block holds, and where its elements begin."""
    size = 0
    for at, byte in enumerate(data[:MAX_PREAMBLE]):
        size |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:  # noqa: PLR2004 - the last one
            return size, at + 1
    raise _wrong(name)


def _literal(data: bytes, at: int) -> tuple[int, int, bytes]:
    """Bytes as they are (section 2.1): where the next element begins, how many they are, and they."""
    length = (data[at] >> 2) + 1
    at += 1
    if length > LONG:
        behind = at + length - LONG
        length = int.from_bytes(data[at:behind], "little") + 1
        at = behind
    return at + length, length, data[at : at + length]


def _copy(data: bytes, at: int, out: bytearray) -> tuple[int, int, bytes]:
    """Bytes that were there before (section 2.2), again and again where they are fewer than the length."""
    tag = data[at]
    behind = at + (2, 3, 5)[(tag & 3) - 1]
    length, offset = (tag >> 2) + 1, int.from_bytes(data[at + 1 : behind], "little")
    if tag & 3 == 1:
        length, offset = 4 + (tag >> 2 & 7), offset | (tag >> 5) << 8
    if not 0 < offset <= len(out):
        return behind, length, b""
    start = len(out) - offset
    piece = bytes(out[start : start + length])
    return behind, length, piece if len(piece) == length else (piece * length)[:length]


def _wrong(name: str) -> FormatError:
    return FormatError(f"{name}: not a block of Snappy, or damaged", hint="fetch it again")
