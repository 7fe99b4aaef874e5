"""Which experiments of the past can still be given their data: every revision, without a pull."""

from __future__ import annotations

import posixpath
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from repro.core.errors import ReproError
from repro.core.events import Event, Kind, silent
from repro.core.exits import Exit, worst
from repro.data.dvc import DvcRemote
from repro.data.pointers import is_pointer
from repro.data.shelf import UnreachableError, quiet
from repro.flows import config, trees
from repro.flows.data import Places, experiments_of, shelf_of, survey
from repro.flows.replay import open_place
from repro.tools.files import disk_errors
from repro.tools.git import Git

if TYPE_CHECKING:
    from pathlib import Path

    from repro.core.events import Listener
    from repro.flows.data import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One experiment at one revision, and how many have the same data: whether it can be fed.

    `reason` is "" where it can, else what is missing, or why that could not be found out (`known` is false).
    """

    experiment: str
    commit: str
    names: tuple[str, ...]
    revisions: int
    objects: int
    reason: str = ""
    known: bool = True

    @property
    def exit(self) -> Exit:
        """Wrong where it cannot be fed."""
        if not self.known:
            return Exit.NOT_CHECKED
        return Exit.WRONG if self.reason else Exit.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryReport:
    """All revisions, those with the same data and definitions once."""

    remote: str
    revisions: int
    past: tuple[Past, ...]

    @property
    def exit(self) -> Exit:
        """The worst of all; experiments that need no object at all were not checked."""
        return worst([past.exit for past in self.past if past.objects or past.reason])


def history(
    root: Path, named: tuple[str, ...] = (), *, offline: bool = False, listener: Listener = silent
) -> HistoryReport:
    """Whether each experiment of each revision can still be given its data, from cache or remote."""
    git = Git(root)
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for commit in git.commits():
        files = git.entries(commit)
        key = tuple(
            sorted(
                (n, i)
                for n, i in files.items()
                if n == config.FILE or is_pointer(n) or n.endswith("dvc.yaml")
            )
        )
        if config.FILE in files:
            groups.setdefault(key, []).append(commit)
    with disk_errors(f"working in {root}"), ExitStack() as held, quiet():
        place, remote = open_place(root, silent, held), DvcRemote(root)
        places = Places(cache=remote.cache, shelf=shelf_of(remote, offline=offline))
        listener(Event(kind=Kind.PLAN, count=len(groups)))
        found: list[Past] = []
        for commits in groups.values():
            listener(Event(kind=Kind.STAGE, run=commits[0][:12], text="verify"))
            found += _of(root, commits, named, places, place.scratch)
            listener(Event(kind=Kind.DONE, run=commits[0][:12], text="done"))
        return HistoryReport(
            remote="" if offline else remote.name,
            revisions=sum(map(len, groups.values())),
            past=tuple(found),
        )


def _defines(name: str) -> bool:
    """Whether a file says which experiments there are, or what their data is."""
    return name == config.FILE or is_pointer(name) or posixpath.basename(name) == "dvc.yaml"


def _of(root: Path, commits: list[str], named: tuple[str, ...], places: Places, scratch: Path) -> list[Past]:
    """The experiments of one state of data and definitions, looked at in its newest revision."""
    commit = commits[0]
    names = tuple(name for each in commits for name in Git(root).names(each))
    past = partial(Past, commit=commit, names=names, revisions=len(commits))
    found: list[Past] = []
    try:
        with trees.at(root, commit, scratch) as tree:
            project = config.load(tree.root, shown_as=f"{config.FILE} at {commit[:12]}")
            wanted = [name for name in named or project.experiments if name in project.experiments]
            for name, inputs in experiments_of(project, wanted).items() if wanted else ():
                try:
                    rows, unknown = survey(tree.root, {name: inputs}, places)
                except UnreachableError:
                    raise
                except ReproError as error:
                    found.append(past(experiment=name, objects=0, reason=error.message, known=False))
                    continue
                found.append(past(experiment=name, objects=len(rows), reason=_lack(rows, unknown)))
    except UnreachableError:  # that is no matter of one revision
        raise
    except ReproError as error:
        found.append(past(experiment="*", objects=0, reason=error.message, known=False))
    return found


def _lack(rows: tuple[Row, ...], unknown: tuple[str, ...]) -> str:
    lacking = [row for row in rows if not row.feeds]
    if not lacking:
        return ""
    shown = ", ".join(f"{row.paths[0]} ({row.object})" for row in lacking[:3])
    more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""  # noqa: PLR2004 - those shown
    rest = "; what its folders hold is unknown" if unknown else ""
    return f"{len(lacking)} of {len(rows)} objects are nowhere: {shown}{more}{rest}"
