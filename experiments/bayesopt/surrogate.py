"""A Gaussian process over a finite set of points, conditioned on one observation at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Surrogate:
    """Posterior mean and variance of a zero-mean, unit-variance Gaussian process at `points`, shape (m, d).

    The kernel is the rational quadratic with alpha = 1, k(x, y) = 1 / (1 + |x - y|^2 / (2 l^2)). Source:
    C. E. Rasmussen and C. K. I. Williams (2006), Gaussian Processes for Machine Learning, equation 4.19.

    Each observation adds one row v to the Cholesky factor of the kernel matrix (same book, algorithm 2.1),
    extended over all points, so that cov(x, y | data) = k(x, y) - sum of v(x) v(y).
    """

    def __init__(self, points: NDArray[np.float64], *, length_scale: float, noise_variance: float) -> None:
        """The prior; `noise_variance` is that of an observation and must be above zero."""
        self.mean = np.zeros(len(points))
        self.variance = np.ones(len(points))
        self._points = points
        self._length_scale = length_scale
        self._noise_variance = noise_variance
        self._rows = np.empty((0, len(points)))

    def observe(self, index: int, value: float) -> None:
        """Condition on one observed value at point number `index`."""
        spread = np.sqrt(self.variance[index] + self._noise_variance)
        row = self._covariance(index) / spread
        self.mean = self.mean + row * ((value - self.mean[index]) / spread)
        # Rounding must not push a variance below zero where a point was observed many times.
        self.variance = np.maximum(self.variance - row * row, 0.0)
        self._rows = np.vstack([self._rows, row])

    def _covariance(self, index: int) -> NDArray[np.float64]:
        """Posterior covariance of one point with all; summed row by row, in order, unlike BLAS."""
        offsets = (self._points - self._points[index]) / self._length_scale
        squares = offsets * offsets
        prior = 1.0 / (1.0 + 0.5 * sum(squares.T))
        return np.asarray(prior - np.add.reduce(self._rows * self._rows[:, index : index + 1], axis=0))
