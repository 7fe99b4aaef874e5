"""Files put where the user wants them: links into the cache, by the cheapest kind that the disk knows."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import DataError, UsageError
from repro.data.cache import digest_as
from repro.tools.files import copy_hashed, require_inside

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from repro.data.cache import Cache
    from repro.data.objects import Item

KINDS = ("reflink", "hardlink", "symlink", "copy")
"""How a file may stand for its object, in the order tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """How many files were put in place, how (one of KINDS, by count), and how many were there already."""

    made: dict[str, int]
    there: int


def place_all(root: Path, items: Sequence[Item], cache: Cache) -> Placed:
    """Put every file at its path in the work tree, as a link to its object in the cache.

    A file that is there with other bytes is the user's: UsageError names it before anything is written.
    """
    files = [item for item in items if not item.object.is_folder]
    lacking, changed = [], []
    for item in files:
        path = require_inside(root, item.path, what="data")
        try:
            same = digest_as(path, item.object.digest) == item.object.digest
        except OSError:
            if path.is_symlink() or path.exists():
                changed.append(item.path)
            lacking.append(item)
            continue
        if not same:
            changed.append(item.path)
    if changed:
        raise UsageError(
            f"{len(changed)} files in place are not what the pointers record: {', '.join(changed[:5])}",
            hint="`dvc commit` what shall stay, or move it away; nothing was put in place",
        )
    made: dict[str, int] = {}
    kinds = list(KINDS)
    for item in lacking:
        kind = _place(root / item.path, item, cache, kinds)
        made[kind] = made.get(kind, 0) + 1
    return Placed(made=made, there=len(files) - len(lacking))


def _place(path: Path, item: Item, cache: Cache, kinds: list[str]) -> str:
    """Put one file in place; kinds that this disk does not know are struck from `kinds`."""
    source = cache.place(item.object)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:200]}.part")
    usable = ["copy"] if item.executable else list(kinds)  # a program needs its own permissions
    for kind in usable:
        with suppress(FileNotFoundError):
            part.unlink()
        try:
            _make(kind, source, part, item)
        except OSError as error:
            if kind == "copy" or error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.ENOENT}:
                raise
            kinds.remove(kind)
            continue
        part.replace(path)
        return kind
    raise DataError(f"{item.path}: cannot be put in place")


def _make(kind: str, source: Path, part: Path, item: Item) -> None:
    if kind == "reflink":
        from dvc_objects.fs.system import reflink

        reflink(str(source), str(part))  # type: ignore[no-untyped-call]
        part.chmod(0o644)
    elif kind == "hardlink":
        os.link(source, part)
    elif kind == "symlink":
        part.symlink_to(source.absolute())
    else:
        copy_hashed(source, part, "md5")
        part.chmod(0o755 if item.executable else 0o644)
