"""NAR hashes of the store paths that an image holds, from its layers and without a copy of them on a disk.

A NAR has the contents of its files in the order of their names (Nix manual, "Nix Archive Format"). Whoever
writes layers writes them mostly in that order too, so one more reading of them mostly feeds all hashes. What
comes before its turn is held in memory if there is room, or waits for the next reading.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.sbom.component import Finding
from repro.sbom.layers import File, Folder, Link
from repro.tools.archive import CHUNK, Sort, tar_members
from repro.tools.nar import MAX_DEPTH, sri
from repro.tools.nar_writing import MAGIC, length, packed
from repro.tools.oci import read_told_layers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repro.sbom.layers import Node
    from repro.tools.archive import Stream
    from repro.tools.oci import Image, Layer

HELD = 64 << 20
"""Bytes of contents that are held until it is their turn."""

READINGS = 4
"""How often layers are read for hashes, at most: that is why the cost stays in proportion to their size."""

_Place = tuple[int, int]


@dataclass(slots=True)
class _Hashing:
    """A store path whose hash is under way: what of its NAR is left."""

    base: str
    left: Iterator[bytes | File]
    hasher: hashlib._Hash = field(default_factory=hashlib.sha256)


class Hashes:
    """The NAR hashes of store paths by their last parts, as SRI, and why others have none."""

    def __init__(self, paths: Mapping[str, Node], *, room: int = HELD) -> None:
        self.hashes: dict[str, str] = {}
        self.findings: list[Finding] = []
        self._room = room
        self._uses: Counter[_Place] = Counter()
        self._waiting: defaultdict[_Place, list[_Hashing]] = defaultdict(list)
        self._held: dict[_Place, bytes] = {}
        begun = []
        for base, node in sorted(paths.items()):
            try:
                self._uses.update([part.place for part in _parts(node) if isinstance(part, File)])
            except FormatError as error:
                self.findings.append(Finding(where=base, what=f"its NAR hash is not known: {error.message}"))
                continue
            begun.append(_Hashing(base, _parts(node)))
        for each in begun:
            self._advance(each)

    @property
    def layers(self) -> set[int]:
        """The layers that must be read for what is left."""
        return {layer for (layer, _), count in self._uses.items() if count}

    def read(self, index: int, stream: Stream) -> None:
        """Take from a layer's tar what is needed of it."""
        for member, content in tar_members(stream, name=f"layer {index}", layer=True):
            place = (index, member.offset)
            if member.sort is Sort.FILE and self._uses[place] and place not in self._held:
                self._take(place, member.size, content)

    def give_up(self) -> None:
        """Say of all that is left that it is not known."""
        what = f"its NAR hash is not known: for the order of its files {READINGS} readings are too few"
        left = sorted(each.base for waiting in self._waiting.values() for each in waiting)
        self.findings += [Finding(where=base, what=what) for base in left]

    def _take(self, place: _Place, size: int, content: Stream) -> None:
        """Feed a content to those whose turn it is, and hold it if others need it later."""
        now = self._waiting.pop(place, [])
        held: list[bytes] | None = None
        if self._uses[place] > len(now) and size <= self._room:
            held = []
        while part := content.read(CHUNK):
            for each in now:
                each.hasher.update(part)
            if held is not None:
                held.append(part)
        self._uses[place] -= len(now)
        if held is not None:
            self._held[place] = b"".join(held)
            self._room -= size
        for each in now:
            self._advance(each)

    def _advance(self, path: _Hashing) -> None:
        """Feed until the next content is none that is held."""
        for part in path.left:
            if isinstance(part, bytes):
                path.hasher.update(part)
            elif part.place in self._held:
                self._use(path, part.place)
            else:
                self._waiting[part.place].append(path)
                return
        self.hashes[path.base] = sri(path.hasher.digest())

    def _use(self, path: _Hashing, place: _Place) -> None:
        path.hasher.update(self._held[place])
        self._uses[place] -= 1
        if not self._uses[place]:
            self._room += len(self._held.pop(place))


def nar_hashes(image: Image, paths: Mapping[str, Node]) -> Hashes:
    """The NAR hashes of store paths in an image, as all its layers together hold them."""
    found = Hashes(paths)

    def read(layer: Layer, stream: Stream) -> None:
        found.read(layer.index, stream)

    for _ in range(READINGS):
        wanted = found.layers
        if not wanted:
            break
        read_told_layers(replace(image, layers=tuple(image.layers[each] for each in sorted(wanted))), read)
    found.give_up()
    return found


def _parts(node: Node) -> Iterator[bytes | File]:
    """The NAR of a file, folder or link, in order; a file stands for its content."""
    yield packed(MAGIC)
    yield from _of_node(node, 0)


def _of_node(node: Node, depth: int) -> Iterator[bytes | File]:
    if depth > MAX_DEPTH:
        raise FormatError(f"more than {MAX_DEPTH} folders within each other")
    if isinstance(node, File):
        executable = (b"executable", b"") if node.executable else ()
        yield packed(b"(", b"type", b"regular", *executable, b"contents") + length(node.size)
        if node.size:
            yield node
        yield bytes(-node.size % 8) + packed(b")")
    elif isinstance(node, Link):
        yield packed(b"(", b"type", b"symlink", b"target", _raw(node.target), b")")
    elif isinstance(node, Folder):
        yield packed(b"(", b"type", b"directory")
        for name, inner in sorted((_raw(name), inner) for name, inner in node.entries.items()):
            yield packed(b"entry", b"(", b"name", name, b"node")
            yield from _of_node(inner, depth + 1)
            yield packed(b")")
        yield packed(b")")
    else:
        raise FormatError("a device, a pipe or a socket is in it")


def _raw(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
