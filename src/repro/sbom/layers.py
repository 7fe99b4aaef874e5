"""The files of an image: its layers laid one over the other, in memory, without their contents.

Of each file its SHA-256 is kept, its size, and the layer it comes from; bytes only of files that tell about
packages (`oci_keep`). The rules are those of the OCI image specification 1.1, "Image Layer Filesystem
Changeset": a whiteout hides what lower layers have, a link in the way is followed within the image.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.core.errors import FormatError
from repro.sbom.component import Finding
from repro.sbom.oci_keep import Windows
from repro.sbom.python_metadata import plain
from repro.tools.archive import Sort, tar_members

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from repro.sbom.oci_keep import Keeper
    from repro.tools.archive import Member, Stream

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
RESERVED = ".wh..wh."
"""Names of AUFS that say nothing about files, but for `OPAQUE`."""

HOPS = 40
"""Links followed on one path, as Linux does (path_resolution(7))."""

MAX_FINDINGS = 100
"""Of one image; what is wrong a million times is said a hundred times."""


@dataclass(frozen=True, slots=True)
class File:
    """A regular file: its SHA-256, `size` in bytes, the index of its layer, and what is kept of it.

    `place` says where its bytes lie: in which layer, and where in its decompressed tar.
    """

    sha256: bytes
    size: int
    layer: int
    kept: bytes | Windows | None = None
    executable: bool = False
    place: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link, and the index of its layer."""

    target: str
    layer: int = 0


@dataclass(frozen=True, slots=True)
class Other:
    """A device, a pipe or a socket."""


@dataclass(slots=True)
class Folder:
    """What lies in a folder, by name, and the index of the layer that brought the folder."""

    entries: dict[str, Node] = field(default_factory=dict)
    layer: int = 0


Node = File | Link | Other | Folder


@dataclass(frozen=True, slots=True)
class Entry:
    """A member of a layer, with the SHA-256 of its content and the content itself if it is kept.

    `read` is the index of the layer that was read; one that is listed twice is read once.
    """

    member: Member
    sha256: bytes = b""
    kept: bytes | Windows | None = None
    read: int = 0


def read_entries(stream: Stream, keeper: Keeper, index: int = 0) -> list[Entry]:
    """The members of one layer, in order."""
    return [
        Entry(member, *keeper.look(member, content), index) if member.sort is Sort.FILE else Entry(member)
        for member, content in tar_members(stream, name=f"{keeper.name}: layer", layer=True)
    ]


class Stack:
    """Layers laid one over the other: folders within folders, so that a whiteout costs the same for all."""

    def __init__(self) -> None:
        self.root = Folder()
        self.findings: list[Finding] = []

    def add(self, index: int, entries: Iterable[Entry]) -> None:
        """Lay one layer over what is there: its whiteouts first, for they hide lower layers only."""
        rest = []
        for entry in entries:
            folder, _, name = entry.member.path.rpartition("/")
            if name.startswith(WHITEOUT):
                self._hide(index, folder, name)
            else:
                rest.append(entry)
        for entry in rest:
            self._put(index, entry)

    def files(self) -> Iterator[tuple[str, File]]:
        """All regular files, in no order."""
        waiting: list[tuple[str, Folder]] = [("", self.root)]
        while waiting:
            prefix, folder = waiting.pop()
            for name, node in folder.entries.items():
                if isinstance(node, File):
                    yield prefix + name, node
                elif isinstance(node, Folder):
                    waiting.append((f"{prefix}{name}/", node))

    def folder(self, path: str) -> Mapping[str, Node]:
        """What lies in a folder, no link followed; nothing where there is none."""
        node: Node | None = self.root
        for part in path.split("/"):
            node = node.entries.get(part) if isinstance(node, Folder) else None
        return node.entries if isinstance(node, Folder) else {}

    def file(self, path: str) -> File | None:
        """The regular file that a path leads to, links on the way and at its end followed."""
        for _ in range(HOPS):
            place = self._find(path)
            node = place[0].entries.get(place[1]) if place else None
            if isinstance(node, File):
                return node
            if not isinstance(node, Link):
                return None
            folder = path.rpartition("/")[0]
            path = node.target if node.target.startswith("/") else f"{folder}/{node.target}"
        return None

    def _hide(self, index: int, folder: str, name: str) -> None:
        if name == OPAQUE:
            place = self._find(f"{folder}/x" if folder else "x")
            if place is not None:
                place[0].entries.clear()
            return
        if name.startswith(RESERVED):
            return
        hidden = name.removeprefix(WHITEOUT)
        path = f"{folder}/{hidden}" if folder else hidden
        if hidden in {"", ".", ".."}:
            raise FormatError(f"layer {index}: {name!r} is no whiteout of a name")
        place = self._find(path)
        if place is None or place[0].entries.pop(place[1], None) is None:
            self._note(index, path, "a whiteout of nothing")

    def _put(self, index: int, entry: Entry) -> None:
        member = entry.member
        if not member.path:
            return
        place = self._find(member.path, create=index)
        if place is None:
            self._note(index, member.path, "it lies behind a loop of links")
            return
        folder, name = place
        node = self._node(index, entry)
        if node is not None and not (
            isinstance(node, Folder) and isinstance(folder.entries.get(name), Folder)
        ):
            folder.entries[name] = node

    def _node(self, index: int, entry: Entry) -> Node | None:
        member = entry.member
        if member.sort is Sort.FILE:
            place = (entry.read, member.offset)
            return File(entry.sha256, member.size, index, entry.kept, member.executable, place)
        if member.sort is Sort.OTHER:
            self._note(index, member.path, "a device, a pipe or a socket")
            return Other()
        if member.sort is Sort.HARDLINK:
            return self._linked(index, member)
        return Folder(layer=index) if member.sort is Sort.FOLDER else Link(member.target, index)

    def _linked(self, index: int, member: Member) -> Node | None:
        """What a hard link stands for: the file itself, as if this layer had brought it."""
        place = self._find(member.target)
        first = place[0].entries.get(place[1]) if place else None
        if isinstance(first, File):
            return replace(first, layer=index)
        if isinstance(first, Link | Other):
            return first
        self._note(index, member.path, f"a hard link to {member.target}, where no file is")
        return None

    def _find(self, path: str, *, create: int | None = None) -> tuple[Folder, str] | None:
        """The folder that holds the last part of a path, links on the way followed within the image.

        Folders that are missing are made as those of layer `create`.
        """
        parts = deque(path.split("/"))
        way = [self.root]
        hops = 0
        while len(parts) > 1:
            part = parts.popleft()
            if part in {"", "."}:
                continue
            if part == "..":
                way = way[:-1] or way
                continue
            node = way[-1].entries.get(part)
            if isinstance(node, Link):
                hops += 1
                if hops > HOPS:
                    return None
                way = [self.root] if node.target.startswith("/") else way
                parts.extendleft(reversed(node.target.split("/")))
            elif isinstance(node, Folder):
                way.append(node)
            elif create is not None:
                way[-1].entries[part] = made = Folder(layer=create)
                way.append(made)
            else:
                return None
        return way[-1], parts[0]

    def _note(self, index: int, path: str, what: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(where=plain(f"layer {index}: {path}"), what=plain(what)))


class LayerTree:
    """Files of an image below one folder, as a `Tree`."""

    def __init__(self, files: Mapping[str, File]) -> None:
        self.files = files

    def paths(self) -> Iterable[str]:
        """Every regular file, sorted."""
        return sorted(self.files)

    def read(self, path: str, limit: int) -> bytes:
        """A file's bytes, if it is one of those that are kept."""
        file = self.files[path]
        if file.size > limit:
            raise FormatError(f"{path}: {file.size} bytes, more than the {limit} that are read")
        if not isinstance(file.kept, bytes):
            raise FormatError(f"{path}: its bytes were not kept when the layers were read")
        return file.kept

    def window(self, path: str, start: int, size: int) -> bytes:
        """A part of a program, if it is one that tells about packages; otherwise nothing."""
        kept = self.files[path].kept
        return kept.parts.get((start, size), b"") if isinstance(kept, Windows) else b""

    def sha256(self, path: str) -> Digest:
        """The SHA-256 of a file's bytes, computed while the layers were read."""
        return Digest("sha256", self.files[path].sha256.hex())
