"""The conditions of a run before it runs, and its cache key: the digest of conditions and command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.conditions.isolation import base_variables
from repro.core.digest import Digest, of_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.flows.matrix import Run
    from repro.flows.trees import Code

KEY_VERSION = 1
"""Raised when the same conditions and command would be run or recorded in another way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What makes a run this run. `platform` holds only what is keyed: CPU flags, libc, machine."""

    code: Code
    data: Mapping[str, str]
    environment: Digest
    environment_name: str
    platform: Mapping[str, Any]
    variables: Mapping[str, str]
    run: Run

    @property
    def parts(self) -> dict[str, str]:
        """The digest of each thing that the key takes, by name: what `repro status` compares."""
        return {
            "code": str(self.code.digest),
            "data": str(of_value(dict(self.data))),
            "environment": str(self.environment),
            "platform": str(of_value(dict(self.platform))),
            "variables": str(of_value(dict(self.variables))),
            "command": str(of_value(self.command)),
        }

    @property
    def command(self) -> dict[str, Any]:
        """What the key takes of the command."""
        experiment = self.run.experiment
        return {
            "argv": list(experiment.command),
            "values": self.run.values,
            "outputs": sorted(experiment.outputs),
            "network": experiment.network,
        }

    @property
    def key(self) -> Digest:
        """The cache key."""
        return of_value({"version": KEY_VERSION, **self.parts})


def variables_of(run: Run, overrides: Mapping[str, str]) -> dict[str, str]:
    """Every variable that the command sees, those of isolation's folders aside."""
    return {**base_variables(), **run.experiment.variables, **overrides}
