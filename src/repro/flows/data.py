"""The data of experiments: pulled, verified without being pulled, pushed; and where everything is."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from repro.core.errors import DataError
from repro.core.events import silent
from repro.core.exits import Exit
from repro.data.cache import Standing
from repro.data.dvc import DvcRemote
from repro.data.needs import Needs, all_parts, needs, parts_of, reader
from repro.data.place import place_all
from repro.data.shelf import NAMED, quiet
from repro.data.transfer import Moved, standings
from repro.flows.replay import open_place
from repro.flows.resolve import resolve
from repro.tools.files import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from repro.core.events import Listener
    from repro.data.cache import Cache
    from repro.data.inputs import Part
    from repro.data.place import Placed
    from repro.data.pointers import Object
    from repro.data.shelf import Shelf
    from repro.flows.config import Project
    from repro.flows.resolve import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Whose data: experiments (none named is all of them), at a revision ("" is the present tree).

    `jobs` 0 leaves the number of transfers at once to the kind of remote.
    """

    experiments: tuple[str, ...] = ()
    revision: str = ""
    jobs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferReport:
    """What a pull or a push did: for which experiments, files, objects, from or to which remote."""

    experiments: tuple[str, ...]
    remote: str
    files: int
    moved: Moved
    placed: Placed | None = None

    @property
    def exit(self) -> Exit:
        """Experiments without data under DVC are served: there was something to ask, and nothing to move."""
        return Exit.GOOD if self.experiments else Exit.NOT_CHECKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One object: the paths that need it, the experiments they belong to, and its standing at each place."""

    object: Object
    paths: tuple[str, ...]
    experiments: tuple[str, ...]
    cache: Standing
    remote: Standing | None

    @property
    def feeds(self) -> bool:
        """Whether there is a copy that is not known to be wrong."""
        return not {self.cache, self.remote}.isdisjoint({Standing.PRESENT, Standing.UNCHECKED})

    @property
    def exit(self) -> Exit:
        """Wrong where a copy is corrupt, or where it is missing from the remote (or, without, the cache)."""
        known = self.cache if self.remote is None else self.remote
        if Standing.CORRUPT in {self.cache, self.remote} or known is Standing.MISSING:
            return Exit.WRONG
        return Exit.NOT_CHECKED if known is Standing.UNCHECKED else Exit.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """The objects of a revision, each with its standing; and the experiments that need none of DVC's."""

    revision: str
    commit: str
    remote: str
    rows: tuple[Row, ...]
    unknown: tuple[str, ...] = ()

    @property
    def exit(self) -> Exit:
        """The worst of all objects; no object at all is nothing checked."""
        from repro.core.exits import worst

        return worst([row.exit for row in self.rows])


@contextmanager
def subject_of(root: Path, revision: str) -> Iterator[tuple[Subject, DvcRemote, ExitStack]]:
    """The tree, its project, and the caller's own cache and remote, while the block lasts."""
    with disk_errors(f"working in {root}"), ExitStack() as held:
        place = open_place(root, silent, held)
        subject = resolve(root, revision, place.scratch, held, rules="revision")
        yield subject, DvcRemote(root), held


def experiments_of(project: Project, named: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The inputs of the named experiments, or of all; UsageError for a name that there is not."""
    names = [name.partition("[")[0] for name in named] or list(project.experiments)
    return {name: project.experiment(name).inputs for name in dict.fromkeys(names)}


def pull(root: Path, wish: Wish, listener: Listener = silent, *, in_place: bool = False) -> TransferReport:
    """Fetch what experiments need at a revision, and no more, into the cache; with `in_place` link it there.

    Corrupt objects of the cache are set aside and fetched again. DataError where something cannot be had.
    """
    with subject_of(root, wish.revision) as (subject, remote, _):
        asked = experiments_of(subject.project, wish.experiments)
        parts = _parts(subject.tree.root, asked)
        pulling = partial(remote.pull, listener=listener, jobs=wish.jobs)
        with _by_path(remote.cache, [(part.pointer.path, part.pointer.object) for part in parts]):
            first = pulling([part.pointer.object for part in parts])
        wanted = needs(parts, reader(remote.cache, None))
        if wanted.unknown:
            raise DataError(f"{wanted.unknown[0].path}: its manifest went from the cache meanwhile")
        with _by_path(remote.cache, [(item.path, item.object) for item in wanted.items]):
            second = pulling(wanted.objects)
        placed = place_all(root, wanted.items, remote.cache) if in_place else None
        return TransferReport(
            experiments=tuple(asked),
            remote=remote.name,
            files=_files(wanted),
            moved=Moved(
                moved=first.moved + second.moved,
                there=len(wanted.objects) - len(first.moved + second.moved),
                quarantined=first.quarantined + second.quarantined,
            ),
            placed=placed,
        )


@contextmanager
def _by_path(cache: Cache, named: Sequence[tuple[str, Object]]) -> Iterator[None]:
    """Let an error of a transfer begin with the paths of what is not in the cache."""
    try:
        yield
    except DataError as error:
        found = standings(cache, list({one for _, one in named}))
        lacking = sorted({path for path, one in named if found[one] is not Standing.PRESENT})
        if not lacking:
            raise
        more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
        raise DataError(f"{', '.join(lacking[:NAMED])}{more}: {error.message}", hint=error.hint) from error


def push(root: Path, wish: Wish, listener: Listener = silent, *, everything: bool = False) -> TransferReport:
    """Store in the remote what experiments need, or every pointer records; what is there already stays."""
    from repro.data import transfer

    with subject_of(root, wish.revision) as (subject, remote, _), quiet():
        asked = experiments_of(subject.project, wish.experiments)
        parts = all_parts(subject.tree.root) if everything else _parts(subject.tree.root, asked)
        wanted = needs(parts, reader(remote.cache, None))
        if wanted.unknown:
            raise DataError(
                f"{wanted.unknown[0].path}: its manifest is not in the cache {remote.cache_folder()}",
                hint="run: repro data pull; or `dvc commit` it where the data is",
            )
        shelf = remote.shelf()
        with _by_path(remote.cache, [(item.path, item.object) for item in wanted.items]):
            moved = transfer.push(remote.cache, wanted.objects, shelf, listener=listener, jobs=wish.jobs)
        return TransferReport(experiments=tuple(asked), remote=remote.name, files=_files(wanted), moved=moved)


def verify(root: Path, wish: Wish, *, offline: bool = False, read: bool = False) -> VerifyReport:
    """The standing of every object that experiments need at a revision, in cache and remote, by hash.

    Nothing is pulled. `offline` asks the cache alone; `read` reads the bytes of objects of which the remote
    keeps no hash.
    """
    with subject_of(root, wish.revision) as (subject, remote, _), quiet():
        places = Places(cache=remote.cache, shelf=shelf_of(remote, offline=offline), read=read)
        asked = experiments_of(subject.project, wish.experiments)
        rows, unknown = survey(subject.tree.root, asked, places)
        return VerifyReport(
            revision=wish.revision,
            commit=subject.tree.commit,
            remote="" if offline else remote.name,
            rows=rows,
            unknown=unknown,
        )


def shelf_of(remote: DvcRemote, *, offline: bool) -> Shelf | None:
    """The remote opened for questions, None where it is not to be asked; DataError where there is none."""
    if offline:
        return None
    try:
        return remote.shelf()
    except DataError as error:
        raise DataError(error.message, hint=f"{error.hint}; --cache-only asks the cache alone") from error


class Places:
    """The cache and the remote (None: not asked), each object looked at once however often asked for."""

    def __init__(self, *, cache: Cache, shelf: Shelf | None, read: bool = False) -> None:
        self._cache, self._shelf, self._read = cache, shelf, read
        self.manifest = reader(cache, shelf)
        self._cached: dict[Object, Standing] = {}
        self._there: dict[Object, Standing] = {}

    def look(self, objects: Sequence[Object]) -> tuple[dict[Object, Standing], dict[Object, Standing]]:
        """The standings in the cache, and in the remote; DataError where the remote's place is not there."""
        self._cached |= standings(self._cache, [one for one in objects if one not in self._cached])
        if self._shelf is not None:
            new = [one for one in objects if one not in self._there]
            found = self._shelf.look(new, read=self._read)
            if found and set(found.values()) == {Standing.MISSING} and self._shelf.place_is_missing():
                raise self._shelf.failure(FileNotFoundError())
            self._there |= found
        return self._cached, self._there


def survey(
    tree: Path, asked: Mapping[str, Sequence[str]], places: Places
) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Rows for all objects that the inputs need, and the folders whose files are unknown."""
    wanted = {name: needs(parts_of(tree, inputs), places.manifest) for name, inputs in asked.items()}
    owners: dict[Object, dict[str, set[str]]] = {}
    for name, each in wanted.items():
        for item in (*each.items, *each.unknown):
            owners.setdefault(item.object, {}).setdefault(item.path, set()).add(name)
    objects = list(owners)
    cached, there = places.look(objects)
    rows = tuple(
        Row(
            object=one,
            paths=tuple(sorted(owners[one])),
            experiments=tuple(sorted(set().union(*owners[one].values()))),
            cache=cached[one],
            remote=there.get(one),
        )
        for one in objects
    )
    unknown = sorted({item.path for each in wanted.values() for item in each.unknown})
    return tuple(sorted(rows, key=lambda row: row.paths)), tuple(unknown)


def _parts(tree: Path, asked: Mapping[str, Sequence[str]]) -> list[Part]:
    return parts_of(tree, {path for inputs in asked.values() for path in inputs})


def _files(wanted: Needs) -> int:
    return sum(not item.object.is_folder for item in wanted.items)
