"""A replay's results by experiment: what a row of its table says, in text and in Markdown alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.core.verdict import Verdict, worst
from repro.render.words import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from repro.flows.attempt import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One experiment: how many runs, their worst verdict, how they were had, and the baseline's name."""

    experiment: str
    runs: int
    verdict: Verdict
    verdict_text: str
    good: bool
    had_by: str
    time: str
    compared_with: str


def by_experiment(results: Iterable[Result]) -> dict[str, list[Result]]:
    """The results of each experiment, in the order in which they first appear."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.experiment, []).append(result)
    return groups


def row(name: str, runs: Sequence[Result]) -> Row:
    """What the table says of one experiment."""
    verdict = worst(result.verdict for result in runs)
    return Row(
        experiment=name,
        runs=len(runs),
        verdict=verdict,
        verdict_text=_verdict(runs, verdict),
        good=all(result.exit is Exit.GOOD for result in runs),
        had_by=_had_by(runs),
        time=_time(runs),
        compared_with=_compared_with(runs),
    )


def run_seconds(result: Result) -> float:
    """Seconds that the command itself took, whenever that was."""
    return sum(float(stage["wall_seconds"]) for stage in result.stages if stage["name"] == "run")


def _verdict(runs: Sequence[Result], verdict: Verdict) -> str:
    unstable = sum(run.repetition is not None and not run.repetition.stable for run in runs)
    if unstable and verdict is Verdict.MATCH:
        return "unstable" if len(runs) == 1 else f"{unstable} unstable"
    count = sum(result.verdict is verdict for result in runs)
    return str(verdict) if count == len(runs) else f"{count} {verdict}"


def _had_by(runs: Sequence[Result]) -> str:
    states = [result.state for result in runs]
    counts = {state: states.count(state) for state in dict.fromkeys(states)}
    if len(counts) == 1:
        return states[0]
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def _time(runs: Sequence[Result]) -> str:
    """What running took now; nothing ran where all is cached."""
    ran = [result for result in runs if result.state != "cached"]
    return seconds(sum(map(run_seconds, ran))) if ran else "-"


def _compared_with(runs: Sequence[Result]) -> str:
    found = list(dict.fromkeys(result.judgement.reference.what for result in runs if result.judgement))
    if any(result.ensemble for result in runs):
        found.append("ensembles")
    if len(found) > 1:
        return f"{len(found)} references"
    return found[0] if found else "-"
