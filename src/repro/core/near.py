"""The nearest known word to one that is not known."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


SHOWN = 16
"""How many known words a hint lists."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint: the near word as a question, else the known words, sorted; "" where nothing is known.

    Near is what differs by few letters or by case, or what the word abbreviates.
    """
    import difflib

    words = sorted(known)
    lower = {candidate.lower(): candidate for candidate in words}
    near = difflib.get_close_matches(word.lower(), lower, n=3, cutoff=0.5)
    near = sorted(near, key=lambda candidate: -_likeness(word.lower(), candidate))
    near = near or [candidate for candidate in lower if word and candidate.startswith(word.lower())]
    if near:
        return f"did you mean {lower[near[0]]!r}?"
    return f"known: {', '.join(words[:SHOWN])}" + (", …" if len(words) > SHOWN else "") if words else ""


def _likeness(word: str, other: str) -> float:
    """Letters in common in order, and in any order: two that changed places are less than two wrong ones."""
    import difflib

    common = sum((Counter(word) & Counter(other)).values())
    return difflib.SequenceMatcher(None, word, other).ratio() + 2 * common / (len(word) + len(other))
