"""The folders that a stage of DVC writes: files in them are compared, so a draft names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import ConfigError
from repro.flows.dvcstage import read_stage

if TYPE_CHECKING:
    from pathlib import Path

NAMED = 20
"""Files of one folder that a draft names; a person chooses among more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A stage's outputs with the files of its folders in their place.

    `lacking` are folders whose files nobody knows here; `remarks` are for people.
    """

    outputs: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def named_files(root: Path, stage: str) -> Named | None:
    """What the stage writes, file by file as the work tree has it; None where no out is a folder."""
    try:
        found = read_stage(root, stage, "stage")
    except ConfigError:  # the parser of the draft says it better
        return None
    folders = [out for out in found.outs if out in found.folders or (root / out).is_dir()]
    if not folders:
        return None
    outputs: list[str] = []
    lacking, remarks = [], []
    for out in found.outs:
        files = _files(root, out) if out in folders else [out]
        if not files:
            lacking.append(out)
            files = [f"{out}/FILE"]
        if len(files) > NAMED:
            remarks.append(f"{NAMED} of the {len(files)} files of {out!r} are named: choose those that count")
        outputs += files[:NAMED]
    return Named(outputs=tuple(outputs), lacking=tuple(lacking), remarks=tuple(remarks))


def _files(root: Path, folder: str) -> list[str]:
    """The files of a folder by their paths from the root, also DVC's links; none where it is not there."""
    try:
        files = [path for path in (root / folder).rglob("*") if path.is_file()]
    except OSError:
        return []
    return sorted(path.relative_to(root).as_posix() for path in files)
