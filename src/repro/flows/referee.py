"""Who is compared with whom: the baseline of a run, or what `--against` names instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.conditions.platform import platform_class
from repro.core.errors import MissingBaseline, UsageError
from repro.flows import trees
from repro.flows.judge import Reference, baseline_reference

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from repro.flows.attempt import Referee
    from repro.flows.identity import Identity
    from repro.flows.workshop import Workshop

BASELINES = "baselines"


def make_referee(root: Path, against: str, workshop: Workshop, held: ExitStack) -> Referee:
    """A function that names the reference of a run.

    `against` is "" for the baselines of the tree that is replayed; else the label of a baseline variant, the
    id of a run (or its beginning), or a revision whose baselines to take; the first that fits, in this order.
    """
    folder = workshop.tree.root / BASELINES
    if not against:
        return lambda identity: _nearest(folder, identity)
    if _is_label(folder, against, workshop):
        return lambda identity: _nearest(folder, identity, wanted=against)
    if against in (ids := workshop.place.store.ids()) or sum(i.startswith(against) for i in ids) == 1:
        reference = run_reference(workshop, against)
        return lambda _identity: reference
    try:
        tree = held.enter_context(trees.at(root, against, workshop.place.scratch / "against"))
    except UsageError as error:
        raise UsageError(
            f"--against {against!r}: no baseline, run or revision of that name",
            hint="see: repro baseline list, repro runs list, git log --oneline",
        ) from error
    return lambda identity: _nearest(tree.root / BASELINES, identity)


def _nearest(folder: Path, identity: Identity, *, wanted: str = "") -> Reference:
    return baseline_reference(
        folder,
        identity.run,
        environment=identity.environment_name,
        platform_class=platform_class(),
        wanted=wanted,
    )


def _is_label(folder: Path, against: str, workshop: Workshop) -> bool:
    """Whether some experiment of the project has a baseline variant of that name."""
    places = (
        place for name in workshop.project.experiments for place in (folder / name).rglob("baseline.json")
    )
    return "/" not in against and any(place.parent.name == against for place in places)


def run_reference(workshop: Workshop, identity: str) -> Reference:
    """The outputs of an earlier run as a reference."""
    record = workshop.place.store.get(identity)
    if not record.completed:
        raise MissingBaseline(
            f"run {record.id} has no complete outputs", hint="name another: repro runs list"
        )
    return Reference(
        folder=workshop.place.store.runs / record.id / "out",
        outputs={name: entry["digest"] for name, entry in record.outputs.items()},
        what=f"run {record.id}",
        why="asked for",
    )
