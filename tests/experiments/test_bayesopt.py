from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import branin as branin_experiment
import noise
import numpy as np
import pytest
from bayesopt import search
from bayesopt.branin import LOWER, MINIMISERS, MINIMUM, UPPER, branin, candidates, values
from bayesopt.surrogate import Surrogate

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SETTINGS = search.Settings(initial=5, length_scale=0.25, kappa=2.0)


@pytest.fixture(scope="module")
def points(generated_folder: Path) -> NDArray[np.float64]:
    return candidates(generated_folder / "branin")


def _problem(points: NDArray[np.float64], *, sigma: float, seed: int) -> search.Problem:
    return search.Problem.draw(points, values(points), evaluations=40, sigma=sigma, seed=[seed])


@pytest.mark.parametrize("minimiser", MINIMISERS)
def test_branin_has_its_published_minima(minimiser: tuple[float, float]) -> None:
    """At each of the three published minimisers the function is 0.397887."""
    assert branin(*minimiser) == pytest.approx(MINIMUM, abs=1e-12)
    assert pytest.approx(0.397887, abs=5e-7) == MINIMUM


def test_branin_is_nowhere_below_its_minimum(points: NDArray[np.float64]) -> None:
    """No candidate in the box undercuts the published minimum."""
    assert np.all(points >= np.array(LOWER))
    assert np.all(points <= np.array(UPPER))
    assert values(points).min() >= MINIMUM


def test_the_surrogate_is_the_posterior_of_the_textbook() -> None:
    """Conditioning one by one gives mean and variance of the closed form with all observations at once."""
    stream = np.random.default_rng(0)
    points, targets = stream.random((30, 2)), stream.standard_normal(12)
    model = Surrogate(points, length_scale=0.3, noise_variance=1e-2)
    for index, target in enumerate(targets):
        model.observe(index, float(target))
    squares = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    kernel = 1 / (1 + squares / (2 * 0.3**2))
    weights = np.linalg.solve(kernel[:12, :12] + 1e-2 * np.eye(12), kernel[:12])
    np.testing.assert_allclose(model.mean, weights.T @ targets, rtol=1e-9)
    np.testing.assert_allclose(model.variance, 1 - (kernel[:12] * weights).sum(axis=0), rtol=1e-9)


def test_the_surrogate_interpolates_what_it_sees_without_noise() -> None:
    """With almost no noise the mean passes through the observations and the variance there vanishes."""
    points = np.random.default_rng(1).random((8, 2))
    model = Surrogate(points, length_scale=0.3, noise_variance=1e-10)
    for index in range(8):
        model.observe(index, float(index))
    np.testing.assert_allclose(model.mean, np.arange(8), atol=1e-6)
    assert model.variance.max() < 1e-8


def test_both_methods_get_the_same_random_numbers(points: NDArray[np.float64]) -> None:
    """Common random numbers: the first evaluations agree, and so do the errors at every sigma up to scale."""
    quiet, loud = _problem(points, sigma=0.5, seed=3), _problem(points, sigma=2.0, seed=3)
    assert search.random_search(quiet)[:5] == search.gp_ucb(quiet, SETTINGS)[:5]
    assert search.random_search(quiet) == search.random_search(loud)
    np.testing.assert_array_equal(4 * quiet.errors, loud.errors)


@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_a_last_bit_changes_no_choice(points: NDArray[np.float64], sigma: float) -> None:
    """Where another cosine moves every value by a last bit, the same candidates are evaluated."""
    problem = _problem(points, sigma=sigma, seed=1)
    moved = search.Problem(
        points=points,
        truth=np.nextafter(problem.truth, math.inf),
        draws=problem.draws,
        errors=problem.errors,
        sigma=sigma,
    )
    assert search.gp_ucb(moved, SETTINGS) == search.gp_ucb(problem, SETTINGS)


def test_without_noise_the_best_so_far_never_rises(points: NDArray[np.float64]) -> None:
    """Without noise the best so far is the running minimum of the values."""
    problem = _problem(points, sigma=0.0, seed=2)
    chosen = search.gp_ucb(problem, SETTINGS)
    assert search.best_so_far(problem, chosen) == np.minimum.accumulate(problem.truth[chosen]).tolist()


def test_with_noise_the_true_value_is_reported() -> None:
    """A lucky observation moves the choice, and then its true value counts."""
    problem = search.Problem(
        points=np.zeros((2, 2)),
        truth=np.array([1.0, 5.0]),
        draws=np.array([0, 1]),
        errors=np.array([0.0, -9.0]),
        sigma=3.0,
    )
    assert search.best_so_far(problem, [0, 1]) == [1.0, 5.0]


def test_branin_writes_a_mean_for_every_evaluation(
    generated_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is {method: [100 means]}, and GP-UCB ends below random search."""
    out = tmp_path / "results.json"
    monkeypatch.setattr(
        "sys.argv", ["branin.py", "--data", str(generated_folder / "branin"), "--out", str(out)]
    )
    branin_experiment.main()
    results = json.loads(out.read_bytes())
    assert {method: len(means) for method, means in results.items()} == {"random_search": 100, "gp_ucb": 100}
    assert results["gp_ucb"][-1] < results["random_search"][-1]


def test_noise_writes_config_and_regrets(
    generated_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is {config, results_by_noise: {sigma: {method: regrets}}}, small enough to keep 205 of."""
    out = tmp_path / "results.json"
    options = ["--data", str(generated_folder / "branin"), "--sigma", "0.1", "--seed", "4", "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["noise.py", *options])
    noise.main()
    results = json.loads(out.read_bytes())
    assert set(results) == {"config", "results_by_noise"}
    by_method = results["results_by_noise"]["0.1"]
    assert {len(regrets) for regrets in by_method.values()} == {len(results["config"]["checkpoints"])}
    assert min(min(regrets) for regrets in by_method.values()) >= 0
    assert out.stat().st_size < 3000
