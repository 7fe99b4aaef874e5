"""Data put under DVC for an experiment, in one step that is shown before it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.errors import DataError, UsageError
from repro.data.pointers import find_pointer
from repro.data.track import Plan, carry_out, with_input
from repro.flows import config
from repro.tools.files import disk_errors, require_inside
from repro.tools.git import Git

if TYPE_CHECKING:
    from pathlib import Path


def plan(root: Path, path: str, experiment: str) -> Plan:
    """What tracking a file or folder for an experiment will do. Raises UsageError where it cannot be done."""
    project = config.load(root)
    known = project.experiment(experiment)
    place = require_inside(root, path, what="the path")
    if not place.is_symlink() and not place.exists():
        raise UsageError(f"{path}: there is no such file or folder", hint="name data that is there")
    if place.is_symlink() or not (place.is_file() or place.is_dir()):
        raise UsageError(
            f"{path}: neither a file nor a folder", hint="name the data itself, not a link to it"
        )
    pointer = find_pointer(root, path)
    if pointer is not None and pointer.path != path:
        raise UsageError(
            f"{path}: lies in {pointer.path}, which {pointer.file} tracks already",
            hint=f"name it as it is: inputs = [{path!r}]",
        )
    if any(name == path or name.startswith(path + "/") for name in Git(root).tracked()):
        raise UsageError(f"{path}: git tracks it", hint=f"run: git rm -r --cached {path}; and track it then")
    if not (root / ".dvc").is_dir():
        raise DataError(f"{root}: not in a DVC repository", hint="run: dvc init")
    text = with_input(project.text.decode(), experiment, path)
    config.parse(text.encode(), root=root)
    return Plan(path=path, experiment=known.name, text=text, names_input=text.encode() != project.text)


def track(root: Path, planned: Plan) -> None:
    """Do what was planned: all of it, or nothing. Raises UsageError where `repro.toml` changed meanwhile."""
    now = config.load(root).text.decode()
    if with_input(now, planned.experiment, planned.path) != planned.text:
        raise UsageError("repro.toml changed meanwhile", hint="run the same command again")
    with disk_errors(f"tracking {planned.path}"):
        carry_out(root, planned)
