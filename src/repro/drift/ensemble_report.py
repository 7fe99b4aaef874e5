"""What the test of an ensemble found: values only, JSON-able, free of numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from repro.core.verdict import Verdict

LISTED: Final = 100
"""Paths of one sort that a report lists; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """One value: both samples' mean and standard deviation, and what the two one-sided tests say.

    `low` to `high` is the interval of confidence 1 - 2 `alpha` for `difference`, observed minus baseline; the
    verdict is a match if it lies inside (-`margin`, `margin`), that is if both p values are below `alpha`.
    `needed`: runs on each side for a power of 80 % where the means are equal, if neither equivalence nor its
    contrary is shown and it takes more runs; None where no number would do.
    """

    index: tuple[int, ...]
    mean_baseline: float
    mean_observed: float
    sd_baseline: float
    sd_observed: float
    difference: float
    low: float
    high: float
    margin: float
    alpha: float
    freedom: float
    p_lower: float
    p_upper: float
    needed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsemblePath:
    """A leaf, or the part of it that one declaration tests: `failing` of `values` are not equivalent.

    `weakest` is the value whose equivalence is shown least, None where nothing could be tested.
    """

    path: str
    output: str
    verdict: Verdict
    rule: str
    reason: str = ""
    values: int = 0
    failing: int = 0
    weakest: Means | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleReport:
    """Two ensembles of runs: `baseline` and `observed` are the values of the axis `over` on each side.

    All `paths` must hold, so that no correction for their number is due (intersection-union test). `untested`
    names leaves, at most `LISTED`, of which no declaration speaks; `left_out` more are counted.
    """

    name: str
    over: str
    verdict: Verdict
    reason: str = ""
    baseline: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    paths: tuple[EnsemblePath, ...] = ()
    untested: tuple[str, ...] = ()
    left_out: int = 0
    warnings: tuple[str, ...] = ()
