"""Where the files of an image lie: in a folder, or in an archive of one, which is never unpacked."""

from __future__ import annotations

import posixpath
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from repro.core.errors import DataError, FormatError
from repro.tools.archive import CAPS, Sort, tar_members, whole
from repro.tools.archive_streams import decompressed
from repro.tools.files import disk_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path
    from typing import BinaryIO

    from repro.tools.archive import Caps, Member, Stream

MAX_DOCUMENT = 4 << 20
"""Bytes of an index, a manifest or a configuration (OCI distribution specification, "Pushing Manifests")."""

MAX_KEPT = 64 << 20
"""Bytes of all documents of an archive together."""

LINKS = 8
"""Links that are followed from one name in an archive."""


class Place(Protocol):
    """Files by their path below the root of an image's layout."""

    name: str

    def has(self, path: str) -> bool:
        """Whether there is such a file."""

    def document(self, path: str) -> bytes:
        """A small file's bytes; DataError where it is missing, FormatError where it is large."""

    def real(self, path: str) -> str:
        """The name under which a file's bytes stand, links followed."""

    def each(self, paths: Iterable[str], use: Callable[[str, Stream], None]) -> None:
        """Call `use` once for each file, named as it is real, in the order that costs least."""


class Folder:
    """A layout in a folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.name = root, root.name

    def has(self, path: str) -> bool:
        """Whether there is such a regular file."""
        try:
            return stat.S_ISREG((self.root / path).stat().st_mode)
        except OSError:
            return False

    def document(self, path: str) -> bytes:
        """A small file's bytes."""
        if not self.has(path):
            raise missing(self.name, path)
        with disk_errors(f"reading {self.name}"), (self.root / path).open("rb") as file:
            return whole(file, MAX_DOCUMENT, name=f"{self.name}: {path}")

    def real(self, path: str) -> str:
        """The path itself: a link in a folder has a blob's name too."""
        return path

    def each(self, paths: Iterable[str], use: Callable[[str, Stream], None]) -> None:
        """Files in the order they are named."""
        for path in paths:
            if not self.has(path):
                raise missing(self.name, path)
            with disk_errors(f"reading {self.name}"), (self.root / path).open("rb", buffering=0) as file:
                use(path, file)


class Archive:
    """A layout in a tar, which may be compressed; read once for what is in it, and once for large files."""

    def __init__(self, file: Path, caps: Caps = CAPS) -> None:
        self.file, self.name, self.caps = file, file.name, caps
        self.members: dict[str, Member] = {}
        self.documents: dict[str, bytes] = {}
        kept = 0
        with closing(self._walk()) as walk:
            for member, content in walk:
                self._remember(member)
                if member.sort is Sort.FILE and member.size <= MAX_DOCUMENT:
                    data = _json(content, member.size)
                    kept += len(data)
                    self.documents |= {member.path: data} if data else {}
                if kept > MAX_KEPT:
                    raise FormatError(f"{self.name}: more than {MAX_KEPT} bytes of JSON documents")

    def has(self, path: str) -> bool:
        """Whether there is such a file, links followed."""
        member = self.members.get(self.real(path))
        return member is not None and member.sort is Sort.FILE

    def document(self, path: str) -> bytes:
        """A small file's bytes, if it can be JSON."""
        place = self.real(path)
        if not self.has(path):
            raise missing(self.name, path)
        if place not in self.documents:
            raise FormatError(f"{self.name}: {path}: not JSON, or more than {MAX_DOCUMENT} bytes")
        return self.documents[place]

    def each(self, paths: Iterable[str], use: Callable[[str, Stream], None]) -> None:
        """Files in the order of the archive."""
        wanted = set(paths)
        with closing(self._walk()) as walk:
            for member, content in walk:
                if member.path in wanted:
                    use(member.path, content)
                    wanted.discard(member.path)
                if not wanted:
                    return
        raise missing(self.name, min(wanted))

    def real(self, path: str) -> str:
        """The name under which a file's bytes stand, links followed."""
        for _ in range(LINKS):
            member = self.members.get(path)
            if member is None or member.sort is Sort.FILE:
                break
            if member.sort is Sort.SYMLINK:
                path = posixpath.normpath(posixpath.join(posixpath.dirname(path), member.target))
            else:
                path = member.target
        return path

    def _remember(self, member: Member) -> None:
        if member.sort in {Sort.FOLDER, Sort.OTHER}:
            return
        if member.path in self.members:
            raise FormatError(f"{self.name}: {member.path!r} is there twice")
        self.members[member.path] = member

    def _walk(self) -> Generator[tuple[Member, Stream], None, None]:
        with disk_errors(f"reading {self.name}"), self.file.open("rb", buffering=0) as file:
            yield from tar_members(self._plain(file), name=self.name, caps=self.caps)

    def _plain(self, file: BinaryIO) -> Stream:
        return decompressed(file, name=self.name, caps=self.caps)


def _json(content: Stream, size: int) -> bytes:
    """A file's bytes if its first one begins a JSON object or array, else none."""
    head = content.read(1)
    return head + whole(content, size, name="document") if head in {b"{", b"["} else b""


def missing(name: str, path: str) -> DataError:
    """What is said of a file that ought to be there."""
    return DataError(f"{name}: {path} is missing", hint="copy the image again, whole: skopeo copy")
