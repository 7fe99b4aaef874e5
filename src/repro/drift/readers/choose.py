"""Which reader reads which file: the content decides, then the suffix, then the text itself."""

from __future__ import annotations

from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from repro.core.errors import ConfigError, FormatError, ReproError
from repro.drift.readers import (
    archive,
    columnar,
    hdf5,
    image,
    jsondoc,
    jsonlines,
    matrixmarket,
    netcdf,
    npyfile,
    npzfile,
    opaque,
    table,
    textlog,
    tomldoc,
    yamldoc,
)
from repro.drift.readers.form import Data, Format
from repro.drift.tree import tree_of

if TYPE_CHECKING:
    from repro.drift.tree import Plain, Tree

GROUP: Final = "repro.readers"
"""The entry points that name a `Format` each."""

HEAD: Final = 4096
"""Bytes of a file by which it is recognised."""

BUILT_IN: Final = (
    npyfile.FORMAT,
    npzfile.FORMAT,
    hdf5.FORMAT,
    netcdf.CLASSIC,
    columnar.PARQUET,
    columnar.ARROW,
    columnar.STREAM,
    image.FORMAT,
    matrixmarket.FORMAT,
    jsondoc.FORMAT,
    jsonlines.FORMAT,
    tomldoc.FORMAT,
    yamldoc.FORMAT,
    table.CSV,
    table.TSV,
    textlog.FORMAT,
    opaque.PICKLE,
)
"""The formats that are known here, which a reader from elsewhere cannot replace."""


def read(data: Data, *, name: str, printed: bool = False) -> Tree:
    """The tree of a file from its content; raises as `opened` does."""
    return tree_of(opened(data, name=name, printed=printed))


def opened(data: Data, *, name: str, printed: bool = False) -> Tree | Plain:
    """What the reader makes of a file; `name` decides by its suffix only where the content does not.

    A suffix that is not known is text if the bytes are text, JSON if they are that too, and is else compared
    as a whole. Raises FormatError if the bytes are too many, none, or not what they must be.
    """
    if not len(data):
        raise FormatError(f"{name}: empty")
    form = find(data, name=name)
    if len(data) > form.max_bytes:
        raise FormatError(
            f"{name}: {len(data)} bytes, more than the {form.max_bytes} that are read as {form.name}"
        )
    if form in BUILT_IN or form is opaque.FORMAT:
        return form.read(data, name=name, printed=printed)
    try:
        return form.read(data, name=name, printed=printed)
    except ReproError:
        raise
    except Exception as error:
        raise FormatError(
            f"{name}: the reader of {form.name} failed: {type(error).__name__}: {error}"
        ) from error


def find(data: Data, *, name: str) -> Format:
    """The format of a file."""
    head = bytes(data[:HEAD])
    suffix = PurePosixPath(name).suffix.lower()
    if archive.is_zip(head) and (suffix == ".npz" or _holds_arrays(data, name)):
        return npzfile.FORMAT
    known = _known(BUILT_IN, head, suffix) or _known(plugins(), head, suffix)
    if known is not None:
        return known
    if not textlog.is_text(data):
        return opaque.FORMAT
    return jsondoc.FORMAT if head.lstrip()[:1] in {b"{", b"["} and _is_json(data) else textlog.FORMAT


def folder_of(data: Data, *, name: str) -> dict[str, bytes] | None:
    """The files in an archive by name, of a compressed file its content; None for other files."""
    head = bytes(data[:HEAD])
    if archive.packing(head):
        content = archive.unpacked(data, name=name)
        if not archive.is_tar(content[:HEAD]):
            return {PurePosixPath(PurePosixPath(name).name).stem: content}
        return archive.members(content, name=name)
    if archive.is_tar(head) or (archive.is_zip(head) and find(data, name=name) is not npzfile.FORMAT):
        return archive.members(data, name=name)
    return None


def _known(formats: tuple[Format, ...], head: bytes, suffix: str) -> Format | None:
    by_content = next((form for form in formats if form.recognises(head)), None)
    return by_content or next((form for form in formats if suffix in form.suffixes), None)


def _holds_arrays(data: Data, name: str) -> bool:
    try:
        names = archive.zip_names(data, name=name)
    except FormatError:
        return False
    return bool(names) and all(member.endswith(".npy") for member in names)


def _is_json(data: Data) -> bool:
    try:
        jsondoc.value(bytes(data), name="", printed=False)
    except FormatError:
        return False
    return True


@cache
def plugins() -> tuple[Format, ...]:
    """The formats of other distributions; ConfigError for an entry point that gives none."""
    from importlib.metadata import entry_points

    found = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            form = entry.load()
        except ReproError:
            raise
        except Exception as error:
            raise ConfigError(f"reader {entry.name!r} ({entry.value}) cannot be loaded: {error}") from error
        if not isinstance(form, Format):
            raise ConfigError(
                f"reader {entry.name!r} ({entry.value}) is no Format", hint="see repro.drift.readers.form"
            )
        found.append(form)
    return tuple(found)
