"""From experiments to runs: a matrix is expanded, a selection is made by name."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import UsageError
from repro.core.near import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from repro.flows.config import Experiment, Project

_SELECTION = re.compile(r"(?P<name>[^\[\]]+)(?:\[(?P<axes>[^\[\]]*)\])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One command to run: an experiment, and the value of each axis of its matrix as text."""

    experiment: Experiment
    axes: Mapping[str, str]

    @property
    def name(self) -> str:
        """`noise[sigma=0.5,seed=7]`, or the experiment's name where there is no matrix."""
        return f"{self.experiment.name}[{self._axes}]" if self.axes else self.experiment.name

    @property
    def folder(self) -> str:
        """The same as a relative path: `noise/sigma=0.5,seed=7`."""
        return f"{self.experiment.name}/{self._axes}" if self.axes else self.experiment.name

    @property
    def _axes(self) -> str:
        return ",".join(f"{axis}={value}" for axis, value in self.axes.items())

    @property
    def values(self) -> dict[str, str]:
        """What the placeholders of the command stand for, folders aside."""
        seed = {} if self.experiment.seed is None else {"seed": str(self.experiment.seed)}
        return seed | dict(self.axes)


def expand(experiment: Experiment) -> tuple[Run, ...]:
    """Every combination of the axes' values, in the order in which the file gives them."""
    names = list(experiment.axes)
    return tuple(
        Run(experiment=experiment, axes=dict(zip(names, map(str, values), strict=True)))
        for values in itertools.product(*experiment.axes.values())
    )


def select(project: Project, selections: Iterable[str]) -> tuple[Run, ...]:
    """The runs that names such as `branin` or `noise[sigma=0.5]` mean; all of them where none is given."""
    wanted = list(selections) or list(project.experiments)
    runs = [run for selection in wanted for run in _matching(project, selection)]
    return tuple({run.name: run for run in runs}.values())


def _matching(project: Project, selection: str) -> list[Run]:
    match = _SELECTION.fullmatch(selection)
    if match is None:
        raise UsageError(f"not a name of runs: {selection!r}", hint="write NAME or 'NAME[axis=value]'")
    experiment = project.experiment(match["name"])
    pairs = [_pair(experiment, part) for part in (match["axes"] or "").split(",") if part]
    wanted = dict(pairs)
    if len(wanted) < len(pairs):
        raise UsageError(f"an axis is given twice: {selection!r}", hint="name one value of each axis")
    found = [run for run in expand(experiment) if wanted.items() <= run.axes.items()]
    if not found:
        axes = {axis: [str(value) for value in values] for axis, values in experiment.axes.items()}
        unknown = next(axis for axis, value in wanted.items() if value not in axes[axis])
        raise UsageError(
            f"{experiment.name}: no run with {unknown}={wanted[unknown]}",
            hint=did_you_mean(wanted[unknown], axes[unknown]),
        )
    return found


def _pair(experiment: Experiment, part: str) -> tuple[str, str]:
    axis, separator, value = part.partition("=")
    if axis not in experiment.axes:
        known = did_you_mean(axis, experiment.axes) or f"{experiment.name} has no matrix"
        raise UsageError(f"{experiment.name}: no axis {axis!r}", hint=known)
    if not separator:
        raise UsageError(
            f"{experiment.name}: {axis!r} has no value",
            hint=f"write '{experiment.name}[{axis}={experiment.axes[axis][0]}]'",
        )
    return axis, value
