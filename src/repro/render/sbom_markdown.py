"""What tells two SBOMs apart as Markdown, for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.render.sbom_text import HEADINGS
from repro.render.words import one_line, plural, shorten
from repro.sbom.difference import Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.sbom.difference import Change, Difference

ROWS = 200
"""Rows of one table: a comment on a pull request has a limit."""

LONGEST = 300
"""Characters of one cell."""


def diff_markdown(found: Difference) -> str:
    """A heading, a sentence of numbers, and a table for each kind of change."""
    lines = ["## SBOM", "", _summary(found), ""]
    for sort in Sort:
        changes = found.of(sort)
        if changes:
            lines += [*_table(HEADINGS[sort], changes), ""]
    return "\n".join(lines)


def _summary(found: Difference) -> str:
    if found.exit is Exit.NOT_CHECKED:
        return "Nothing to compare: neither SBOM states a component."
    if found.exit is Exit.GOOD:
        return f"No difference: {plural(found.same, 'component')} the same."
    counts = [f"{len(found.of(sort))} {HEADINGS[sort]}" for sort in Sort if found.of(sort)]
    return f"{'; '.join(counts)}. {plural(found.same, 'component')} the same."


def _table(heading: str, changes: tuple[Change, ...]) -> Iterator[str]:
    yield f"### {heading[0].upper()}{heading[1:]}"
    yield ""
    yield "| component | before | after |"
    yield "|---|---|---|"
    for each in changes[:ROWS]:
        yield f"| {cell(each.name)} | {cell(each.before)} | {cell(each.after)} |"
    if len(changes) > ROWS:
        yield ""
        yield f"And {len(changes) - ROWS} more."


def cell(text: str) -> str:
    """Text that cannot end a cell, open a tag or a link, or steer a terminal."""
    text = shorten(one_line(text), LONGEST)
    return "".join(f"&#{ord(char)};" if char in "|<>&[]`*_\\@" else char for char in text)
