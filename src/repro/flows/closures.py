"""Two closures of the Nix store told apart by packages, as `nix store diff-closures` does, from records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HASH = 33
"""Characters of a store path's name before that of the package: the hash and a dash."""

ABSENT = "absent"

_VERSION = re.compile(r"-(?=\d)")
"""What stands between a package's name and its version (Nix manual, `builtins.parseDrvName`)."""


def packages_apart(
    left: Mapping[str, str], right: Mapping[str, str]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """The packages in which two closures differ, with the versions of each side.

    Closures are NAR hashes by base name of the store path. Where the versions are the same and the contents
    are not, the hashes of the store paths are told.
    """
    mine, others = _by_package(left, right), _by_package(right, left)
    for name in sorted({*mine, *others}):
        ours, theirs = mine.get(name, {}), others.get(name, {})
        if sorted(ours.values()) != sorted(theirs.values()):
            yield name, (_listed(ours.values()), _listed(theirs.values()))
        else:
            yield name, (_listed(map(_with_hash, ours)), _listed(map(_with_hash, theirs)))


def _by_package(closure: Mapping[str, str], other: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What one closure has and the other has not: versions by base name, by package."""
    found: dict[str, dict[str, str]] = {}
    for base, nar_hash in closure.items():
        if other.get(base) != nar_hash:
            name, *version = _VERSION.split(base[HASH:], maxsplit=1)
            found.setdefault(name, {})[base] = version[0] if version else ""
    return found


def _with_hash(base: str) -> str:
    return f"{base[HASH:]} ({base[: HASH - 1][:8]}…)"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(word or "no version" for word in words)) or ABSENT
