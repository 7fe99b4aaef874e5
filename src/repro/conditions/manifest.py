"""Two digests of a folder: a quick one of what the file system says, a whole one of every byte."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from repro.core.digest import Digest, of_value
from repro.core.errors import FormatError
from repro.tools.files import hash_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Contents = dict[str, str]
"""Relative path of each entry below a folder, and what it is: kind, mode, and digest or link target."""


def quick(root: Path) -> Digest:
    """The digest of path, mode, size, times and inode of everything below `root`; no file is opened.

    The change time is among them, for a program can set a modification time but not that one. A folder counts
    by its path and mode only, so that a temporary file that came and went is no change.
    """
    lines = []
    for name, status in _entries(root):
        if stat.S_ISDIR(status.st_mode):
            lines.append(f"{name}\0{status.st_mode}")
        else:
            lines.append(
                f"{name}\0{status.st_mode}\0{status.st_size}\0{status.st_mtime_ns}"
                f"\0{status.st_ctime_ns}\0{status.st_ino}"
            )
    lines.sort()
    # A name holds no NUL and a number no line feed, so this separator reads in one way only.
    text = "\0\n".join(lines).encode(errors="surrogateescape")
    return Digest("sha256", hashlib.sha256(text).hexdigest())


def whole(root: Path) -> tuple[Digest, Contents]:
    """The digest of every path, mode, content and link target below `root`, and the table behind it."""
    contents = {name: _describe(root / name, status) for name, status in _entries(root)}
    for name in contents:
        if not name.isascii() and "\udc80" <= max(name) <= "\udcff":
            raise FormatError(f"{root}: a file name is not UTF-8: {name!r}")
    return digest_of(contents), contents


def digest_of(contents: Mapping[str, str]) -> Digest:
    """The digest that `whole` gives for such contents."""
    return of_value(dict(contents))


def changed_files(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The paths that were added, removed or altered between two contents, sorted."""
    return tuple(name for name in sorted({*before, *after}) if before.get(name) != after.get(name))


def _entries(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    pending = [("", str(root))]
    while pending:
        prefix, folder = pending.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                name = prefix + entry.name
                yield name, status
                if stat.S_ISDIR(status.st_mode):
                    pending.append((f"{name}/", entry.path))


def _describe(path: Path, status: os.stat_result) -> str:
    mode = f"{stat.S_IMODE(status.st_mode):o}"
    if stat.S_ISREG(status.st_mode):
        return f"file {mode} {hash_file(path).hex}"
    if stat.S_ISLNK(status.st_mode):
        return f"link {path.readlink()}"
    return f"{'folder' if stat.S_ISDIR(status.st_mode) else 'special'} {mode}"
