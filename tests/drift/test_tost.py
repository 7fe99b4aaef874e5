"""The two one-sided tests against scipy, the interval, a worked example, and what has no spread."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from repro.core.errors import ExtraMissing
from repro.drift.tost import Outcome, Sample, runs_needed, tost

if TYPE_CHECKING:
    from collections.abc import Sequence

VALUES = st.lists(st.integers(-1000, 1000).map(lambda value: value / 8), min_size=3, max_size=12)
MARGINS = st.floats(0.01, 500)
ALPHAS = st.sampled_from([0.01, 0.05, 0.1])


def judged(baseline: Sequence[float], observed: Sequence[float], margin: float, alpha: float) -> Outcome:
    one, other = (Sample.of(np.array(side, dtype=np.float64)[:, None]) for side in (baseline, observed))
    return tost(one, other, np.array([margin]), alpha)


@given(VALUES, VALUES, MARGINS, ALPHAS)
@settings(max_examples=150)
def test_p_values_are_those_of_two_welch_tests_of_scipy(
    a: list[float], b: list[float], margin: float, alpha: float
) -> None:
    """Each p value is that of scipy's one-sided Welch test, one sample moved by the margin."""
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    outcome = judged(a, b, margin, alpha)
    moved = np.array(b)
    lower = stats.ttest_ind(moved + margin, a, equal_var=False, alternative="greater").pvalue
    upper = stats.ttest_ind(moved - margin, a, equal_var=False, alternative="less").pvalue
    assert outcome.p_lower[0] == pytest.approx(lower, rel=1e-6, abs=1e-12)
    assert outcome.p_upper[0] == pytest.approx(upper, rel=1e-6, abs=1e-12)
    interval = stats.ttest_ind(b, a, equal_var=False).confidence_interval(1 - 2 * alpha)
    assert (outcome.low[0], outcome.high[0]) == pytest.approx(tuple(interval), rel=1e-6, abs=1e-9)


@given(VALUES, VALUES, MARGINS, ALPHAS)
@settings(max_examples=150)
def test_the_verdict_is_that_of_the_interval(
    a: list[float], b: list[float], margin: float, alpha: float
) -> None:
    """Equivalent if and only if the interval of confidence 1 - 2 alpha lies inside the margins."""
    outcome = judged(a, b, margin, alpha)
    near = min(abs(outcome.low[0] + margin), abs(outcome.high[0] - margin)) < 1e-9 * margin
    inside = -margin < outcome.low[0] and outcome.high[0] < margin
    assert near or bool(outcome.equivalent[0]) == inside


@given(VALUES, VALUES, MARGINS, ALPHAS)
@settings(max_examples=100)
def test_the_sides_may_be_exchanged(a: list[float], b: list[float], margin: float, alpha: float) -> None:
    """With the sides exchanged the two p values are, and the verdict is the same."""
    one, other = judged(a, b, margin, alpha), judged(b, a, margin, alpha)
    assert one.p_lower[0] == pytest.approx(other.p_upper[0], rel=1e-9, abs=1e-300)
    assert one.equivalent[0] == other.equivalent[0]


@given(VALUES, VALUES, MARGINS, ALPHAS)
@settings(max_examples=100)
def test_a_wider_margin_never_refuses_more(
    a: list[float], b: list[float], margin: float, alpha: float
) -> None:
    """What is equivalent within a margin is equivalent within every larger one."""
    wider = judged(a, b, 1.5 * margin, alpha)
    assert wider.equivalent[0] or not judged(a, b, margin, alpha).equivalent[0]


@given(VALUES, VALUES, MARGINS, st.integers(-180, 180))
@settings(max_examples=100)
def test_the_unit_does_not_matter(a: list[float], b: list[float], margin: float, power: int) -> None:
    """Values and margin in another unit, however large or small, give the same p values."""
    unit = 2.0**power
    scaled = judged([unit * each for each in a], [unit * each for each in b], unit * margin, 0.05)
    plain = judged(a, b, margin, 0.05)
    assert scaled.p_lower[0] == pytest.approx(plain.p_lower[0], rel=1e-6, abs=1e-12)
    assert bool(scaled.equivalent[0]) == bool(plain.equivalent[0])


def _sample(count: int, mean: float, sd: float) -> Sample:
    return Sample(count=count, mean=np.array([mean]), sd=np.array([sd]))


def test_the_worked_example_of_lakens() -> None:
    """Lakens (2017, Soc. Psychol. Personal. Sci. 8, 355-362) on Moery and Calin-Jageman: t = -2.69, p = .004.

    Means 5.25 of 95 and 5.22 of 89, sd 0.95 and 0.83, margin 0.384 (d = 0.43); there with a pooled variance,
    which moves t by 0.01.
    """
    outcome = tost(_sample(89, 5.22, 0.83), _sample(95, 5.25, 0.95), np.array([0.384]), 0.05)
    assert outcome.p_upper[0] == pytest.approx(0.004, abs=0.0005)
    error = float(outcome.high[0] - outcome.difference[0]) / float(stats.t.ppf(0.95, outcome.freedom[0]))
    assert (0.03 - 0.384) / error == pytest.approx(-2.69, abs=0.02)
    assert outcome.freedom[0] == pytest.approx(182, abs=2)
    assert outcome.equivalent[0]


@pytest.mark.parametrize(
    ("baseline", "observed", "margin", "equivalent", "apart"),
    [
        ([0.1] * 41, [0.1] * 41, 0.0, True, False),
        ([0.1] * 41, [0.3] * 41, 0.5, True, False),
        ([0.1] * 41, [0.3] * 41, 0.1, False, True),
        ([1.0, 1.0, 1.0], [1.0, 1.0, 1.5], 0.0, False, False),
    ],
)
def test_values_that_do_not_vary_have_an_exact_difference(
    baseline: list[float],
    observed: list[float],
    margin: float,
    equivalent: bool,  # noqa: FBT001
    apart: bool,  # noqa: FBT001
) -> None:
    """Without any spread the difference is known: no division by zero, no spread made of rounding."""
    outcome = judged(baseline, observed, margin, 0.05)
    assert (bool(outcome.equivalent[0]), bool(outcome.apart[0])) == (equivalent, apart)
    assert np.isfinite([outcome.p_lower[0], outcome.p_upper[0], outcome.freedom[0]]).all()


def test_kolmogorov_smirnov_passes_where_equivalence_is_refused() -> None:
    """Few runs that hide a large shift: KS finds no difference, and that is no proof of equivalence."""
    random = np.random.default_rng(3)
    baseline, observed = random.normal(0, 1, 8), random.normal(0.5, 1, 8)
    assert stats.ks_2samp(baseline, observed).pvalue > 0.05
    assert not judged(baseline.tolist(), observed.tolist(), 0.25, 0.05).equivalent[0]


def test_the_level_is_kept_at_the_edge_of_the_margin() -> None:
    """Where the means differ by just the margin, equivalence is concluded in about alpha of the cases."""
    random = np.random.default_rng(1)
    baseline = Sample.of(random.normal(0, 1, (41, 4000)))
    observed = Sample.of(random.normal(1, 1, (30, 4000)))
    rate = float(np.mean(tost(baseline, observed, np.ones(4000), 0.05).equivalent))
    assert 0.035 < rate < 0.065


def test_the_runs_that_are_said_to_be_needed_are_enough() -> None:
    """With that many runs on each side, about four of five ensembles with equal means are equivalent."""
    needed = runs_needed(1.0, 0.5, 0.05)
    assert needed is not None
    random = np.random.default_rng(2)
    one, other = (Sample.of(random.normal(0, 1, (needed, 4000))) for _ in range(2))
    assert 0.76 < float(np.mean(tost(one, other, np.full(4000, 0.5), 0.05).equivalent)) < 0.86
    assert runs_needed(1.0, 0.0, 0.05) is None
    assert runs_needed(1e200, 1e-200, 0.05) is None


def test_without_scipy_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing scipy is an error of its own with the next step, not a traceback and not a pass."""
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(ExtraMissing) as caught:
        judged([1.0, 2.0], [1.0, 2.0], 1.0, 0.05)
    assert caught.value.hint == "pip install 'repro-toolchain[statistics]'"
