"""Two one-sided tests: whether the means of two samples are shown to differ by less than a margin.

Schuirmann, "A comparison of the two one-sided tests procedure and the power approach for assessing the
equivalence of average bioavailability", J. Pharmacokin. Biopharm. 15 (1987) 657-680; with the variances and
degrees of freedom of Welch, Biometrika 34 (1947) 28-35. The means are equivalent at level alpha if and only
if the interval for their difference of confidence 1 - 2 alpha lies inside (-margin, margin).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.core.errors import ExtraMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

POWER: Final = 0.8
"""Probability of showing the equivalence of equal means, for which the runs that are needed are stated."""

MOST_RUNS: Final = 1_000_000_000
"""Runs beyond which no number of them is named."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Means and standard deviations (n - 1 in the denominator) of `count` runs, an entry per value."""

    count: int
    mean: Floats
    sd: Floats

    @classmethod
    def of(cls, runs: Floats) -> Sample:
        """Of finite values, runs by values; a value that is the same in all runs has a variance of exactly 0.

        Computed in units of the largest |value|, so that no square overflows or vanishes.
        """
        largest = np.max(np.abs(runs), axis=0)
        scale = np.where(largest > 0, largest, 1.0)
        constant = np.all(runs == runs[0], axis=0)
        scaled = runs / scale
        mean = np.where(constant, runs[0], np.mean(scaled, axis=0) * scale)
        sd = np.where(constant, 0.0, np.std(scaled, axis=0, ddof=1) * scale)
        return cls(count=len(runs), mean=mean, sd=sd)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What the tests found, an entry per value.

    `difference`: observed minus baseline mean, `low` to `high` its interval of confidence 1 - 2 alpha.
    `p_lower` speaks against a difference of -margin or less, `p_upper` against one of margin or more.
    `reach`: half the interval if both samples had the baseline's spread; where it is not below the margin, no
    such samples of this size can show equivalence.
    """

    margin: Floats
    difference: Floats
    low: Floats
    high: Floats
    freedom: Floats
    p_lower: Floats
    p_upper: Floats
    equivalent: NDArray[np.bool_]
    apart: NDArray[np.bool_]
    reach: Floats

    @property
    def too_small(self) -> NDArray[np.bool_]:
        """Where the samples could not have decided for equivalence."""
        return (self.reach > 0) & (self.reach >= self.margin) & ~self.equivalent & ~self.apart


def tost(baseline: Sample, observed: Sample, margin: Floats, alpha: float) -> Outcome:
    """Test whether the means differ by less than `margin`; both samples have two runs or more.

    Two values that do not vary at all have a difference that is known exactly. Raises ExtraMissing without
    scipy, which has Student's distribution.
    """
    below, quantile = _student()
    with np.errstate(all="ignore"):
        scale = np.maximum.reduce([np.abs(baseline.mean), np.abs(observed.mean), baseline.sd, observed.sd])
        scale = np.where(scale > 0, scale, 1.0)
        difference = observed.mean / scale - baseline.mean / scale
        ours = (observed.sd / scale) ** 2 / observed.count
        theirs = (baseline.sd / scale) ** 2 / baseline.count
        error, known = np.sqrt(ours + theirs), ours + theirs == 0
        share = np.where(known, 0.5, ours / (ours + theirs))
        freedom = 1 / (share**2 / (observed.count - 1) + (1 - share) ** 2 / (baseline.count - 1))
        width, bound = quantile(freedom, 1 - alpha) * error, margin / scale
        p_lower = np.where(known, difference <= -bound, below(freedom, -(difference + bound) / error))
        p_upper = np.where(known, difference >= bound, below(freedom, (difference - bound) / error))
        same = known & (difference == 0)  # equal under any margin, 0 included
        p_lower, p_upper = np.where(same, 0.0, p_lower), np.where(same, 0.0, p_upper)
        reach = quantile(observed.count + baseline.count - 2.0, 1 - alpha) * np.sqrt(
            1 / observed.count + 1 / baseline.count
        )
        return Outcome(
            margin=margin,
            difference=difference * scale,
            low=(difference - width) * scale,
            high=(difference + width) * scale,
            freedom=freedom,
            p_lower=p_lower,
            p_upper=p_upper,
            equivalent=np.maximum(p_lower, p_upper) < alpha,
            apart=~same & ((difference - width >= bound) | (difference + width <= -bound)),
            reach=reach * baseline.sd,
        )


def runs_needed(sd: float, margin: float, alpha: float) -> int | None:
    """About how many runs on each side show equivalence with probability `POWER` where means are equal.

    2 sd^2 (z_alpha + z_(beta/2))^2 / margin^2 (Chow, Shao, Wang, "Sample Size Calculations in Clinical
    Research", 2nd ed., section 3.2.1); None where that is beyond `MOST_RUNS`.
    """
    if not margin > 0:
        return None
    normal = NormalDist()
    ratio = sd / margin * (normal.inv_cdf(1 - alpha) + normal.inv_cdf((1 + POWER) / 2))
    runs = 2 * ratio * ratio  # not a power, which would raise where this is infinite
    return int(np.ceil(runs)) + 1 if runs < MOST_RUNS else None


def _student() -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Student's distribution function and its inverse, by degrees of freedom."""
    try:
        from scipy.special import stdtr, stdtrit
    except ImportError as error:
        raise ExtraMissing(
            "equivalence test: scipy is not installed, which has Student's distribution",
            hint="pip install 'repro-toolchain[statistics]'",
        ) from error
    return stdtr, stdtrit
