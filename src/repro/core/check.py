"""A check and its three states: a skip always carries its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Status(StrEnum):
    """PASS, FAIL, or SKIP with a reason."""

    PASS = "pass"  # noqa: S105 - a status, no password
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at: what (`name`), how it went, and the evidence or reason in words.

    `step` is its number in a protocol, 0 where there is none; `evidence` is what it rests on, by name.
    """

    name: str
    status: Status
    reason: str = ""
    step: int = 0
    evidence: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A check that is not passed must say why."""
        if self.status is not Status.PASS and not self.reason:
            raise ValueError(f"check {self.name!r} is {self.status} without a reason")
