"""The tree that a replay takes code, configuration and data pointers from: the caller's, or a revision's."""

from __future__ import annotations

import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core.digest import Digest, of_value
from repro.core.errors import ConfigError
from repro.core.globs import matches
from repro.tools.files import hash_file, remove_tree, require_inside
from repro.tools.git import Git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
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
        if not inside.resolve().is_relative_to(top.resolve()):
            raise ConfigError(
                f"{revision}: {git.prefix()} is a link that leaves the checkout", hint="name another revision"
            )
        yield Tree(
            root=inside,
            revision=revision,
            commit=commit,
            changed=(),
            difference=None,
            files=Git(inside).files() if inside.is_dir() else (),
        )


def clearing(root: Path) -> Callable[[Path], None]:
    """A function that removes what a killed call left in a folder, and git's note of the worktrees there."""

    def clear(left: Path) -> None:
        git = Git(root)
        for worktree in git.worktrees():
            if worktree.is_relative_to(left.resolve()):
                git.forget(worktree)
        remove_tree(left)

    return clear


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The code of a run: every file that it may see, by path.

    A file is `sha256:…`, with `+x` where it is a program, and a link `link:target`.
    """

    files: Mapping[str, str]

    @property
    def digest(self) -> Digest:
        """What the cache key takes: contents and names, no times."""
        return of_value(dict(self.files))


def code(tree: Tree, patterns: tuple[str, ...], *, experiment: str) -> Code:
    """The files that `sources` names, hashed. ConfigError for a pattern that names none.

    Files that were deleted, and submodules, are left out of a pattern that names others as well.
    """
    candidates = [name for name in tree.files if not any(matches(name, skip) for skip in NEVER_CODE)]
    found: dict[str, str] = {}
    for pattern in patterns:
        named = [name for name in candidates if matches(name, pattern)]
        found |= {name: fingerprint(tree.root, name) for name in named if name not in found}
        if not any(found[name] for name in named):
            submodule = next((name for name in named if (tree.root / name).is_dir()), "")
            raise ConfigError(
                f"experiments.{experiment}.sources: {pattern!r} names "
                + (f"the submodule {submodule}" if submodule else "no file that git tracks or would track"),
                hint="take the submodule's files into the repository"
                if submodule
                else "check the spelling, and that the file is not ignored by .gitignore",
            )
    return Code(files={name: found[name] for name in sorted(found) if found[name]})


def fingerprint(root: Path, name: str) -> str:
    """What `Code` holds about a file or link; "" for what is neither (deleted, or a submodule)."""
    path = root / name
    if path.is_symlink():
        target = path.readlink()
        if target.is_absolute():
            raise ConfigError(
                f"sources: {name} is a link that leaves the checkout", hint="name the sources without it"
            )
        require_inside(root, name, what="sources")
        return f"link:{target}"
    if not path.is_file():
        return ""
    return as_recorded(hash_file(path), path)


def as_recorded(digest: Digest, path: Path) -> str:
    """A file's digest, with `+x` where the file is a program."""
    return f"{digest}+x" if path.stat().st_mode & stat.S_IXUSR else str(digest)
