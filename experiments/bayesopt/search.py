"""Random search and GP-UCB over the same candidates, with common random numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayesopt.branin import LOWER, UPPER
from bayesopt.surrogate import Surrogate

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRIOR_MEAN = 54.3
PRIOR_DEVIATION = 51.6
"""Mean and standard deviation of Branin's function over its box. Fixed, so that no fit of them can flip."""

SCORE_DECIMALS = 9
"""Scores are compared to this many decimals, and ties go to the first candidate: no last bit decides."""

JITTER = 1e-6
"""Relative variance of a noise-free observation; keeps the Cholesky factor away from zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What every method is given: the points, shape (m, 2), their true values, (m,), and the random numbers.

    `draws`, shape (n,), are candidate numbers: random search evaluates them all, GP-UCB begins with the first
    `initial`. Evaluation number i is observed with error `errors[i]`, whichever the method.
    """

    points: NDArray[np.float64]
    truth: NDArray[np.float64]
    draws: NDArray[np.int64]
    errors: NDArray[np.float64]
    sigma: float

    @classmethod
    def draw(
        cls,
        points: NDArray[np.float64],
        truth: NDArray[np.float64],
        *,
        evaluations: int,
        sigma: float,
        seed: list[int],
    ) -> Problem:
        """A problem of `evaluations` observations with noise of standard deviation `sigma`."""
        stream = np.random.default_rng(seed)
        draws = stream.integers(0, len(points), size=evaluations)
        errors = sigma * stream.standard_normal(evaluations)
        return cls(points=points, truth=truth, draws=draws, errors=errors, sigma=sigma)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Of GP-UCB: random evaluations first, length scale in units of the box, weight of the deviation."""

    initial: int
    length_scale: float
    kappa: float


def random_search(problem: Problem) -> list[int]:
    """The candidates evaluated, in order: all drawn at random, with replacement."""
    return [int(index) for index in problem.draws]


def gp_ucb(problem: Problem, settings: Settings) -> list[int]:
    """The candidates evaluated, in order: each maximises the upper confidence bound of minus the function.

    Source: N. Srinivas, A. Krause, S. Kakade, M. Seeger (2010), Gaussian process optimization in the bandit
    setting, ICML, with a constant weight in place of their growing sqrt(beta).
    """
    unit = (problem.points - np.array(LOWER)) / (np.array(UPPER) - np.array(LOWER))
    noise = JITTER + (problem.sigma / PRIOR_DEVIATION) ** 2
    model = Surrogate(unit, length_scale=settings.length_scale, noise_variance=noise)
    chosen: list[int] = []
    for number, error in enumerate(problem.errors):
        if number < settings.initial:
            index = int(problem.draws[number])
        else:
            scores = settings.kappa * np.sqrt(model.variance) - model.mean
            index = int(np.argmax(np.round(scores, SCORE_DECIMALS)))
        model.observe(index, (problem.truth[index] + error - PRIOR_MEAN) / PRIOR_DEVIATION)
        chosen.append(index)
    return chosen


def best_so_far(problem: Problem, chosen: list[int]) -> list[float]:
    """After each evaluation, the **true** value at the point with the least observation so far."""
    path: list[float] = []
    least = np.inf
    for index, error in zip(chosen, problem.errors, strict=True):
        observed = problem.truth[index] + error
        if observed < least:
            least, value = observed, float(problem.truth[index])
        path.append(value)
    return path
