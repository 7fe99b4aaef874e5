"""Compare two builds of one output, file by file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.build.reasons import reasons
from repro.build.report import Difference, Kind
from repro.tools import nar
from repro.tools.nar import Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.build.clues import Clues
    from repro.tools.nar import Archive, Entry

MAX_EXPLAINED = 1 << 28
"""Bytes of a file up to which its content is looked at."""


def compare(first: Archive, second: Archive, clues: Clues) -> Iterator[Difference]:
    """Every difference of two archives, by path; nothing where they are the same."""
    for path in sorted(first.entries.keys() | second.entries.keys()):
        one, other = first.entries.get(path), second.entries.get(path)
        if one is None or other is None:
            yield _alone(path, is_missing=other is None)
        elif one.meaning != other.meaning:
            yield from _entries(path, (first, one), (second, other), clues)


def _alone(path: str, *, is_missing: bool) -> Difference:
    if is_missing:
        return Difference(path=path, kind=Kind.MISSING, evidence="only in the first build")
    return Difference(path=path, kind=Kind.EXTRA, evidence="only in the other build")


def _entries(
    path: str, first: tuple[Archive, Entry], second: tuple[Archive, Entry], clues: Clues
) -> Iterator[Difference]:
    (_, one), (_, other) = first, second
    if one.sort is not other.sort:
        yield Difference(
            path=path,
            kind=Kind.SORT,
            evidence="not of the same sort",
            first=str(one.sort),
            second=str(other.sort),
        )
        return
    if one.sort is Sort.LINK:
        yield Difference(
            path=path, kind=Kind.LINK, evidence="another target", first=one.target, second=other.target
        )
        return
    if one.executable != other.executable:
        words = ("not executable", "executable")
        yield Difference(
            path=path,
            kind=Kind.PERMISSIONS,
            evidence="the permission to execute",
            first=words[one.executable],
            second=words[other.executable],
        )
    if one.sha256 != other.sha256:
        yield from _contents(path, first, second, clues)


def _contents(
    path: str, first: tuple[Archive, Entry], second: tuple[Archive, Entry], clues: Clues
) -> Iterator[Difference]:
    if max(first[1].size, second[1].size) > MAX_EXPLAINED:
        evidence = f"{first[1].size} and {second[1].size} bytes, too large to be explained"
        yield Difference(path=path, kind=Kind.CONTENT, evidence=evidence)
        return
    for reason in reasons(nar.content(*first), nar.content(*second), clues):
        yield Difference(
            path=path,
            kind=reason.kind,
            evidence=reason.evidence,
            offset=reason.offset,
            first=reason.first,
            second=reason.second,
        )
