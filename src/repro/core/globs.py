"""Glob patterns over relative POSIX paths: `*` and `?` within a folder, `**` across folders, `[abc]`."""

from __future__ import annotations

import re
from functools import cache

_TOKENS = {"**/": "(?:.+/)?", "/**": "/.+", "**": ".+", "*": "[^/]*", "?": "[^/]"}


@cache
def compile_glob(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for `fullmatch`; a folder's name alone means all below it."""
    parts = []
    for token in re.findall(r"\*\*/|/\*\*$|\*\*|\*|\?|\[!?[^\]/]+\]|.", pattern.rstrip("/"), re.DOTALL):
        if token.startswith("[") and len(token) > 1:
            parts.append("[^" + token[2:] if token.startswith("[!") else token)
        else:
            parts.append(_TOKENS.get(token, re.escape(token)))
    return re.compile("".join(parts) + "(?:/.+)?", re.DOTALL)


def matches(path: str, pattern: str) -> bool:
    """Whether a relative path is named by a pattern."""
    return compile_glob(pattern).fullmatch(path) is not None
