"""Status: which runs are fresh, which are stale and why, which never ran."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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

    from repro.flows.attempt import Result
    from repro.flows.identity import Identity
    from repro.store.record import Record
    from repro.store.runs import Store

FRESH, STALE, NEVER = "fresh", "stale", "never run"
NAMED = 3
"""Changed files that a reason names, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one run stands: a word, the newest run of it, its verdict, and why it is stale.

    The verdict of a fresh run is that against the present baseline, of a stale one that at its time.
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
        referee = make_referee(root, "", workshop, held)
        hits = {identity.run.name: cached(workshop, identity, referee) for identity in identities}
        newest = _newest(place.store, {name for name, hit in hits.items() if hit is None})
        return tuple(_standing(identity, hits[identity.run.name], newest) for identity in identities)


def _newest(store: Store, wanted: set[str]) -> dict[str, Record]:
    """The newest record of each wanted run, looked for from the newest on."""
    left, found = set(wanted), {}
    for identity in reversed(store.ids()):
        if not left:
            break
        record = store.read(identity)
        if record.run in left and record.completed:
            found[record.run] = record
            left.discard(record.run)
    return found


def _standing(identity: Identity, hit: Result | None, newest: Mapping[str, Record]) -> Standing:
    run = identity.run
    standing = Standing(run=run.name, experiment=run.experiment.name, standing=NEVER)
    if hit is not None:
        return replace(standing, standing=FRESH, run_id=hit.run_id, verdict=str(hit.verdict))
    record = newest.get(run.name)
    if record is None:
        return standing
    return replace(
        standing,
        standing=STALE,
        run_id=record.id,
        verdict=record.verdict["verdict"],
        reasons=tuple(reasons(record, identity)),
    )


def reasons(record: Record, identity: Identity) -> Iterator[str]:
    """Why a record is not a run under these conditions: each condition that changed, with its files."""
    then, now = record.command["parts"], identity.parts
    for part in now:
        if then.get(part) == now[part]:
            continue
        if part == "code":
            yield _named("code", record.conditions["code"]["files"], identity.code.files)
        elif part == "data":
            yield _named("data", record.conditions["data"]["inputs"], identity.data)
        elif part == "variables":
            yield _named("variables", record.command["variables"], identity.variables)
        elif part == "environment":
            yield f"environment: {record.conditions['environment']['name']} is another one now"
        else:
            yield part
    if then == now:
        yield "its outputs were altered, or the tool runs it in another way now"


def _named(what: str, then: Mapping[str, str], now: Mapping[str, str]) -> str:
    changed = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
    return f"{what}: {', '.join(changed[:NAMED])}{more}"
