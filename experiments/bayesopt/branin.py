"""The Branin function, a standard test of global optimisation.

Source: L. C. W. Dixon and G. P. Szegő (1978), The global optimization problem: an introduction, in Towards
Global Optimisation 2, 1-15; the function is due to F. H. Branin (1972), IBM J. Res. Dev. 16, 504-522.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LOWER = (-5.0, 0.0)
UPPER = (10.0, 15.0)
"""The box in which it is minimised: x1 in [-5, 10], x2 in [0, 15]."""

MINIMISERS = ((-math.pi, 12.275), (math.pi, 2.275), (3 * math.pi, 2.475))
"""Where it is least: cos(x1) = -1 and the square vanishes."""

MINIMUM = 10 / (8 * math.pi)
"""Its least value, 0.397887..., at all three minimisers."""


def branin(x1: float, x2: float) -> float:
    """(x2 - b x1^2 + c x1 - r)^2 + s (1 - t) cos(x1) + s, with the constants of Dixon and Szegő."""
    b, c, r = 5.1 / (4 * math.pi**2), 5 / math.pi, 6.0
    s, t = 10.0, 1 / (8 * math.pi)
    square = x2 - b * x1 * x1 + c * x1 - r
    return square * square + s * (1 - t) * math.cos(x1) + s


def values(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The function at each row of `points`, shape (m, 2); shape (m,)."""
    return np.array([branin(x1, x2) for x1, x2 in points.tolist()])


def candidates(data: Path) -> NDArray[np.float64]:
    """The points that may be evaluated, shape (m, 2), from `candidates.csv` in the folder `data`."""
    return np.loadtxt(data / "candidates.csv", delimiter=",", skiprows=1)
