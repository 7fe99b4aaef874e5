"""Words, columns and colours that every text of the tool shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours that mean something: good, bad, unsure, and less important. Off unless for a terminal."""

    on: bool = False

    def good(self, text: str) -> str:
        """Green: checked and good."""
        return self._paint("32", text)

    def bad(self, text: str) -> str:
        """Red: checked and wrong."""
        return self._paint("31", text)

    def unsure(self, text: str) -> str:
        """Yellow: not checked."""
        return self._paint("33", text)

    def dim(self, text: str) -> str:
        """Dim: of less importance."""
        return self._paint("2", text)

    def bold(self, text: str) -> str:
        """Bold: a heading."""
        return self._paint("1", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text


def printable(text: str) -> str:
    """Text in which nothing but line ends and tabs can steer a terminal: the rest is shown as an escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else _escape(char) for char in text)


def one_line(text: str) -> str:
    """The same for a cell or a line of its own: line ends and tabs are escaped too."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()


def seconds(value: float) -> str:
    """A duration for people: `0.13 s`, `12 s`, `3 min 20 s`."""
    if value < 10:  # noqa: PLR2004 - two digits are enough from here on
        return f"{value:.2f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def size(count: int) -> str:
    """A number of bytes for people, in powers of 1024."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:  # noqa: PLR2004 - the factor between units
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def plural(count: int, word: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def shorten(text: str, width: int) -> str:
    """Text cut in its middle to `width` characters, so that both ends can be read."""
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), gap: str = "  ") -> list[list[str]]:
    """Cells padded to the width of their column, those in `right` to the right; the caller joins them."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))] if rows else []
    return [
        [
            (cell.rjust(width) if index in right else cell.ljust(width))
            + (gap if index + 1 < len(row) else "")
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
