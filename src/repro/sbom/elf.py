"""Sections of programs (ELF), read by windows where a tree offers them: two small parts of a large file.

Source: Tool Interface Standard, "Executable and Linking Format" 1.2; elf(5).
"""

from __future__ import annotations

import struct
from functools import cache, partial
from typing import TYPE_CHECKING, cast

from repro.core.errors import FormatError
from repro.sbom.tree import Windowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from repro.sbom.tree import Tree

WANTED = (b".dep-v0", b".go.buildinfo")
"""`cargo auditable`'s list of crates, and Go's build information."""

MAX_FILE = 1 << 30
"""Cap on a program that is read whole, where a tree offers no windows, in bytes."""

MAX_SECTION = 8 << 20
"""Cap on one wanted section, in bytes."""

MAX_SECTIONS = 4096
"""Sections of one file that are looked at; large programs have a hundred."""

MAX_NAMES = 1 << 20
"""Cap on the table of names, in bytes."""


def is_candidate(path: str) -> bool:
    """Whether a file's path is such as programs and libraries have; others are not opened."""
    name = path[path.rfind("/") + 1 :]
    if "." in name and ".so" not in name and "bin/" not in path and "libexec/" not in path:
        return False
    return ".dist-info/" not in path


def candidates(paths: Iterable[str]) -> list[str]:
    """Those of many files that are, most of which are modules of Python and told by how they end."""
    return [
        path
        for path in paths
        if (not path.endswith((".py", ".pyc")) or ".so" in path or "bin/" in path or "libexec/" in path)
        and is_candidate(path)
    ]


def sections(tree: Tree | Windowed, path: str) -> Iterator[tuple[str, bytes]]:
    """The wanted sections of a file with their names; nothing for a file that is no whole ELF."""
    window = _window(tree, path)
    head = window(0, 64)
    if len(head) < 52 or head[:4] != b"\x7fELF" or head[4] not in {1, 2} or head[5] not in {1, 2}:  # noqa: PLR2004 - the header of 32 bits
        return
    wide, order = head[4] == 2, "<" if head[5] == 1 else ">"  # noqa: PLR2004 - ELFCLASS64
    try:
        place, size, count, names = _header(head, wide=wide, order=order)
        table = window(place, size * count)
        _, start, length = _entry(table, size * names, wide=wide, order=order)
        words = window(start, length) if names < count and length <= MAX_NAMES else b""
        if not any(word in words for word in WANTED):  # as in nearly all files
            return
        entries = [_entry(table, size * each, wide=wide, order=order) for each in range(count)]
    except (struct.error, OverflowError, OSError):  # offsets that lead nowhere
        return
    for name, start, length in entries:
        word = words[name : words.find(b"\0", name)] if name < len(words) else b""
        if word in WANTED and length <= MAX_SECTION and start < 1 << 62:
            yield word.decode(), window(start, length)


def _window(tree: Tree | Windowed, path: str) -> Callable[[int, int], bytes]:
    if _is_windowed(type(tree)):
        return partial(cast("Windowed", tree).window, path)
    try:
        data = cast("Tree", tree).read(path, MAX_FILE)
    except FormatError:
        data = b""
    return lambda start, size: data[start : start + size]


@cache
def _is_windowed(kind: type) -> bool:
    """Whether trees of a kind offer windows: to ask each time would take as long as to read the window."""
    return issubclass(kind, Windowed)


def _header(head: bytes, *, wide: bool, order: str) -> tuple[int, int, int, int]:
    """Place of the table of sections, size and number of its entries, and which one holds the names."""
    (table,) = struct.unpack_from(f"{order}Q" if wide else f"{order}I", head, 40 if wide else 32)
    size, count, names = struct.unpack_from(f"{order}HHH", head, 58 if wide else 46)
    if count > MAX_SECTIONS or size != (64 if wide else 40):
        raise struct.error
    return table, size, count, names


def _entry(table: bytes, place: int, *, wide: bool, order: str) -> tuple[int, int, int]:
    """Place of the name, place in the file and length of the section that stands at `place` of the table."""
    fields = struct.unpack_from(f"{order}IIQQQQIIQQ" if wide else f"{order}IIIIIIIIII", table, place)
    return fields[0], fields[4], fields[5]
