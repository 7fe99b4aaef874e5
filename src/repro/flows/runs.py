"""Records of runs: listed, shown, two of them compared, and the old ones pruned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from repro.core.errors import MissingBaseline
from repro.drift.rules import Rules
from repro.flows import config
from repro.flows.closures import packages_apart
from repro.flows.matrix import select
from repro.flows.referee import BASELINES
from repro.store.baseline import FILE, MAX_BYTES, parse
from repro.store.runs import RECORD, Store
from repro.tools import clock
from repro.tools.files import is_locked, locked, read_capped, remove_tree, tree_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from repro.drift.report import DriftReport
    from repro.flows.config import Project
    from repro.store.record import Record


DERIVED = frozenset(
    {
        "command.parts",
        "command.shown",
        "conditions.environment.facts.closure_bytes",
        "conditions.environment.facts.search_path",
        "conditions.code.changed",
        "conditions.code.definition",
        "conditions.code.digest",
        "conditions.data.digest",
        "conditions.data.files",
        "conditions.platform.digest",
        "conditions.platform.keyed.cpu_flags_digest",
    }
)
"""Parts of a record that say no more than others do: two runs are told apart by those others."""


CLOSURE = "conditions.environment.facts.closure"
"""The part of a record that holds the closure of a Nix shell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run in a list: its record, the bytes it takes, and whether a baseline stands on it."""

    record: Record
    size: int
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What tells two runs apart: conditions that differ, by dotted name with both values, and the outputs."""

    first: Record
    second: Record
    conditions: tuple[tuple[str, str, str], ...]
    report: DriftReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Runs, newest first, and how many there are in all."""

    entries: tuple[Entry, ...]
    total: int


def listing(root: Path, name: str, limit: int) -> Listing:
    """The newest runs, at most `limit`: of the run or experiment `name`, or of all where it is "".

    Raises UsageError for a name that neither a record nor `repro.toml` knows.
    """
    store, accepted = Store(root), accepted_ids(root)
    if not name:
        ids = store.ids()[::-1]
        chosen = [store.read(identity) for identity in ids[:limit]]
        return Listing(entries=tuple(_entry(store, record, accepted) for record in chosen), total=len(ids))
    records = list(store.all())[::-1]
    found = [record for record in records if name in {record.experiment, record.run}]
    if not found:
        # A matrix's part such as noise[sigma=1] is understood here too, and an unknown name refused.
        named = {run.name for run in select(config.load(root), (name,))}
        found = [record for record in records if record.run in named]
    entries_ = tuple(_entry(store, record, accepted) for record in found[:limit])
    return Listing(entries=entries_, total=len(found))


def entries(root: Path) -> list[Entry]:
    """All runs, newest first."""
    store, accepted = Store(root), accepted_ids(root)
    return [_entry(store, record, accepted) for record in reversed(list(store.all()))]


def _entry(store: Store, record: Record, accepted: set[str]) -> Entry:
    return Entry(record=record, size=tree_bytes(store.runs / record.id), accepted=record.id in accepted)


def accepted_ids(root: Path) -> set[str]:
    """The runs that baselines were taken from: they are never pruned."""
    files = sorted((root / BASELINES).rglob(FILE)) if (root / BASELINES).is_dir() else []
    return {parse(read_capped(file, MAX_BYTES), name=str(file)).run_id for file in files}


def difference(root: Path, first: str, second: str, project: Project) -> Difference:
    """Compare the conditions and the outputs of two runs, under the present rules of their experiment."""
    from repro.drift.compare import compare_outputs

    store = Store(root)
    one, two = store.get(first), store.get(second)
    for record in (one, two):
        if not record.completed:
            raise MissingBaseline(
                f"run {record.id} has no complete outputs", hint="name another: repro runs list"
            )
    report = compare_outputs(
        store.runs / one.id / "out",
        store.runs / two.id / "out",
        sorted({*one.outputs, *two.outputs}),
        project.experiments[one.experiment].rules if one.experiment in project.experiments else Rules(),
        today=clock.now().date(),
    )
    return Difference(first=one, second=two, conditions=conditions_apart(one, two), report=report)


def conditions_apart(one: Record, two: Record) -> tuple[tuple[str, str, str], ...]:
    """The conditions in which two runs differ: the dotted name of each, and both values."""
    return tuple(
        row
        for name, left, right in (
            ("conditions", one.conditions, two.conditions),
            ("command", one.command, two.command),
            ("isolation", {"method": one.isolation["method"]}, {"method": two.isolation["method"]}),
        )
        for row in _differing(name, left, right)
    )


def _differing(name: str, left: Any, right: Any) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401 - JSON
    if name in DERIVED:
        return
    if name == CLOSURE and isinstance(left, dict) and isinstance(right, dict):
        yield from ((f"{name}.{package}", *both) for package, both in packages_apart(left, right))
    elif isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            yield from _differing(f"{name}.{key}", left.get(key), right.get(key))
    elif left != right:
        yield name, _told(name, left), _told(name, right)


def _told(name: str, value: Any) -> str:  # noqa: ANN401 - JSON
    """A value in words; a whole closure beside none is only counted."""
    return f"{len(value)} store paths" if name == CLOSURE and isinstance(value, dict) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was pruned, or would be: ids and bytes; and how many runs are kept."""

    ids: tuple[str, ...]
    size: int
    kept: int


def gc(root: Path, *, older_than_days: float | None, keep_bytes: int | None, dry_run: bool) -> Pruned:
    """Prune runs older than so many days, then the oldest until the rest takes at most `keep_bytes`.

    The newest complete run of each name and its variables, and runs that baselines stand on, are kept; what
    a killed call left without a record goes always, unless a call is under way.
    """
    store, now = Store(root), clock.now()
    found = entries(root)
    newest = {_kind(e.record): e.record.id for e in reversed(found) if e.record.completed}
    kept_ids = frozenset(newest.values())
    free = [e for e in found if not e.accepted and e.record.id not in kept_ids]
    doomed = {e.record.id: e.size for e in free if _is_older(e.record, older_than_days, now)}
    if keep_bytes is not None:
        excess = sum(e.size for e in found) - sum(doomed.values()) - keep_bytes
        for entry in reversed(free):
            if excess > 0 and entry.record.id not in doomed:
                doomed[entry.record.id] = entry.size
                excess -= entry.size
    store.prepare()
    with locked(store.folder / "tmp" / "lock"):  # no call can begin meanwhile, and take what goes here
        doomed |= _unfinished(store)
        for identity in () if dry_run else doomed:
            # The record first: without it nothing takes the rest for a run, should this be killed.
            (store.runs / identity / RECORD).unlink(missing_ok=True)
            remove_tree(store.runs / identity)
    kept = sum(e.record.id not in doomed for e in found)
    return Pruned(ids=tuple(sorted(doomed)), size=sum(doomed.values()), kept=kept)


def _kind(record: Record) -> tuple[str, str]:
    """A run and its variables: a repetition under another hash seed must not push the run itself out."""
    return record.run, record.command["parts"]["variables"]


def _is_older(record: Record, days: float | None, now: datetime) -> bool:
    return days is not None and now - datetime.fromisoformat(record.ended_at) > timedelta(days=days)


def _unfinished(store: Store) -> dict[str, int]:
    """Folders of runs without a record, unless a call is under way that may still write one."""
    locks = (store.folder / "tmp").glob("*.lock")
    if not store.runs.is_dir() or any(is_locked(lock) for lock in locks):
        return {}
    known = set(store.ids())
    return {folder.name: tree_bytes(folder) for folder in store.runs.iterdir() if folder.name not in known}
