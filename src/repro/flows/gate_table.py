"""The table [gate] of `repro.toml`: which checks there are, and at which stages they count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core import toml
from repro.flows import config
from repro.flows.tables import ProjectTable

if TYPE_CHECKING:
    from pathlib import Path

STAGES = ("pull-request", "release", "deploy")
"""From a change to what serves users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCheck:
    """One check: a command that exits 0 where all is well.

    `tools` are programs that the command needs beside its own.
    """

    name: str
    command: tuple[str, ...]
    stages: tuple[str, ...]
    description: str
    timeout_seconds: float
    tools: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "command": list(self.command),
            "stages": list(self.stages),
            "description": self.description,
        }


def checks_of(root: Path) -> tuple[GateCheck, ...]:
    """All checks of the file in `root`, in its order. Raises ConfigError."""
    table = ProjectTable.model_validate(toml.parse(config.load(root).text, name=config.FILE).tables)
    return tuple(
        GateCheck(
            name=name,
            command=own.command,
            stages=own.stages,
            description=own.description,
            timeout_seconds=own.timeout,
            tools=own.tools,
        )
        for name, own in table.gate.items()
    )
