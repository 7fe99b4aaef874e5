"""What a failed command said last."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOG_BYTES, LOG_LINES = 16_384, 8
"""How much of a failed command's log its error shows, at most."""


def log_end(folder: Path) -> str:
    """The last lines that the command wrote to its standard error, each cut to a bearable length."""
    with (folder / "stderr.log").open("rb") as log:
        log.seek(max(0, log.seek(0, 2) - LOG_BYTES))
        lines = log.read().decode(errors="replace").splitlines()
    return "\n".join(line[:200] for line in lines[-LOG_LINES:])
