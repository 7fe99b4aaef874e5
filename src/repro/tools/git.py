"""The door to git: what a revision is, which files it has, and a detached worktree of it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from repro.core.digest import Digest, of_bytes, of_value
from repro.core.errors import ToolError, UsageError
from repro.tools import host, process
from repro.tools.files import hash_file, remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
"""A repository's own hooks and monitors are code; none of it runs because `repro` looked."""

LOCAL = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
"""Variables that git sets for hooks and aliases (`git rev-parse --local-env-vars`): with them, a call from a
hook would act on the caller's own index instead of the folder it was given."""

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A working tree: its commit ("" before the first), and the paths that differ from it, sorted."""

    commit: str
    changed: tuple[str, ...]

    @property
    def dirty(self) -> bool:
        """Whether anything differs from the commit."""
        return bool(self.changed)


class Git:
    """One repository, named by a folder of its working tree."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _git(self, *arguments: str, check: bool = True, stdin: bytes = b"") -> process.Completed:
        env = {name: value for name, value in host.variables().items() if name not in LOCAL}
        env["GIT_OPTIONAL_LOCKS"] = "0"
        return process.run(["git", *QUIET, *arguments], cwd=self.root, env=env, check=check, stdin=stdin)

    def state(self) -> State:
        """The commit and what differs from it, untracked files included, ignored ones not."""
        done = self._git("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", check=False)
        if done.code != 0:
            raise ToolError(
                f"{self.root}: not a git repository", hint="run: git init && git add -A && git commit"
            )
        commit, changed = "", set()
        entries = iter(done.text.split("\0"))
        for entry in entries:
            kind, _, rest = entry.partition(" ")
            if entry.startswith("# branch.oid "):
                commit = rest.removeprefix("branch.oid ") if COMMIT.fullmatch(rest[11:]) else ""
            elif kind == "1":
                changed.add(rest.split(" ", 7)[7])
            elif kind == "2":
                changed.update((rest.split(" ", 8)[8], next(entries)))
            elif kind == "u":
                changed.add(rest.split(" ", 9)[9])
            elif kind == "?":
                changed.add(rest)
        return State(commit=commit, changed=tuple(sorted(changed)))

    def difference(self, state: State) -> Digest:
        """The digest of everything that differs from the commit: the diff, and untracked files by content."""
        against = state.commit or "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's empty tree
        diff = self._git("diff", "--binary", "--no-ext-diff", "--no-textconv", against).stdout
        untracked = self._git("ls-files", "--others", "--exclude-standard", "-z").text.split("\0")
        files = {
            name: str(hash_file(self.root / name))
            for name in untracked
            if name and (self.root / name).is_file() and not (self.root / name).is_symlink()
        }
        files |= {
            name: f"link to {(self.root / name).readlink()}"
            for name in untracked
            if name and (self.root / name).is_symlink()
        }
        return of_value({"diff": str(of_bytes(diff)), "untracked": files})

    def files(self) -> tuple[str, ...]:
        """Every file that is tracked or could be (not ignored), relative to the root, sorted."""
        text = self._git("ls-files", "--cached", "--others", "--exclude-standard", "-z").text
        return tuple(sorted({name for name in text.split("\0") if name}))

    def tracked(self) -> tuple[str, ...]:
        """Every file that is in the index, relative to this folder, sorted."""
        return tuple(sorted(name for name in self._git("ls-files", "-z").text.split("\0") if name))

    def untracked(self) -> tuple[str, ...]:
        """Files that git does not know and does not ignore, sorted; none outside a repository."""
        done = self._git("ls-files", "--others", "--exclude-standard", "-z", check=False)
        return tuple(sorted(name for name in done.text.split("\0") if name)) if done.code == 0 else ()

    def resolve(self, revision: str) -> str:
        """The commit that a tag, branch, commit or date names; `2026-11-01` is the last one of that day."""
        name = f"{revision}^{{commit}}"
        found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", name, check=False).text
        if not found and (until := _as_moment(revision)):
            found = self._git("rev-list", "-1", f"--until={until}", "HEAD", check=False).text
        if not COMMIT.fullmatch(found):
            raise UsageError(
                f"unknown revision {revision!r}",
                hint="name a tag, branch, commit or date; `git log` lists them, `git fetch` gets more",
            )
        return found

    def committed(self, path: str) -> bytes | None:
        """A file of the last commit as a checkout would write it, by its path from here; None without one."""
        done = self._git("cat-file", "--filters", f"HEAD:./{path}", check=False)
        return done.stdout if done.code == 0 else None

    def prefix(self) -> str:
        """Where this folder lies below the top of the working tree: "" at the top, else `sub/folder/`."""
        return self._git("rev-parse", "--show-prefix").text

    def origin(self) -> str:
        """The address of the remote `origin`, as it is configured; "" without one."""
        done = self._git("config", "--get", "remote.origin.url", check=False)
        return done.text if done.code == 0 else ""

    def author(self) -> str:
        """Who works here, as git knows it; "unknown" where it does not."""
        said = self._git("config", "-z", "--get-regexp", r"^user\.(name|email)$", check=False).text
        known = dict(entry.split("\n", 1) for entry in said.split("\0") if "\n" in entry)
        name, mail = known.get("user.name", ""), known.get("user.email", "")
        return f"{name} <{mail}>" if name or mail else "unknown"

    def versions(self, *patterns: str) -> Iterator[bytes]:
        """The bytes of every version of the files that the globs name, wherever this repository knows one.

        In every commit that a branch, tag, stash, reflog or worktree reaches, and in the index of this tree.
        """
        globs = [f":(top,glob){pattern}" for pattern in patterns]
        log = (
            "log",
            "--all",
            "--reflog",
            "-m",
            "--root",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            "--format=",
        )
        said = self._git(*log, "--", *globs, check=False).stdout
        staged = self._git("ls-files", "--stage", "--", *globs, check=False).stdout
        names = {line.split()[3] for line in said.splitlines() if line.startswith(b":")}
        names |= {line.split()[1] for line in staged.splitlines()}
        names = {name for name in names if name.strip(b"0")}
        answer = (
            self._git("cat-file", "--batch", stdin=b"\n".join(sorted(names)) + b"\n").stdout if names else b""
        )
        at = 0
        while at < len(answer):
            head, _, _ = answer[at:].partition(b"\n")
            at += len(head) + 1
            fields = head.split()
            if len(fields) == 3 and fields[1] == b"blob":  # noqa: PLR2004 - name, kind, size
                yield answer[at : at + int(fields[2])]
            at += int(fields[2]) + 1 if len(fields) == 3 else 0  # noqa: PLR2004 - as above

    def commits(self) -> tuple[str, ...]:
        """Every commit that a branch, tag or other ref reaches, newest first."""
        return tuple(self._git("rev-list", "--all", check=False).text.split())

    def entries(self, commit: str) -> dict[str, str]:
        """The files below this folder in a commit, by path from here, with the id of their content."""
        text = self._git("ls-tree", "-r", "-z", commit, check=False).text
        pairs = (entry.split("\t", 1) for entry in text.split("\0") if "\t" in entry)
        return {path: facts.split()[2] for facts, path in pairs}

    def names(self, commit: str) -> tuple[str, ...]:
        """The tags and branches that are at a commit."""
        text = self._git("for-each-ref", f"--points-at={commit}", "--format=%(refname:short)").text
        return tuple(text.split())

    def is_shallow(self) -> bool:
        """Whether older commits were left out of this clone."""
        return self._git("rev-parse", "--is-shallow-repository", check=False).text == "true"

    def stage(self, *paths: str) -> None:
        """Put files into the index."""
        self._git("add", "--", *paths)

    def unstage(self, *paths: str) -> None:
        """Put files of the index back to what the last commit holds."""
        self._git("reset", "--quiet", "--", *paths, check=False)

    @contextmanager
    def worktree(self, commit: str, folder: Path) -> Iterator[Path]:
        """A detached worktree of `commit` at `folder`, gone afterwards; one of a killed call is replaced."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        if (folder / ".git").is_file():
            self.forget(folder)
        self._git("worktree", "add", "--quiet", "--detach", "--force", str(folder), commit)
        try:
            yield folder
        finally:
            self.forget(folder)

    def worktrees(self) -> tuple[Path, ...]:
        """The folders of all worktrees that git knows, whether they still exist or not."""
        listed = self._git("worktree", "list", "--porcelain", check=False).text.splitlines()
        return tuple(Path(line.removeprefix("worktree ")) for line in listed if line.startswith("worktree "))

    def forget(self, folder: Path) -> None:
        """Remove a worktree, and git's note of it."""
        # This one alone: `git worktree prune` would also forget the user's own on a drive not mounted now.
        remove_tree(folder)
        self._git("worktree", "remove", "--force", "--force", str(folder), check=False)


def _as_moment(text: str) -> str:
    """A date for git's `--until`, "" where the text is none; git itself takes any text for some date."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ][\d:]+(Z|[+-]\d{2}:?\d{2})?)?", text):
        return ""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return ""
    return text if len(text) > len("2026-11-01") else f"{text}T23:59:59"
