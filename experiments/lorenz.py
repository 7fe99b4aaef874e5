"""Trajectories of the Lorenz equations, whose distance from a neighbour grows like exp(0.906 t).

Writes {time, trajectories: [one per start: {x, y, z}]}, sampled every half unit of time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import reporting

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGMA, RHO, BETA = 10.0, 28.0, 8.0 / 3.0
"""Source: E. N. Lorenz (1963), Deterministic nonperiodic flow, J. Atmos. Sci. 20, 130-141."""

STEPS_PER_UNIT = 100
SAMPLES_PER_UNIT = 2
END = 15
"""Units of time. A last-bit difference (1e-16) has grown by exp(0.906 * 15) = 8e5 by then; see the page."""


def slope(state: NDArray[np.float64]) -> NDArray[np.float64]:
    """Right-hand side; `state` has shape (3, k), one column per trajectory."""
    x, y, z = state
    return np.array([SIGMA * (y - x), x * (RHO - z) - y, x * y - BETA * z])


def step(state: NDArray[np.float64], h: float) -> NDArray[np.float64]:
    """The classical Runge-Kutta step of order four, of length `h`."""
    k1 = slope(state)
    k2 = slope(state + 0.5 * h * k1)
    k3 = slope(state + 0.5 * h * k2)
    k4 = slope(state + h * k3)
    return np.asarray(state + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4))


def trajectory(start: NDArray[np.float64], *, end: int = END) -> NDArray[np.float64]:
    """States at each sample, the start included; shape (samples, 3, k)."""
    state, samples = start, [start]
    for number in range(1, end * STEPS_PER_UNIT + 1):
        state = step(state, 1.0 / STEPS_PER_UNIT)
        if number % (STEPS_PER_UNIT // SAMPLES_PER_UNIT) == 0:
            samples.append(state)
    return np.array(samples)


def neighbours(start: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same starts with every coordinate moved to the next double above."""
    return np.asarray(np.nextafter(start, math.inf))


def main() -> None:
    """Integrate every start and write the samples; print how far the neighbours got."""
    options = reporting.arguments(__doc__).parse_args()
    start = np.loadtxt(options.data / "initial.csv", delimiter=",", skiprows=1).T
    states = trajectory(start)
    time = [number / SAMPLES_PER_UNIT for number in range(len(states))]
    paths = [dict(zip("xyz", path.T.tolist(), strict=True)) for path in np.moveaxis(states, 2, 0)]
    reporting.write(options.out, {"time": time, "trajectories": paths})
    distance = float(np.abs(trajectory(neighbours(start)) - states).max())
    print(f"neighbours one last bit away are {distance:.2g} away at t = {END}")


if __name__ == "__main__":
    main()
