"""A real folder as a tree of files: links are not followed, neither out of it nor in circles."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.tools.files import hash_file, read_capped

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from repro.core.digest import Digest

MAX_FILES = 2_000_000
"""Cap on the files below one folder."""


class FolderTree:
    """Implements `Tree`, and `Windowed`, over the regular files below a folder.

    Only what was listed can be read, and what was listed was reached without a link: a path through a linked
    folder, or the link itself, is not there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def listed(self) -> frozenset[str]:
        """Every regular file. OSError where a folder cannot be read: its files would be passed over."""
        top = str(self.root)
        start = len(top.rstrip("/")) + 1
        found: list[str] = []
        waiting = [top]
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        found.append(entry.path[start:])
            if len(found) > MAX_FILES:
                raise FormatError(f"{self.root.name}: more than the {MAX_FILES} files that are read")
        return frozenset(found)

    def paths(self) -> Iterable[str]:
        """Every regular file, sorted."""
        return sorted(self.listed)

    def read(self, path: str, limit: int) -> bytes:
        """A file's bytes; FormatError where it has more than `limit` of them."""
        return read_capped(self._place(path), limit)

    def sha256(self, path: str) -> Digest:
        """The SHA-256 of a file's bytes, streamed."""
        return hash_file(self._place(path))

    def window(self, path: str, start: int, size: int) -> bytes:
        """At most `size` bytes from `start` on; fewer where the file ends before."""
        with self._place(path).open("rb", buffering=0) as file:
            return os.pread(file.fileno(), size, start)

    def _place(self, path: str) -> Path:
        if path not in self.listed:
            raise FormatError(f"{path[:200]}: no file of {self.root.name}, or one behind a link")
        return self.root / path
