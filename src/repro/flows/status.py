"""Status: which runs are fresh, which are stale and why, which never ran."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repro.core.errors import ReproError
from repro.core.events import silent
from repro.flows import config, trees
from repro.flows.attempt import cached
from repro.flows.matrix import select
from repro.flows.referee import make_referee
from repro.flows.replay import open_place
from repro.flows.workshop import Demands, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from repro.flows.attempt import Result
    from repro.flows.config import Project
    from repro.flows.identity import Identity
    from repro.store.record import Record
    from repro.store.runs import Store

FRESH, STALE, NEVER = "fresh", "stale", "never run"
ALTERED = "its outputs were altered, or the tool runs it in another way now"
NAMED = 3
"""Changed files or names that a reason lists, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one run stands: a word, the nearest run of it, its verdict, and why it is stale.

    The verdict of a fresh run is that against the present baseline, of a stale one that at its time. A run
    that only failed is "never run", and the reason says so.
    """

    run: str
    experiment: str
    standing: str
    run_id: str = ""
    verdict: str = ""
    reasons: tuple[str, ...] = ()


def status(root: Path, selections: tuple[str, ...]) -> tuple[Standing, ...]:
    """The standing of every run that is named, or of all. Nothing is fetched, realised or run."""
    with ExitStack() as held:
        project, place = config.load(root), open_place(root, silent, held)
        workshop = Workshop(
            project=project, tree=trees.present(root), place=place, demands=Demands(), definition={}
        )
        identities = [workshop.identity(run, {}) for run in select(project, selections)]
        if not identities:
            raise ReproError(f"{config.FILE} names no experiments", hint="add one: [experiments.NAME]")
        referee = make_referee(root, "", workshop, held)
        hits = {identity.run.name: cached(workshop, identity, referee) for identity in identities}
        records = _records(place.store, {name for name, hit in hits.items() if hit is None})
        return tuple(
            _standing(project, identity, hits[name], records.get(name, []))
            for identity in identities
            for name in (identity.run.name,)
        )


def _records(store: Store, wanted: set[str]) -> dict[str, list[Record]]:
    """All records of the wanted runs, newest first."""
    found: dict[str, list[Record]] = {name: [] for name in wanted}
    for record in reversed(list(store.all())) if wanted else ():
        if record.run in wanted:
            found[record.run].append(record)
    return found


def _standing(project: Project, identity: Identity, hit: Result | None, records: list[Record]) -> Standing:
    run = identity.run
    standing = Standing(run=run.name, experiment=run.experiment.name, standing=NEVER)
    if hit is not None:
        return replace(standing, standing=FRESH, run_id=hit.run_id, verdict=str(hit.verdict))
    complete = [record for record in records if record.completed]
    if complete:
        # The one that differs least: a repetition under another hash seed would hide what really changed.
        record = min(complete, key=lambda record: len(_changed(record, identity)))
        why = tuple(reasons(record, identity, project)) or (ALTERED,)
        verdict = record.verdict["verdict"]
        return replace(standing, standing=STALE, run_id=record.id, verdict=verdict, reasons=why)
    if records:
        why = (f"the last try failed: {records[0].outcome['reason'].splitlines()[0]}",)
        return replace(standing, run_id=records[0].id, reasons=why)
    return standing


def _changed(record: Record, identity: Identity) -> list[str]:
    then, now = record.command["parts"], identity.parts
    return [part for part in now if then.get(part) != now[part]]


def reasons(record: Record, identity: Identity, project: Project) -> Iterator[str]:
    """Why a record is not a run under these conditions: each condition that changed, and what in it."""
    conditions, command = record.conditions, record.command
    said = {
        "code": lambda: _named("code", conditions["code"]["files"], identity.code.files),
        "data": lambda: _named("data", conditions["data"]["inputs"], identity.data),
        "environment": lambda: _environment(conditions["environment"], identity, project),
        "platform": lambda: _named("platform", conditions["platform"]["keyed"], identity.platform),
        "variables": lambda: _named("variables", command["variables"], identity.variables),
        "command": lambda: _named("command", _command(command), _command(identity.command)),
    }
    for part in _changed(record, identity):
        yield said[part]()


def _environment(then: Mapping[str, Any], identity: Identity, project: Project) -> str:
    """Another environment was asked for, or the same name means another lock, interpreter or machine."""
    name = identity.environment_name
    if then["name"] != name:
        return f"environment: {then['name']} then, {name} now"
    table = project.environments.get(name)
    if table is None or table.lock is None:
        return f"environment: {name}: the interpreter or its packages"
    return f"environment: {name}: {table.lock}, or the interpreter"


def _command(section: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "arguments": section["argv"],
        "outputs": section["outputs"],
        "network": section["network"],
        **section["values"],
    }


def _named(what: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The condition, and the names in it that were changed, added or are gone."""
    changed = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    words = [
        name + (" (new)" if name not in then else " (gone)" if name not in now else "") for name in changed
    ]
    more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
    return f"{what}: {', '.join(words[:NAMED])}{more}"
