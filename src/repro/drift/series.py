"""Where two series part, on their coordinate, and how their distance grows: chaos, or a change.

The largest distance over all values of a row, relative to the scale, is fitted by an exponential in the
coordinate and by a power of it; least squares on logarithms. Amplified rounding begins near the unit roundoff
and grows exponentially (its rate is the largest Lyapunov exponent; Lorenz 1963); a change is large at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.drift import kernel
from repro.drift.pattern import path_text
from repro.drift.report import Growth
from repro.drift.tree import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repro.drift.pattern import TreePath
    from repro.drift.tree import Tree

LEAST: Final = 8
"""Rows that differ, below which nothing is fitted."""

MOST: Final = 4096
"""Rows that are looked at, evenly chosen from a longer series."""

ROUNDING: Final = 1e-9
"""Relative to the scale: a series that parts below this began with rounding, above it with a change."""

GROWN: Final = 100.0
"""Growth below this factor is none."""

FIT: Final = 0.8
"""Share of the variance that a fit must explain."""

SATURATED: Final = 0.1
"""Relative to the scale: beyond this a distance is as large as the values, and grows no more."""

NAMES: Final = (
    "t",
    "time",
    "x",
    "step",
    "steps",
    "epoch",
    "iteration",
    "iter",
    "index",
    "n",
    "depth",
    "year",
)
"""Names that a coordinate has, in the order in which they are believed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coordinate:
    """The values along the first axis of a leaf, and what they are called."""

    name: str
    values: NDArray[Any]

    def at(self, row: int) -> str:
        """A place on it, in words."""
        return f"{self.name} = {self.values[row].item()!r}" if row < len(self.values) else ""


def coordinate_of(tree: Tree, path: TreePath) -> Coordinate | None:
    """The coordinate of the leaf at `path`: what its format says, or a strictly monotonic sibling.

    Siblings are believed by their name, or because they are the first column. None if there is none.
    """
    leaf = tree.get(path)
    if not isinstance(leaf, Array) or not leaf.values.ndim or not path:
        return None
    candidates = [leaf.coordinate] if leaf.coordinate is not None else []
    candidates += [(*path[:-1], name) for name in NAMES]
    first = next(iter(tree), ())
    if len(first) == len(path) and first[:-1] == path[:-1]:
        candidates.append(first)
    for candidate in candidates:
        values = _monotonic(tree.get(candidate), len(leaf.values))
        if candidate != path and values is not None:
            return Coordinate(name=path_text(candidate), values=values)
    return None


def _monotonic(leaf: object, length: int) -> NDArray[Any] | None:
    if not isinstance(leaf, Array) or leaf.values.shape != (length,) or leaf.values.dtype.kind not in "iuf":
        return None
    values = kernel.native(leaf.values)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return None
    steps = values[1:] > values[:-1]
    return values if steps.all() or (values[1:] < values[:-1]).all() else None


def growth(r: NDArray[Any], x: NDArray[Any], scale: float, along: Coordinate | None) -> Growth | None:
    """How the distance of two series of shape (n, ...) grows along the first axis; None for too few rows."""
    if r.ndim == 0 or len(r) < LEAST or not kernel.is_inexact(r) or not scale > 0:
        return None
    rows = np.unique(np.linspace(0, len(r) - 1, min(len(r), MOST)).astype(np.intp))
    with np.errstate(all="ignore"):
        one, other = (kernel.native(side[rows]).reshape(len(rows), -1) for side in (r, x))
        distance = np.abs(other - one).max(axis=1).astype(np.float64) / scale
    usable = np.isfinite(distance) & (distance > 0)
    if np.count_nonzero(usable) < LEAST:
        return None
    places = along.values[rows].astype(np.float64) if along is not None else rows.astype(np.float64)
    return _fitted(places[usable], distance[usable], "" if along is None else along.name)


def _fitted(places: NDArray[np.float64], distance: NDArray[np.float64], name: str) -> Growth:
    start, end = float(distance[0]), float(distance.max())
    rising = _rising(distance)
    elapsed = np.abs(places - places[0])
    logs = np.log(np.maximum.accumulate(distance))[:rising]
    rate, exponential = _line(elapsed[:rising], logs)
    exponent, power = _line(np.log(elapsed[1:rising]), logs[1:]) if rising > 2 else (0.0, 0.0)  # noqa: PLR2004
    kind = _kind(start, end, max(exponential, power), is_power=power > exponential)
    return Growth(
        kind=kind,
        start=start,
        end=end,
        rate=exponent if kind == "power" else rate,
        fit=power if kind == "power" else exponential,
        along=name,
    )


def _rising(distance: NDArray[np.float64]) -> int:
    """How many rows there are before the distance is as large as the values."""
    full = distance >= SATURATED
    return max(int(np.argmax(full)) if full.any() else len(distance), min(LEAST, len(distance)))


def _kind(start: float, end: float, fit: float, *, is_power: bool) -> str:
    if end < GROWN * start or fit < FIT:
        return "steady" if start < ROUNDING else "step"
    if is_power:
        return "power"
    return "exponential"


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and explained share of the variance of the least-squares line."""
    good = np.isfinite(x) & np.isfinite(y)
    x, y = x[good], y[good]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:  # noqa: PLR2004 - a line through two points explains all
        return 0.0, 0.0
    slope, intercept = np.polyfit(x, y, 1)
    left = float(np.sum((y - slope * x - intercept) ** 2))
    whole = float(np.sum((y - y.mean()) ** 2))
    return float(slope), 1.0 - left / whole if math.isfinite(left) else 0.0
