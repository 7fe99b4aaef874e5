from __future__ import annotations

import math
from typing import TYPE_CHECKING

import nist
import numpy as np
import pytest
from strd import anova, datafile, fit
from strd.agreement import log_relative_error
from strd.models import MODELS

if TYPE_CHECKING:
    from pathlib import Path


def test_lre_counts_agreeing_digits() -> None:
    """A relative error of 1e-5 is five digits."""
    assert log_relative_error(2.0 * (1 + 1e-5), 2.0, digits=11) == pytest.approx(5.0, abs=1e-6)


@pytest.mark.parametrize(("value", "expected"), [(3.0, 11.0), (-3.0, 0.0), (math.nan, 0.0), (math.inf, 0.0)])
def test_lre_stays_between_none_and_all(value: float, expected: float) -> None:
    """No more digits than were certified, and never fewer than none, not even for NaN."""
    assert log_relative_error(value, 3.0, digits=11) == expected


@pytest.mark.parametrize("name", MODELS)
def test_the_certified_values_are_where_the_file_says(name: str, nist_folder: Path) -> None:
    """Model, data and certified parameters, all as read, give the certified residual sum of squares."""
    data = datafile.nonlinear(nist_folder, name)
    table = np.array(data.rows, dtype=np.float64).T
    response = np.log(table[0]) if name in nist.LOGARITHMIC else table[0]
    problem = fit.Problem(model=MODELS[name], x=table[1:], y=response)
    rss = fit.sum_of_squares(problem.residuals(np.array([p.value for p in data.parameters])))
    # Lanczos1 was generated without error: its residuals are what rounding the parameters leaves.
    assert rss == pytest.approx(data.rss, rel=1e-4 if name != "Lanczos1" else None, abs=1e-16)


@pytest.mark.parametrize("name", ["Gauss1", "Roszman1", "Rat43", "ENSO", "Nelson"])
def test_the_complex_step_is_the_derivative(name: str, nist_folder: Path) -> None:
    """Derivatives by the complex step agree with central differences."""
    data = datafile.nonlinear(nist_folder, name)
    table = np.array(data.rows, dtype=np.float64).T
    problem = fit.Problem(model=MODELS[name], x=table[1:], y=table[0])
    b = np.array([p.value for p in data.parameters])
    exact = problem.jacobian(b)
    for index, value in enumerate(b):
        step = np.zeros_like(b)
        step[index] = 1e-6 * abs(value)
        central = (problem.residuals(b - step) - problem.residuals(b + step)) / (2 * step[index])
        np.testing.assert_allclose(exact[:, index], central, atol=1e-6 * np.abs(exact[:, index]).max())


@pytest.mark.parametrize("name", MODELS)
def test_a_fit_from_the_near_start_agrees_to_ten_digits(name: str, nist_folder: Path) -> None:
    """Every nonlinear dataset is solved to ten of the eleven certified digits from NIST's second start."""
    data = datafile.nonlinear(nist_folder, name)
    table = np.array(data.rows, dtype=np.float64).T
    response = np.log(table[0]) if name in nist.LOGARITHMIC else table[0]
    problem = fit.Problem(model=MODELS[name], x=table[1:], y=response)
    found = fit.nonlinear(problem, tuple(p.starts[1] for p in data.parameters))
    assert min(nist.agreement(found, data, 11.0)["lre"]["estimates"]) > 10


def test_the_straight_line_agrees_to_thirteen_digits(nist_folder: Path) -> None:
    """Norris by QR with one refinement: parameters, deviations and residual sum of squares."""
    digits = nist.linear(nist_folder, "Norris")["qr"]["lre"]
    assert min([*digits["estimates"], *digits["deviations"], digits["rss"]]) > 13


@pytest.mark.parametrize("name", nist.ANOVA)
def test_exact_arithmetic_gives_every_certified_digit(name: str, nist_folder: Path) -> None:
    """Fourteen digits and more of each statistic, on the hardest data too; certified values are rounded."""
    assert min(nist.one_way(nist_folder, name)["exact"]["lre"].values()) > 14


def test_doubles_cannot_hold_thirteen_constant_digits(nist_folder: Path) -> None:
    """SmLs09 in doubles keeps three digits, because the data lost the others when they were read."""
    digits = nist.one_way(nist_folder, "SmLs09")["doubles"]["lre"]
    assert 3 < min(digits.values()) < 4


def test_the_two_analyses_agree_where_nothing_is_lost() -> None:
    """On small whole numbers both ways give the same, here 16/3 between and 4 within."""
    rows = (("1", "1"), ("1", "3"), ("2", "3"), ("2", "5"), ("3", "4"), ("3", "4"))
    expected = {"between_ss": 16 / 3, "within_ss": 4.0, "f": 2.0, "r_squared": 4 / 7}
    for method in (anova.exact, anova.in_doubles):
        found = method(rows)
        assert {key: found[key] for key in expected} == pytest.approx(expected, rel=1e-14)
