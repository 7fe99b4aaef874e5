"""Markers answered without their library, whose grammar alone takes a twelfth of a second to load.

Answered are comparisons of words and of plain versions, joined by `and`, `or` and parentheses; what is
anything else is for the library. Tests prove that both answer the same. Source: PyPA "Dependency specifiers".
"""

from __future__ import annotations

import re
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING

from repro.sbom.python_metadata import normalised

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LENGTH = 2_000
"""Characters of a marker from which on it is the library's."""

_WORDS = "os_name|sys_platform|platform_machine|platform_system|platform_python_implementation"
_ATOM = re.compile(
    r"(?P<version>python_version|python_full_version)\s*(?P<compare>[=!<>]=|<|>)\s*"
    r"(?P<quote>[\"'])(?P<number>[0-9]+(?:\.[0-9]+)*)(?P=quote)"
    rf"|(?P<name>{_WORDS}|implementation_name|extra)\s*(?P<equal>[=!]=)\s*"
    r"(?P<mark>[\"'])(?P<word>(?![vV][0-9])[A-Za-z][A-Za-z0-9_-]*)(?P=mark)"
)
"""One comparison; a word that could be a version is none here, for the library compares it as one."""

_RELEASE = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_TRUE, _FALSE = "\1", "\0"
"""Truth values within a marker, which holds no such characters of its own."""

_FLAT = re.compile(rf"[{_TRUE}{_FALSE}](?: (?:and|or) [{_TRUE}{_FALSE}])*")
_GROUP = re.compile(rf"\( ?({_FLAT.pattern}) ?\)")
_OPERATORS = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def answered(text: str, values: Mapping[str, str]) -> bool | None:
    """Whether a marker holds for these values of its variables; None where the library is to say."""
    if len(text) > MAX_LENGTH or not text.isprintable():
        return None
    try:
        flat = " ".join(_ATOM.sub(lambda match: f" {_sign(_holds(match, values))} ", text).split())
    except _ForTheLibrary:
        return None
    while (match := _GROUP.search(flat)) is not None:
        flat = f"{flat[: match.start()]}{_sign(_joined(match[1]))}{flat[match.end() :]}"
    return _joined(flat) if _FLAT.fullmatch(flat) else None


class _ForTheLibrary(Exception):
    """A comparison that is not answered here."""


def _sign(truth: bool) -> str:  # noqa: FBT001 - all that it takes
    return _TRUE if truth else _FALSE


def _holds(match: re.Match[str], values: Mapping[str, str]) -> bool:
    """Whether one comparison is true."""
    if match["word"]:
        ours, theirs = values[match["name"]], match["word"]
        if match["name"] == "extra":
            ours, theirs = normalised(ours), normalised(theirs)
        return bool(_OPERATORS[match["equal"]](ours, theirs))
    known = values[match["version"]]
    if not _RELEASE.fullmatch(known):
        raise _ForTheLibrary
    return bool(_OPERATORS[match["compare"]](_release(known), _release(match["number"])))


def _release(text: str) -> list[int]:
    """A release's numbers without the zeros at its end, which do not count (PyPA "Version specifiers")."""
    numbers = [int(each) for each in text.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def _joined(flat: str) -> bool:
    """A marker of truth values without parentheses; `and` binds more closely than `or`."""
    return any(_FALSE not in part for part in flat.split(" or "))
