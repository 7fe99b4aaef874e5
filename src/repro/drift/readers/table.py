"""CSV and TSV: a table whose columns are leaves; comments above it, and between its rows, are text."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from repro.core.errors import FormatError
from repro.drift.readers.columns import parse
from repro.drift.readers.dialect import IS_COMMA_NUMBER, IS_NUMBER, NUMBER, dialect_of
from repro.drift.readers.form import Data, Format
from repro.drift.readers.textlog import decode
from repro.drift.tree import Array, Empty, Lines, Printed, PrintedFloat, grow, half_unit

if TYPE_CHECKING:
    from repro.drift.pattern import TreePath
    from repro.drift.readers.dialect import Dialect
    from repro.drift.tree import Tree

MAX_COLUMNS: Final = 100_000
HEAD: Final = 1 << 17
"""Bytes from whose lines the dialect and the header of a large table are read."""

INTEGER = r"[ ]*+[-+]?[0-9]{1,4000}+[ ]*+"
ALL_INTEGERS = re.compile(rf"(?:{INTEGER}\n)++")
ALL_NUMBERS = re.compile(rf"(?:(?:{NUMBER})?+\n)++")


def read_csv(data: Data, *, name: str, printed: bool) -> Tree:
    """The columns of a table (RFC 4180); of semicolons, tabs or bars where no comma divides it."""
    return _read(data, name, ",", printed=printed)


def read_tsv(data: Data, *, name: str, printed: bool) -> Tree:
    """The columns of a tab-separated table."""
    return _read(data, name, "\t", printed=printed)


def _read(data: Data, name: str, delimiter: str, *, printed: bool) -> Tree:
    raw = bytes(data)
    if len(raw) > HEAD and not printed:
        # what is plainly numbers is ASCII, and need not be decoded whole
        head = decode(raw[: raw.rfind(b"\n", 0, HEAD) + 1], name)
        fast = _fast(raw, head, dialect_of(head, delimiter))
        if fast is not None:
            return fast
    text = decode(raw, name)
    dialect = dialect_of(text, delimiter)
    rows, between = _parted(_rows(text[dialect.start :], name, dialect), dialect)
    tree = _commented(dialect.comments + between)
    _require_even(rows, name)
    if dialect.decimal_comma:
        rows = [[_with_point(cell) for cell in row] for row in rows]
    paths = _paths(rows[0], name)
    if _is_header(paths):
        rows.pop(0)
    columns = zip(*rows, strict=True) if rows else ((),) * len(paths)
    for path, column in zip(paths, columns, strict=True):
        _put(column, path, tree, printed=printed)
    return tree


def _paths(first: list[str], name: str) -> list[TreePath]:
    """The paths of the columns: the names in a header, or numbers where the first row holds one."""
    if any(IS_NUMBER.fullmatch(cell) for cell in first):
        return [("columns", number) for number in range(len(first))]
    if len(set(first)) < len(first):
        twice = {key for key in first if first.count(key) > 1}
        raise FormatError(f"{name}: column {min(twice)!r} is given twice in the header")
    return [(key,) for key in first]


def _is_header(paths: list[TreePath]) -> bool:
    return isinstance(paths[0][-1], str)


def _commented(comments: tuple[str, ...]) -> Tree:
    return {("#",): Lines(lines=comments)} if comments else {}


def _fast(raw: bytes, text: str, dialect: Dialect) -> Tree | None:
    """The tree of a table of plain numbers, whose beginning is `text`; None if it is none."""
    end = text.find("\n", dialect.start)
    if end < 0 or dialect.decimal_comma or text.count(dialect.delimiter, dialect.start, end) >= MAX_COLUMNS:
        return None
    first = text[dialect.start : end].rstrip("\r").split(dialect.delimiter)
    if any('"' in cell for cell in first) or len(set(first)) < len(first):
        return None
    paths = _paths(first, "")
    start = end + 1 if _is_header(paths) else dialect.start
    columns = parse(raw[len(text[:start].encode()) :], dialect.delimiter, len(first))
    if columns is None:
        return None
    tree = _commented(dialect.comments)
    tree.update((path, Array(values=column)) for path, column in zip(paths, columns, strict=True))
    return tree


def _rows(text: str, name: str, dialect: Dialect) -> list[list[str]]:
    head, _, _ = text.partition("\n")
    if head.count(dialect.delimiter) >= MAX_COLUMNS:
        raise FormatError(f"{name}: more than {MAX_COLUMNS} columns")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter, strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise FormatError(f"{name}: line {reader.line_num}: {error}") from error
    while rows and not rows[-1]:
        rows.pop()
    if not rows:
        raise FormatError(f"{name}: no rows")
    return rows


def _parted(rows: list[list[str]], dialect: Dialect) -> tuple[list[list[str]], tuple[str, ...]]:
    """The rows, and the comments between them: lines that begin with # and are not as wide as the first."""
    width = len(rows[0])
    comments = {
        number: dialect.delimiter.join(row)
        for number, row in enumerate(rows)
        if len(row) != width and row and row[0].startswith("#")
    }
    if not comments:
        return rows, ()
    return [row for number, row in enumerate(rows) if number not in comments], tuple(comments.values())


def _require_even(rows: list[list[str]], name: str) -> None:
    """All rows have the width of the first, or FormatError."""
    width = max(len(rows[0]), 1)
    for number, row in enumerate(rows, start=1):
        if not row and width == 1:
            row.append("")  # a blank line of a single column is a blank cell
        if len(row) != width:
            raise FormatError(f"{name}: row {number} has {len(row)} cells where the first has {width}")


def _with_point(cell: str) -> str:
    return cell.replace(",", ".") if IS_COMMA_NUMBER.fullmatch(cell) else cell


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
        grow([_cell(cell, printed=printed) for cell in column], path, tree)


def _has_float(column: tuple[str, ...]) -> bool:
    return any(not re.fullmatch(INTEGER, cell) for cell in column if cell.strip())


def _cell(cell: str, *, printed: bool) -> int | float | str | None:
    """A cell of a mixed column: numbers stay numbers between blanks and words."""
    if not cell.strip():
        return None
    if re.fullmatch(INTEGER, cell):
        return int(cell)
    if not IS_NUMBER.fullmatch(cell):
        return cell
    return PrintedFloat.of(cell) if printed else float(cell)


CSV = Format(name="CSV", read=read_csv, suffixes=(".csv",))
TSV = Format(name="TSV", read=read_tsv, suffixes=(".tsv", ".tab"))
