"""Why the contents of two files differ: the first differing byte, and the causes that explain it."""

from __future__ import annotations

import re
import struct
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.build.masks import EVIDENCE, kinds_of
from repro.build.report import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.build.clues import Clues

MAX_REGIONS = 200
"""Places of one file that are looked at; the causes of the others are not told."""

GAP = 16
"""Equal bytes that part two places of a file."""

AROUND = 100
"""Bytes around a place that are taken to be its context."""

MAX_SORTED = 1 << 24
"""Bytes of a file up to which its parts are counted, to find another order."""

SHOWN = 60
_TOKENS = re.compile(rb"[\s,;:=\x00\"'(){}\[\]<>]+")
_PRINTABLE = re.compile(rb"[\x09\x20-\x7e]*")
_NOTE = b"\x04\x00\x00\x00%s\x03\x00\x00\x00GNU\x00"


_Span = tuple[int, int]
_Place = tuple[int, bytes, bytes, tuple[Kind, ...], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One cause in one file: where it shows first, and what stands there on either side."""

    kind: Kind
    offset: int
    evidence: str
    first: str
    second: str


def reasons(first: bytes, second: bytes, clues: Clues) -> tuple[Reason, ...]:
    """Every cause that is found, each with the first place where it shows; the files must differ."""
    offset = first_difference(first, second)
    if whole := _whole(first, second):
        kind, evidence = whole
        return (_reason(kind, evidence, offset, first, second),)
    found: dict[Kind, Reason] = {}
    for start, one, other, kinds, evidence in _places(first, second, clues):
        for kind in kinds or (Kind.CONTENT,):
            if kind not in found:
                said = evidence or EVIDENCE.get(kind, "no cause recognised")
                found[kind] = Reason(
                    kind=kind, offset=start, evidence=said, first=_shown(one), second=_shown(other)
                )
    return tuple(sorted(found.values(), key=lambda reason: reason.offset))


def first_difference(first: bytes, second: bytes) -> int:
    """The offset of the first byte that differs; the shorter length where one begins with the other."""
    low, high = 0, min(len(first), len(second))
    if first[:high] == second[:high]:
        return high
    view, other = memoryview(first), memoryview(second)
    while low + 1 < high:  # halves are compared as a whole, which is as fast as memory
        middle = (low + high) // 2
        if view[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _reason(kind: Kind, evidence: str, offset: int, first: bytes, second: bytes) -> Reason:
    around = slice(max(0, offset - 8), offset + SHOWN)
    return Reason(
        kind=kind,
        offset=offset,
        evidence=evidence,
        first=_shown(first[around]),
        second=_shown(second[around]),
    )


def _whole(first: bytes, second: bytes) -> tuple[Kind, str] | None:
    """A cause that explains a file as a whole, by its format or because its parts are the same."""
    if first.startswith(b"\x7fELF") and _without_build_id(first) == _without_build_id(second):
        return Kind.BUILD_ID, "the ELF note of the build id alone"
    if first.startswith(b"\x1f\x8b") and (first[:4], first[8:]) == (second[:4], second[8:]):
        return Kind.TIMESTAMP, "the time in a gzip header (RFC 1952)"
    if first.startswith(b"PK\x03\x04") and _without_zip_times(first) == _without_zip_times(second):
        return Kind.TIMESTAMP, "the times of the entries of a zip archive"
    return _reordered(first, second)


def _reordered(first: bytes, second: bytes) -> tuple[Kind, str] | None:
    if len(first) != len(second) or len(first) > MAX_SORTED:
        return None
    lines = first.split(b"\n"), second.split(b"\n")
    if len(lines[0]) > 2 and Counter(lines[0]) == Counter(lines[1]):  # noqa: PLR2004 - more than one and its end
        return Kind.ORDERING, f"the same {len(lines[0]) - lines[0].count(b'')} lines in another order"
    tokens = _TOKENS.split(first), _TOKENS.split(second)
    if len(tokens[0]) > 2 and Counter(tokens[0]) == Counter(tokens[1]):  # noqa: PLR2004 - see above
        return Kind.ORDERING, f"the same {len(tokens[0])} words in another order"
    return None


def _without_build_id(data: bytes) -> bytes:
    """An ELF file with its NT_GNU_BUILD_ID note (binutils, `--build-id`) blanked; 20 bytes, 16 or 8."""
    for size in (20, 16, 8):
        head = _NOTE % struct.pack("<I", size)
        at = data.find(head)
        if at >= 0:
            start = at + len(head)
            return data[:start] + bytes(size) + data[start + size :]
    return data


def _without_zip_times(data: bytes) -> bytes:
    """A zip file with the times of its local and central headers (APPNOTE 4.3.7 and 4.3.12) blanked."""
    data = re.sub(rb"(PK\x03\x04.{6}).{4}", rb"\1\0\0\0\0", data, flags=re.DOTALL)
    return re.sub(rb"(PK\x01\x02.{8}).{4}", rb"\1\0\0\0\0", data, flags=re.DOTALL)


def _places(first: bytes, second: bytes, clues: Clues) -> Iterator[_Place]:
    """Places that differ: offset, both contexts, the causes of each, and words on them where there are."""
    for (start, end), (other_start, other_end) in _regions(first, second):
        one, other = _context(first, start, end), _context(second, other_start, other_end)
        if kinds := kinds_of(one, other, clues):
            yield start, one, other, kinds, ""
        elif evidence := _binary_time(first, second, start, clues):
            around = slice(max(0, start - 4), start + 8)
            yield start, first[around], second[around], (Kind.TIMESTAMP,), evidence
        elif _is_noise(first[start:end]) and _is_noise(second[other_start:other_end]):
            yield start, one, other, (Kind.RANDOMNESS,), "bytes without any structure"
        else:
            yield start, one, other, (), ""


def _regions(first: bytes, second: bytes) -> Iterator[tuple[_Span, _Span]]:
    """Where they differ, as start and end in the first and in the second."""
    if len(first) == len(second):
        yield from ((span, span) for span in _same_length(first, second))
    elif b"\x00" not in first and first.count(b"\n") == second.count(b"\n"):
        yield from _lines(first, second)
    else:
        start = first_difference(first, second)
        tail = first_difference(first[start:][::-1], second[start:][::-1])
        yield (start, len(first) - tail), (start, len(second) - tail)


def _same_length(first: bytes, second: bytes) -> Iterator[_Span]:
    at = 0
    for _ in range(MAX_REGIONS):
        start = end = at + first_difference(first[at:], second[at:])
        if start >= len(first):
            return
        equal = 0
        while end < len(first) and equal < GAP:
            equal = 0 if first[end] != second[end] else equal + 1
            end += 1
        at = end
        yield start, end - equal


def _lines(first: bytes, second: bytes) -> Iterator[tuple[_Span, _Span]]:
    """The parts that differ of lines that differ, of two texts with as many lines."""
    at = other_at = seen = 0
    for one, other in zip(first.split(b"\n"), second.split(b"\n"), strict=True):
        if one != other:
            head = first_difference(one, other)
            tail = first_difference(one[head:][::-1], other[head:][::-1])
            yield (at + head, at + len(one) - tail), (other_at + head, other_at + len(other) - tail)
            seen += 1
        if seen >= MAX_REGIONS:
            return
        at += len(one) + 1
        other_at += len(other) + 1


def _context(data: bytes, start: int, end: int) -> bytes:
    """A place and the printable characters around it, up to the ends of its line."""
    before = data[max(0, start - AROUND) : start]
    after = data[end : end + AROUND]
    head = _PRINTABLE.match(before[::-1])
    tail = _PRINTABLE.match(after)
    return data[start - (head.end() if head else 0) : end + (tail.end() if tail else 0)]


def _binary_time(first: bytes, second: bytes, start: int, clues: Clues) -> str:
    """Words on four bytes, of either order, that are Unix seconds within both builds; else ""."""
    for at in range(max(0, start - 3), start + 1):
        for order, name in (("<I", "little-endian"), (">I", "big-endian")):
            if len(first) < at + 4 or len(second) < at + 4:
                continue
            (one,), (other,) = struct.unpack_from(order, first, at), struct.unpack_from(order, second, at)
            if clues.first.is_at(one) and clues.second.is_at(other):
                return f"Unix seconds of the build, {name}"
    return ""


def _is_noise(data: bytes) -> bool:
    """Whether bytes look drawn at random: half of them or more are different ones, and not all are text."""
    return len(data) >= 8 and 2 * len(set(data)) >= min(len(data), 256) and not _PRINTABLE.fullmatch(data)  # noqa: PLR2004 - fewer say nothing; a byte has 256 values


def _shown(data: bytes) -> str:
    """An excerpt for people: text, with what is not printable as escapes."""
    cut = data[:SHOWN]
    return cut.decode("ascii", errors="backslashreplace") + ("…" if len(data) > SHOWN else "")
