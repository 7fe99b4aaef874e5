"""How severe: a word for a rating, be it a CVSS vector or a word already."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_VECTOR = 1000
"""Characters of a vector; one of CVSS 4.0 with all 32 metrics has two hundred."""


class Level(StrEnum):
    """How severe (CVSS 3.1, section 5); `UNKNOWN` counts as at least as severe as any."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """Its place in the order of severity."""
        return list(Level).index(self)


WORDS = {
    "none": Level.NONE,
    "negligible": Level.LOW,
    "unimportant": Level.LOW,
    "low": Level.LOW,
    "medium": Level.MEDIUM,
    "moderate": Level.MEDIUM,
    "high": Level.HIGH,
    "important": Level.HIGH,
    "critical": Level.CRITICAL,
}
"""What databases call them."""

FROM = ((9.0, Level.CRITICAL), (7.0, Level.HIGH), (4.0, Level.MEDIUM), (0.1, Level.LOW))
"""The scores from which a level begins (CVSS 3.1, section 5, table 14)."""


def level_of(score: float) -> Level:
    """The word for a score of 0 to 10."""
    return next((level for least, level in FROM if score >= least), Level.NONE)


def severity(ratings: Iterable[tuple[str, str]]) -> tuple[Level, float | None]:
    """The most severe of all ratings, and the highest score among them; unknown where none can be read."""
    scores, levels = [], []
    for kind, text in ratings:
        score = base_score(text) if kind.startswith("CVSS") else None
        if score is not None:
            scores.append(score)
            levels.append(level_of(score))
        elif text.lower() in WORDS:
            levels.append(WORDS[text.lower()])
    return max(levels, key=lambda each: each.rank, default=Level.UNKNOWN), max(scores, default=None)


@lru_cache(maxsize=4096)
def base_score(vector: str) -> float | None:
    """The score of a vector of CVSS 2.0, 3.x or 4.0; None for another version or no valid vector.

    Of 2.0 and 3.x it is that of the base metrics. 4.0 has one score, which counts the metrics of threat and
    environment where the vector states them (CVSS 4.0 Specification, section 8, FIRST).
    """
    from cvss import CVSS2, CVSS3, CVSS4
    from cvss.exceptions import CVSSError

    if len(vector) > MAX_VECTOR:
        return None
    try:
        if vector.startswith("CVSS:4.0/"):
            return float(CVSS4(vector).base_score)
        if vector.startswith("CVSS:3."):
            return float(CVSS3(vector).base_score)
        return float(CVSS2(vector.strip("()")).base_score)
    except CVSSError:
        return None
