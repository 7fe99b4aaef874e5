"""CSV and TSV: a table whose columns are leaves."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import numpy as np

from repro.core.errors import FormatError
from repro.drift.readers.textlog import decode
from repro.drift.tree import Array, Empty, Printed, grow, half_unit

if TYPE_CHECKING:
    from repro.drift.pattern import TreePath
    from repro.drift.tree import Tree

# possessive quantifiers: a column is matched in one pass, and never again from another split
INTEGER = r"[ ]*+[-+]?[0-9]{1,4000}+[ ]*+"
NUMBER = (
    r"[ ]*+[-+]?(?:(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+|(?i:nan|inf(?:inity)?+))[ ]*+"
)
IS_NUMBER = re.compile(NUMBER)
ALL_INTEGERS = re.compile(rf"(?:{INTEGER}\n)++")
ALL_NUMBERS = re.compile(rf"(?:(?:{NUMBER})?+\n)++")


def read_csv(data: bytes, *, name: str, printed: bool) -> Tree:
    """The columns of a comma-separated table (RFC 4180)."""
    return _read(data, name, printed, ",")


def read_tsv(data: bytes, *, name: str, printed: bool) -> Tree:
    """The columns of a tab-separated table."""
    return _read(data, name, printed, "\t")


def _read(data: bytes, name: str, printed: bool, delimiter: str) -> Tree:  # noqa: FBT001 - inner helper
    rows = _rows(decode(data, name), name, delimiter)
    paths: list[TreePath]
    if any(IS_NUMBER.fullmatch(cell) for cell in rows[0]):
        paths = [("columns", number) for number in range(len(rows[0]))]
    else:
        header = rows.pop(0)
        twice = {key for key in header if header.count(key) > 1} if len(set(header)) < len(header) else set()
        if twice:
            raise FormatError(f"{name}: column {min(twice)!r} is given twice in the header")
        paths = [(key,) for key in header]
    tree: Tree = {}
    columns = zip(*rows, strict=True) if rows else ((),) * len(paths)
    for path, column in zip(paths, columns, strict=True):
        _put(column, path, tree, printed=printed)
    return tree


def _rows(text: str, name: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise FormatError(f"{name}: line {reader.line_num}: {error}") from error
    while rows and not rows[-1]:
        rows.pop()
    if not rows:
        raise FormatError(f"{name}: no rows")
    width = max(len(rows[0]), 1)
    for number, row in enumerate(rows, start=1):
        if not row and width == 1:
            row.append("")  # a blank line of a single column is a blank cell
        if len(row) != width:
            raise FormatError(f"{name}: row {number} has {len(row)} cells where the first has {width}")
    return rows


def _put(column: tuple[str, ...], path: TreePath, tree: Tree, *, printed: bool) -> None:
    """A column of integers or floats becomes an array, blank cells of floats NaN; any other stays text."""
    if not column:
        tree[path] = Empty(kind="list")
        return
    # a quoted cell may hold a line break, which separates cells here: it is no number
    text = "\n".join([*column, ""]) if not any("\n" in cell for cell in column) else ""
    if ALL_INTEGERS.fullmatch(text):
        grow([int(cell) for cell in column], path, tree)
    elif ALL_NUMBERS.fullmatch(text) and _has_float(column):
        values = np.array([float(cell) if cell.strip() else np.nan for cell in column])
        units = np.array([half_unit(cell) if cell.strip() else 0.0 for cell in column]) if printed else None
        tree[path] = Array(values=values, printed=Printed(half_units=units))
    else:
        grow([_cell(cell) for cell in column], path, tree)


def _has_float(column: tuple[str, ...]) -> bool:
    return any(not re.fullmatch(INTEGER, cell) for cell in column if cell.strip())


def _cell(cell: str) -> int | str | None:
    """A cell of a mixed column: integers stay exact between blanks and words."""
    if not cell.strip():
        return None
    return int(cell) if re.fullmatch(INTEGER, cell) else cell
