"""Which objects of a cache are needed by anything, as far as anybody can know; all others may go.

Hashes are taken out of pointers as text, not as what a reader of them understands: a pointer of a future
format, or a damaged one, keeps its objects too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.core.errors import DataError
from repro.data.objects import parse_manifest
from repro.data.pointers import Object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from repro.data.cache import Cache

HASH = re.compile(rb"(?<![0-9a-f])([0-9a-f]{32})(\.dir)?(?![0-9a-f])")
PLACE = re.compile(r"(?:files/md5/)?([0-9a-f]{2})/([0-9a-f]{30})(\.dir)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Hashes that are needed, and folders that are needed but whose list of files is nowhere."""

    hashes: frozenset[str]
    unknown: tuple[str, ...]


def needed(texts: Iterable[bytes], read: Callable[[Object], bytes | None]) -> Kept:
    """What the texts of pointers and records name, with the files of the folders among it.

    `read` gives the bytes of a folder's manifest, None where it is nowhere.
    """
    files: set[str] = set()
    folders: set[str] = set()
    for text in texts:
        for found in HASH.finditer(text):
            (folders if found[2] else files).add(found[1].decode())
    unknown = []
    for name in sorted(folders):
        listed = _listed(name, read)
        if listed is None:
            unknown.append(name)
        else:
            files |= listed
    return Kept(hashes=frozenset(files | folders), unknown=tuple(unknown))


def _listed(name: str, read: Callable[[Object], bytes | None]) -> set[str] | None:
    for algorithm in ("md5", "md5-dos2unix"):
        data = read(Object(digest=Digest(algorithm, name), is_folder=True))
        if data is None:
            continue
        try:
            return {one.digest.hex for one in parse_manifest(data, algorithm, name=name).values()}
        except DataError:  # whole by its hash, in a form that is not understood: as text then
            return {found[1].decode() for found in HASH.finditer(data)}
    return None


def objects_in(cache: Cache) -> Iterator[tuple[str, Path]]:
    """Every object of a cache: its hash and its file. Nothing else that lies there is one."""
    for top in (cache.folder / "files" / "md5", cache.folder):
        if not top.is_dir():
            continue
        for folder in sorted(top.iterdir()):
            if len(folder.name) != 2 or not folder.is_dir():  # noqa: PLR2004 - DVC's layout
                continue
            for path in sorted(folder.iterdir()):
                if found := PLACE.fullmatch(path.relative_to(cache.folder).as_posix()):
                    yield found[1] + found[2], path
