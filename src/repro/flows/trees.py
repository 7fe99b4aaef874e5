"""The tree that a replay takes code, configuration and data pointers from: the caller's, or a revision's."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core.digest import Digest, of_value
from repro.core.errors import ConfigError
from repro.core.globs import matches
from repro.tools.files import hash_file
from repro.tools.git import Git

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

NEVER_CODE = ("baselines/**", "repro.toml", ".dvc/**", "**/*.dvc")
"""What `sources = ["**"]` leaves out: conditions of their own, and what a run is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A working tree: the project's folder in it, its commit, and what differs from the commit.

    `revision` is what the caller asked for, "" for the caller's own tree. `files` are all that git tracks or
    would track, relative to `root`.
    """

    root: Path
    revision: str
    commit: str
    changed: tuple[str, ...]
    difference: Digest | None
    files: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For the record."""
        return {
            "revision": self.revision,
            "commit": self.commit,
            "dirty": bool(self.changed),
            "changed": list(self.changed[:100]),
            "difference": str(self.difference) if self.difference else None,
        }


def present(root: Path) -> Tree:
    """The caller's own tree, dirty or not."""
    git = Git(root)
    state = git.state()
    difference = git.difference(state) if state.dirty else None
    return Tree(
        root=root,
        revision="",
        commit=state.commit,
        changed=state.changed,
        difference=difference,
        files=git.files(),
    )


@contextmanager
def at(root: Path, revision: str, scratch: Path) -> Iterator[Tree]:
    """The tree of a revision, checked out beside in `scratch`; the caller's own tree is not touched."""
    git = Git(root)
    commit = git.resolve(revision)
    with git.worktree(commit, scratch / f"tree-{commit[:12]}") as top:
        inside = top / git.prefix()
        yield Tree(
            root=inside,
            revision=revision,
            commit=commit,
            changed=(),
            difference=None,
            files=Git(inside).files() if inside.is_dir() else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The code of a run: every file that it may see, by path, as `sha256:…` or `link:target`."""

    files: Mapping[str, str]

    @property
    def digest(self) -> Digest:
        """What the cache key takes: contents and names, no times."""
        return of_value(dict(self.files))


def code(tree: Tree, patterns: tuple[str, ...], *, experiment: str) -> Code:
    """The files that `sources` names, hashed. ConfigError for a pattern that names none."""
    candidates = [name for name in tree.files if not any(matches(name, skip) for skip in NEVER_CODE)]
    chosen: set[str] = set()
    for pattern in patterns:
        found = {name for name in candidates if matches(name, pattern)}
        if not found:
            raise ConfigError(
                f"experiments.{experiment}.sources: {pattern!r} names no file that git tracks or would track",
                hint="check the spelling, and that the file is not ignored by .gitignore",
            )
        chosen |= found
    hashed = {name: fingerprint(tree.root, name) for name in sorted(chosen)}
    return Code(files={name: value for name, value in hashed.items() if value})


def fingerprint(root: Path, name: str) -> str:
    """A file's `sha256:…`, a link's `link:target`, or "" for what is no file (deleted, or a submodule)."""
    path = root / name
    if path.is_symlink():
        if not path.resolve().is_relative_to(root.resolve()):
            raise ConfigError(
                f"sources: {name} is a link that leaves the checkout", hint="name the sources without it"
            )
        return f"link:{path.readlink()}"
    return str(hash_file(path)) if path.is_file() else ""
