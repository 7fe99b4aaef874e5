"""What `repro doctor` found, for people and for programs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from repro.core.check import Status
from repro.render.words import Palette, one_line, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.flows.diagnosis import Diagnosis, Finding

VERSION = 1
WIDTH = 80


def doctor_text(diagnosis: Diagnosis, palette: Palette) -> str:
    """One line per check, with the next step below what is not passed, and the counts at the end."""
    lines = [line for finding in diagnosis.findings for line in _finding(finding, palette)]
    states = [finding.check.status for finding in diagnosis.findings]
    counts = ", ".join(f"{states.count(status)} {status}" for status in Status if status in states)
    return "\n".join([*lines, f"{plural(len(states), 'check')}: {counts}"]) + "\n"


def _finding(finding: Finding, palette: Palette) -> Iterator[str]:
    check = finding.check
    paint = {Status.PASS: palette.good, Status.FAIL: palette.bad, Status.SKIP: palette.unsure}[check.status]
    text = one_line(f"{check.name}: {check.reason}" if check.reason else check.name)
    first, *more = textwrap.wrap(text, WIDTH - 6, break_on_hyphens=False) or [""]
    yield f"{paint(str(check.status).upper())}  {first}"
    yield from (f"      {line}" for line in more)
    if finding.hint and check.status is not Status.PASS:
        for number, line in enumerate(
            textwrap.wrap(one_line(finding.hint), WIDTH - 9, break_on_hyphens=False)
        ):
            yield f"      {'->' if number == 0 else '  '} {line}"


def doctor_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The same for programs."""
    return {
        "version": VERSION,
        "checks": [
            {
                "name": finding.check.name,
                "status": str(finding.check.status),
                "reason": finding.check.reason,
                "hint": finding.hint,
            }
            for finding in diagnosis.findings
        ],
    }
