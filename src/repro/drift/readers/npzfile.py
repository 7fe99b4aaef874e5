"""NPZ: a ZIP archive of NPY files."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.core.strictjson import MAX_BYTES
from repro.drift.readers import npyfile
from repro.drift.readers.form import Data, Format

if TYPE_CHECKING:
    from repro.drift.tree import Tree

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # encrypted; NotImplementedError (unknown compression) is one of them
    ValueError,
    LookupError,
)
"""What `zipfile` raises for archives that are none."""


def read(data: Data, *, name: str, printed: bool) -> Tree:  # noqa: ARG001 - the signature of every reader
    """The arrays, each under its name."""
    tree: Tree = {}
    for member, content in _members(bytes(data), name):
        array = npyfile.array_of(content, name=f"{name}: {member}.npy")
        npyfile.place(array, (member,), tree, name=f"{name}: {member}.npy")
    return tree


def _members(data: bytes, name: str) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            _require_sane(infos, name)
            return [(info.filename.removesuffix(".npy"), _content(archive, info, name)) for info in infos]
    except BROKEN as error:
        raise FormatError(f"{name}: not an NPZ archive: {error}") from error


def _require_sane(infos: list[zipfile.ZipInfo], name: str) -> None:
    """Before anything is unpacked: names once, arrays only, and not more bytes than are read of any file."""
    names = [info.filename for info in infos]
    if not names:
        raise FormatError(f"{name}: an archive of nothing")
    if len(set(names)) < len(names):
        raise FormatError(f"{name}: an array is given twice")
    strange = next((member for member in names if not member.endswith(".npy")), None)
    if strange is not None:
        raise FormatError(f"{name}: {strange!r} in the archive is no array")
    if sum(info.file_size for info in infos) > MAX_BYTES:
        raise FormatError(f"{name}: unpacks to more than the {MAX_BYTES} bytes that are read")


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    with archive.open(info) as member:
        # zipfile stops at the declared size and checks the CRC there
        content = member.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise FormatError(f"{name}: {info.filename!r} is truncated")
    return content


FORMAT = Format(name="NPZ", read=read, suffixes=(".npz",))
