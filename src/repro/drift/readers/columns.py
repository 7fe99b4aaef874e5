"""Columns of plain numbers at the speed of a library: pyarrow where it is installed, else numpy's own parser.

Both take only what the slow reader takes too, and give the same columns; anything else is left to it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL: Final = 1 << 16
"""Bytes below which the slow reader is fast enough."""

WORTH_ARROW: Final = 1 << 23
"""Bytes from which pyarrow is worth its import, a quarter of a second."""

CHARACTERS: Final = b"0123456789+-.eE \r\n"
"""What numbers but NaN and infinity are written with; it keeps every parser to the one grammar."""

BLOCK: Final = 1 << 22
EXACT: Final = 1 << 53
"""Integers below this are exact as doubles."""

Columns = list["NDArray[Any]"]


def parse(body: bytes, delimiter: str, width: int) -> Columns | None:
    """The columns of a table without header, int64 or float64; None if it is not plainly one of numbers."""
    if len(body) < SMALL or not 0 < width < len(body):
        return None
    if body.translate(None, CHARACTERS + delimiter.encode()):
        return None
    if body[-1:] != b"\n" or body[-2:-1] in {b"\r", b"\n"}:
        body = body.rstrip(b"\r\n") + b"\n"
    if len(body) >= WORTH_ARROW:
        columns = _by_arrow(body, delimiter, width)
        if columns is not None:
            return columns
    return _by_numpy(body, delimiter, width)


def _by_arrow(body: bytes, delimiter: str, width: int) -> Columns | None:
    try:
        import pyarrow as pa
        from pyarrow import csv
    except ImportError:
        return None
    read = csv.ReadOptions(column_names=[str(n) for n in range(width)], block_size=BLOCK)
    parse_options = csv.ParseOptions(delimiter=delimiter, ignore_empty_lines=False)
    convert = csv.ConvertOptions(null_values=[], strings_can_be_null=False)
    try:
        table = csv.read_csv(pa.py_buffer(body), read, parse_options, convert)
    except pa.ArrowException:
        return None
    kinds = {pa.int64(): np.int64, pa.float64(): np.float64}
    if any(column.type not in kinds or column.null_count for column in table.columns):
        return None
    return [column.to_numpy() for column in table.columns]


def _by_numpy(body: bytes, delimiter: str, width: int) -> Columns | None:
    body = body.replace(b"\r\n", b"\n")
    rows = _rows(body, delimiter, width)
    if rows is None:
        return None
    text = body[:-1].replace(b"\n", delimiter.encode())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            flat = np.fromstring(text, dtype=np.float64, sep=delimiter)
    except (ValueError, DeprecationWarning, OverflowError):
        return None
    if flat.size != rows * width:
        return None
    return _typed(flat.reshape(rows, width), body, delimiter)


def _rows(body: bytes, delimiter: str, width: int) -> int | None:
    """The number of rows, if all have `width` cells and none is blank."""
    raw = np.frombuffer(body, dtype=np.uint8)
    sign = ord(delimiter)
    rows = 0
    at = 0
    while at < len(body):
        end = body.rfind(b"\n", at, at + BLOCK) + 1 or body.find(b"\n", at) + 1
        block = raw[at:end]
        marks = block[(block == sign) | (block == 10)]  # noqa: PLR2004 - line feed
        if marks.size % width or not (marks.reshape(-1, width)[:, :-1] == sign).all():
            return None
        if not (marks[width - 1 :: width] == 10).all():  # noqa: PLR2004 - line feed
            return None
        rows += marks.size // width
        at = end
    return rows


def _typed(values: NDArray[np.float64], body: bytes, delimiter: str) -> Columns | None:
    """Columns whose cells all lack a point and an exponent are integers."""
    real = _columns_of(body, delimiter, values.shape[1])
    columns: Columns = []
    for number in range(values.shape[1]):
        column = np.ascontiguousarray(values[:, number])
        if real[number]:
            columns.append(column)
        elif np.abs(column).max() < EXACT:
            columns.append(column.astype(np.int64))
        else:
            return None
    return columns


def _columns_of(body: bytes, delimiter: str, width: int) -> NDArray[np.bool_]:
    """Which columns have a cell with a point or an exponent."""
    found = np.zeros(width, dtype=np.bool_)
    raw = np.frombuffer(body, dtype=np.uint8)
    at = 0
    while at < len(body) and not found.all():
        end = body.rfind(b"\n", at, at + BLOCK) + 1 or body.find(b"\n", at) + 1
        block = raw[at:end]
        ends = np.flatnonzero((block == ord(delimiter)) | (block == 10))  # noqa: PLR2004 - line feed
        lower = block | 0x20
        signs = np.flatnonzero((block == ord(".")) | (lower == ord("e")))
        found[np.searchsorted(ends, signs) % width] = True
        at = end
    return found
