"""The five verdicts of a comparison, and the exit code of each."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from repro.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(StrEnum):
    """What a comparison found, best first."""

    MATCH = "match"
    DRIFT = "drift"
    PATTERN = "pattern"
    STRUCTURE = "structure"
    NOT_MEASURED = "not measured"

    @property
    def exit(self) -> Exit:
        """The exit code of a command whose only finding is this verdict."""
        if self is Verdict.MATCH:
            return Exit.GOOD
        return Exit.NOT_CHECKED if self is Verdict.NOT_MEASURED else Exit.WRONG


SEVERITY = (Verdict.STRUCTURE, Verdict.PATTERN, Verdict.DRIFT, Verdict.NOT_MEASURED, Verdict.MATCH)
"""Worst first: a measured difference outweighs what was not measured, which outweighs a match."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a whole from its parts; a whole without parts was not measured."""
    return min(verdicts, key=SEVERITY.index, default=Verdict.NOT_MEASURED)
