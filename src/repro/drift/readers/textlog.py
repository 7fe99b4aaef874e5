"""Plain text with numbers in it: the text must be the same, the numbers are numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from repro.core.errors import FormatError
from repro.drift.readers.form import Data, Format
from repro.drift.tree import Array, Lines, Printed, half_unit

if TYPE_CHECKING:
    from repro.drift.tree import Tree

NUMBER = re.compile(
    r"""(?<![\w.])                                             # not inside a word, a version or a hash
    (?:[-+]?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+
     | [-+]?(?:[nN]a[nN]|NAN|[iI]nf(?:inity)?+|INF))
    (?![\w]|\.\w)                                              # possessive: no try with fewer digits""",
    re.VERBOSE,
)
HOLE = "\x00"
"""Stands for a number in a line's text; text with this character in it is not text."""

EXACT_DIGITS = 15
"""Integers of more digits (seeds, identifiers, nanoseconds) stay text: a double does not hold all of them."""

WHOLE = re.compile(r"[-+]?[0-9]+")


def is_text(data: Data) -> bool:
    """Whether the bytes are UTF-8 text without NUL."""
    return _text(data) is not None


def _text(data: Data) -> str | None:
    raw = bytes(data)
    if b"\x00" in raw:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def decode(data: Data, name: str) -> str:
    """Text without NUL or byte order mark; FormatError otherwise."""
    text = _text(data)
    if text is None:
        raise FormatError(f"{name}: not UTF-8 text")
    if text.startswith("\ufeff"):
        raise FormatError(f"{name}: starts with a byte order mark", hint="write it as UTF-8 without BOM")
    return text


def read(data: Data, *, name: str, printed: bool) -> Tree:
    """Two leaves: `text`, the lines with a hole for each number, and `numbers`, in their order."""
    words: list[str] = []
    lines: list[int] = []
    templates: list[str] = []
    for number, line in enumerate(decode(data, name).split("\n"), start=1):
        found: list[str] = []
        templates.append(NUMBER.sub(lambda match, found=found: _hole(match[0], found), line))  # type: ignore[misc]
        words += found
        lines += [number] * len(found)
    tree: Tree = {("text",): Lines(lines=tuple(templates))}
    if words:
        tree[("numbers",)] = _numbers(words, lines, printed=printed)
    return tree


def _hole(word: str, found: list[str]) -> str:
    if len(word) > EXACT_DIGITS and WHOLE.fullmatch(word.rstrip(".")):
        return word
    found.append(word)
    return HOLE


def _numbers(words: list[str], lines: list[int], *, printed: bool) -> Array:
    return Array(
        values=np.array([float(word) for word in words]),
        printed=Printed(
            half_units=np.array([half_unit(word) for word in words]) if printed else None,
            whole=np.array([WHOLE.fullmatch(word) is not None for word in words]),
            lines=np.array(lines, dtype=np.int64),
        ),
    )


FORMAT = Format(name="text", read=read, suffixes=(".txt", ".log", ".md"))
