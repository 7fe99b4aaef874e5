"""A replay as Markdown: a table of verdicts that fits a step summary, and what drifted below it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.core.verdict import Verdict, worst
from repro.render.drift_text import drift_text
from repro.render.words import plural, printable, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.flows.attempt import Result
    from repro.flows.replay import Replayed

DETAILED = 50
"""Runs whose findings are shown in full."""


def markdown(replayed: Replayed) -> str:
    """The document."""
    tree = replayed.tree
    commit = f"{tree['commit'][:12] or 'no commit'}{', with changes' if tree['dirty'] else ''}"
    lines = [
        "# Replay",
        "",
        f"{plural(len(replayed.results), 'run')} of commit {commit}",
        "",
        "| experiment | runs | verdict | had by | time | compared with |",
        "|---|---:|---|---|---:|---|",
        *_rows(replayed.results),
    ]
    troubled = [result for result in replayed.results if result.exit is not Exit.GOOD]
    for result in troubled[:DETAILED]:
        lines += ["", f"## {_cell(result.run)}: {result.verdict}", "", *_finding(result)]
    if len(troubled) > DETAILED:
        lines += ["", f"and {plural(len(troubled) - DETAILED, 'run')} more"]
    return "\n".join(lines) + "\n"


def _rows(results: tuple[Result, ...]) -> Iterator[str]:
    for name, group in itertools.groupby(results, key=lambda result: result.experiment):
        runs = list(group)
        states = [result.state for result in runs]
        had = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        ran = [result for result in runs if result.state != "cached"]
        wall = sum(stage["wall_seconds"] for run in ran for stage in run.stages if stage["name"] == "run")
        references = dict.fromkeys(run.judgement.reference.what for run in runs if run.judgement)
        cells = (
            name,
            str(len(runs)),
            str(worst(result.verdict for result in runs)),
            had,
            seconds(wall),
            ", ".join(references) or "-",
        )
        yield "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    """Text that cannot leave its cell or become markup."""
    escaped = printable(text).replace("\n", " ").replace("\\", "\\\\").replace("|", "\\|")
    return escaped.replace("<", "&lt;").replace("*", "\\*").replace("`", "\\`").replace("[", "\\[")


def _finding(result: Result) -> Iterator[str]:
    """Findings in a code block whose fence is longer than any in the text."""
    if result.judgement and result.verdict is not Verdict.MATCH:
        text = drift_text(result.judgement.loaded())
    elif result.error:
        text = result.error.message + (f"\n-> {result.error.hint}" if result.error.hint else "")
    else:
        paths = result.repetition.paths if result.repetition else ()
        text = "\n".join(("unstable over repetitions; what moves:", *paths))
    text = "\n".join(printable(line) for line in text.splitlines())
    fence = "```"
    while fence in text:
        fence += "`"
    yield from (f"{fence}text", text, fence)
