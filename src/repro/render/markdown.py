"""A replay as Markdown: a table of verdicts that fits a step summary, and what drifted below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.render.drift_text import drift_text, ensemble_text
from repro.render.replay_text import told
from repro.render.summary import by_experiment, row
from repro.render.words import one_line, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.drift.report import DriftReport
    from repro.flows.attempt import Result
    from repro.flows.replay import Replayed

DETAILED = 50
"""Runs whose findings are shown in full."""

SIGNS = frozenset("\\`*_{}[]()#+!|~$@")
"""Characters that Markdown, or a site that shows it, takes for markup."""


def markdown(replayed: Replayed) -> str:
    """The document."""
    tree = replayed.tree
    commit = f"{tree['commit'][:12] or 'no commit'}{', with changes' if tree['dirty'] else ''}"
    source = f"{tree['revision']}, " if tree["revision"] else ""
    lines = [
        "# Replay",
        "",
        _cell(f"{plural(len(replayed.results), 'run')} of {source}commit {commit}"),
        "",
        "| experiment | runs | verdict | had by | time | compared with |",
        "|---|---:|---|---|---:|---|",
        *_rows(replayed.results),
    ]
    for report in replayed.ensembles:
        text = "\n".join(ensemble_text(report))
        lines += ["", f"## {_cell(report.name)}: {report.verdict}", "", *_fenced(text)]
    troubled = [result for result in replayed.results if result.exit is not Exit.GOOD and not told(result)]
    for result in troubled[:DETAILED]:
        lines += ["", f"## {_cell(result.run)}: {result.verdict}", "", *_finding(result)]
    if len(troubled) > DETAILED:
        lines += ["", f"and {plural(len(troubled) - DETAILED, 'run')} more"]
    return "\n".join(lines) + "\n"


def drift_markdown(report: DriftReport) -> str:
    """The document about one comparison: a row per output, what drifted below."""
    lines = ["# Drift", "", "| output | verdict | values | over |", "|---|---|---:|---:|"]
    for output in report.outputs:
        lines.append(f"| {_cell(output.name)} | {output.verdict} | {output.values} | {output.over} |")
    for one in report.ensembles:
        values = sum(path.values for path in one.paths)
        failing = sum(path.failing for path in one.paths)
        lines.append(f"| {_cell(one.name)} | {one.verdict} | {values} | {failing} |")
    lines += ["", *_fenced("\n".join(map(one_line, drift_text(report).splitlines())))]
    return "\n".join(lines) + "\n"


def _rows(results: tuple[Result, ...]) -> Iterator[str]:
    for name, runs in by_experiment(results).items():
        line = row(name, runs)
        cells = (name, str(line.runs), line.verdict_text, line.had_by, line.time, line.compared_with)
        yield "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    """Text that cannot leave its cell or heading, or become markup there (GFM, section 2.4 and 4.10)."""
    escaped = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{char}" if char in SIGNS else char for char in escaped)


def _finding(result: Result) -> Iterator[str]:
    yield from _fenced("\n".join(_said(result)))


def _fenced(text: str) -> Iterator[str]:
    """Findings in a code block whose fence is longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    yield from (f"{fence}text", text, fence)


def _said(result: Result) -> Iterator[str]:
    """What is wrong with one run, in lines that hold no line end of their own."""
    if result.error:
        yield from map(one_line, result.error.message.split("\n"))
        if result.error.hint:
            yield one_line(f"-> {result.error.hint}")
    if result.judgement and result.verdict is not Verdict.MATCH:
        yield from map(one_line, drift_text(result.judgement.loaded()).splitlines())
    if result.repetition and not result.repetition.stable:
        yield "unstable over repetitions; what moves:"
        yield from map(one_line, result.repetition.paths)
