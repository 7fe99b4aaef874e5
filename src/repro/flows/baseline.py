"""Baselines: a first one recorded, one replaced by a run that was accepted, and what there is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from repro.core.errors import FormatError, MissingBaseline, ReproError, RunError, TamperError, UsageError
from repro.core.exits import Exit, worst
from repro.core.verdict import Verdict
from repro.drift.rules import Rules
from repro.flows import config
from repro.flows.judge import baseline_reference
from repro.flows.matrix import select
from repro.flows.referee import BASELINES
from repro.flows.replay import Request, replay
from repro.store import baseline as baselines
from repro.store.baseline import Baseline
from repro.store.runs import Store
from repro.tools import clock
from repro.tools.files import disk_errors, hash_file, locked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from repro.core.events import Listener
    from repro.drift.report import DriftReport
    from repro.flows.attempt import Result
    from repro.flows.matrix import Run
    from repro.store.record import Record

RECORDED, REPLACED, SAME = "recorded", "replaced", "unchanged"
RESTORED, REFUSED = "restored", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one run's baseline: a word, its label, digests before and after, or an error."""

    run: str
    experiment: str
    outcome: str
    label: str = ""
    run_id: str = ""
    before: str = ""
    after: str = ""
    error: ReproError | None = None

    @property
    def exit(self) -> Exit:
        """The exit code that this change alone would have."""
        return self.error.exit if self.error else Exit.GOOD


def overall(changes: tuple[Change, ...]) -> Exit:
    """The exit code of several changes; none at all is not good."""
    return worst(change.exit for change in changes)


def record(root: Path, request: Request, reason: str, listener: Listener) -> tuple[Change, ...]:
    """Write first baselines, from runs under the present conditions; one that exists is left alone.

    Where the run's outputs are those of the baseline that exists, it is unchanged; where they are others, the
    run gets an error that names `accept`. The other runs are recorded.
    """
    results = replay(root, request, listener).results
    return tuple(_change(root, result, reason, replacing=False) for result in results)


def accept(
    root: Path, request: Request, reason: str, listener: Listener, run_id: str = ""
) -> tuple[Change, ...]:
    """Replace baselines by runs under the present conditions, or by the run of that id.

    With an id, `request` may select nothing. The digest of what is replaced stays in the history. UsageError
    without a reason.
    """
    if not reason.strip():
        raise UsageError(
            "accepting a baseline needs a reason", hint='--reason "what changed, and why it is right"'
        )
    if run_id:
        record_ = Store(root).get(run_id)
        named = {run.name for run in select(config.load(root), request.selections)}
        if record_.run not in named:
            raise UsageError(
                f"run {record_.id} is one of {record_.run}, which is not named here",
                hint=f"name it: repro baseline accept '{record_.run}' --run {record_.id}",
            )
        return (_written(root, record_, reason, replacing=True),)
    results = replay(root, request, listener).results
    return tuple(_change(root, result, reason, replacing=True) for result in results)


def _change(root: Path, result: Result, reason: str, *, replacing: bool) -> Change:
    if result.state == "failed" or not result.run_id:
        error = result.error or RunError("the run did not complete")
        return Change(
            run=result.run, experiment=result.experiment, outcome=REFUSED, run_id=result.run_id, error=error
        )
    try:
        return _written(root, Store(root).get(result.run_id), reason, replacing=replacing)
    except ReproError as error:
        return Change(
            run=result.run, experiment=result.experiment, outcome=REFUSED, run_id=result.run_id, error=error
        )


def _written(root: Path, record_: Record, reason: str, *, replacing: bool) -> Change:
    """Make the outputs of a complete run the baseline of its environment and platform class."""
    store = Store(root)
    outputs = store.runs / record_.id / "out"
    _require_fit(record_, outputs)
    found = _baseline_of(record_, reason)
    place = root / BASELINES / _folder(record_)
    change = Change(
        run=record_.run,
        experiment=record_.experiment,
        outcome=RECORDED,
        label=found.label,
        run_id=record_.id,
        after=str(found.digest),
    )
    with locked(store.folder / "locks" / BASELINES), disk_errors("writing a baseline"):
        old = _standing(place, found.label, replacing=replacing)
        if old is None:
            baselines.write(place / found.label, found, outputs)
            return change
        change = replace(change, before=str(old.digest))
        if old.digest == found.digest:
            if _is_whole(place / found.label):
                return replace(change, outcome=SAME)
            baselines.write(place / found.label, old, outputs)
            return replace(change, outcome=RESTORED)
        if not replacing:
            raise UsageError(
                f"a baseline {found.label} with other outputs exists; nothing was overwritten",
                hint=f"replace it: repro baseline accept '{record_.run}' --reason \"…\"",
            )
        baselines.write(place / found.label, replace(found, history=_history(old)), outputs)
        return replace(change, outcome=REPLACED)


def _standing(place: Path, label: str, *, replacing: bool) -> Baseline | None:
    """The baseline that stands there now, if one does; what is about to be replaced may be damaged."""
    folder = baselines.variants(place).get(label)
    if folder is None:
        return None
    return baselines.read_record(folder) if replacing else baselines.read(folder)


def _is_whole(folder: Path) -> bool:
    try:
        baselines.read(folder)
    except TamperError:
        return False
    return True


def _history(old: Baseline) -> tuple[Mapping[str, Any], ...]:
    """The history of what replaces a baseline: its own, and the baseline itself without its files."""
    entry = {
        "digest": str(old.digest),
        "outputs": dict(old.outputs),
        "run_id": old.run_id,
        "accepted_by": old.accepted_by,
        "accepted_at": old.accepted_at,
        "reason": old.reason,
    }
    return (*old.history, entry)


def _require_fit(record_: Record, outputs: Path) -> None:
    """Refuse a run as a baseline that did not complete, was altered, or wrote what cannot be compared."""
    from repro.drift.compare import compare_outputs

    missing = [name for name, entry in record_.outputs.items() if entry is None]
    if missing and record_.outcome["exit_code"] == 0:
        raise FormatError(
            f"run {record_.id} wrote no {', '.join(missing)}", hint="see its logs: repro runs show RUN"
        )
    if not record_.completed:
        raise RunError(
            f"run {record_.id} did not complete: {record_.outcome['reason']}",
            hint="only a complete run can be a baseline; see: repro runs list",
        )
    for name, entry in record_.outputs.items():
        path = outputs / name
        if not path.is_file() or str(hash_file(path)) != entry["digest"]:
            raise TamperError(
                f"{path}: not what the run wrote",
                hint=f"run it again: repro replay '{record_.run}' --no-cache",
            )
    itself = compare_outputs(outputs, outputs, sorted(record_.outputs), Rules(), today=clock.now().date())
    for output in itself.outputs:
        if output.verdict is not Verdict.MATCH:
            raise FormatError(
                f"{output.name} cannot be compared, not even with itself: {output.reason}",
                hint="a baseline needs outputs with values; correct what the command writes",
            )


def _folder(record_: Record) -> str:
    axes = record_.run.removeprefix(record_.experiment).strip("[]")
    return f"{record_.experiment}/{axes}" if axes else record_.experiment


def _baseline_of(record_: Record, reason: str) -> Baseline:
    return Baseline(
        run=record_.run,
        run_id=record_.id,
        environment=record_.conditions["environment"]["name"],
        platform_class=record_.conditions["platform"]["class"],
        outputs={name: entry["digest"] for name, entry in record_.outputs.items()},
        accepted_by=record_.by,
        accepted_at=clock.now().isoformat(timespec="seconds"),
        reason=reason,
        conditions=conditions_of(record_),
    )


def conditions_of(record_: Record) -> dict[str, Any]:
    """The conditions of a run as a baseline remembers them."""
    conditions = record_.conditions
    return {
        "key": record_.key,
        "commit": conditions["code"]["commit"],
        "dirty": conditions["code"]["dirty"],
        "difference": conditions["code"]["difference"],
        "code": conditions["code"]["digest"],
        "data": conditions["data"]["digest"],
        "environment": conditions["environment"]["digest"],
        "python": conditions["environment"]["facts"].get("python"),
        "platform": conditions["platform"]["digest"],
        "cpu": conditions["platform"]["observed"].get("cpu_model"),
    }


def every(root: Path, selections: tuple[str, ...]) -> Iterator[tuple[Run, Baseline, Path]]:
    """The baselines of the runs that are named, each read and checked against its record."""
    for run in select(config.load(root), selections):
        for folder in baselines.variants(root / BASELINES / run.folder).values():
            yield run, baselines.read(folder), folder


def show(root: Path, selection: str) -> tuple[Baseline, ...]:
    """All variants of the runs that one name means. Raises MissingBaseline where there are none."""
    found = tuple(baseline for _, baseline, _ in every(root, (selection,)))
    if not found:
        raise MissingBaseline(
            f"{selection}: no baseline", hint=f"record one: repro baseline record '{selection}'"
        )
    return found


def compare_run(root: Path, selection: str, run_id: str) -> DriftReport:
    """Compare a complete run, the newest one without an id, with the nearest baseline; nothing is run."""
    from repro.drift.compare import compare_outputs

    runs = select(config.load(root), (selection,))
    if len(runs) != 1:
        raise UsageError(f"{selection} means {len(runs)} runs", hint=f"name one: '{runs[0].name}'")
    run, store = runs[0], Store(root)
    record_ = store.get(run_id) if run_id else _newest(store, run.name)
    if not record_.completed or record_.run != run.name:
        raise MissingBaseline(
            f"run {record_.id} is no complete run of {run.name}", hint="see: repro runs list"
        )
    reference = baseline_reference(
        root / BASELINES,
        run,
        environment=record_.conditions["environment"]["name"],
        platform_class=record_.conditions["platform"]["class"],
    )
    return compare_outputs(
        reference.folder,
        store.runs / record_.id / "out",
        sorted({*record_.outputs, *reference.outputs}),
        run.experiment.rules,
        today=clock.now().date(),
    )


def _newest(store: Store, name: str) -> Record:
    for identity in reversed(store.ids()):
        record_ = store.read(identity)
        if record_.run == name and record_.completed:
            return record_
    raise MissingBaseline(f"{name}: no complete run", hint=f"run it: repro replay '{name}'")
