"""Glob patterns over relative POSIX paths: `*` and `?` within a folder, `**` across folders, `[abc]`."""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby

from repro.core.errors import ConfigError

_TOKEN = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


@cache
def compile_glob(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for `fullmatch`; a folder's name alone means all below it.

    `**` is a whole part of the path: any number of folders, or at the end everything below. Matching takes
    time in proportion to path and pattern, whatever they are. ConfigError for a set such as `[z-a]`.
    """
    parts = [part for part in pattern.split("/") if part not in {"", "."}]
    chunks: list[list[str]] = [[]]
    for is_deep, group in groupby(parts, lambda part: part == "**"):
        if is_deep:
            chunks.append([])
        else:
            chunks[-1] += [_part(part, pattern) for part in group]
    if len(chunks) == 1:
        return re.compile("/".join(chunks[0]) + "(?:/.+)?", re.DOTALL)
    text = "".join(f"{part}/" for part in chunks[0])
    for chunk in chunks[1:-1]:
        # The first place that fits is as good as any later one, so there is no way back (atomic groups).
        text += "(?>(?:[^/]+/)*?" + "".join(f"{part}/" for part in chunk) + ")"
    text += "(?:[^/]+/)*?" + "/".join(chunks[-1]) + "(?:/.+)?" if chunks[-1] else ".+"
    return re.compile(text, re.DOTALL)


def matches(path: str, pattern: str) -> bool:
    """Whether a relative path is named by a pattern."""
    return compile_glob(pattern).fullmatch(path) is not None


def _part(part: str, pattern: str) -> str:
    """One part of a path as an expression that fits a whole part or nothing."""
    pieces = [""]
    for sign in _TOKEN.findall(part):
        if sign[0] == "*":
            pieces.append("")
        elif sign == "?":
            pieces[-1] += "[^/]"
        elif len(sign) > 1:
            pieces[-1] += _set(sign, pattern)
        else:
            pieces[-1] += re.escape(sign)
    first, *middle = pieces
    if not middle:
        return first
    last = middle.pop()
    between = "".join(f"(?>[^/]*?{piece})" for piece in middle)
    return f"(?>{first}{between}[^/]*{last}(?![^/]))"


def _set(sign: str, pattern: str) -> str:
    """`[abc]`, `[a-z]`, `[!abc]`: one character, never the separator."""
    negated = sign[1] == "!"
    inside = sign[2:-1] if negated else sign[1:-1]
    text = re.sub(
        r"(.)-(.)|(.)",
        lambda match: f"{re.escape(match[1])}-{re.escape(match[2])}" if match[1] else re.escape(match[3]),
        inside,
        flags=re.DOTALL,
    )
    try:
        re.compile(f"[{text}]")
    except re.error as error:
        raise ConfigError(f"glob {pattern!r}: {sign} is no set of characters: {error.msg}") from error
    return f"(?!/)[{'^' if negated else ''}{text}]"
