"""A real folder as a tree of files: links are not followed, neither out of it nor in circles."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.core.errors import FormatError
from repro.tools.files import CHUNK, read_capped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_FILES = 2_000_000
"""Cap on the files below one folder."""


class FolderTree:
    """Implements `Tree`, and `Windowed`, over the regular files below a folder.

    Only what was listed can be read, and what was listed was reached without a link: a path through a linked
    folder, or the link itself, is not there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._start = f"{root}/"

    @cached_property
    def listed(self) -> frozenset[str]:
        """Every regular file. OSError where a folder cannot be read: its files would be passed over."""
        found: list[str] = []
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            with os.scandir(f"{self._start}{folder}") as entries:
                for entry in entries:
                    if entry.is_file(follow_symlinks=False):
                        found.append(folder + entry.name)
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{folder}{entry.name}/")
            if len(found) > MAX_FILES:
                raise FormatError(f"{self.root.name}: more than the {MAX_FILES} files that are read")
        return frozenset(found)

    def paths(self) -> Iterable[str]:
        """Every regular file, sorted."""
        return sorted(self.listed)

    def read(self, path: str, limit: int) -> bytes:
        """A file's bytes; FormatError where it has more than `limit` of them."""
        return read_capped(self.root / self._known(path), limit)

    def sha256(self, path: str) -> Digest:
        """The SHA-256 of a file's bytes, streamed."""
        hasher = hashlib.sha256()
        with self._opened(path) as descriptor:
            while chunk := os.read(descriptor, CHUNK):
                hasher.update(chunk)
        return Digest("sha256", hasher.hexdigest())

    def window(self, path: str, start: int, size: int) -> bytes:
        """At most `size` bytes from `start` on; fewer where the file ends before."""
        with self._opened(path) as descriptor:
            return os.pread(descriptor, size, start)

    @contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        descriptor = os.open(f"{self._start}{self._known(path)}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _known(self, path: str) -> str:
        if path not in self.listed:
            raise FormatError(f"{path[:200]}: no file of {self.root.name}, or one behind a link")
        return path
