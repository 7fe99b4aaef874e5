"""The nearest known word to one that is not known."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint: the near word as a question, else the known words, sorted."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(words[:12]) + (", …" if len(words) > 12 else "")  # noqa: PLR2004 - what fits a line
    return f"known: {shown}" if words else ""
