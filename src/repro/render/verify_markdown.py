"""What verifying came to as Markdown, for a release: a row per artifact, all checks below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.render.verify_text import WORDS, verify_text
from repro.render.words import one_line, plural, shorten

if TYPE_CHECKING:
    from repro.flows.verify_report import Report
    from repro.verify.judge import Verdict

SIGNS = frozenset("|<>&[]`*_\\@")
"""What could end a cell, open a tag or a link, or name a person."""

LONGEST = 300
"""Characters of one cell."""


def verify_markdown(report: Report) -> str:
    """A table of artifacts, then every check in a block."""
    lines = [
        f"# Verification: {WORDS.get(report.exit, 'not checked')}",
        "",
        f"{plural(len(report.verdicts), 'artifact')} under policy {_cell(report.policy.name)}.",
        "",
        "| artifact | verdict | levels | reason |",
        "|---|---|---|---|",
        *(_row(one) for one in report.verdicts),
        "",
    ]
    text = verify_text(report).rstrip("\n")
    fence = "```"
    while fence in text:
        fence += "`"
    return "\n".join([*lines, f"{fence}text", text, fence]) + "\n"


def _row(verdict: Verdict) -> str:
    word = WORDS.get(verdict.exit, "not checked")
    cells = (
        verdict.name,
        word,
        ", ".join(verdict.levels),
        "" if verdict.exit is Exit.GOOD else verdict.reason,
    )
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    text = shorten(one_line(text), LONGEST)
    return "".join(f"&#{ord(char)};" if char in SIGNS else char for char in text)
