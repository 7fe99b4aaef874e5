"""Baselines: accepted outputs of a run, and the record of who accepted them, when, why and from what.

    baselines/<experiment>/<label>/baseline.json, beside the output files
    baselines/<experiment>/<axes>/<label>/…, for a run of a matrix

The label tells variants apart: the environment and the platform class, `science-linux-x86_64`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.canonical import to_pretty_bytes
from repro.core.digest import Digest, of_value
from repro.core.errors import FormatError, TamperError
from repro.tools.files import hash_file, read_capped, remove_tree, require_inside, write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION = 1
FILE = "baseline.json"
NEW, OLD = ".new", ".old"
MAX_BYTES = 4 << 20
"""Cap on a baseline's record, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Accepted outputs: `outputs` maps names to SHA-256, `history` lists what was replaced, newest last."""

    run: str
    run_id: str
    environment: str
    platform_class: str
    outputs: Mapping[str, str]
    accepted_by: str
    accepted_at: str
    reason: str
    conditions: Mapping[str, Any]
    history: tuple[Mapping[str, Any], ...] = ()

    @property
    def label(self) -> str:
        """The variant, and the name of its folder."""
        return label(self.environment, self.platform_class)

    @property
    def digest(self) -> Digest:
        """The digest of the accepted outputs, whoever accepted them."""
        return of_value(dict(self.outputs))

    def to_bytes(self) -> bytes:
        """Canonical JSON, indented, with the version of the format."""
        return to_pretty_bytes({"version": VERSION, **dataclasses.asdict(self)})


def label(environment: str, platform_class: str) -> str:
    """The name of a variant."""
    return f"{environment}-{platform_class}"


def parse(data: bytes, *, name: str) -> Baseline:
    """A baseline's record from its bytes. Raises FormatError."""
    value = strictjson.parse(data, name=name, max_bytes=MAX_BYTES)
    if not isinstance(value, dict) or value.get("version") is True or value.pop("version", None) != VERSION:
        raise FormatError(f"{name}: not a baseline record of version {VERSION}")
    fields = {field.name: field.type for field in dataclasses.fields(Baseline)}
    if set(value) != set(fields):
        odd = min(set(value) ^ set(fields))
        raise FormatError(f"{name}: the key {odd!r} is missing or unknown")
    for field, kind in fields.items():
        expected = str if kind == "str" else list if field == "history" else dict
        if not isinstance(value[field], expected):
            raise FormatError(f"{name}: the key {field!r} is not of the right kind")
    for digest in value["outputs"].values():
        Digest.parse(str(digest))
    return Baseline(**(value | {"history": tuple(value["history"])}))


def variants(folder: Path) -> dict[str, Path]:
    """The folders below a run's baseline folder that hold a baseline, by label.

    A replacement that was interrupted between its two renames is finished first.
    """
    if not folder.is_dir():
        return {}
    for entry in folder.glob(f".*{NEW}"):
        target = folder / entry.name[1 : -len(NEW)]
        if (entry / FILE).is_file() and not target.exists():
            _put(entry, target)
    found = [entry for entry in sorted(folder.iterdir()) if (entry / FILE).is_file()]
    return {entry.name: entry for entry in found if not entry.name.startswith(".")}


def read_record(folder: Path) -> Baseline:
    """The record of the baseline in `folder`, whatever became of its outputs."""
    try:
        return parse(read_capped(folder / FILE, MAX_BYTES), name=str(folder / FILE))
    except FormatError as error:
        raise FormatError(error.message, hint=f"restore it: git checkout -- '{folder}'") from error


def read(folder: Path) -> Baseline:
    """The baseline in `folder`, its outputs hashed against its record: one edited by hand is refused."""
    baseline = read_record(folder)
    for name, digest in baseline.outputs.items():
        path = require_inside(folder, name, what=f"{folder / FILE}: outputs")
        if not path.is_file():
            raise TamperError(
                f"{path}: missing, though {FILE} lists it", hint=f"restore it: git checkout -- '{folder}'"
            )
        if str(hash_file(path)) != digest:
            raise TamperError(
                f"{path}: not the bytes that were accepted",
                hint=f"restore it: git checkout -- '{folder}'; or accept a run: "
                f"repro baseline accept '{baseline.run}' --reason \"…\"",
            )
    return baseline


def write(folder: Path, baseline: Baseline, outputs: Path) -> None:
    """Put a baseline and its output files in `folder`, in place of what was there.

    The whole is written beside it first: a reader finds the old baseline or the new one, also where this is
    killed at any moment. Two writers of one folder must exclude each other.
    """
    new, old = folder.with_name(f".{folder.name}{NEW}"), folder.with_name(f".{folder.name}{OLD}")
    remove_tree(new)
    for name in baseline.outputs:
        write_atomic(new / name, (outputs / name).read_bytes())
    write_atomic(new / FILE, baseline.to_bytes())
    remove_tree(old)
    if folder.exists():
        folder.rename(old)
    _put(new, folder)
    remove_tree(old)


def _put(new: Path, folder: Path) -> None:
    """Rename a whole new baseline into its place, unless another call that saw it there did so just now."""
    try:
        new.rename(folder)
    except FileNotFoundError:
        if not (folder / FILE).is_file():
            raise
