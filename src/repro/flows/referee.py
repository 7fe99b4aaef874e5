"""Who is compared with whom: the baseline of a run, or what `--against` names instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.conditions.platform import platform_class
from repro.core.errors import MissingBaseline, TamperError, UsageError
from repro.flows import trees
from repro.flows.judge import Reference, baseline_reference
from repro.store.baseline import FILE, variants
from repro.tools.files import require_inside

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from repro.flows.attempt import Referee
    from repro.flows.identity import Identity
    from repro.flows.matrix import Run
    from repro.flows.workshop import Workshop

BASELINES = "baselines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselines:
    """The baselines of a tree as references: the variant `wanted`, else the nearest."""

    root: Path
    wanted: str = ""

    def __call__(self, identity: Identity) -> Reference:
        """The baseline of a run; raises MissingBaseline."""
        return _nearest(self.root, identity, wanted=self.wanted)

    def values(self, run: Run, over: str) -> tuple[str, ...]:
        """The values of an axis for which there are baselines of runs that are else like `run`."""
        axes = [f"{axis}={value}" for axis, value in run.axes.items() if axis != over]
        at = list(run.axes).index(over)
        begin = ",".join([*axes[:at], f"{over}="])
        end = "".join(f",{axis}" for axis in axes[at:])
        folder = self.root / BASELINES / run.experiment.name
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        found = [
            name[len(begin) : len(name) - len(end)]
            for name in names
            if len(name) > len(begin) + len(end) and name.startswith(begin) and name.endswith(end)
        ]
        return tuple(value for value in found if "," not in value)


def make_referee(root: Path, against: str, workshop: Workshop, held: ExitStack) -> Referee:
    """A function that names the reference of a run.

    `against` is "" for the baselines of the tree that is replayed; else the label of a baseline variant, the
    id of a run (or its beginning), or a revision whose baselines to take; the first that fits, in this order.
    """
    here = workshop.tree.root
    if not against:
        return Baselines(root=here)
    if _is_label(here / BASELINES, against, workshop):
        return Baselines(root=here, wanted=against)
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
    return Baselines(root=tree.root)


def _nearest(root: Path, identity: Identity, *, wanted: str = "") -> Reference:
    """The baseline of a run in a tree; ConfigError where a link leads out of the tree to it."""
    where = f"{BASELINES}/{identity.run.folder}"
    for folder in (require_inside(root, where, what=BASELINES), *variants(root / where).values()):
        for name in (".", FILE):
            require_inside(root, (folder / name).relative_to(root).as_posix(), what=BASELINES)
    return baseline_reference(
        root / BASELINES,
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
    if altered := workshop.place.store.altered(record):
        raise TamperError(
            f"run {record.id}: its output {altered} is not what the run wrote",
            hint="name another run: repro runs list",
        )
    return Reference(
        folder=workshop.place.store.runs / record.id / "out",
        outputs={name: entry["digest"] for name, entry in record.outputs.items()},
        what=f"run {record.id}",
        why="asked for",
        run_id=record.id,
    )
