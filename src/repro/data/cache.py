"""The cache of objects as DVC lays it out: what is good, what is set aside, and one writer at a time.

cache/files/md5/<ab>/<rest>   objects of DVC 3, by their md5
cache/<ab>/<rest>             objects of DVC 2
cache/repro/lock              held while objects are put in or taken out, by whatever process
cache/repro/parts/            objects on their way in; what a killed transfer left goes with the next one
cache/repro/quarantine/       objects that did not have the hash of their name
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.data.pointers import LEGACY
from repro.tools.files import hash_file, locked, remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from repro.data.pointers import Object


class Standing(StrEnum):
    """What is known of an object at one place. UNCHECKED: it is there, but nothing proves its bytes."""

    PRESENT = "present"
    MISSING = "missing"
    CORRUPT = "corrupt"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """One cache folder; it need not exist. `shared`: what one user makes, the group must be able to fill."""

    folder: Path
    shared: bool = False

    def place(self, wanted: Object) -> Path:
        """Where an object lies."""
        return self.folder / wanted.location

    def standing(self, wanted: Object) -> Standing:
        """What is at the object's place, by its hash."""
        place = self.place(wanted)
        try:
            good = digest_as(place, wanted.digest) == wanted.digest
        except (FileNotFoundError, NotADirectoryError):
            return Standing.MISSING
        except IsADirectoryError:
            good = False
        return Standing.PRESENT if good else Standing.CORRUPT

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Be the only one that changes the cache; yields an empty folder for objects on their way in."""
        own = self.folder / "repro"
        self.make_folder(own)
        lock = own / "lock"
        if self.shared and not lock.exists():
            lock.touch()
            lock.chmod(0o664)
        with locked(lock):
            remove_tree(own / "parts")
            self.make_folder(own / "parts")
            try:
                yield own / "parts"
            finally:
                remove_tree(own / "parts")

    def enter(self, part: Path, wanted: Object) -> Digest | None:
        """Give a whole file its name; what it hashes to, where that is not the name, and it stays outside."""
        if (found := digest_as(part, wanted.digest)) != wanted.digest:
            return found
        part.chmod(0o444)
        place = self.place(wanted)
        try:
            part.replace(place)
        except FileNotFoundError:
            self.make_folder(place.parent)
            part.replace(place)
        return None

    def quarantine(self, wanted: Object) -> Path:
        """Set aside what lies at an object's place; where it is now."""
        place, aside = self.place(wanted), self.folder / "repro" / "quarantine"
        self.make_folder(aside)
        there = aside / f"{place.parent.name}{place.name}"
        number = 1
        while there.exists():
            number += 1
            there = aside / f"{place.parent.name}{place.name}-{number}"
        place.rename(there)
        return there

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, open to the group where the cache is shared."""
        for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
            missing.mkdir(exist_ok=True)
            if self.shared:
                missing.chmod(0o2775)


def digest_as(path: Path, wanted: Digest) -> Digest:
    """The digest of a file by the algorithm of `wanted`: md5, or that of DVC before 3.0 by DVC's own rule."""
    raw = hash_file(path, "md5")
    if (
        wanted.algorithm != LEGACY or raw.hex == wanted.hex
    ):  # bytes without CRLF have one md5 under both rules
        return Digest(wanted.algorithm, raw.hex)
    from dvc_data.hashfile.hash import fobj_md5

    with path.open("rb") as file:
        return Digest(LEGACY, fobj_md5(file, name=LEGACY))
