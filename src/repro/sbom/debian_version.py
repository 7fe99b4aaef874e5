"""The order of Debian's versions (Debian Policy 4.7, section 5.6.12; deb-version(7)).

No library among the dependencies gives it.
"""

from __future__ import annotations

import re

_VERSION = re.compile(
    r"(?:(?P<epoch>[0-9]+):)?(?P<upstream>[A-Za-z0-9.+~-]+?)(?:-(?P<revision>[A-Za-z0-9.+~]+))?"
)
_PARTS = re.compile(r"(?P<text>[^0-9]*)(?P<number>[0-9]*)")

Parts = tuple[tuple[tuple[int, ...], int], ...]

LONGEST = 1000
"""Characters of a version; Python refuses to read integers of more than 4300 digits."""

END = 0
"""How the end of a part sorts: behind a tilde, before everything else."""


def key(version: str) -> tuple[int, Parts, Parts]:
    """What compares as the versions do. Raises ValueError for what is no version."""
    found = _VERSION.fullmatch(version) if len(version) <= LONGEST else None
    if found is None:
        raise ValueError(f"no version of Debian: {version[:80]!r}")
    return int(found["epoch"] or 0), _parts(found["upstream"]), _parts(found["revision"] or "0")


def _parts(text: str) -> Parts:
    """Text and numbers by turns; an absent number counts as 0."""
    found = [(_order(one["text"]), int(one["number"] or 0)) for one in _PARTS.finditer(text) if one[0]]
    return (*found, ((END,), 0))


def _order(text: str) -> tuple[int, ...]:
    """A tilde before the end, the end before letters, letters before all others."""
    return (*(-1 if char == "~" else ord(char) + (0 if char.isalpha() else 256) for char in text), END)
