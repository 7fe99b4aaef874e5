"""Bytes in a format that is not known here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core import digest
from repro.core.errors import FormatError
from repro.drift.readers.form import MAPPED, Data, Format
from repro.drift.tree import Opaque

if TYPE_CHECKING:
    from typing import NoReturn

    from repro.drift.tree import Tree


def read(data: Data, *, name: str, printed: bool) -> Tree:  # noqa: ARG001 - the signature of every reader
    """One leaf: the digest of the bytes."""
    return {(): Opaque(digest=digest.of_bytes(data), size=len(data))}


def refuse_pickle(data: Data, *, name: str, printed: bool) -> NoReturn:  # noqa: ARG001 - a reader's signature
    """A pickle is a program: FormatError, unread."""
    raise FormatError(
        f"{name}: a pickle, which is never opened", hint="save plain numbers: NPY, NPZ, HDF5, JSON"
    )


FORMAT = Format(name="bytes", read=read, max_bytes=MAPPED)
PICKLE = Format(
    name="pickle",
    read=refuse_pickle,
    suffixes=(".pickle", ".pkl"),
    magic=tuple((0, bytes([0x80, version])) for version in (2, 3, 4, 5)),
    max_bytes=MAPPED,
)
