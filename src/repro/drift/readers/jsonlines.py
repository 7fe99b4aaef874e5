"""JSON Lines: one document per line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.drift.readers import jsondoc
from repro.drift.readers.form import Data, Format
from repro.drift.tree import grow

if TYPE_CHECKING:
    from repro.drift.tree import Tree


def read(data: Data, *, name: str, printed: bool) -> Tree:
    """The tree of the list of all lines; the last line may end with the file."""
    lines = bytes(data).split(b"\n")
    if not lines[-1]:
        lines.pop()
    values = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise FormatError(f"{name}: line {number} is blank", hint="every line holds one JSON value")
        values.append(jsondoc.value(line, name=f"{name} line {number}", printed=printed))
    tree: Tree = {}
    grow(values, (), tree)
    return tree


FORMAT = Format(name="JSON Lines", read=read, suffixes=(".jsonl", ".ndjson"))
