"""What is known about two builds of one thing, by which a difference between them can be recognised."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86_400
"""Seconds; how long before its end a build of unknown duration may have begun."""

SLACK = 2
"""Seconds that a clock may be off between the builder's look at it and the log's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One build: when it ran (Unix seconds), with how many cores, in which folder; 0 and "" where unknown."""

    started: float
    ended: float
    cores: int = 0
    folder: str = ""

    def is_at(self, seconds: float) -> bool:
        """Whether a moment lies within this build."""
        start = self.started or self.ended - DAY
        return start - SLACK <= seconds <= self.ended + SLACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """Both sides."""

    first: Side
    second: Side
