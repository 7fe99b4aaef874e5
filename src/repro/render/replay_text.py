"""A replay as text: the verdict table, then what drifted or could not be measured, run by run."""

from __future__ import annotations

import shlex
import textwrap
from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.render.summary import Row, by_experiment, row
from repro.render.words import Palette, columns, one_line, plural, shorten

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Any

    from repro.flows.attempt import Result
    from repro.flows.judge import Reference
    from repro.flows.replay import Replayed

SHOWN = 10
"""Runs whose findings are shown in full, and paths or names that one line of a kind has at most."""


def replay_text(
    replayed: Replayed, *, palette: Palette, details: bool = False, known: Collection[str] = ()
) -> str:
    """The whole, within 80 columns. With `details` the stages are listed too.

    `known` are the ids of the runs that lie in the store, so that a next step names none that is not there.
    """
    lines = [*_heading(replayed, palette), *table(replayed.results, palette)]
    lines += [*_references(replayed.results, palette), ""]
    if replayed.ensembles:
        from repro.render.drift_text import ensemble_text
    for report in replayed.ensembles:
        lines += [*ensemble_text(report), ""]
    troubled = [result for result in replayed.results if result.exit is not Exit.GOOD and not told(result)]
    for result in troubled[:SHOWN]:
        lines += [*_findings(result, palette, known), ""]
    if len(troubled) > SHOWN:
        lines += [f"and {plural(len(troubled) - SHOWN, 'run')} more like these; all of them: --json", ""]
    lines += _notes(replayed.results)
    if details:
        lines += [*_stages(replayed.results, palette), ""]
    lines.append(summary(replayed, palette))
    return "\n".join(lines) + "\n"


def told(result: Result) -> bool:
    """Whether the test of its ensemble says all that there is to say about a run."""
    return result.ensemble is not None and (result.repetition is None or result.repetition.stable)


def table(results: Sequence[Result], palette: Palette) -> list[str]:
    """One line per experiment: its runs, their worst verdict, how they were had, and the baseline."""
    groups = by_experiment(results)
    rows = [row(name, runs) for name, runs in groups.items()]
    head = ("experiment", "runs", "verdict", "had by", "time", "compared with")
    padded = columns([head, *map(_cells, rows)], right=(1, 4))
    lines = [palette.dim("".join(padded[0]).rstrip())]
    for cells, shown, runs in zip(padded[1:], rows, groups.values(), strict=True):
        cells[2] = _coloured(cells[2], shown, palette)
        lines.append("".join(cells).rstrip())
        if len(runs) == 1 and runs[0].run_id:
            lines.append(palette.dim(one_line(f"  run {runs[0].run_id}")))
    return lines


def _cells(row: Row) -> tuple[str, ...]:
    return (
        shorten(one_line(row.experiment), 18),
        str(row.runs),
        row.verdict_text,
        row.had_by,
        row.time,
        shorten(one_line(row.compared_with.removeprefix("baseline ")), 21),
    )


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
        yield one_line(f"{tree['revision']} is commit {tree['commit'][:12]}; definition: {source}")
    elif tree["dirty"]:
        count = len(tree["changed"])
        yield palette.dim(
            f"the tree differs from commit {tree['commit'][:12] or '(none yet)'} "
            f"in {plural(count, 'file')}; the records say so"
        )
    for note in replayed.notes:
        yield from _wrapped(f"note: {note}", "")


def _references(results: Sequence[Result], palette: Palette) -> Iterator[str]:
    """What was compared with, and why that; the usual case in one line."""
    references = [result.judgement.reference for result in results if result.judgement]
    for what, why in dict.fromkeys((reference.what, reference.why) for reference in references):
        yield palette.dim(f"compared with {one_line(what)}: {one_line(why)}")


def _coloured(text: str, row: Row, palette: Palette) -> str:
    if row.good:
        return palette.good(text)
    return palette.unsure(text) if row.verdict is Verdict.NOT_MEASURED else palette.bad(text)


def _findings(result: Result, palette: Palette, known: Collection[str]) -> Iterator[str]:
    """What is wrong with one run, with the next step."""
    yield palette.bold(one_line(result.run))
    if result.error:
        for line in result.error.message.split("\n"):
            yield from _wrapped(line, "  ")
        if result.error.hint:
            yield one_line(f"  -> {result.error.hint}")  # whole, for it may be a command to copy
    if result.repetition and not result.repetition.stable:
        yield f"  unstable over {len(result.repetition.run_ids)} runs; what moves:"
        yield from (f"    {one_line(path)}" for path in result.repetition.paths[:SHOWN])
        if len(result.repetition.paths) > SHOWN:
            yield f"    and {len(result.repetition.paths) - SHOWN} more"
        first, last = result.repetition.run_ids[0], result.repetition.run_ids[-1]
        yield one_line(f"  -> number by number: repro runs diff {first} {last}")
    if result.judgement and result.verdict is not Verdict.MATCH:
        yield from _drift(result, result.judgement.reference, known)


def _drift(result: Result, reference: Reference, known: Collection[str]) -> Iterator[str]:
    from repro.render.drift_text import drift_text

    assert result.judgement is not None  # noqa: S101 - its caller looked
    yield from (f"  {line}" for line in drift_text(result.judgement.loaded(), width=78).splitlines())
    yield one_line(f"  -> the outputs are kept: .repro/runs/{result.run_id}/out")
    other = reference.run_id
    if other in known and other != result.run_id:
        yield one_line(f"  -> what else changed: repro runs diff {other} \\")
        yield one_line(f"       {result.run_id}")
    if reference.what.startswith("baseline "):
        name = shlex.quote(one_line(result.run))
        yield f'  -> if the new values are right: repro baseline accept {name} --reason "…"'


def _notes(results: Sequence[Result]) -> Iterator[str]:
    """Warnings and notes, each once, with how many runs have it."""
    counts: dict[tuple[str, str], list[str]] = {}
    for result in results:
        warnings = result.judgement.warnings if result.judgement else ()
        for note in result.notes:
            counts.setdefault(("warning" if note in warnings else "note", note), []).append(result.run)
        if result.repetition and result.repetition.stable:
            for text in _repetition(result):
                counts.setdefault(("note", text), []).append(result.run)
    for (kind, text), runs in counts.items():
        more = f" (and {plural(len(runs) - 1, 'run')} more)" if len(runs) > 1 else ""
        yield from _wrapped(f"{kind}: {runs[0]}{more}: {text}", "")
    if counts:
        yield ""


def _wrapped(text: str, indent: str) -> list[str]:
    """Text in lines of 80 columns, words and paths unbroken."""
    return textwrap.wrap(
        one_line(text),
        80,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def _repetition(result: Result) -> Iterator[str]:
    """How a run repeats; where it moves within tolerance, the paths that do."""
    repetition = result.repetition
    if repetition is None:
        return
    threads = any("OMP_NUM_THREADS" in variables for variables in repetition.varied)
    varied = "other hash seeds and thread counts" if threads else "other hash seeds"
    moving = ""
    if repetition.paths:
        more = f" and {len(repetition.paths) - SHOWN} more" if len(repetition.paths) > SHOWN else ""
        moving = f"; what moves: {', '.join(repetition.paths[:SHOWN])}{more}"
    yield f"{repetition.outcome} over {len(repetition.run_ids)} processes with {varied}{moving}"


def _stages(results: Sequence[Result], palette: Palette) -> list[str]:
    """What each stage took; of an experiment of many runs the sums, and the largest memory."""
    rows = [("experiment", "stage", "wall", "cpu", "peak memory")]
    for name, runs in by_experiment(results).items():
        taken: dict[str, list[Mapping[str, Any]]] = {}
        for run in runs:
            for stage in run.stages:
                taken.setdefault(stage["name"], []).append(stage)
        for stage_name, stages in taken.items():
            shared = all(stage["shared"] for stage in stages)
            counted = stages[:1] if shared else stages
            rows.append(
                (
                    shorten(one_line(name), 24),
                    stage_name + (" (shared)" if shared else ""),
                    f"{sum(stage['wall_seconds'] for stage in counted):.3f} s",
                    f"{sum(stage['cpu_seconds'] for stage in counted):.3f} s",
                    f"{max(stage['peak_bytes'] for stage in counted) / 2**20:.0f} MiB",
                )
            )
    lines = ["".join(cells).rstrip() for cells in columns(rows, right=(2, 3, 4))]
    return [palette.dim("stages, of cached runs as they were recorded"), *lines]
