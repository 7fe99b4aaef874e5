"""Two folders of runs under seeds: equal seeds element by element, the others as ensembles."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repro.core.errors import ConfigError, MissingBaseline, UsageError
from repro.core.near import did_you_mean
from repro.core.verdict import Verdict, worst
from repro.drift.compare import compare_outputs
from repro.drift.ensemble import Pair, compare_ensembles, dead
from repro.drift.report import DriftReport
from repro.drift.resolve import Resolver
from repro.drift.sides import files, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from repro.drift.ensemble_report import EnsembleReport
    from repro.drift.equivalence import Equivalence
    from repro.drift.rules import Rules

AXIS = re.compile(r"(?:^|[/,])(?P<axis>[a-z][a-z0-9_]*)=")
"""An axis in a path such as `sigma=0.5,seed=7/results.json`."""


@dataclass(slots=True, kw_only=True)
class _Group:
    """The files that differ in the value of the axis alone, by that value."""

    baseline: dict[str, str] = field(default_factory=dict)
    observed: dict[str, str] = field(default_factory=dict)

    @property
    def new(self) -> dict[str, str]:
        """The observed files whose seed the baseline has not."""
        return {value: name for value, name in self.observed.items() if value not in self.baseline}

    @property
    def unpaired(self) -> set[str]:
        """The files of seeds that one side has alone."""
        gone = {name for value, name in self.baseline.items() if value not in self.observed}
        return gone | set(self.new.values())


def compare_seeded(
    baseline: Path, observed: Path, rules: Rules, tests: Sequence[Equivalence], *, today: date
) -> DriftReport:
    """Compare two folders whose file names hold the value of an axis, as `seed=7/results.json` does.

    Files of equal names are compared element by element, under `rules`. Where the observed folder has values
    of the axis that the baseline has not, these are an ensemble, tested against all runs of the baseline.
    Raises MissingBaseline where a folder holds no file with the axis in its name.
    """
    over = _axis(tests)
    for side in (baseline, observed):
        if not side.is_dir():
            raise UsageError(f"{side}: not a folder, which an ensemble of runs is", hint="name two folders")
    resolver = Resolver(rules, today)
    ours, theirs = (
        {name for name in files(side, f"{side}/") if not resolver.for_output(name).whole(()).rule.ignore}
        for side in (baseline, observed)
    )
    groups = _groups(ours, theirs, over)
    _require_ensembles(groups, (baseline, observed), (ours, theirs), over)
    tested = {name: group for name, group in sorted(groups.items()) if group.baseline and group.new}
    apart = {name for group in tested.values() for name in group.unpaired}
    reports = dead([_tested(name, group, baseline, observed, tests, today) for name, group in tested.items()])
    same = compare_outputs(baseline, observed, sorted((ours | theirs) - apart), rules, today=today)
    counted = [same.verdict] if same.verdict is not Verdict.NOT_MEASURED or same.outputs else []
    return DriftReport(
        verdict=worst([*counted, *(report.verdict for report in reports)]),
        outputs=same.outputs,
        stages=same.stages,
        warnings=same.warnings if same.outputs else (),
        ensembles=reports,
    )


def _tested(
    name: str, group: _Group, baseline: Path, observed: Path, tests: Sequence[Equivalence], today: date
) -> EnsembleReport:
    pair = Pair(
        baseline={value: baseline / at for value, at in group.baseline.items()},
        observed={value: observed / at for value, at in group.new.items()},
    )
    return compare_ensembles(printable(name), tests[0].over, {name: pair}, tests, today=today)


def _axis(tests: Sequence[Equivalence]) -> str:
    axes = list(dict.fromkeys(test.over for test in tests))
    if len(axes) != 1:
        raise ConfigError(
            f"equivalence over {' and over '.join(axes)}", hint="one axis is random: use two rules files"
        )
    return axes[0]


def _groups(ours: set[str], theirs: set[str], over: str) -> dict[str, _Group]:
    # what follows a dot and a letter is the suffix of the file, not part of the value
    place = re.compile(rf"((?:^|[/,]){re.escape(over)}=)([^/,]*?)(?=$|[/,]|\.[A-Za-z][^/,]*$)")
    groups: dict[str, _Group] = {}
    for names, side in ((ours, "baseline"), (theirs, "observed")):
        for name in names:
            if (match := place.search(name)) is not None:
                group = groups.setdefault(name[: match.end(1)] + "*" + name[match.end() :], _Group())
                getattr(group, side)[match[2]] = name
    return groups


def _require_ensembles(
    groups: dict[str, _Group], folders: tuple[Path, Path], names: tuple[set[str], set[str]], over: str
) -> None:
    for side, folder, found in zip(("baseline", "observed"), folders, names, strict=True):
        if not any(getattr(group, side) for group in groups.values()):
            axes = {match["axis"] for name in found for match in AXIS.finditer(name)}
            raise MissingBaseline(
                f"{folder}: no file whose path holds {over}=VALUE, so there is no ensemble over {over!r}",
                hint=did_you_mean(over, axes) or f"lay the runs out as {over}=0/results.json",
            )
