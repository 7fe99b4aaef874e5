"""A replay as text: the verdict table, then what drifted or could not be measured, run by run."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.core.verdict import Verdict, worst
from repro.render.drift_text import drift_text
from repro.render.words import Palette, columns, plural, printable, seconds, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repro.flows.attempt import Result
    from repro.flows.replay import Replayed

SHOWN = 10
"""Runs whose findings are shown in full."""


def replay_text(replayed: Replayed, *, palette: Palette, details: bool = False) -> str:
    """The whole, within 80 columns. With `details` the stages of every run are listed too."""
    lines = [*_heading(replayed, palette), *table(replayed.results, palette), ""]
    troubled = [result for result in replayed.results if result.exit is not Exit.GOOD]
    for result in troubled[:SHOWN]:
        lines += [*_findings(result, palette), ""]
    if len(troubled) > SHOWN:
        lines += [f"and {plural(len(troubled) - SHOWN, 'run')} more; all of them: --json", ""]
    lines += [f"warning: {printable(note)}" for note in _notes(replayed)]
    if details:
        lines += [*_stages(replayed.results), ""]
    lines.append(summary(replayed, palette))
    return "\n".join(lines) + "\n"


def table(results: Sequence[Result], palette: Palette) -> list[str]:
    """One line per experiment: its runs, their worst verdict, how they were had, and the baseline."""
    rows = [("experiment", "runs", "verdict", "had by", "time", "compared with")]
    verdicts = []
    for name, group in itertools.groupby(results, key=lambda result: result.experiment):
        runs = list(group)
        verdict = worst(result.verdict for result in runs)
        ids = [f"run {runs[0].run_id}"] if len(runs) == 1 and runs[0].run_id else []
        verdicts.append((verdict, all(result.exit is Exit.GOOD for result in runs), ids))
        rows.append(
            (
                shorten(name, 20),
                str(len(runs)),
                _verdicts(runs, verdict),
                _states(runs),
                seconds(sum(_run_seconds(result) for result in runs)),
                shorten(_references(runs), 26),
            )
        )
    padded = columns(rows, right=(1, 4))
    lines = [palette.dim("".join(padded[0]).rstrip())]
    for cells, (verdict, good, ids) in zip(padded[1:], verdicts, strict=True):
        cells[2] = _coloured(cells[2], verdict, palette, good=good)
        lines.append("".join(cells).rstrip())
        lines += [palette.dim(f"  {text}") for text in ids]
    return lines


def summary(replayed: Replayed, palette: Palette) -> str:
    """The last line: how many runs had which verdict."""
    counts = dict.fromkeys(Verdict, 0)
    for result in replayed.results:
        counts[result.verdict] += 1
    parts = [f"{count} {verdict}" for verdict, count in counts.items() if count]
    text = f"{plural(len(replayed.results), 'run')}: {', '.join(parts) or 'nothing was replayed'}"
    return palette.good(text) if replayed.exit is Exit.GOOD else palette.bad(text)


def _heading(replayed: Replayed, palette: Palette) -> Iterator[str]:
    tree = replayed.tree
    if tree["revision"]:
        source = replayed.definition["source"]
        yield f"{tree['revision']} is commit {tree['commit'][:12]}; definition: {source}"
    elif tree["dirty"]:
        yield palette.dim(
            f"the tree differs from commit {tree['commit'][:12] or '(none yet)'} "
            f"in {plural(len(tree['changed']), 'file')}; the records say so"
        )
    yield from (f"note: {printable(note)}" for note in replayed.notes)


def _verdicts(runs: Sequence[Result], verdict: Verdict) -> str:
    if len(runs) == 1:
        return str(verdict)
    return f"{verdict} {sum(result.verdict is verdict for result in runs)}"


def _states(runs: Sequence[Result]) -> str:
    if len(runs) == 1:
        return runs[0].state
    states = [result.state for result in runs]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def _references(runs: Sequence[Result]) -> str:
    found = dict.fromkeys(result.judgement.reference.what for result in runs if result.judgement)
    return ", ".join(found) or "-"


def _run_seconds(result: Result) -> float:
    if result.state == "cached":
        return 0.0
    return sum(float(stage["wall_seconds"]) for stage in result.stages if stage["name"] == "run")


def _coloured(text: str, verdict: Verdict, palette: Palette, *, good: bool) -> str:
    if good:
        return palette.good(text)
    return palette.unsure(text) if verdict is Verdict.NOT_MEASURED else palette.bad(text)


def _findings(result: Result, palette: Palette) -> Iterator[str]:
    """What is wrong with one run, with the next step."""
    yield palette.bold(printable(result.run))
    if result.error:
        yield f"  {printable(result.error.message)}".replace("\n", "\n  ")
        if result.error.hint:
            yield f"  -> {printable(result.error.hint)}"
    if result.repetition and not result.repetition.stable:
        yield f"  {result.repetition.outcome} over {len(result.repetition.run_ids)} runs; what moves:"
        yield from (f"    {printable(path)}" for path in result.repetition.paths[:SHOWN])
    if result.judgement and result.verdict is not Verdict.MATCH:
        reference = result.judgement.reference
        yield f"  compared with {reference.what} ({reference.why})"
        yield drift_text(result.judgement.loaded()).rstrip()
        yield f"  -> the outputs are kept: .repro/runs/{result.run_id}/out"


def _notes(replayed: Replayed) -> Iterator[str]:
    """Warnings, each once, with how many runs have it."""
    counts: dict[str, list[str]] = {}
    for result in replayed.results:
        for note in result.notes:
            counts.setdefault(note, []).append(result.run)
        if result.repetition:
            yield f"{result.run}: {result.repetition.outcome} over {len(result.repetition.run_ids)} runs"
    for note, runs in counts.items():
        yield f"{runs[0]}: {note}" + (f" (and {plural(len(runs) - 1, 'run')} more)" if len(runs) > 1 else "")


def _stages(results: Sequence[Result]) -> list[str]:
    rows = [("run", "stage", "wall", "cpu", "peak memory")]
    for result in results:
        for stage in result.stages:
            rows.append(
                (
                    shorten(result.run, 30),
                    stage["name"] + (" (shared)" if stage["shared"] else ""),
                    f"{stage['wall_seconds']:.3f} s",
                    f"{stage['cpu_seconds']:.3f} s",
                    f"{stage['peak_bytes'] / 2**20:.0f} MiB",
                )
            )
    return ["".join(cells).rstrip() for cells in columns(rows, right=(2, 3, 4))]
