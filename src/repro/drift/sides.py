"""The files of one side of a comparison: a folder's or an archive's. Only here this room opens files."""

from __future__ import annotations

import mmap
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

import numpy as np

from repro.core.errors import FormatError
from repro.drift.readers.form import MAPPED

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from repro.drift.readers.form import Data

WORTH_MAPPING: Final = 1 << 20
"""Bytes from which a file is mapped and not read."""

BLOCK: Final = 1 << 16
"""Words of 8 bytes that are compared at a time."""

MAX_FILES: Final = 1_000_000


class Side(Protocol):
    """Files by name."""

    @property
    def names(self) -> AbstractSet[str]:
        """All of them."""
        ...

    def data(self, name: str, shown: str) -> Data:
        """The content of one; FormatError calls it `shown`."""
        ...


class Folder:
    """All files below a folder.

    FormatError for a link that leaves it or leads to a folder. `shown` stands before a name in errors: an
    observation is named in reports, which do not depend on where it lies.
    """

    def __init__(self, root: Path, shown: str) -> None:
        self.root = root
        self.names = files(root, shown)

    def data(self, name: str, shown: str) -> Data:
        """The content of one file, mapped if it is large."""
        return content(self.root / name, shown)


class Members:
    """The files in an archive, in memory."""

    def __init__(self, found: dict[str, bytes]) -> None:
        self._found = found
        self.names = found.keys()

    def data(self, name: str, shown: str) -> Data:  # noqa: ARG002 - the signature of every side
        """The content of one file."""
        return self._found[name]


def content(path: Path, shown: str) -> Data:
    """The content of a regular file; anything else is a FormatError that calls it `shown`."""
    try:
        # not blocking: opening a pipe would wait for its writer
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise FormatError(f"{shown}: not a regular file")
            if status.st_size > MAPPED:
                raise FormatError(f"{shown}: more than the {MAPPED} bytes that are read")
            if status.st_size >= WORTH_MAPPING:
                return memoryview(mmap.mmap(file.fileno(), status.st_size, access=mmap.ACCESS_READ))
            return file.read(WORTH_MAPPING)
    except OSError as error:
        raise FormatError(f"{shown}: cannot be read: {error.strerror}") from error


def same_bytes(one: Data, other: Data) -> bool:
    """Whether two files hold the same; stops at the first block that differs."""
    if len(one) != len(other):
        return False
    words = len(one) // 8 * 8
    if bytes(one[words:]) != bytes(other[words:]):
        return False
    a, b = (np.frombuffer(side, dtype=np.uint64, count=words // 8) for side in (one, other))
    return all(np.array_equal(a[at : at + BLOCK], b[at : at + BLOCK]) for at in range(0, len(a), BLOCK))


def files(root: Path, shown: str) -> set[str]:
    """Names of all files below `root`, as `Folder` holds them."""
    names: set[str] = set()
    for folder, folders, found in os.walk(root, onerror=_unreadable):
        here = Path(folder)
        for name in folders:
            if (here / name).is_symlink():
                at = shown + (here / name).relative_to(root).as_posix()
                raise FormatError(f"{at}: a link to a folder is not followed", hint="copy the folder")
        for name in found:
            at = (here / name).relative_to(root).as_posix()
            if (here / name).is_symlink():
                require_inside(root, here / name, shown + at)
            names.add(at)
        if len(names) > MAX_FILES:
            raise FormatError(f"{shown}: more than {MAX_FILES} files")
    return names


def _unreadable(error: OSError) -> NoReturn:
    raise FormatError(f"{error.filename}: cannot be listed: {error.strerror}") from error


def require_inside(root: Path, path: Path, shown: str) -> None:
    """Refuse a path that a link leads out of `root`."""
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError) as error:
        raise FormatError(f"{shown}: a link that leads in a circle") from error
    if not inside:
        raise FormatError(f"{shown}: a link that leaves its folder", hint="copy the file it points to")


def sort_of(path: Path) -> str:
    """What is at a path, for a report: `missing`, `a folder` or `a file`."""
    if not os.path.lexists(path):
        return "missing"
    return "a folder" if path.is_dir() else "a file"


def printable(name: str) -> str:
    """A file name as text: bytes of it that are not UTF-8 are escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
