"""Removing from the cache what nothing needs: no revision, stash, worktree, recorded run or baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import DataError, ReproError
from repro.core.exits import Exit
from repro.data.dvc import DvcRemote
from repro.data.keep import needed, objects_in
from repro.data.needs import reader
from repro.data.pointers import is_pointer
from repro.data.shelf import quiet
from repro.tools import clock
from repro.tools.files import disk_errors
from repro.tools.git import Git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from repro.data.cache import Cache
    from repro.data.shelf import Shelf

POINTERS = ("**/*.dvc", "**/dvc.lock")
GRACE_MINUTES = 60
"""How old an object must be: another program may have put it there whose pointer is not yet written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GcReport:
    """What was removed, or with `dry_run` would be: hashes and bytes; what is kept, and what was stated."""

    cache: str
    dry_run: bool
    removed: tuple[str, ...]
    bytes: int
    kept: int
    young: int
    notes: tuple[str, ...]

    @property
    def exit(self) -> Exit:
        """Good: a cache in which nothing is superfluous is as it should be."""
        return Exit.GOOD


def gc(
    root: Path, *, dry_run: bool = False, force: bool = False, grace_minutes: int = GRACE_MINUTES
) -> GcReport:
    """Remove the objects that nothing needs from the cache; the remote is never touched.

    DataError, unless `dry_run` or `force`, where it cannot be known what is needed: the cache lies outside
    the repository, the clone is shallow, or the list of files of a needed folder is nowhere.
    """
    remote = DvcRemote(root)
    cache = remote.cache
    with disk_errors(f"looking through {cache.folder}"), quiet(), cache.writing():
        shelf = _shelf(remote)
        kept = needed(_texts(root, cache), reader(cache, shelf))
        doubts = _doubts(root, cache, kept.unknown, asked=shelf is not None)
        if doubts and not (dry_run or force):
            raise DataError(
                "; ".join(doubts), hint="see what would go: repro data gc --dry-run; then say --force"
            )
        limit = clock.now().timestamp() - 60 * grace_minutes
        superfluous = [(name, path) for name, path in objects_in(cache) if name not in kept.hashes]
        # The time of change: DVC lets an object keep the times of the file that it was. A clock that went
        # back makes an object young, which keeps it.
        old = [(name, path) for name, path in superfluous if path.lstat().st_ctime <= limit]
        count = sum(path.lstat().st_size for _, path in old)
        if not dry_run:
            for _, path in old:
                path.unlink()
        return GcReport(
            cache=str(cache.folder),
            dry_run=dry_run,
            removed=tuple(sorted({name for name, _ in old})),
            bytes=count,
            kept=sum(1 for name, _ in objects_in(cache) if name in kept.hashes),
            young=len(superfluous) - len(old),
            notes=tuple(doubts),
        )


def _doubts(root: Path, cache: Cache, unknown: tuple[str, ...], *, asked: bool) -> list[str]:
    found = []
    own = [tree.resolve() for tree in (root, *Git(root).worktrees())]
    if not any(cache.folder.resolve().is_relative_to(tree) for tree in own):
        found.append(f"the cache {cache.folder} lies outside this repository: others may need what it holds")
    if Git(root).is_shallow():
        found.append("this clone is shallow: what older revisions need is not known")
    if unknown:
        nowhere = (
            "neither in the cache nor in the remote" if asked else "not in the cache, and no remote answers"
        )
        found.append(
            f"of {len(unknown)} needed folders the list of files is {nowhere}: " + ", ".join(unknown[:3])
        )
    return found


def _shelf(remote: DvcRemote) -> Shelf | None:
    try:
        return remote.shelf()
    except ReproError:  # then the cache alone says what folders hold
        return None


def _texts(root: Path, cache: Cache) -> Iterator[bytes]:
    """Every text that may name an object: pointers of all times, in all trees; records; DVC's run cache."""
    git = Git(root)
    yield from git.versions(*POINTERS)
    trees = {tree.resolve() for tree in (root, *git.worktrees()) if tree.is_dir()}
    for tree in sorted(trees):
        here = Git(tree)
        yield from here.versions(*POINTERS)
        names = [name for name in here.files() if is_pointer(name)]
        yield from (_bytes(tree / name) for name in names)
        for project in {
            tree,
            *((tree / name).parent for name in here.files() if name.endswith("repro.toml")),
        }:
            yield from (_bytes(path) for path in (project / ".repro" / "runs").glob("*/record.json"))
            yield from (_bytes(path) for path in (project / "baselines").glob("**/*.json"))
    yield from (_bytes(path) for path in (cache.folder / "runs").glob("*/*/*"))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return b""
