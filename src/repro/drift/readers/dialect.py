"""How a table is written: its delimiter, its decimal mark, the comments above it and its header."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

DELIMITERS: Final = (",", ";", "\t", "|")
SAMPLE: Final = 20
"""Lines by which a delimiter is chosen."""

SAMPLE_CHARS: Final = 1 << 16

# possessive quantifiers: a column is matched in one pass, and never again from another split
NUMBER: Final = (
    r"[ ]*+[-+]?(?:(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+|(?i:nan|inf(?:inity)?+))[ ]*+"
)
IS_NUMBER: Final = re.compile(NUMBER)
IS_COMMA_NUMBER: Final = re.compile(r"[ ]*+[-+]?[0-9]++(?:,[0-9]++)?+(?:[eE][-+]?[0-9]++)?+[ ]*+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """`comments`: the lines above the table that begin with #; `start`: the offset of the table."""

    delimiter: str
    decimal_comma: bool
    comments: tuple[str, ...]
    start: int


def dialect_of(text: str, delimiter: str) -> Dialect:
    """The dialect of a table; `delimiter` is what its suffix says, which the text may contradict.

    Another delimiter is taken only where the expected one divides no line and the other divides all alike.
    """
    start = 0
    while text.startswith("#", start) and (end := text.find("\n", start)) >= 0:
        start = end + 1
    comments = tuple(text[:start].splitlines())
    sample = text[start : start + SAMPLE_CHARS].splitlines()
    if len(text) > start + SAMPLE_CHARS:
        sample = sample[:-1] or sample  # the last one is cut
    sample = [line for line in sample if line and not line.startswith("#")][:SAMPLE]
    chosen = delimiter
    if not any(delimiter in line for line in sample) or _is_decimal_mark(sample, delimiter):
        others = (other for other in DELIMITERS if other != delimiter)
        chosen = next((other for other in others if _divides(sample, other)), delimiter)
    return Dialect(
        delimiter=chosen,
        decimal_comma=chosen == ";" and _decimal_comma(sample),
        comments=comments,
        start=start,
    )


def _is_decimal_mark(sample: Sequence[str], delimiter: str) -> bool:
    """Whether `1,5;2,5` is written: commas inside numbers, semicolons between them."""
    return delimiter == "," and _divides(sample, ";") and not _divides(sample, ",")


def _divides(sample: Sequence[str], delimiter: str) -> bool:
    try:
        widths = {len(row) for row in csv.reader(sample, delimiter=delimiter)}
    except csv.Error:
        return False
    return len(widths) == 1 and widths != {1}


def _decimal_comma(sample: Sequence[str]) -> bool:
    cells = [cell for line in sample[1:] for cell in line.split(";")]
    numbers = [cell for cell in cells if "," in cell]
    return bool(numbers) and all(IS_COMMA_NUMBER.fullmatch(cell) for cell in numbers)
