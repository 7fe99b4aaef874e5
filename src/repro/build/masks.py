"""Recognise why two texts differ: hide what a cause explains in both, and see whether they become equal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from repro.build.report import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from repro.build.clues import Clues, Side

    Mask = Callable[[bytes, "Side"], bytes]

_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_CLOCK = rb"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
_ZONE = rb"(?:\s?(?:Z|UTC|GMT|[A-Z]{3,4}|[+-]\d{2}:?\d{2})\b)?"
_DATES = re.compile(
    rb"\d{4}[-/.]\d{2}[-/.]\d{2}(?:[T _]?" + _CLOCK + _ZONE + rb")?"  # ISO 8601 and its like
    rb"|(?:" + _DAY + rb",?\s+)?" + _MONTH + rb"\s+\d{1,2},?\s+(?:" + _CLOCK + _ZONE + rb"\s+)?\d{4}"
    rb"|(?:"
    + _DAY
    + rb",?\s+)?\d{1,2}[ -]"
    + _MONTH
    + rb"[ -]\d{4}(?:\s+"
    + _CLOCK
    + _ZONE
    + rb")?"  # RFC 5322
    rb"|\b20\d{12}Z?\b|\b20\d{6}[T-]?\d{6}Z?\b"
    rb"|\b" + _CLOCK + rb"\b"
)
_NUMBER = re.compile(rb"(?<![\w.])\d{10}(?:\d{3}|\d{6}|\d{9}|\.\d+)?(?![\w.])")
_PATHS = re.compile(rb"/(?:build|tmp|var/tmp|private/tmp|homeless-shelter|root|home)[^\s\"'\x00:;,)\]}]*")
_STORE = re.compile(rb"/[^\s\"'\x00:]*?/[0-9a-z]{32}-[^\s\"'\x00:;,)\]}/]+")
_RANDOM = re.compile(
    rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"  # RFC 9562
    rb"|\b(?:0x)?[0-9a-fA-F]{6,}\b"
    rb"|[A-Za-z0-9+/_-]{16,}={0,2}"
    rb"|\btmp[.\w]*\w{4,}|(?<=\.)\w{6,10}\b"
    rb"|(?<![\w.])\d+(?:\.\d+)?(?![\w.])"
)
_HIDDEN = b"\x00"
EVIDENCE = {
    Kind.TIMESTAMP: "a date or time of the build",
    Kind.PATH: "a path of the place where it was built",
    Kind.CORES: "how many cores the builder was given",
    Kind.RANDOMNESS: "random or unique characters",
}


def _hide_dates(text: bytes, side: Side) -> bytes:
    text = _NUMBER.sub(lambda match: _HIDDEN if _is_moment(match[0], side) else match[0], text)
    return _DATES.sub(_HIDDEN, text)


def _is_moment(digits: bytes, side: Side) -> bool:
    """Unix seconds, or milli-, micro- or nanoseconds, within the build."""
    return side.is_at(float(digits[:10]))


def _hide_folder(text: bytes, side: Side) -> bytes:
    """The build's own folder, and other paths that belong to a machine."""
    if side.folder:
        text = text.replace(side.folder.encode(), _HIDDEN)
    return _STORE.sub(_HIDDEN, _PATHS.sub(_HIDDEN, text))


def _hide_cores(text: bytes, side: Side) -> bytes:
    if not side.cores:
        return text
    return re.sub(rb"(?<![\w./-])(-j ?)?%d(?![\w./-])" % side.cores, _HIDDEN, text)


def _hide_random(text: bytes, _side: Side) -> bytes:
    return _RANDOM.sub(_HIDDEN, text)


MASKS: tuple[tuple[Kind, Mask], ...] = (
    (Kind.PATH, _hide_folder),
    (Kind.CORES, _hide_cores),
    (Kind.TIMESTAMP, _hide_dates),
    (Kind.RANDOMNESS, _hide_random),
)
"""From the cause that is told exactly to the one that explains almost anything."""


def kinds_of(first: bytes, second: bytes, clues: Clues) -> tuple[Kind, ...]:
    """The causes that explain how two texts differ; none where what is known does not explain it.

    One cause that is enough alone comes before several that are enough only together.
    """
    for kind, mask in MASKS:
        if mask(first, clues.first) == mask(second, clues.second):
            return (kind,)
    return tuple(_together(first, second, clues))


def _together(first: bytes, second: bytes, clues: Clues) -> Iterator[Kind]:
    hidden: list[Kind] = []
    for kind, mask in MASKS:
        one, other = mask(first, clues.first), mask(second, clues.second)
        if (one, other) != (first, second):
            hidden.append(kind)
        first, second = one, other
        if first == second:
            yield from hidden
            return
