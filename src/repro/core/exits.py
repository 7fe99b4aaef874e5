"""Exit codes, the same for every command, and which one counts in a batch."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Exit(IntEnum):
    """What a command's exit status says."""

    GOOD = 0
    WRONG = 1
    USAGE = 2
    NOT_CHECKED = 3
    INTERRUPTED = 130


SEVERITY = (Exit.INTERRUPTED, Exit.USAGE, Exit.WRONG, Exit.NOT_CHECKED, Exit.GOOD)
"""Worst first."""


def worst(exits: Iterable[Exit]) -> Exit:
    """The exit of a batch: the worst of its parts; an empty batch checked nothing."""
    return min(exits, key=SEVERITY.index, default=Exit.NOT_CHECKED)
