"""Zip archives (wheels) through the capped door: their members, and each one's bytes as a stream."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from repro.core.errors import FormatError
from repro.tools.archive import CAPS, Member, Sort, inside, whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from repro.tools.archive import Caps, Stream

MAX_DIRECTORY = 64 << 20
"""Bytes that are read in one piece: the central directory is."""

ENCRYPTED = 0x1
"""The flag of a member that only a password opens (APPNOTE.TXT, section 4.4.4)."""

METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""What a wheel uses; Python reads the other methods with no bound on memory."""


class Zip:
    """An open zip: its members by path, each read on its own."""

    def __init__(self, archive: zipfile.ZipFile, infos: dict[str, tuple[Member, zipfile.ZipInfo]]) -> None:
        self._archive, self._infos = archive, infos

    @property
    def members(self) -> dict[str, Member]:
        """What is in the zip, in the order of its directory."""
        return {path: member for path, (member, _) in self._infos.items()}

    @contextmanager
    def opened(self, path: str) -> Iterator[Stream]:
        """One member's bytes; its CRC is checked at its end."""
        name = str(self._archive.filename)
        with _complaints(name):
            stream = self._archive.open(self._infos[path][1])
        with stream:
            yield _Checked(stream, name)

    def read(self, path: str, limit: int) -> bytes:
        """One member's bytes; FormatError where it has more than `limit`."""
        with self.opened(path) as stream:
            return whole(stream, limit, name=path)


@contextmanager
def opened_zip(file: Path, caps: Caps = CAPS) -> Iterator[Zip]:
    """The zip in `file`; FormatError for what is damaged, too much, encrypted, or leads out of it."""
    with file.open("rb") as raw:
        with _complaints(file.name):
            archive = zipfile.ZipFile(_Bounded(raw, file.name))
        archive.filename = file.name
        with archive:
            yield Zip(archive, _checked(archive.infolist(), file, caps))


class _Checked:
    """A member's bytes, with complaints in the house's words."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self.stream, self.name = stream, name

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        with _complaints(self.name):
            return self.stream.read(size)


def _checked(
    infos: list[zipfile.ZipInfo], file: Path, caps: Caps
) -> dict[str, tuple[Member, zipfile.ZipInfo]]:
    if len(infos) > caps.members:
        raise FormatError(f"{file.name}: {len(infos)} members, more than {caps.members}")
    stated = sum(info.file_size for info in infos)
    packed = file.stat().st_size
    if stated > caps.total or (stated > caps.free and stated > caps.ratio * packed):
        raise FormatError(
            f"{file.name}: {stated} bytes out of {packed}",
            hint="this is a decompression bomb: do not unpack it",
        )
    found: dict[str, tuple[Member, zipfile.ZipInfo]] = {}
    for info in infos:
        member = _member(info, file.name, caps)
        if member.path in found:
            raise FormatError(f"{file.name}: {member.path!r} is there twice")
        found[member.path] = member, info
    return found


def _member(info: zipfile.ZipInfo, name: str, caps: Caps) -> Member:
    if info.flag_bits & ENCRYPTED or info.compress_type not in METHODS:
        raise FormatError(f"{name}: {info.filename[:200]!r} is encrypted or packed by an unusual method")
    mode = info.external_attr >> 16
    if info.is_dir():
        sort = Sort.FOLDER
    elif stat.S_ISLNK(mode):
        sort = Sort.SYMLINK
    else:
        sort = Sort.FILE if stat.S_IFMT(mode) in {0, stat.S_IFREG} else Sort.OTHER
    return Member(
        path=inside(info.orig_filename, name=name, caps=caps),
        sort=sort,
        size=info.file_size,
        executable=bool(mode & stat.S_IXUSR),
    )


class _Bounded:
    """A file for `zipfile` of which no single read takes more than `MAX_DIRECTORY`."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.file, self.name = file, name
        self.seek, self.tell = file.seek, file.tell
        self.size = os.fstat(file.fileno()).st_size

    def seekable(self) -> bool:
        """A zip is read from its end."""
        return True

    def read(self, size: int = -1) -> bytes:
        """What is asked for, up to the cap."""
        wanted = self.size - self.tell() if size < 0 else size
        if wanted > MAX_DIRECTORY:
            raise FormatError(f"{self.name}: a directory of {wanted} bytes, more than {MAX_DIRECTORY}")
        return self.file.read(wanted)


@contextmanager
def _complaints(name: str) -> Iterator[None]:
    """What zipfile raises on damaged or hostile archives, as FormatError."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OverflowError,
    ) as error:
        raise FormatError(f"{name}: not a whole zip: {error}", hint="fetch it again") from error
