"""Compressed bytes as a stream of what they hold: capped in size and ratio, refused where they are cut."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.tools.archive import CAPS

if TYPE_CHECKING:
    from repro.tools.archive import Caps, Stream

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz"}

GZIP_BITS = 16 + zlib.MAX_WBITS
"""A gzip header and the largest window (zlib manual, inflateInit2)."""

INPUT = 1 << 18
"""Compressed bytes read at a time."""

MAX_WINDOW = 128 << 20
"""Memory that a zstd frame may ask for: that of `zstd --long=27`, the most that `zstd -d` grants."""


def decompressed(stream: Stream, *, name: str, caps: Caps = CAPS) -> Stream:
    """What `stream` holds, by its first bytes: gzip, zstd, or the bytes as they are.

    Raises FormatError, at once or while it is read, for bzip2 and xz, which no image uses, for data that is
    damaged or cut, and for more than `caps` allow.
    """
    source = _Peeked(stream)
    head = source.peek(6)
    if head.startswith(GZIP):
        return _Capped(_Gzip(source, name), source, name, caps)
    if head.startswith(ZSTD):
        return _Capped(_Zstd(source, name), source, name, caps)
    for magic, form in OTHERS.items():
        if head.startswith(magic):
            raise FormatError(f"{name}: compressed by {form}", hint="gzip, zstd and plain archives are read")
    return source


class _Peeked:
    """A stream whose first bytes were looked at; counts what was read."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.head = b""
        self.count = 0

    def peek(self, size: int) -> bytes:
        """The first bytes, which stay to be read."""
        while len(self.head) < size and (part := self.stream.read(size - len(self.head))):
            self.head += part
        return self.head

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        if self.head:
            data, self.head = self.head[:size], self.head[size:]
        else:
            data = self.stream.read(size)
        self.count += len(data)
        return data


class _Gzip:
    """The members of a gzip file (RFC 1952), one after the other; zlib checks lengths and CRCs."""

    def __init__(self, source: _Peeked, name: str) -> None:
        self.source, self.name = source, name
        self.engine = zlib.decompressobj(wbits=GZIP_BITS)

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        while True:
            if self.engine.eof:
                fed = self.engine.unused_data.lstrip(b"\0") or self._behind()
                if not fed:
                    return b""
                self.engine = zlib.decompressobj(wbits=GZIP_BITS)
            else:
                fed = self.engine.unconsumed_tail or self.source.read(INPUT)
            try:
                data = self.engine.decompress(fed, size)
            except zlib.error as error:
                raise FormatError(f"{self.name}: not gzip: {error}", hint="fetch it again") from error
            if data:
                return data
            if not fed and not self.engine.eof:
                raise FormatError(f"{self.name}: gzip that ends too early", hint="fetch it again")

    def _behind(self) -> bytes:
        """What follows a member; zeros are padding, as for GNU gzip."""
        while part := self.source.read(INPUT):
            if rest := part.lstrip(b"\0"):
                return rest
        return b""


class _Zstd:
    """The frames of a zstd file (RFC 8878).

    The library does not say whether the last frame was whole: an archive has a mark of its end inside, and an
    image a digest of what its layers hold.
    """

    def __init__(self, source: _Peeked, name: str) -> None:
        import zstandard

        self.name, self.wrong = name, zstandard.ZstdError
        engine = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        self.reader = engine.stream_reader(source, read_size=INPUT, read_across_frames=True)  # type: ignore[arg-type]

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        try:
            return self.reader.read(size)
        except self.wrong as error:
            raise FormatError(f"{self.name}: not zstd: {error}", hint="fetch it again") from error


class _Capped:
    """A decompressed stream that ends with an error once it is a bomb."""

    def __init__(self, stream: Stream, source: _Peeked, name: str, caps: Caps) -> None:
        self.stream, self.source, self.name, self.caps = stream, source, name, caps
        self.count = 0

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        data = self.stream.read(size)
        self.count += len(data)
        if self.count > self.caps.total:
            raise FormatError(f"{self.name}: more than {self.caps.total} bytes when decompressed")
        if self.count > self.caps.free and self.count > self.caps.ratio * self.source.count:
            raise FormatError(
                f"{self.name}: {self.count} bytes out of {self.source.count}, over {self.caps.ratio} times",
                hint="this is a decompression bomb, or a file of zeros that nobody meant to ship",
            )
        return data
