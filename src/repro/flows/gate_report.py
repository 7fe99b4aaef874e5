"""What came of the checks of a gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core.exits import Exit, worst

if TYPE_CHECKING:
    from repro.flows.gate_table import GateCheck

VERSION = 1

WORDS = {Exit.GOOD: "pass", Exit.WRONG: "fail", Exit.USAGE: "misuse", Exit.NOT_CHECKED: "not checked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """One check: how it ended, after how many seconds, why, and the end of what it wrote if it did not pass.

    `left_out`: it did not run, because the caller said so.
    """

    check: GateCheck
    exit: Exit
    seconds: float = 0.0
    reason: str = ""
    output: str = ""
    left_out: bool = False

    @property
    def word(self) -> str:
        """How it ended, in a word."""
        return "left out" if self.left_out else WORDS.get(self.exit, "fail")

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.check.name,
            "command": list(self.check.command),
            "status": self.word,
            "exit": None if self.left_out else int(self.exit),
            "seconds": round(self.seconds, 3),
            "reason": self.reason,
            "output": self.output,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """All rows of one stage."""

    stage: str
    rows: tuple[GateRow, ...]

    @property
    def exit(self) -> Exit:
        """The worst of the checks that ran; where none ran, nothing was checked."""
        return worst(row.exit for row in self.rows if not row.left_out)

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "version": VERSION,
            "stage": self.stage,
            "exit": int(self.exit),
            "left_out": [row.check.name for row in self.rows if row.left_out],
            "checks": [row.to_dict() for row in self.rows],
        }
