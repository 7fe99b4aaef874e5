"""What a report for people shows beside the verdicts: series to draw, and the conditions that differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from repro.core.errors import ReproError
from repro.core.verdict import Verdict
from repro.flows.baseline import conditions_of
from repro.flows.curves import Curve, curves
from repro.flows.referee import BASELINES
from repro.flows.runs import conditions_apart
from repro.store import baseline as baselines
from repro.store.runs import Store
from repro.tools.files import hash_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from repro.drift.report import DriftReport
    from repro.flows.attempt import Result
    from repro.flows.judge import Reference
    from repro.flows.replay import Replayed
    from repro.store.baseline import Baseline
    from repro.store.record import Record

DRAWN: Final = 8
"""Series that are drawn per comparison."""

DRAWN_IN_ALL: Final = 80
"""Series that are drawn per page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition in which two runs differ, and its two values."""

    name: str
    baseline: str
    observed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What belongs to one comparison; `conditions` is None where it is not known what ran."""

    curves: tuple[Curve, ...] = ()
    conditions: tuple[Condition, ...] | None = None


def of_paths(report: DriftReport, baseline: Path, observed: Path) -> Evidence:
    """For two files or two folders that `report` compares."""
    found: list[Curve] = []
    for output in report.outputs:
        files = (_file(side, output.name) for side in (baseline, observed))
        found += curves(output, *files, limit=DRAWN - len(found))
    return Evidence(curves=tuple(found))


def _file(side: Path, name: str) -> Path:
    """Where an output lies: a file itself, or below a folder, where its name goes on into an archive."""
    path = side / name
    while path != side and not path.is_file():
        path = path.parent
    return path


def of_replay(root: Path, replayed: Replayed) -> dict[str, Evidence]:
    """For every run that has a verdict other than a match, by the run's name."""
    store, left = Store(root), DRAWN_IN_ALL
    found: dict[str, Evidence] = {}
    for result in replayed.results:
        if result.judgement is None or result.verdict is Verdict.MATCH:
            continue
        reference = result.judgement.reference
        places = {name: _place(root, store, result, reference, name) for name in reference.outputs}
        known = {name: place for name, place in places.items() if place is not None}
        drawn = _curves(
            result.judgement.loaded(), known, store.runs / result.run_id / "out", limit=min(DRAWN, left)
        )
        left -= len(drawn)
        found[result.run] = Evidence(curves=drawn, conditions=_conditions(root, store, result, reference))
    return found


def _curves(
    report: DriftReport, files: Mapping[str, Path], observed: Path, *, limit: int
) -> tuple[Curve, ...]:
    found: list[Curve] = []
    for output in report.outputs:
        if output.name in files:
            found += curves(output, files[output.name], observed / output.name, limit=limit - len(found))
    return tuple(found)


def _place(root: Path, store: Store, result: Result, reference: Reference, name: str) -> Path | None:
    """Where the reference's output lies now: the checkout of a revision is gone when its replay has ended."""
    folders = (*_folders(root, result, reference), store.runs / reference.run_id / "out")
    for folder in folders:
        path = folder / name
        if path.is_file() and str(hash_file(path)) == reference.outputs[name]:
            return path
    return None


def _folders(root: Path, result: Result, reference: Reference) -> tuple[Path, ...]:
    """Where the reference lay, and where the present tree has it if it is a baseline."""
    axes = result.run.removeprefix(result.experiment).strip("[]")
    place = root / BASELINES / result.experiment / axes
    return reference.folder, place / reference.folder.name


def _conditions(
    root: Path, store: Store, result: Result, reference: Reference
) -> tuple[Condition, ...] | None:
    """In full where the record of the other run lies here, else as far as the baseline remembers them."""
    try:
        record = store.read(result.run_id)
        other = _record(store, reference.run_id)
        if other is not None:
            return tuple(
                Condition(name=name, baseline=left, observed=right)
                for name, left, right in conditions_apart(other, record)
            )
        return tuple(_apart(_baseline(root, result, reference), record))
    except (ReproError, OSError):
        return None


def _record(store: Store, identity: str) -> Record | None:
    try:
        return store.read(identity) if identity else None
    except (ReproError, OSError):
        return None


def _baseline(root: Path, result: Result, reference: Reference) -> Baseline:
    """The record of the baseline, from its folder or from the present tree."""
    first, second = _folders(root, result, reference)
    return baselines.read_record(first if (first / baselines.FILE).is_file() else second)


def _apart(baseline: Baseline, record: Record) -> Iterator[Condition]:
    mine = conditions_of(record)
    for name in sorted({*mine, *baseline.conditions} - {"key"}):
        left, right = baseline.conditions.get(name), mine.get(name)
        if left != right:
            yield Condition(name=name, baseline=str(left), observed=str(right))
