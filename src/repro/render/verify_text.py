"""What verifying came to, as text within 80 columns: every check, passed or not."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from repro.core.check import Status
from repro.core.exits import Exit
from repro.render.words import Palette, one_line, plural, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from repro.core.check import Check
    from repro.flows.verify_report import Report
    from repro.verify.demands import Judged
    from repro.verify.judge import Seen, Verdict

WIDTH = 80
WORDS = {Exit.GOOD: "verified", Exit.WRONG: "refused", Exit.NOT_CHECKED: "not checked"}
NAME = 19
"""Columns of a check's name."""

NOT_ASKED = "not asked:"
"""How the reason begins of what a policy does not ask for."""

LONGEST = 300
"""Characters of one reason or one piece of evidence that are shown; the document of --json has all."""


def verify_text(report: Report, palette: Palette | None = None, *, brief: bool = False) -> str:
    """The artifacts one after the other, the outcome of all last; `brief` leaves out checks that passed."""
    paint = palette or Palette()
    lines: list[str] = []
    for verdict in report.verdicts:
        lines += _verdict(verdict, paint, brief=brief and verdict.exit is Exit.GOOD)
    digest = f", sha256 {report.policy.sha256[:12]}" if report.policy.sha256 else ""
    lines += _wrapped(f"policy: {report.policy.name}{digest}", "")
    lines += [line for one in report.checks for line in _check(one, "  ", paint)]
    counts = [
        f"{count} {word}"
        for code, word in WORDS.items()
        if (count := sum(one.exit is code for one in report.verdicts))
    ]
    outcome = WORDS.get(report.exit, "not checked")
    lines.append(f"{plural(len(report.verdicts), 'artifact')}: {', '.join(counts) or 'none'}")
    lines.append(_paint(report.exit, outcome, paint))
    return "\n".join(lines) + "\n"


def _verdict(verdict: Verdict, paint: Palette, *, brief: bool) -> Iterator[str]:
    word = _paint(verdict.exit, WORDS.get(verdict.exit, "not checked"), paint)
    yield f"{paint.bold(shorten(one_line(verdict.name), WIDTH - 14))}: {word}"
    sha256 = verdict.artifact.digests.get("sha256", "") if verdict.artifact else ""
    if sha256:
        yield paint.dim(f"  sha256 {sha256}")
    if verdict.levels:
        yield from _wrapped(f"levels: {', '.join(verdict.levels)}", "  ")
    if brief:
        return
    for one in verdict.checks:
        yield from _check(one, "  ", paint)
    for seen in verdict.seen:
        yield from _seen(seen, paint)
    for rule in verdict.rules:
        yield from _wrapped(f"rule {rule.rule.name}", "  ")
        for judged in rule.demands:
            yield from _demand(judged, paint)
        for one in rule.checks:
            yield from _check(one, "    ", paint)


def _seen(seen: Seen, paint: Palette) -> Iterator[str]:
    outcome = seen.outcome
    word = "accepted" if outcome.is_accepted else "refused"
    yield from _wrapped(f"evidence {outcome.evidence}: {word}", "  ")
    for one in outcome.checks:
        yield from _check(one, "    ", paint)


def _demand(judged: Judged, paint: Palette) -> Iterator[str]:
    yield from _wrapped(f"demand {judged.demand.name}: {'met' if judged.is_met else 'not met'}", "    ")
    for attempt in judged.attempts:
        yield from _wrapped(attempt.candidate.outcome.evidence, "      ")
        yield from _checks(attempt.checks, "        ", paint)
    yield from _checks(judged.checks, "      ", paint)


def _checks(checks: Iterable[Check], indent: str, paint: Palette) -> Iterator[str]:
    """Each check on its own lines, but what the policy does not ask for on one together."""
    unasked = []
    for one in checks:
        if one.status is Status.SKIP and one.reason.startswith(NOT_ASKED):
            unasked.append(one.name)
        else:
            yield from _check(one, indent, paint)
    if unasked:
        yield from map(paint.dim, _wrapped(f"{NOT_ASKED} {', '.join(unasked)}", f"{indent}   "))


def _check(check: Check, indent: str, paint: Palette) -> Iterator[str]:
    number = f"{check.step:>2}" if check.step else "  "
    status = {Status.PASS: paint.good, Status.FAIL: paint.bad, Status.SKIP: paint.unsure}[check.status]
    head = f"{indent}{number} {shorten(one_line(check.name), NAME):<{NAME}} "
    first, *others = _aligned(shorten(_said(check), LONGEST), " " * (len(head) + len("pass ")))
    yield f"{head}{status(str(check.status))} {first}".rstrip()
    yield from others


def _said(check: Check) -> str:
    if check.reason:
        return one_line(check.reason)
    return one_line("; ".join(_pairs(check)))


def _pairs(check: Check) -> Iterable[str]:
    for key, value in check.evidence.items():
        yield f"{key} {value[:16]}…" if key in {"sha256", "sha512"} else f"{key} {value}"


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        one_line(text),
        width=WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_on_hyphens=False,
    )


def _aligned(text: str, indent: str) -> list[str]:
    """Lines that stand below each other, the first without the indent that its head takes."""
    lines = textwrap.wrap(text, width=WIDTH - len(indent), break_on_hyphens=False)
    return [lines[0], *(indent + line for line in lines[1:])] if lines else [""]


def _paint(code: Exit, text: str, paint: Palette) -> str:
    if code is Exit.GOOD:
        return paint.good(text)
    return paint.unsure(text) if code is Exit.NOT_CHECKED else paint.bad(text)
