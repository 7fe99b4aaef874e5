"""A real folder as a tree of files: links are not followed, neither out of it nor in circles."""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.core.errors import FormatError
from repro.tools.files import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor
    from pathlib import Path

MAX_FILES = 2_000_000
"""Cap on the files below one folder."""

FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC

SMALL = 128 << 10
"""Bytes that are hashed at once of a file that may be small."""

READ = 64 << 10
"""Bytes that are read at once of a file whose bytes are wanted."""

WORKERS = 2
"""Threads that hash large files; hashlib lets others run meanwhile."""


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
        descriptor = self._open(path)
        try:
            data = os.read(descriptor, READ)
            if more := os.read(descriptor, 1):  # of few files: the others are not asked for their size
                data = b"".join((data, more, *self._rest(descriptor, path, limit, len(data) + 1)))
        finally:
            os.close(descriptor)
        if len(data) > limit:
            raise self._too_large(path, len(data), limit)
        return data

    def _rest(self, descriptor: int, path: str, limit: int, begun: int) -> Iterator[bytes]:
        """What follows the bytes that were read, where all together are within the limit."""
        size = os.fstat(descriptor).st_size
        if size > limit:
            raise self._too_large(path, size, limit)
        left = size - begun
        while chunk := os.read(descriptor, max(left, 0) + 1):
            if (left := left - len(chunk)) < 0:
                raise FormatError(f"{self._start}{path}: grew while it was read")
            yield chunk

    def _too_large(self, path: str, size: int, limit: int) -> FormatError:
        return FormatError(f"{self._start}{path}: {size} bytes, more than the {limit} that are read")

    def sizes(self, paths: Iterable[str]) -> Iterator[int]:
        """The size in bytes of each of the files that were listed, in order."""
        start, about = self._start, os.lstat
        for path in paths:
            yield about(start + path).st_size

    def sha256(self, path: str) -> Digest:
        """The SHA-256 of a file's bytes, streamed."""
        return Digest("sha256", self.digests((path,))[path].hex())

    def digests(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The SHA-256 of each file's bytes.

        Small files are read one after another into one piece of memory: threads would lose more by taking
        turns than they gain. Those that fill it are hashed meanwhile by other threads.
        """
        found: dict[str, bytes] = {}
        large: dict[str, Future[bytes]] = {}
        memory = memoryview(bytearray(SMALL))
        with ExitStack() as stack:
            pool: ThreadPoolExecutor | None = None
            for path in paths:
                descriptor = self._open(path)
                try:
                    size = os.readv(descriptor, (memory,))
                    whole = size < SMALL and not os.read(descriptor, 1)
                finally:
                    os.close(descriptor)
                if whole:
                    found[path] = hashlib.sha256(memory[:size]).digest()
                else:
                    pool = pool or stack.enter_context(_threads())
                    large[path] = pool.submit(self._streamed, path)
        found.update((path, each.result()) for path, each in large.items())
        return found

    def _streamed(self, path: str) -> bytes:
        hasher = hashlib.sha256()
        with self._opened(path) as descriptor:
            while chunk := os.read(descriptor, CHUNK):
                hasher.update(chunk)
        return hasher.digest()

    def window(self, path: str, start: int, size: int) -> bytes:
        """At most `size` bytes from `start` on; fewer where the file ends before."""
        with self._opened(path) as descriptor:
            return os.pread(descriptor, size, start)

    @contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        descriptor = self._open(path)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _open(self, path: str) -> int:
        if path not in self.listed:
            raise FormatError(f"{path[:200]}: no file of {self.root.name}, or one behind a link")
        return os.open(self._start + path, FLAGS)


def _threads() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(WORKERS)
