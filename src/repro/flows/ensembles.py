"""Runs whose seeds have no baseline, judged as an ensemble against the baselines of the other seeds."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repro.core.errors import MissingBaseline, ReproError, UsageError
from repro.drift.equivalence import MAX_RUNS
from repro.flows.identity import Identity
from repro.flows.matrix import Run, expand
from repro.flows.referee import Baselines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from repro.drift.ensemble import Pair
    from repro.drift.ensemble_report import EnsembleReport
    from repro.flows.attempt import Referee, Result
    from repro.flows.config import Experiment, Project
    from repro.flows.workshop import Place

SEEDS = re.compile(r"(?P<first>-?\d{1,18})\.\.(?P<last>-?\d{1,18})")


def reseeded(project: Project, experiments: Sequence[str], seeds: str) -> Project:
    """The project with `FIRST..LAST` as values of the axis over which these experiments are random.

    Raises UsageError for what is no range, and for an experiment that declares no equivalence test.
    """
    match = SEEDS.fullmatch(seeds)
    first, last = (int(match["first"]), int(match["last"])) if match else (0, -1)
    if not first <= last < first + MAX_RUNS:
        raise UsageError(
            f"--seeds {seeds!r}: not a range of at most {MAX_RUNS} whole numbers",
            hint="write the first and the last: --seeds 100..140",
        )
    changed = {}
    for name in experiments:
        own = project.experiment(name)
        if not own.equivalence:
            raise UsageError(
                f"--seeds: {name} declares no test for runs under other seeds",
                hint=f"add [[experiments.{name}.equivalence]] to repro.toml",
            )
        axes = {**own.axes, own.equivalence[0].over: tuple(range(first, last + 1))}
        changed[name] = replace(own, axes=axes)
    return replace(project, experiments={**project.experiments, **changed})


@dataclass(slots=True, kw_only=True)
class _Cell:
    """The runs of an experiment that differ in the random axis alone."""

    experiment: Experiment
    others: Mapping[str, str]
    over: str
    new: list[int]
    failed: int = 0

    @property
    def name(self) -> str:
        """As a run is called, with `*` for the axis."""
        return self.run("*").name

    def run(self, value: str) -> Run:
        """The run of this cell with that value, whether the matrix has it or not."""
        axes = {axis: self.others.get(axis, value) for axis in self.experiment.axes}
        return Run(experiment=self.experiment, axes=axes)


def judged(
    results: Sequence[Result], identities: Sequence[Identity | Result], referee: Referee, place: Place
) -> list[Result]:
    """The results, with a verdict for those whose seed has no baseline where an equivalence test is declared.

    They are tested together, cell by cell, against all baselines of the cell. Where a cell has none, its runs
    keep their error, which says how to record one. Runs whose seed has a baseline keep their own verdict.
    """
    found = list(results)
    cells = _cells(found, identities)
    if not cells or not isinstance(referee, Baselines):
        return found
    by_experiment: dict[str, list[_Cell]] = {}
    for cell in cells:
        by_experiment.setdefault(cell.experiment.name, []).append(cell)
    for group in by_experiment.values():
        for cell, outcome in _tested(group, found, identities, referee, place):
            for at in cell.new:
                if isinstance(outcome, ReproError):
                    found[at] = replace(found[at], error=outcome)
                else:
                    found[at] = replace(found[at], error=None, verdict=outcome.verdict, ensemble=outcome)
    return found


def _cells(results: Sequence[Result], identities: Sequence[Identity | Result]) -> list[_Cell]:
    """The cells in which a run has outputs and no baseline."""
    cells: dict[tuple[object, ...], _Cell] = {}
    for at, (result, identity) in enumerate(zip(results, identities, strict=True)):
        if not isinstance(identity, Identity):
            continue
        experiment, axes = identity.run.experiment, identity.run.axes
        over = experiment.equivalence[0].over if experiment.equivalence else ""
        if over not in axes:
            continue
        others = {axis: value for axis, value in axes.items() if axis != over}
        key = (experiment.name, *others.items())
        cell = cells.setdefault(key, _Cell(experiment=experiment, others=others, over=over, new=[]))
        if isinstance(result.error, MissingBaseline) and result.run_id:
            cell.new.append(at)
        elif result.error is not None:
            cell.failed += 1
    return [cell for cell in cells.values() if cell.new]


def _tested(
    cells: Sequence[_Cell],
    results: Sequence[Result],
    identities: Sequence[Identity | Result],
    referee: Baselines,
    place: Place,
) -> list[tuple[_Cell, EnsembleReport | ReproError]]:
    """What came of each cell of one experiment that has baselines."""
    from repro.drift.ensemble import dead

    outcomes: list[tuple[_Cell, EnsembleReport | ReproError]] = []
    for cell in cells:
        try:
            if (report := _compared(cell, results, identities, referee, place)) is not None:
                outcomes.append((cell, report))
        except ReproError as error:
            outcomes.append((cell, error))
    reports = [report for _, report in outcomes if not isinstance(report, ReproError)]
    over = cells[0].over
    whole = {
        tuple(value for axis, value in run.axes.items() if axis != over)
        for run in expand(cells[0].experiment)
    }
    if len(reports) == len(whole):  # else what a test is for may be in a cell that was not replayed
        checked = iter(dead(reports))
        outcomes = [
            (cell, outcome if isinstance(outcome, ReproError) else next(checked))
            for cell, outcome in outcomes
        ]
    return outcomes


def _compared(
    cell: _Cell,
    results: Sequence[Result],
    identities: Sequence[Identity | Result],
    referee: Baselines,
    place: Place,
) -> EnsembleReport | None:
    from repro.core.verdict import Verdict, worst
    from repro.drift.ensemble import compare_ensembles

    first = identities[cell.new[0]]
    assert isinstance(first, Identity)  # noqa: S101 - `_cells` looked
    baseline = {}
    for value in referee.values(cell.run("*"), cell.over):
        try:
            baseline[value] = referee(replace(first, run=cell.run(value))).folder
        except MissingBaseline:  # none of the variant that was asked for
            continue
    if not baseline:
        return None
    observed = {_value(identities[at], cell.over): _outputs(place, results[at]) for at in cell.new}
    report = compare_ensembles(
        cell.name,
        cell.over,
        _pairs(cell.experiment, baseline, observed),
        cell.experiment.equivalence,
        today=place.today,
    )
    if cell.failed:  # what ended well is no fair sample of all
        reason = f"{cell.failed} of its runs failed, and the others alone are no fair sample"
        verdict = worst((report.verdict, Verdict.NOT_MEASURED))
        return replace(report, verdict=verdict, reason=reason)
    return report


def _pairs(
    experiment: Experiment, baseline: Mapping[str, Path], observed: Mapping[str, Path]
) -> dict[str, Pair]:
    from repro.drift.ensemble import Pair

    return {
        name: Pair(
            baseline={value: folder / name for value, folder in baseline.items()},
            observed={value: folder / name for value, folder in observed.items()},
        )
        for name in sorted(experiment.outputs)
    }


def _value(identity: Identity | Result, over: str) -> str:
    assert isinstance(identity, Identity)  # noqa: S101 - `_cells` looked
    return identity.run.axes[over]


def _outputs(place: Place, result: Result) -> Path:
    return place.store.runs / result.run_id / "out"
