"""Least squares: linear by QR, nonlinear by Levenberg-Marquardt and a Gauss-Newton finish."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from strd.models import Model

    Array = NDArray[np.float64]

IMAGINARY_STEP = 1e-40
DAMPING = 1e-2
EASE, TIGHTEN = 1 / 3, 4.0
CONVERGED = 1e-8
"""Largest relative step at which damping has done its work and the undamped finish begins."""

MAX_STEPS = 50_000
"""Dataset MGH10 needs over 20 000 from its far start, along a curved valley."""

PATIENCE = 5
"""Steps of the finish without a new smallest one after which only rounding is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Estimates and their standard deviations, and the residual sum of squares."""

    estimates: tuple[float, ...]
    deviations: tuple[float, ...]
    rss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A model, its predictors, shape (k, n), and the response, shape (n,)."""

    model: Model
    x: Array
    y: Array

    def residuals(self, b: Array) -> Array:
        """Response less model; not finite where the model overflows."""
        with np.errstate(all="ignore"):
            return np.asarray(self.y - self.model(b, self.x))

    def jacobian(self, b: Array) -> Array:
        """Derivatives of the model by each parameter, shape (n, p), by complex steps: no cancellation.

        Source: W. Squire and G. Trapp (1998), Using complex variables to estimate derivatives of real
        functions, SIAM Review 40, 110-112.
        """
        columns = []
        for index, value in enumerate(b):
            moved = b.astype(np.complex128)
            moved[index] += 1j * IMAGINARY_STEP * (abs(value) or 1.0)
            with np.errstate(all="ignore"):
                change = self.model(moved, self.x)
            columns.append(change.imag / moved[index].imag)
        return np.stack(columns, axis=1)


def sum_of_squares(residuals: Array) -> float:
    """Rounded once; not a number if any residual is not finite or its square overflows."""
    if not np.all(np.abs(residuals) < 1e150):
        return math.nan
    return math.fsum((residuals * residuals).tolist())


def norms(columns: Array) -> Array:
    """The Euclidean norm of each column."""
    return np.asarray(np.sqrt(np.sum(columns * columns, axis=0)))


def solve(columns: Array, response: Array, penalty: Array | None = None) -> Array:
    """The b that minimises |columns b - response|^2 + |penalty b|^2, by QR of scaled columns."""
    if penalty is not None:
        columns = np.vstack([columns, np.diag(penalty)])
        response = np.concatenate([response, np.zeros(len(penalty))])
    scale = norms(columns)
    q, r = np.linalg.qr(columns / scale)
    return np.asarray(np.linalg.solve(r, q.T @ response) / scale)


def linear(columns: Array, y: Array) -> Fit:
    """Ordinary least squares, with one step of iterative refinement."""
    b = solve(columns, y)
    b = b + solve(columns, exact_residuals(columns, y, b))
    return _described(columns, exact_residuals(columns, y, b), b)


def exact_residuals(columns: Array, y: Array, b: Array) -> Array:
    """The response less columns b, the sum of the rounded products in each row rounded once."""
    products = (-columns * b).tolist()
    return np.array([math.fsum([value, *row]) for value, row in zip(y.tolist(), products, strict=True)])


def nonlinear(problem: Problem, start: tuple[float, ...]) -> Fit:
    """From `start`: damped steps while they are large, then plain Gauss-Newton steps down to rounding.

    Source: D. W. Marquardt (1963), J. SIAM 11, 431-441, scaled by column as J. J. Moré (1978), The
    Levenberg-Marquardt algorithm: implementation and theory, Lecture Notes in Mathematics 630.
    """
    b = finish(problem, descend(problem, np.array(start)))
    return _described(problem.jacobian(b), problem.residuals(b), b)


def descend(problem: Problem, b: Array) -> Array:
    """Levenberg-Marquardt steps until the relative step falls below CONVERGED."""
    rss, damping = sum_of_squares(problem.residuals(b)), DAMPING
    scale = np.zeros(len(b))
    for _ in range(MAX_STEPS):
        jacobian = problem.jacobian(b)
        scale = np.maximum(scale, norms(jacobian))
        step = solve(jacobian, problem.residuals(b), math.sqrt(damping) * scale)
        trial = sum_of_squares(problem.residuals(b + step))
        if trial <= rss:
            b, rss, damping = b + step, trial, damping * EASE
        else:
            damping *= TIGHTEN
        if relative(step, b) < CONVERGED:
            break
    return b


def finish(problem: Problem, b: Array) -> Array:
    """Gauss-Newton steps until they stop getting smaller; the estimates after the smallest one."""
    best, least, idle = b, math.inf, 0
    while idle < PATIENCE:
        step = solve(problem.jacobian(b), problem.residuals(b))
        b, size = b + step, relative(step, b)
        idle += 1
        if size < least:
            best, least, idle = b, size, 0
    return best


def relative(step: Array, b: Array) -> float:
    """The largest step of a parameter, relative to the parameter."""
    return float(np.max(np.abs(step) / np.maximum(np.abs(b), 1e-300)))


def _described(columns: Array, residuals: Array, b: Array) -> Fit:
    """Standard deviations are the roots of the diagonal of s^2 (X'X)^-1, X'X being R'R."""
    rss = sum_of_squares(residuals)
    scale = norms(columns)
    inverse = np.linalg.inv(np.linalg.qr(columns / scale, mode="r"))
    spread = np.sqrt(np.sum(inverse * inverse, axis=1)) / scale
    deviations = spread * math.sqrt(rss / (len(residuals) - len(b)))
    return Fit(estimates=tuple(b.tolist()), deviations=tuple(deviations.tolist()), rss=rss)
