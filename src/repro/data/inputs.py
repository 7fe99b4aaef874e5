"""What an input of an experiment consists of: outs of DVC, plain files, or both; and its digest."""

from __future__ import annotations

import posixpath
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.digest import of_value
from repro.core.errors import DataError
from repro.data.pointers import Pointer, find_pointer, is_pointer, read_pointers
from repro.tools.files import disk_errors, hash_file, require_inside, require_relative
from repro.tools.git import Git

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A pointer's out, or the part of it below `within` ("" for all of it)."""

    pointer: Pointer
    within: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One input: the outs that belong to it and the plain files, as paths relative to the checkout.

    `is_folder` says that it is a plain folder, which may hold both.
    """

    path: str
    is_folder: bool = False
    parts: tuple[Part, ...] = ()
    files: tuple[str, ...] = ()


def resolve(root: Path, path: str) -> Source:
    """What the input `path` of the checkout `root` consists of.

    DataError where there is neither a pointer nor a file, or where a link or submodule stands in the way;
    ConfigError for a path that leaves the checkout.
    """
    path = require_relative(path, what="input")
    with disk_errors(f"input {path[:80]!r}"):
        return _resolve(root, path)


def _resolve(root: Path, path: str) -> Source:
    pointer = find_pointer(root, path)
    if pointer is not None:
        return Source(path=path, parts=(Part(pointer=pointer, within=path[len(pointer.path) + 1 :]),))
    place = require_inside(root, path, what="input")
    if place.is_dir() and not place.is_symlink():
        return _folder(root, path)
    if not _is_file(root, path):
        raise DataError(
            f"input {path!r}: neither a file in this revision nor recorded by a DVC pointer",
            hint=f"correct `inputs` in repro.toml, or add the data: git add {path} or dvc add {path}",
        )
    return Source(path=path, files=(path,))


def identify(root: Path, inputs: Iterable[str]) -> dict[str, str]:
    """The data condition: each input with its digest, from pointers and plain files alone, without dvc.

    An out of DVC is `md5:…` as its pointer records it, a part of a folder counts as that whole folder; a
    plain file is `sha256:…` of its bytes, and a plain or mixed folder the SHA-256 of its files' digests.
    """
    with disk_errors("hashing the inputs"):
        return {path: _identity(root, resolve(root, path)) for path in sorted(set(inputs))}


def _identity(root: Path, source: Source) -> str:
    digests = {part.pointer.path: str(part.pointer.object.digest) for part in source.parts}
    digests |= {name: str(hash_file(root / name)) for name in source.files}
    return str(of_value(digests)) if source.is_folder else digests.popitem()[1]


def _folder(root: Path, path: str) -> Source:
    # .gitignore is left out: DVC writes in it whenever data is added or moved, and it is no data.
    names = [
        name
        for name in Git(root).files()
        if name.startswith(path + "/") and posixpath.basename(name) != ".gitignore"
    ]
    outs = [
        out
        for name in names
        if is_pointer(name) and _is_file(root, name)
        for out in read_pointers(root, name)
    ]
    outs = [out for out in outs if out.path.startswith(path + "/")]
    files = [
        name
        for name in names
        if not is_pointer(name) and not any(out.covers(name) for out in outs) and _is_file(root, name)
    ]
    if not outs and not files:
        raise DataError(
            f"input {path!r}: a folder without files that git or DVC know", hint=f"git add {path}"
        )
    parts = tuple(Part(pointer=out) for out in outs)
    return Source(path=path, is_folder=True, parts=parts, files=tuple(files))


def _is_file(root: Path, name: str) -> bool:
    """Whether there is a regular file; anything else that is there is refused, for it may lead anywhere."""
    try:
        mode = (root / name).lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISREG(mode):
        raise DataError(
            f"input {name!r}: neither a file nor a folder (a link, submodule or special file)",
            hint="put the file itself under git or DVC",
        )
    return True
