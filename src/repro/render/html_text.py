"""Text in HTML: escaped, with nothing left in it that could steer a reader or a page."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Final

from repro.core.verdict import Verdict
from repro.render.words import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SIGNS: Final = {
    Verdict.MATCH: ("good", "\N{CHECK MARK}"),
    Verdict.DRIFT: ("bad", "\N{MULTIPLICATION X}"),
    Verdict.PATTERN: ("bad", "\N{MULTIPLICATION X}"),
    Verdict.STRUCTURE: ("bad", "\N{MULTIPLICATION X}"),
    Verdict.NOT_MEASURED: ("unsure", "?"),
}
"""The class and the sign of each verdict, which always stands beside its word: no colour means it alone."""

SHORT: Final = 30
"""Characters of a name or value that is not broken over lines."""

LARGE: Final = 1_000_000
"""Whole numbers from here on are shown with three digits and an exponent."""


def esc(text: object) -> str:
    """Text for an element or an attribute in quotes; control and format characters are shown as escapes."""
    return html.escape(one_line(str(text)))


def code(text: object) -> str:
    """A path or name as it is written; a short one stays in one line."""
    shown = esc(text)
    return f'<code class="whole">{shown}</code>' if len(shown) <= SHORT else f"<code>{shown}</code>"


def badge(verdict: Verdict, text: str = "", *, kind: str = "") -> str:
    """A verdict as sign and word; `text` in place of the word, `kind` (good, bad, unsure) of its own kind."""
    own, sign = SIGNS[verdict]
    sign = dict(SIGNS.values())[kind] if kind else sign
    word = esc(text or verdict)
    return f'<span class="verdict {kind or own}"><span aria-hidden="true">{sign}</span> {word}</span>'


def value(item: object) -> str:
    """A value of a report as JSON and Python's json write it."""
    return code(json.dumps(item) if item is None or isinstance(item, bool | int | float) else item)


def error(size: float) -> str:
    """Three digits of an error; a whole number that is not large is whole, in groups of three."""
    return f"{size:,}" if isinstance(size, int) and size < LARGE else f"{size:.3g}"


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, key: str) -> str:
    """A table in a box that scrolls; cells are HTML already, the first of each row heads it.

    Columns whose head begins with `#` hold numbers. `key` is unique on the page.
    """
    numeric = [name.startswith("#") for name in head]
    columns = "".join(
        f'<th scope="col"{_class(number)}>{esc(name.lstrip("#"))}</th>'
        for name, number in zip(head, numeric, strict=True)
    )
    lines = "\n".join(_row(row, numeric) for row in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{key}">\n<table>\n'
        f'<caption id="{key}">{esc(caption)}</caption>\n<thead><tr>{columns}</tr></thead>\n'
        f"<tbody>\n{lines}\n</tbody>\n</table>\n</div>"
    )


def _row(row: Sequence[str], numeric: Sequence[bool]) -> str:
    cells = "".join(
        f"<td{_class(number)}>{cell}</td>" for cell, number in zip(row[1:], numeric[1:], strict=True)
    )
    return f'<tr><th scope="row"{_class(numeric[0])}>{row[0]}</th>{cells}</tr>'


def _class(numeric: bool) -> str:  # noqa: FBT001 - inner helper
    return ' class="number"' if numeric else ""
