"""Typed paths into a result, and the glob patterns that select them.

A path is a tuple of keys (`str`) and indices (`int`), written `trials[3].regret`; a key that is not a plain
word is written `["a.b"]`, the root `$`. In a pattern `*` and `?` stand inside one key, `[*]` for any index,
`[10:]` and `[2:8:2]` for a range of them, `**` for any number of keys and indices. A pattern that names a
list covers all its elements, at any depth: what it means does not depend on how the list is stored. A pattern
may be written with slashes, as HDF5 names its datasets: `/group/dataset[10:]`; its keys may then hold dots.
"""

from __future__ import annotations

import fnmatch
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from repro.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

TreePath = tuple[str | int, ...]
"""Where a leaf stands: keys and indices from the root."""

Region = tuple[int | slice, ...]
"""A numpy index with one entry for each axis."""

ALL = slice(None)
Axis = tuple[int, ...]
"""What is selected of one axis: nothing said for all of it, an index, or first, after the last, and step."""

WHOLE: Axis = ()
MAX_DEEP = 4
"""Cap on `**` in one pattern: matching costs the number of axes to this power at worst."""

PLAIN = re.compile(r"@?[\w-]+")
BRACKET = r"""\[(?P<any>\*)\] | \[(?P<index>[0-9]{1,18})\]
    | \[(?P<start>[0-9]{0,18}):(?P<stop>[0-9]{0,18})(?::(?P<step>[1-9][0-9]{0,8}))?\]
    | \[(?P<quoted>"(?:[^"\\]|\\.)*+")\]"""
TOKEN = re.compile(rf"""{BRACKET} | (?P<dot>\.?)(?P<name>[^.\[\]"]++)""", re.VERBOSE)
SLASHED = re.compile(rf"""{BRACKET} | (?P<dot>/)(?P<name>[^/\[\]"]++)""", re.VERBOSE)


class Wild:
    """The two wildcards that are no text."""

    INDEX = "[*]"
    DEEP = "**"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One step of a pattern: exactly one of a wildcard, an index, a range, a literal key or a key glob.

    `span`: first index, the one after the last (-1: none), and the step.
    """

    wild: str = ""
    index: int | None = None
    span: tuple[int, int, int] | None = None
    key: str | None = None
    glob: str = ""

    def takes(self, step: str | int) -> bool:
        """Whether this segment (not `**`) matches one step of a path."""
        if isinstance(step, int):
            return self.wild == Wild.INDEX or self.index == step or self._spans(step)
        if self.key is not None:
            return self.key == step
        return bool(self.glob) and _glob(self.glob).match(step) is not None

    def axis(self, length: int) -> Axis | None:
        """What this segment selects of an axis, None for nothing."""
        if self.wild == Wild.INDEX:
            return WHOLE
        if self.index is not None and self.index < length:
            return (self.index,)
        if self.span is None or self.span[0] >= length or self.span[0] == self.span[1]:
            return None
        return (
            WHOLE if self.span[0] == 0 and self.span[2] == 1 and not 0 <= self.span[1] < length else self.span
        )

    def _spans(self, index: int) -> bool:
        if self.span is None:
            return False
        start, stop, step = self.span
        return index >= start and (stop < 0 or index < stop) and (index - start) % step == 0

    def covers(self, other: Segment) -> bool:
        """Whether every step that `other` takes is plainly taken by this segment too."""
        if other.span is not None and self.span is not None and self.span[2] == 1:
            start, stop, _ = self.span
            return start <= other.span[0] and (stop < 0 or 0 <= other.span[1] <= stop)
        if other.span is not None:
            return self == other or self.wild == Wild.INDEX
        if other.index is not None or other.key is not None:
            step = other.index if other.index is not None else other.key
            return step is not None and self.takes(step)
        return self == other or (self.glob == "*" and bool(other.glob))


@lru_cache(maxsize=1024)
def _glob(text: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A parsed pattern."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def concrete(self) -> bool:
        """Whether the pattern names an index, so that paths which differ in indices differ for it."""
        return any(segment.index is not None or segment.span is not None for segment in self.segments)

    def regions(self, path: TreePath, shape: tuple[int, ...] = ()) -> tuple[Region, ...]:
        """The parts of the leaf at `path` that the pattern covers, as numpy indices.

        The leaf is an array of `shape`, whose elements have paths of their own: `path` plus one index per
        axis. Empty: no part; one region of `slice(None)` only: the whole leaf.
        """
        found: set[tuple[Axis, ...]] = set()
        for position in self._after(path):
            for region in self._expand(position, shape):
                if all(axis == WHOLE for axis in region):
                    return ((ALL,) * len(shape),)
                found.add(region)
        return tuple(tuple(_index(axis) for axis in region) for region in sorted(found))

    def _after(self, path: TreePath) -> set[int]:
        """Positions in the pattern that can be reached by consuming `path`."""
        end = len(self.segments)
        states = self._closed({0})
        for step in path:
            nexts: set[int] = set()
            for at in states:
                if at == end:
                    # what a pattern names it covers with all its elements: trailing indices are implied
                    nexts |= {end} if isinstance(step, int) else set()
                elif self.segments[at].wild == Wild.DEEP:
                    nexts.add(at)
                elif self.segments[at].takes(step):
                    nexts.add(at + 1)
            states = self._closed(nexts)
            if not states:
                break
        return states

    def _closed(self, states: set[int]) -> set[int]:
        closed = set(states)
        for at in sorted(states):
            follow = at
            while follow < len(self.segments) and self.segments[follow].wild == Wild.DEEP:
                follow += 1
                closed.add(follow)
        return closed

    def _expand(self, at: int, shape: tuple[int, ...]) -> Iterator[tuple[Axis, ...]]:
        """Regions reached from position `at` over the axes of `shape`."""
        if at == len(self.segments):
            yield (WHOLE,) * len(shape)
            return
        segment = self.segments[at]
        if segment.wild == Wild.DEEP:
            yield from self._expand(at + 1, shape)
        if not shape:
            return
        if segment.wild == Wild.DEEP:
            yield from ((WHOLE, *rest) for rest in self._expand(at, shape[1:]))
        elif (axis := segment.axis(shape[0])) is not None:
            yield from ((axis, *rest) for rest in self._expand(at + 1, shape[1:]))

    def covers(self, other: Pattern) -> bool:
        """Whether every path that `other` selects is plainly selected by this pattern too.

        Sufficient, not complete: two differently written patterns that mean the same may give False.
        """
        end = len(self.segments)
        states = self._closed({0})
        for step in other.segments:
            nexts: set[int] = set()
            for at in states:
                if at == end:
                    of_list = step.wild == Wild.INDEX or step.index is not None or step.span is not None
                    nexts |= {end} if of_list else set()
                elif self.segments[at].wild == Wild.DEEP:
                    nexts.add(at)
                elif step.wild != Wild.DEEP and self.segments[at].covers(step):
                    nexts.add(at + 1)
            states = self._closed(nexts)
        return end in states


def parse_pattern(text: str, *, where: str) -> Pattern:
    """The pattern that `text` writes; ConfigError names `where` it stands."""
    if text in {"$", "/"}:
        return Pattern(text=text, segments=())
    segments: list[Segment] = []
    slashed = text.startswith("/")
    at = 0
    while at < len(text):
        token = (SLASHED if slashed else TOKEN).match(text, at)
        if token is None or (token["name"] and not slashed and bool(token["dot"]) == (at == 0)):
            raise ConfigError(
                f"{where}: not a path pattern at character {at + 1}: {text!r}",
                hint='write it as trials[*].regret, losses[10:], **.loss, ["a.b"].x or /group/dataset',
            )
        segments.append(_segment(token, where))
        at = token.end()
    if not segments:
        raise ConfigError(f"{where}: an empty path pattern", hint="** selects everything, $ the root")
    if sum(segment.wild == Wild.DEEP for segment in segments) > MAX_DEEP:
        raise ConfigError(f"{where}: more than {MAX_DEEP} times ** in {text!r}")
    return Pattern(text=text, segments=tuple(segments))


def _segment(token: re.Match[str], where: str) -> Segment:
    if token["any"]:
        return Segment(wild=Wild.INDEX)
    if token["index"]:
        return Segment(index=int(token["index"]))
    if token["start"] is not None:
        span = (int(token["start"] or 0), int(token["stop"] or -1), int(token["step"] or 1))
        return Segment(wild=Wild.INDEX) if span == (0, -1, 1) else Segment(span=span)
    if token["quoted"]:
        try:
            return Segment(key=json.loads(token["quoted"]))
        except json.JSONDecodeError as error:
            raise ConfigError(f"{where}: not a JSON string: {token['quoted']}") from error
    name = token["name"]
    if name == "**":
        return Segment(wild=Wild.DEEP)
    return Segment(glob=name) if "*" in name or "?" in name else Segment(key=name)


def _index(axis: Axis) -> int | slice:
    """What numpy takes for a selection of an axis."""
    if axis == WHOLE:
        return ALL
    if len(axis) == 1:
        return axis[0]
    start, stop, step = axis
    return slice(start, None if stop < 0 else stop, step)


def path_text(path: TreePath) -> str:
    """How a path is written: a pattern that selects this path, and what is printed."""
    if not path:
        return "$"
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif PLAIN.fullmatch(step):
            parts.append(f".{step}" if parts else step)
        else:
            parts.append(f"[{_quoted(step)}]")
    return "".join(parts)


def parse_path(text: str) -> TreePath:
    """The inverse of `path_text`; ConfigError for a pattern that is not one path."""
    steps: list[str | int] = []
    for segment in parse_pattern(text, where="path").segments:
        step = segment.key if segment.index is None else segment.index
        if step is None:
            raise ConfigError(f"path: not one path alone: {text!r}")
        steps.append(step)
    return tuple(steps)


def _quoted(key: str) -> str:
    try:
        key.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can escape but UTF-8 cannot hold
        return json.dumps(key)
    return json.dumps(key, ensure_ascii=False)
