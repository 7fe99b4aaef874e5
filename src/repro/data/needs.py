"""Which objects paths need, wherever they are: manifests are read from the cache, or else from the remote."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.core.errors import DataError
from repro.data.cache import Standing
from repro.data.inputs import Part, resolve
from repro.data.objects import MANIFEST_BYTES, Item, chosen, parse_manifest
from repro.data.pointers import is_pointer, read_pointers
from repro.tools.files import read_capped
from repro.tools.git import Git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from repro.data.cache import Cache
    from repro.data.pointers import Object
    from repro.data.shelf import Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What some paths need: every file, manifests among them, and the folders whose manifest is nowhere."""

    items: tuple[Item, ...]
    unknown: tuple[Item, ...] = ()

    @property
    def objects(self) -> tuple[Object, ...]:
        """Every object once, those of unknown folders' manifests too."""
        return tuple(dict.fromkeys(item.object for item in (*self.items, *self.unknown)))


def parts_of(root: Path, inputs: Iterable[str]) -> list[Part]:
    """The outs of DVC that belong to the inputs of a checkout."""
    return [part for path in sorted(set(inputs)) for part in resolve(root, path).parts]


def all_parts(root: Path) -> list[Part]:
    """Every out that a pointer of the checkout records, by path; not those of DVC repositories below it."""
    listed = Git(root).files()
    below = tuple(name.removesuffix(".dvc/config") for name in listed if name.endswith("/.dvc/config"))
    own = [name for name in listed if is_pointer(name) and not (below and name.startswith(below))]
    files = [name for name in own if (root / name).is_file()]
    found = [pointer for name in files for pointer in read_pointers(root, name)]
    return [Part(pointer=pointer) for pointer in sorted(found, key=lambda pointer: pointer.path)]


def needs(parts: Iterable[Part], read: Callable[[Object], bytes | None]) -> Needs:
    """What the outs need; `read` gives the bytes of a manifest, None where it is nowhere."""
    found: list[Item] = []
    unknown: list[Item] = []
    for part in parts:
        pointer = part.pointer
        whole = Item(path=pointer.path, object=pointer.object, executable=pointer.executable)
        if not pointer.object.is_folder:
            if part.within:
                raise DataError(
                    f"input {pointer.path}/{part.within}: {pointer.path} is a file ({pointer.file})"
                )
            found.append(whole)
            continue
        data = read(pointer.object)
        if data is None:
            unknown.append(whole)
            continue
        name = f"{pointer.file}: manifest {pointer.object.digest.short}"
        found += [whole, *chosen(part, parse_manifest(data, pointer.object.digest.algorithm, name=name))]
    return Needs(items=tuple(found), unknown=tuple(unknown))


def reader(cache: Cache, shelf: Shelf | None) -> Callable[[Object], bytes | None]:
    """Reads manifests from the cache, else from the remote, into memory; only bytes with their own hash."""
    known: dict[Object, bytes | None] = {}

    def read(folder: Object) -> bytes | None:
        if folder not in known:
            known[folder] = _manifest(cache, shelf, folder)
        return known[folder]

    return read


def _manifest(cache: Cache, shelf: Shelf | None, folder: Object) -> bytes | None:
    if cache.standing(folder) is Standing.PRESENT:
        return read_capped(cache.place(folder), MANIFEST_BYTES)
    if shelf is None:
        return None
    try:
        data = shelf.read(folder, MANIFEST_BYTES)
    except FileNotFoundError:
        return None
    except Exception as error:  # each kind of remote raises its own
        raise shelf.failure(error) from error
    own = Digest(folder.digest.algorithm, hashlib.md5(data, usedforsecurity=False).hexdigest())
    return data if own == folder.digest else None
