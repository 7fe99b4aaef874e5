"""DVC's pointers, `*.dvc` files and the outs of `dvc.lock`, read without dvc: which path has which hash.

The format is that of DVC's user guide, "`.dvc` files" and "`dvc.lock` file". A checked-out revision is not
trusted: sizes are capped, YAML is read as strings only, and no path leaves the checkout.
"""

from __future__ import annotations

import posixpath
import re
import stat
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from repro.core.digest import Digest
from repro.core.errors import ConfigError, DataError, FormatError
from repro.tools.files import read_capped, require_inside, require_relative
from repro.tools.git import Git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POINTER_BYTES = 1 << 20
"""Cap on a `*.dvc`, `dvc.lock` or `dvc.yaml` file, in bytes."""

LEGACY = "md5-dos2unix"
"""The hash of DVC before 3.0: md5 of the bytes, of text files with CRLF written as LF."""

PLAIN = re.compile(
    rb"outs:\n- md5: (?P<md5>[0-9a-f]{32}(?:\.dir)?)\n  size: (?P<size>[0-9]+)\n"
    rb"(?:  nfiles: (?P<nfiles>[0-9]+)\n)?  hash: (?P<hash>md5)\n  path: (?P<path>[A-Za-z0-9_][\w./-]*)\n",
    re.ASCII,
)
"""What `dvc add` of DVC 3 writes for one path of plain letters: read without loading a YAML parser."""

LOCK = "dvc.lock"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Object:
    """One object of a DVC cache: a file, or the manifest of a folder."""

    digest: Digest
    is_folder: bool = False

    @property
    def location(self) -> str:
        """Where the object lies below a cache or remote: that of DVC 3, or of DVC 2 for legacy hashes."""
        top = "" if self.digest.algorithm == LEGACY else "files/md5/"
        return f"{top}{self.digest.hex[:2]}/{self.digest.hex[2:]}{'.dir' if self.is_folder else ''}"

    def __str__(self) -> str:
        """As DVC writes it: `md5:….dir` for a folder."""
        return f"{self.digest}{'.dir' if self.is_folder else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """One out: the file that records it, its path (both relative to the checkout) and its object."""

    file: str
    path: str
    object: Object
    executable: bool = False

    def covers(self, path: str) -> bool:
        """Whether `path` is this out or lies in it."""
        return path == self.path or path.startswith(self.path + "/")


def find_pointer(root: Path, path: str) -> Pointer | None:
    """The pointer whose out is `path` or holds it; None where there is none.

    Looked for where `dvc add` puts it: beside the data or in a folder above, under any name.
    """
    for prefix in _upwards(path):
        for pointer in _read_if_there(root, f"{prefix}.dvc"):
            if pointer.covers(path):
                return pointer
    for prefix in _upwards(path):
        folder = posixpath.dirname(prefix)
        if not (root / folder).is_dir():
            continue
        names = sorted(entry.name for entry in (root / folder).iterdir() if is_pointer(entry.name))
        for name in names:
            for pointer in _read_if_there(root, posixpath.join(folder, name)):
                if pointer.covers(path):
                    return pointer
    return None


def is_pointer(path: str) -> bool:
    """Whether a file of this name records outs."""
    name = posixpath.basename(path)
    return name == LOCK or (name.endswith(".dvc") and name != ".dvc")


def read_pointers(root: Path, file: str) -> tuple[Pointer, ...]:
    """All outs recorded by the `*.dvc` file or `dvc.lock` at `file`; DataError where one is not understood.

    Outs of `dvc.lock` that git keeps itself (`cache: false`) are left out: they are plain files.
    """
    document = _load(root, file)
    folder = posixpath.dirname(file)
    if posixpath.basename(file) != LOCK:
        base = _join(folder, _text(document, "wdir", file, default="."), file)
        return tuple(_out(entry, base, file) for entry in _list(document, "outs", file))
    kept = set(Git(root).files())
    found = []
    for name, stage in _table(document, "stages", file).items():
        entries = _list(stage, "outs", file)
        base = _join(folder, _stage_folder(root, folder, name), file) if entries else ""
        found += [_out(entry, base, file) for entry in entries]
    return tuple(pointer for pointer in found if not any(pointer.covers(path) for path in kept))


def inside(path: str, *, what: str) -> str:
    """A path recorded in data that stays in its folder, normalised; otherwise DataError."""
    try:
        return require_relative(path, what=what)
    except ConfigError as error:
        raise DataError(error.message, hint="data may only lie inside the checkout") from error


def _upwards(path: str) -> Iterator[str]:
    yield path
    yield from (str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")


def _read_if_there(root: Path, file: str) -> tuple[Pointer, ...]:
    try:
        found = stat.S_ISREG((root / file).lstat().st_mode)
    except OSError:
        return ()
    return read_pointers(root, file) if found else ()


def _load(root: Path, file: str) -> Any:  # noqa: ANN401 - YAML is any value
    try:
        data = read_capped(require_inside(root, file, what="DVC pointer"), POINTER_BYTES)
    except (FormatError, ConfigError) as error:
        raise DataError(error.message, hint=error.hint) from error
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}") from error
    plain = PLAIN.fullmatch(data)
    return _as_written(plain) if plain else _parse(data, file)


def _as_written(plain: re.Match[bytes]) -> dict[str, list[dict[str, str]]]:
    found = {key: value.decode() for key, value in plain.groupdict().items() if value is not None}
    return {"outs": [found]}


def _parse(data: bytes, file: str) -> Any:  # noqa: ANN401 - YAML is any value
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        # "base" makes strings only: no tags, no merge keys that multiply, no numbers that lose digits;
        # the pure parser meets deep nesting with a RecursionError instead of the end of the C stack.
        return YAML(typ="base", pure=True).load(data.decode())
    except RecursionError as error:
        raise DataError(f"{file}: nested too deeply") from error
    except (YAMLError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise DataError(
            f"{file}: not YAML: {_first_line(error)}", hint="restore the file from git"
        ) from error


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    said = str(getattr(error, "problem", None) or error).partition("\n")[0][:200]
    return f"{said} at line {mark.line + 1}" if mark is not None else said


def _out(entry: object, base: str, file: str) -> Pointer:
    path = inside(_join(base, _text(entry, "path", file), file), what=file)
    place = f"{file}: out {path!r}"
    if not isinstance(entry, dict) or not isinstance(md5 := entry.get("md5"), str):
        raise DataError(
            f"{place}: no md5 is recorded",
            hint="only data in a DVC cache addressed by md5 can be replayed: run `dvc commit`, "
            "or turn cloud versioning off for this remote",
        )
    kind = entry.get("hash", LEGACY)
    if kind not in {"md5", LEGACY}:
        raise DataError(
            f"{place}: the hash {kind!r} is not supported",
            hint="restore the file from git, or record it by md5: dvc add",
        )
    try:
        digest = Digest(kind, md5.removesuffix(".dir"))
    except FormatError as error:
        raise DataError(f"{place}: {error.message}", hint="restore the file from git") from error
    return Pointer(
        file=file,
        path=path,
        object=Object(digest=digest, is_folder=md5.endswith(".dir")),
        executable=entry.get("isexec") == "true",
    )


def _stage_folder(root: Path, folder: str, stage: str) -> str:
    # Paths in dvc.lock are relative to the stage's own working folder, which only dvc.yaml records.
    file = posixpath.join(folder, "dvc.yaml")
    stages = _table(_load(root, file), "stages", file)
    definition = stages.get(stage, stages.get(stage.partition("@")[0]))
    if isinstance(definition, dict) and isinstance(definition.get("do"), dict):
        definition = definition["do"]
    where = _text(definition, "wdir", file, default=".")
    if "${" in where:
        raise DataError(f"{file}: stage {stage!r}: wdir {where!r} is a template, which is not supported")
    return where


def _join(base: str, path: str, file: str) -> str:
    if posixpath.isabs(path) or "://" in path:
        raise DataError(f"{file}: {path!r} lies outside the checkout", hint="use `dvc import-url` for it")
    joined = posixpath.normpath(posixpath.join(base, path))
    return joined if joined == "." else inside(joined, what=file)


def _text(table: object, key: str, file: str, *, default: str | None = None) -> str:
    value = table.get(key, default) if isinstance(table, dict) else default
    if not isinstance(value, str):
        raise DataError(f"{file}: `{key}` is missing or not a text", hint="restore the file from git")
    return value


def _list(table: object, key: str, file: str) -> list[Any]:
    value = table.get(key, []) if isinstance(table, dict) else None
    if not isinstance(value, list):
        raise DataError(f"{file}: `{key}` is not a list", hint="restore the file from git")
    return value


def _table(table: object, key: str, file: str) -> dict[str, Any]:
    value = table.get(key, {}) if isinstance(table, dict) else None
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise DataError(f"{file}: `{key}` is not a table", hint="restore the file from git")
    return value
