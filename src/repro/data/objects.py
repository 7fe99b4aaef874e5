"""The content-addressed cache as DVC lays it out: what it lacks, and copies checked by their hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.digest import Digest
from repro.core.errors import DataError, FormatError, TamperError
from repro.data.cache import digest_as
from repro.data.inputs import Part, Source, resolve
from repro.data.pointers import LEGACY, Object, inside
from repro.tools.files import copy_hashed, disk_errors, hash_file, read_capped, require_inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from repro.data.dvc import Remote

MANIFEST_BYTES = 256 << 20
"""Cap on a folder's manifest, in bytes: some two million files."""


class CorruptObject(DataError):
    """An object of the cache does not have the hash that names it; `.object` says which."""

    def __init__(self, message: str, *, corrupt: Object, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.object = corrupt


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file of an out: its path relative to the checkout, its object, and whether it is a program."""

    path: str
    object: Object
    executable: bool = False


def missing(root: Path, inputs: Iterable[str], remote: Remote) -> tuple[Object, ...]:
    """The objects that the inputs need and the cache lacks, sorted.

    A folder whose manifest is missing counts as that manifest alone: what it lists is known once it is there.
    """
    lacking = set()
    for part in _parts(root, inputs):
        cache = remote.cache_folder()
        whole = part.pointer.object
        if not (cache / whole.location).is_file():
            lacking.add(whole)
            continue
        lacking |= {i.object for i in items(part, remote) if not (cache / i.object.location).is_file()}
    return tuple(sorted(lacking))


def places(root: Path, inputs: Iterable[str], wanted: Iterable[Object], remote: Remote) -> list[str]:
    """The paths in the checkout that objects which the cache lacks belong to, with their hashes, sorted."""
    lacking = set(wanted)
    found: set[str] = set()
    for part in _parts(root, inputs):
        if part.pointer.object in lacking:
            found.add(f"{part.pointer.path} ({part.pointer.object})")
        elif part.pointer.object.is_folder:
            found |= {
                f"{item.path} ({item.object})" for item in items(part, remote) if item.object in lacking
            }
    return sorted(found)


def items(part: Part, remote: Remote) -> list[Item]:
    """The files of an out, or of its part; the manifest of a folder must be in the cache."""
    pointer = part.pointer
    if not pointer.object.is_folder:
        if part.within:
            raise DataError(f"input {pointer.path}/{part.within}: {pointer.path} is a file ({pointer.file})")
        return [Item(path=pointer.path, object=pointer.object, executable=pointer.executable)]
    return chosen(part, read_manifest(pointer.object, pointer.file, remote))


def chosen(part: Part, listed: Mapping[str, Object]) -> list[Item]:
    """Of what a folder lists, the files that belong to its part. DataError where a part holds none."""
    pointer = part.pointer
    found = {
        name: one
        for name, one in listed.items()
        if not part.within or name == part.within or name.startswith(part.within + "/")
    }
    if part.within and not found:
        raise DataError(
            f"input {pointer.path}/{part.within}: not among the {len(listed)} files of {pointer.file}",
            hint=f"it holds: {', '.join(sorted(listed)[:5])}{', …' if len(listed) > 5 else ''}",  # noqa: PLR2004
        )
    return [Item(path=f"{pointer.path}/{name}", object=one) for name, one in sorted(found.items())]


def read_manifest(folder: Object, file: str, remote: Remote) -> dict[str, Object]:
    """What a folder holds: relative paths and their objects; `file` is the pointer that names the folder.

    The bytes are compared with the folder's hash before they are parsed. DataError for a manifest that is
    not what DVC writes or that names paths outside the folder.
    """
    with disk_errors(f"reading the cache for {file}"):
        data = read_capped(remote.cache_folder() / folder.location, MANIFEST_BYTES)
    found = Digest(folder.digest.algorithm, hashlib.md5(data, usedforsecurity=False).hexdigest())
    if found != folder.digest:
        raise _corrupt(file, folder, found, remote)
    return parse_manifest(data, folder.digest.algorithm, name=f"{file}: manifest {folder.digest.short}")


def parse_manifest(data: bytes, algorithm: str, *, name: str) -> dict[str, Object]:
    """The relative paths and objects that a manifest lists; `algorithm` is that of the folder's hash."""
    try:
        entries = strictjson.parse(data, name=name)
        if not isinstance(entries, list):
            raise FormatError(f"{name}: not a list")  # noqa: TRY301 - one place turns it into DataError
        pairs = [_entry(entry, algorithm, name) for entry in entries]
    except FormatError as error:
        raise DataError(error.message, hint="the folder was not recorded by DVC: dvc add it again") from error
    listed = dict(pairs)
    folders = {str(parent) for path in listed for parent in PurePosixPath(path).parents}
    if len(listed) != len(pairs) or folders & listed.keys():
        raise DataError(f"{name}: lists a path twice")
    return listed


def materialise(root: Path, inputs: Iterable[str], remote: Remote, target: Path) -> dict[str, Digest]:
    """Copy every file of the inputs below `target`, at its path in the checkout, and check it while copying.

    Outs come from the cache and must have their recorded md5, or CorruptObject names file, both hashes,
    cache and remote; plain files come from the checkout. Returns what was copied, by md5 and sha256.
    """
    recorded: dict[str, Digest] = {}
    with disk_errors("copying the inputs"):
        for source in _sources(root, inputs):
            for name in source.files:
                recorded[name] = copy_hashed(root / name, _free(target, name))
            for part in source.parts:
                require_inside(target, part.pointer.path, what=part.pointer.file).parent.mkdir(
                    parents=True, exist_ok=True
                )
                if part.pointer.object.is_folder and not part.within:
                    (target / part.pointer.path).mkdir(exist_ok=True)
                recorded |= {i.path: _copy(i, part.pointer.file, remote, target) for i in items(part, remote)}
    return dict(sorted(recorded.items()))


def verify(target: Path, recorded: Mapping[str, Digest]) -> None:
    """After a run: every file still has the digest that it was copied with, or TamperError names them all."""
    changed = [name for name, digest in sorted(recorded.items()) if not _is_still(target / name, digest)]
    if changed:
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""  # noqa: PLR2004
        raise TamperError(
            f"inputs changed during the run: {', '.join(changed[:5])}{more}",
            hint="an experiment writes to its output folder only; have it copy what it alters",
        )


def _is_still(path: Path, digest: Digest) -> bool:
    try:
        return not path.is_symlink() and hash_file(path, digest.algorithm) == digest
    except OSError:
        return False


def _copy(item: Item, file: str, remote: Remote, target: Path) -> Digest:
    place = _free(target, item.path)
    try:
        copied = copy_hashed(remote.cache_folder() / item.object.location, place, "md5")
    except FileNotFoundError as error:
        raise DataError(
            f"{item.path} ({file}): {item.object} is not in the cache {remote.cache_folder()}",
            hint=f"run: dvc fetch {file}",
        ) from error
    found = Digest(item.object.digest.algorithm, copied.hex)
    if found != item.object.digest and found.algorithm == LEGACY:
        found = digest_as(place, item.object.digest)
    if found != item.object.digest:
        place.unlink()
        raise _corrupt(f"{item.path} ({file})", item.object, found, remote)
    place.chmod(0o755 if item.executable else 0o644)
    return copied


def _free(target: Path, name: str) -> Path:
    """Where a file goes: a link of the revision on the way must not carry the write elsewhere."""
    place = require_inside(target, name, what="input")
    if place.is_symlink():
        raise DataError(f"input {name!r}: a link stands where the data belongs", hint="remove it from git")
    return place


def _entry(entry: Any, algorithm: str, name: str) -> tuple[str, Object]:  # noqa: ANN401 - any JSON
    if not isinstance(entry, dict):
        raise FormatError(f"{name}: an entry is not a table")
    path, md5 = entry.get("relpath"), entry.get("md5")
    if not isinstance(path, str) or not isinstance(md5, str):
        raise FormatError(f"{name}: an entry without relpath and md5")
    if inside(path, what=name) != path:
        raise FormatError(f"{name}: {path!r} is not a normal path")
    try:
        return path, Object(digest=Digest(algorithm, md5))
    except FormatError as error:
        raise FormatError(f"{name}: {path!r}: {error.message}") from error


def _corrupt(what: str, wanted: Object, found: Digest, remote: Remote) -> CorruptObject:
    return CorruptObject(
        f"{what}: the object {wanted} has the hash {found} in {remote.cache_folder() / wanted.location}; "
        f"remote: {remote.name}",
        corrupt=wanted,
        hint="remove that file and run it again, or `repro data push` a good copy to the remote",
    )


def _sources(root: Path, inputs: Iterable[str]) -> list[Source]:
    return [resolve(root, path) for path in sorted(set(inputs))]


def _parts(root: Path, inputs: Iterable[str]) -> list[Part]:
    return [part for source in _sources(root, inputs) for part in source.parts]
