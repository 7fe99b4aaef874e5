"""Two versions of one file compared: for `git diff`, and for a hook that looks before a commit."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from repro.core.errors import MissingBaseline, UsageError
from repro.drift.compare import compare_outputs
from repro.drift.rules import Rules
from repro.flows.compare import read_rules
from repro.tools import clock
from repro.tools.files import disk_errors, require_relative
from repro.tools.git import Git

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repro.drift.report import DriftReport

NOTHING = "/dev/null"
"""What git names where a side has no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A file as git hands it to an external diff program (git-config(1), `diff.<driver>.command`)."""

    path: str
    old: Path
    new: Path

    @property
    def sort(self) -> str:
        """`changed`, `new file` or `deleted`."""
        if str(self.old) == NOTHING:
            return "new file"
        return "deleted" if str(self.new) == NOTHING else "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """Files compared with their last commit: `report` is None where all of them are new."""

    report: DriftReport | None
    new: tuple[str, ...]


def parse_change(arguments: Sequence[str]) -> Change:
    """The seven arguments of git, or nine where a file was renamed; UsageError for any other number."""
    if len(arguments) not in {7, 9}:
        raise UsageError(
            f"{len(arguments)} arguments where git gives seven",
            hint="this is for git to call: git config diff.repro.command 'repro git diff'",
        )
    path = arguments[7] if len(arguments) > 7 else arguments[0]  # noqa: PLR2004 - the new name
    return Change(path=path, old=Path(arguments[1]), new=Path(arguments[4]))


def compare_change(change: Change, rules_file: Path | None) -> DriftReport:
    """Compare both sides of a change, which must both exist, under the name that the file has in git."""
    with _sides() as (old, new), disk_errors(f"comparing {change.path}"):
        _put(old, change.path, change.old)
        _put(new, change.path, change.new)
        return _compared(old, new, [change.path], rules_file)


def compare_with_commit(root: Path, paths: Sequence[str], rules_file: Path | None) -> Committed:
    """Compare files below `root` as they lie there with those of the last commit.

    Raises MissingBaseline for a file that does not exist, UsageError for one outside.
    """
    git, known, new = Git(root), [], []
    with _sides() as (old, seen), disk_errors("comparing with the last commit"):
        for path in dict.fromkeys(paths):
            name = require_relative(path, what="files")
            if not (root / name).is_file():
                raise MissingBaseline(f"{path}: does not exist", hint="name files of the working tree")
            data = git.committed(name)
            if data is None:
                new.append(name)
                continue
            known.append(name)
            (old / name).parent.mkdir(parents=True, exist_ok=True)
            (old / name).write_bytes(data)
            _put(seen, name, root / name)
        report = _compared(old, seen, known, rules_file) if known else None
    return Committed(report=report, new=tuple(new))


@contextmanager
def _sides() -> Iterator[tuple[Path, Path]]:
    """Two folders in which both versions have the name that git knows."""
    with tempfile.TemporaryDirectory(prefix="repro-") as folder:
        yield Path(folder, "a"), Path(folder, "b")


def _put(side: Path, name: str, source: Path) -> None:
    target = side / require_relative(name, what="git")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=True)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def _compared(old: Path, new: Path, names: list[str], rules_file: Path | None) -> DriftReport:
    """The comparison; what rules match nothing is no news where only some files are looked at."""
    rules = Rules(rules=read_rules(rules_file) if rules_file else ())
    report = compare_outputs(old, new, names, rules, today=clock.now().date())
    return replace(report, warnings=())
