"""Where everything is that DVC tracks in the present tree: in place, in the cache, in the remote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.data.cache import Standing, digest_as
from repro.data.needs import all_parts, needs, reader
from repro.data.shelf import quiet
from repro.data.transfer import standings
from repro.flows.data import shelf_of, subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from repro.data.inputs import Part
    from repro.data.needs import Needs
    from repro.data.objects import Item
    from repro.data.pointers import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """One out: its pointer, how many files, how many of them in place (and changed), cached, in the remote.

    `remote` is None where the remote was not asked. `files` is None where nobody knows: no manifest.
    """

    path: str
    pointer: str
    files: int | None
    in_place: int
    changed: int
    cached: int
    remote: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """Everything that is tracked, and the remote that was asked ("" for none). `gone`: it is not there."""

    cache: str
    remote: str
    tracked: tuple[Tracked, ...]
    gone: bool = False

    @property
    def exit(self) -> Exit:
        """Good, unless nothing is tracked."""
        return Exit.GOOD if self.tracked else Exit.NOT_CHECKED


def status(root: Path, *, offline: bool = False) -> StatusReport:
    """What DVC's pointers record in the present tree, and where it is. Nothing is changed."""
    with subject_of(root, "") as (subject, remote, _), quiet():
        shelf = shelf_of(remote, offline=offline)
        parts = all_parts(subject.tree.root)
        manifests = reader(remote.cache, shelf)
        each = [(part, needs([part], manifests)) for part in parts]
        objects = list(dict.fromkeys(one for _, found in each for one in found.objects))
        cached = standings(remote.cache, objects)
        there = shelf.look(objects) if shelf else None
        nothing = there is not None and set(there.values()) <= {Standing.MISSING}
        return StatusReport(
            cache=str(remote.cache_folder()),
            remote=remote.name if shelf else "",
            tracked=tuple(_tracked(root, part, found, cached, there) for part, found in each),
            gone=shelf is not None and nothing and shelf.place_is_missing(),
        )


def _tracked(
    root: Path,
    part: Part,
    found: Needs,
    cached: Mapping[Object, Standing],
    there: Mapping[Object, Standing] | None,
) -> Tracked:
    items = [item for item in found.items if not item.object.is_folder]
    here = [_in_place(root, item) for item in items]
    fine = (Standing.PRESENT, Standing.UNCHECKED)
    return Tracked(
        path=part.pointer.path,
        pointer=part.pointer.file,
        files=None if found.unknown else len(items),
        in_place=here.count(True),
        changed=here.count(False),
        cached=sum(cached[item.object] in fine for item in items),
        remote=None if there is None else sum(there[item.object] in fine for item in items),
    )


def _in_place(root: Path, item: Item) -> bool | None:
    """Whether a file of the work tree is what the pointer records; None where it is not there."""
    try:
        return digest_as(root / item.path, item.object.digest) == item.object.digest
    except OSError:
        return None
