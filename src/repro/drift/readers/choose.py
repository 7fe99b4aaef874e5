"""Which reader reads which file: by suffix, with the content to confirm it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from repro.core.errors import FormatError
from repro.core.strictjson import MAX_BYTES
from repro.drift.readers import jsondoc, jsonlines, npyfile, npzfile, opaque, table, textlog

if TYPE_CHECKING:
    from repro.drift.tree import Tree


class Reader(Protocol):
    """Turns the bytes of one file into a tree.

    `name` names the file in errors. With `printed`, the way numbers were written is kept. Raises FormatError,
    and nothing else, for any bytes that are not of its format.
    """

    def __call__(self, data: bytes, *, name: str, printed: bool) -> Tree:
        """The tree of the file."""
        ...


BY_SUFFIX: dict[str, Reader] = {
    ".json": jsondoc.read,
    ".jsonl": jsonlines.read,
    ".ndjson": jsonlines.read,
    ".csv": table.read_csv,
    ".tsv": table.read_tsv,
    ".npy": npyfile.read,
    ".npz": npzfile.read,
    **dict.fromkeys((".txt", ".log", ".md"), textlog.read),
}


def read(data: bytes, *, name: str, printed: bool = False) -> Tree:
    """The tree of a file from its bytes; `name` decides the format by its suffix.

    A suffix that is not known is text if the bytes are text, and is else compared as a whole. Raises
    FormatError if the bytes are too many, none, or not what the suffix says.
    """
    if len(data) > MAX_BYTES:
        raise FormatError(f"{name}: {len(data)} bytes, more than the {MAX_BYTES} that are read")
    if not data:
        raise FormatError(f"{name}: empty")
    reader = BY_SUFFIX.get(PurePosixPath(name).suffix.lower())
    if reader is None:
        reader = textlog.read if textlog.is_text(data) else opaque.read
    return reader(data, name=name, printed=printed)
