"""How severe: a word for a rating, be it a CVSS vector or a word already.

Base scores of CVSS 2.0 and 3.x are computed by the formulas of FIRST's specifications. A vector of CVSS 4.0
is scored by a table of 270 groups, which is not here: the word that the database gives beside it counts.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# CVSS 3.1 Specification, section 7.4, "Metric Values" (FIRST, revision 1); privileges by scope.
V3: Mapping[str, Mapping[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "UI": {"N": 0.85, "R": 0.62},
    "S": {"U": 0.0, "C": 1.0},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
V3_CHANGED = {"N": 0.85, "L": 0.68, "H": 0.5}

# A Complete Guide to CVSS 2.0, section 3.2.1, "Base Equation" (FIRST).
V2: Mapping[str, Mapping[str, float]] = {
    "AV": {"L": 0.395, "A": 0.646, "N": 1.0},
    "AC": {"H": 0.35, "M": 0.61, "L": 0.71},
    "Au": {"M": 0.45, "S": 0.56, "N": 0.704},
    "C": {"N": 0.0, "P": 0.275, "C": 0.660},
    "I": {"N": 0.0, "P": 0.275, "C": 0.660},
    "A": {"N": 0.0, "P": 0.275, "C": 0.660},
}


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


def base_score(vector: str) -> float | None:
    """The base score of a vector of CVSS 2.0 or 3.x; None for another version or no valid vector."""
    head, _, rest = vector.partition("/")
    if re.fullmatch(r"CVSS:3\.[01]", head):
        values = _metrics(rest, V3)
        return _v3(values) if values else None
    values = None if vector.startswith("CVSS:") else _metrics(vector.strip("()"), V2)
    return _v2(values) if values else None


def _metrics(text: str, table: Mapping[str, Mapping[str, float]]) -> dict[str, str] | None:
    """The base metrics; None where one is missing, stands twice or has a value that does not exist."""
    found: dict[str, str] = {}
    for each in text.split("/"):
        name, _, value = each.partition(":")
        if name in found:
            return None
        found[name] = value
    if any(found.get(name) not in values for name, values in table.items()):
        return None
    return found


def _v3(metrics: Mapping[str, str]) -> float:
    """CVSS 3.1, section 7.1, "Base Metrics Equations"."""
    value = {name: V3[name][metrics[name]] for name in V3}
    changed = metrics["S"] == "C"
    iss = 1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"])
    impact = 7.52 * (iss - 0.029) - 3.25 * (iss - 0.02) ** 15 if changed else 6.42 * iss
    if impact <= 0:
        return 0.0
    privileges = V3_CHANGED[metrics["PR"]] if changed else value["PR"]
    exploitability = 8.22 * value["AV"] * value["AC"] * privileges * value["UI"]
    return _rounded_up(min((1.08 if changed else 1.0) * (impact + exploitability), 10.0))


def _rounded_up(score: float) -> float:
    """CVSS 3.1, appendix A, "Floating Point Rounding"."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10


def _v2(metrics: Mapping[str, str]) -> float:
    """CVSS 2.0, section 3.2.1."""
    value = {name: V2[name][metrics[name]] for name in V2}
    impact = 10.41 * (1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"]))
    exploitability = 20 * value["AV"] * value["AC"] * value["Au"]
    if impact == 0:
        return 0.0
    # To one decimal, half away from zero, as the guide's own examples are rounded.
    return int(((0.6 * impact + 0.4 * exploitability - 1.5) * 1.176) * 10 + 0.5 + 1e-9) / 10
