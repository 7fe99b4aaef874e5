"""Equivalence tests as they are declared: what may move, how far, over which ensemble, and why."""

from __future__ import annotations

import fnmatch
import math
from dataclasses import dataclass, field, fields
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from repro.core.errors import ConfigError
from repro.core.near import did_you_mean
from repro.drift.pattern import Pattern, parse_pattern
from repro.drift.rules import parse_day

if TYPE_CHECKING:
    from datetime import date

DEFAULT_ALPHA: Final = 0.05
"""Level of each one-sided test, as Schuirmann (1987) and the guidelines on bioequivalence have it."""

LEAST_RUNS: Final = 2
"""Runs on a side below which there is no variance."""

MAX_RUNS: Final = 100_000
"""Cap on `min_runs`: what a matrix may hold."""

UNITS: Final = ("mean", "sd")
"""What a margin may be relative to: |mean| or standard deviation of the baseline's ensemble."""

REQUIRED: Final = ("path", "over", "margin", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """The means of two ensembles of runs count as equal if they are shown to differ by less than `margin`.

    An ensemble is the runs of an experiment that differ in the axis `over` alone. `margin` is in the value's
    unit, or times what `relative_to` names. Each of two one-sided tests has the level `alpha`; fewer than
    `min_runs` runs on a side are not tested. Of several that select a value, the last one decides.
    """

    path: str
    over: str
    margin: float
    reason: str
    output: str = "*"
    relative_to: str = ""
    alpha: float = DEFAULT_ALPHA
    min_runs: int = LEAST_RUNS
    expires: date | None = None
    pattern: Pattern = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Parse the pattern once; ConfigError if it is none."""
        object.__setattr__(self, "pattern", parse_pattern(self.path, where=f"equivalence {self.path!r}"))

    def expired(self, today: date) -> bool:
        """Whether the declaration has ceased to apply."""
        return self.expires is not None and today > self.expires

    def applies_to(self, output: str) -> bool:
        """Whether it speaks about an output file: by its name in the run's folder, or its last part."""
        last = PurePosixPath(output).name
        return fnmatch.fnmatchcase(output, self.output) or fnmatch.fnmatchcase(last, self.output)


KEYS: Final = {item.name: item for item in fields(Equivalence) if item.init}


def to_dict(test: Equivalence) -> dict[str, Any]:
    """The declaration as a table holds it: what differs from the defaults. `parse_equivalence` inverts it."""
    table = {name: getattr(test, name) for name in KEYS}
    kept = {name: value for name, value in table.items() if name in REQUIRED or value != KEYS[name].default}
    if test.expires is not None:
        kept["expires"] = test.expires.isoformat()
    return kept


def parse_equivalence(table: object, where: str) -> Equivalence:
    """The declaration that one table writes; ConfigError names `where` and the key."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: must be a table, not {type(table).__name__}")
    for key in table:
        if key not in KEYS:
            raise ConfigError(f"{where}.{key}: unknown key", hint=did_you_mean(str(key), KEYS))
    for key in REQUIRED:
        if key not in table:
            raise ConfigError(f"{where}.{key}: missing", hint=HINTS[key])
    values = {key: _value(key, value, f"{where}.{key}") for key, value in table.items()}
    return Equivalence(**values)


HINTS: Final = {
    "path": 'name what is tested, such as path = "trials[*].regret"',
    "over": 'name the axis whose runs form the ensemble, such as over = "seed"',
    "margin": "say how far the means may be apart and still count as equal",
    "reason": 'say why a difference below the margin does not matter: reason = "…"',
}


def _value(key: str, value: object, where: str) -> Any:  # noqa: ANN401 - a field of Equivalence
    if key in {"margin", "alpha"}:
        return _number(key, value, where)
    if key == "min_runs":
        if type(value) is not int or not LEAST_RUNS <= value <= MAX_RUNS:
            raise ConfigError(f"{where}: must be a whole number from {LEAST_RUNS} to {MAX_RUNS}")
        return value
    if key == "expires":
        return parse_day(value, where)
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{where}: must be a text that is not empty", hint=HINTS.get(key, ""))
    if key == "relative_to" and value not in UNITS:
        raise ConfigError(f"{where}: must be one of {', '.join(UNITS)}, not {value!r}")
    if key == "path":
        parse_pattern(value, where=where)
    return value


def _number(key: str, value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{where}: must be a number, not {type(value).__name__}")
    below = 0.5 if key == "alpha" else math.inf
    if not 0 < value < below:
        wanted = "above 0 and below 0.5" if key == "alpha" else "finite and above 0"
        raise ConfigError(f"{where}: must be {wanted}, not {value}")
    try:
        return float(value)
    except OverflowError as error:
        raise ConfigError(f"{where}: out of range") from error
