"""What the library tells about long work while it runs; only the command line decides how it looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What happened."""

    PLAN = "plan"
    STAGE = "stage"
    DONE = "done"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened: to which run, in which stage, and `text` for people.

    PLAN carries in `count` how many runs there will be; DONE ends one run.
    """

    kind: Kind
    run: str = ""
    text: str = ""
    count: int = 0


Listener = Callable[[Event], None]
"""Receives events, possibly from several threads at once; must not raise."""


def silent(_event: Event) -> None:
    """A listener that does nothing."""
