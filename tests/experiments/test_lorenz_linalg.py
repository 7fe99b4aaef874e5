from __future__ import annotations

from typing import TYPE_CHECKING

import linalg
import lorenz
import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DECLARED = 1e-8
"""The tolerance of the experiment, relative to the largest value of each coordinate."""


@pytest.fixture(scope="module")
def start(generated_folder: Path) -> NDArray[np.float64]:
    return np.loadtxt(generated_folder / "lorenz" / "initial.csv", delimiter=",", skiprows=1).T


def _scaled(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    return float((np.abs(left - right).max(axis=0) / np.abs(left).max(axis=0)).max())


def _until(start: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    state = start
    for _ in range(steps):
        state = lorenz.step(state, 0.4 / steps)
    return state


def test_runge_kutta_converges_with_order_four(start: NDArray[np.float64]) -> None:
    """Half the step makes a sixteenth of the error."""
    reference = _until(start, 3200)
    errors = [np.abs(_until(start, steps) - reference).max() for steps in (100, 200)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4.0, abs=0.2)


def test_the_fixed_points_stay(start: NDArray[np.float64]) -> None:
    """At the centres of the two wings the right-hand side vanishes."""
    root = np.sqrt(lorenz.BETA * (lorenz.RHO - 1))
    centres = np.array([[root, -root], [root, -root], [lorenz.RHO - 1, lorenz.RHO - 1]])
    assert start.shape == (3, 4)
    np.testing.assert_allclose(lorenz.slope(centres), 0.0, atol=1e-13)


def test_a_last_bit_stays_within_the_declared_tolerance(start: NDArray[np.float64]) -> None:
    """At the end of the experiment a last-bit difference is below the tolerance, though amplified."""
    distance = _scaled(lorenz.trajectory(start), lorenz.trajectory(lorenz.neighbours(start)))
    assert 1e-13 < distance < DECLARED / 10


def test_another_order_of_operations_stays_within_the_declared_tolerance(
    start: NDArray[np.float64], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Products rounded in another order, at every step, still end within the tolerance."""
    expected = lorenz.trajectory(start)

    def reordered(state: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y, z = state
        return np.array([10.0 * y - 10.0 * x, 28.0 * x - x * z - y, x * y - z * 8.0 / 3.0])

    monkeypatch.setattr(lorenz, "slope", reordered)
    assert 0.0 < _scaled(expected, lorenz.trajectory(start)) < DECLARED / 10


def test_a_longer_trajectory_would_not_stay(start: NDArray[np.float64]) -> None:
    """Ten units of time later the same last bit breaks the tolerance: the end was chosen for a reason."""
    later = lorenz.END + 10
    distance = _scaled(
        lorenz.trajectory(start, end=later), lorenz.trajectory(lorenz.neighbours(start), end=later)
    )
    assert distance > DECLARED


@pytest.fixture(scope="module")
def matrix(generated_folder: Path) -> NDArray[np.float64]:
    return np.loadtxt(generated_folder / "linalg" / "matrix.csv", delimiter=",")


def test_eigenvalues_are_sorted_whatever_their_last_bits() -> None:
    """Real parts that differ by rounding alone leave the imaginary part to decide."""
    noisy = np.array([1.0 + 2j, 1.0 + 1e-12 - 2j, -3.0])
    assert linalg.in_order(noisy).imag.tolist() == [0.0, -2.0, 2.0]


def test_no_two_eigenvalues_are_near_enough_to_swap(matrix: NDArray[np.float64]) -> None:
    """The sort keys of the shipped matrix are distinct and no part is near a boundary between two keys."""
    values = linalg.in_order(np.linalg.eigvals(matrix).astype(np.complex128))
    gaps = np.abs(np.diff(np.round(values.real, 3))) + np.abs(np.diff(np.round(values.imag, 3)))
    assert gaps.min() > 0


def test_the_decompositions_agree_with_one_another(matrix: NDArray[np.float64]) -> None:
    """The solution solves; spectra have the trace; squared singular values sum to the squared entries."""
    rhs = np.arange(len(matrix), dtype=np.float64)
    found = linalg.decompose(matrix, rhs)
    np.testing.assert_allclose(matrix @ found["solve"], rhs, atol=1e-8)
    assert sum(found["eigenvalues"]["real"]) == pytest.approx(np.trace(matrix))
    assert sum(found["symmetric_eigenvalues"]) == pytest.approx(np.trace(matrix))
    assert sum(s * s for s in found["singular_values"]) == pytest.approx(float((matrix * matrix).sum()))
