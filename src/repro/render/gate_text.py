"""The table of `repro gate`, for people."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.render.words import one_line, plural, printable, seconds, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repro.flows.gate_report import GateReport, GateRow
    from repro.flows.gate_table import GateCheck
    from repro.render.words import Palette

WIDTH = 80
NAME = 20
WORD = 11
TIME = 12


def gate_text(report: GateReport, paint: Palette) -> str:
    """What failing checks wrote, then a line per check, then the counts."""
    lines = [line for row in report.rows for line in _output(row, paint)]
    lines += [line for row in report.rows for line in _row(row, paint)]
    words = [row.word for row in report.rows]
    counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    return "\n".join([*lines, f"{report.stage}: {plural(len(words), 'check')}: {counts}"]) + "\n"


def listing(checks: Sequence[GateCheck]) -> str:
    """The checks of a stage and their commands, without running any."""
    lines = []
    for check in checks:
        command = shorten(one_line(" ".join(check.command)), WIDTH - NAME - 2)
        lines.append(f"{shorten(check.name, NAME):{NAME}}  {command}")
        lines += _below(check.description)
    return "\n".join(lines) + "\n"


def _row(row: GateRow, paint: Palette) -> Iterator[str]:
    paints = {Exit.GOOD: paint.good, Exit.NOT_CHECKED: paint.unsure}
    colour = paint.unsure if row.left_out else paints.get(row.exit, paint.bad)
    took = "" if row.left_out else seconds(row.seconds)
    yield f"{shorten(row.check.name, NAME):{NAME}}  {colour(f'{row.word:{WORD}}')}  {took:>{TIME}}".rstrip()
    yield from _below(row.reason)


def _below(text: str) -> list[str]:
    lines = textwrap.wrap(one_line(text), WIDTH - 4, break_on_hyphens=False)
    return [f"    {line}" for line in lines]


def _output(row: GateRow, paint: Palette) -> Iterator[str]:
    if row.output.strip():
        yield paint.bold(f"==> {row.check.name}")
        yield printable(row.output).strip("\n")
        yield ""
