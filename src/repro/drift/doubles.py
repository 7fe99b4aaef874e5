"""The fast measure: finite native doubles under plain tolerances, in few passes over vectors in the cache."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.drift import kernel, stats
from repro.drift.report import DIGITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repro.drift.kernel import Terms, Values
    from repro.drift.scan import Scan

FINE: Final = 64
"""Bins per decimal digit, of which median and percentile of many values are taken."""

EXPONENTS: Final = 1 << 15
"""Bins of positive doubles by exponent and four bits of the fraction."""

SURELY: Final = 1 - 2.0**-50
"""A quotient this much below the tolerance is admitted however products and quotients are rounded."""

NORMAL: Final = 1e-290
"""A relative tolerance above this, and quotients near it, are rounded relative to themselves."""

BEYOND: Final = 2.0**53 * (1 + 2.0**-40)
"""More ULPs than this times |x - r| / min(|r|, |x|) are not between doubles, however that is rounded."""

ZEROS: Final = 1 << 63
"""What subtracting the bits of zeros of two signs gives, and of no other doubles of one sign."""

MANY: Final = 16
"""Of one value in so many that may be furthest in ULPs, each is looked at alone; of more, the whole strip."""


class Bench:
    """Room to work for strips of up to `size` values."""

    def __init__(self, terms: Terms, size: int) -> None:
        self.terms = terms
        self.d, self.a = np.empty(size), np.empty(size)
        self.u, self.b = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.bool_)
        self.bins = np.zeros(EXPONENTS, dtype=np.int64)
        only_rtol = terms.rtol > NORMAL and not (terms.digits > 0 or terms.atol > 0 or terms.srtol > 0)
        # d <= rtol * |r| holds for the product as it is rounded too, since d itself is a double
        self.surely = terms.rtol * SURELY if only_rtol else -1.0

    def measure(self, found: Scan, start: int, r: Values, x: Values) -> bool:
        """Measure one strip; False, and nothing changed, if something in it is not finite."""
        n = r.size
        d, b = self.d[:n], self.b[:n]
        with np.errstate(all="ignore"):
            np.subtract(x, r, out=d)
            up = int(np.count_nonzero(np.greater(d, 0, out=b)))
            distance, size = _largest(d), _largest(r)
            if not (math.isfinite(distance) and math.isfinite(size)):
                return False
            found.largest = max(found.largest, size)
            if distance == 0:
                found.admitted["exact"] += n
                self.bins[0] += n
                return True
            found.note("absolute", distance, start + _place(d, distance, found, "absolute"))
            if found.first_difference is None:
                found.first_difference = start + int(np.argmax(d != 0))
            differing, relative = self._relative(found, start, r, x)
            found.up, found.down = found.up + up, found.down + differing - up
            found.differing += differing
            found.admitted["exact"] += n - differing
            self._admit(found, start, r, x, differing, surely=relative <= self.surely)
        return True

    def pour(self, found: Scan) -> None:
        """Add the digits of agreement of all strips to what was found."""
        used = np.flatnonzero(self.bins)
        fine = FINE_OF[used]
        np.add.at(found.fine, fine, self.bins[used])
        np.add.at(found.classes, fine // FINE, self.bins[used])
        self.bins[:] = 0

    def _relative(self, found: Scan, start: int, r: Values, x: Values) -> tuple[int, float]:
        """Relative errors in the place of the distances, and their bins; how many differ, and the largest."""
        q, u = self.d[: r.size], self.u[: r.size]
        np.abs(np.divide(q, r, out=q), out=q)
        relative = agreed = float(np.maximum.reduce(q))
        zeros = None if math.isfinite(relative) else np.flatnonzero(r == 0)
        if zeros is not None:
            distances = np.abs(x[zeros])
            q[zeros] = np.where(distances > 0, math.inf, 0.0)
            relative = float(q.max())
        found.note("relative", relative, start + _place(q, relative, found, "relative"))
        self._ulp(found, start, r, x, relative)
        if zeros is not None:
            q[zeros] = distances  # digits of agreement with zero are those of the distance
            agreed = float(q.max())
        found.least_digits = min(found.least_digits, stats.digits_of(agreed))
        np.right_shift(q.view(np.int64), 48, out=u)
        counts = np.bincount(u)
        self.bins[: counts.size] += counts
        return r.size - int(counts[0]) if zeros is None else int(np.count_nonzero(r != x)), relative

    def _ulp(self, found: Scan, start: int, r: Values, x: Values, relative: float) -> None:
        """The largest ULP distance, looked for where the relative error leaves room for one."""
        most, _ = found.worst.get("ulp", (0, 0))
        # neighbours of v are more than |v| * 2^-53 apart
        least = most / (BEYOND + most)
        if relative <= least:
            return
        q = self.d[: r.size]
        places = np.flatnonzero(np.greater(q, least, out=self.b[: r.size]))
        if places.size * MANY > r.size:
            u = np.subtract(x.view(np.int64), r.view(np.int64), out=self.u[: r.size])
            most = max(int(u.max()), -int(u.min()))
            if relative < 1 and most < ZEROS:  # doubles of one sign are in the order of their bits
                found.note("ulp", most, start + _place(u, most, found, "ulp"))
                return
        ulp = kernel.ulp_distance(r[places], x[places])
        assert ulp is not None  # noqa: S101 - both are doubles
        found.note("ulp", int(ulp.max()), start + int(places[np.argmax(ulp)]))

    def _admit(self, found: Scan, start: int, r: Values, x: Values, open_: int, *, surely: bool) -> None:
        if surely:
            found.admitted["rtol"] += open_
            found.alone["rtol"] += open_
            return
        d, b = self.d[: r.size], self.b[: r.size]
        np.abs(np.subtract(x, r, out=d), out=d)
        bounds = self._bounds(r)
        if len(bounds) == 1:
            (term, bound), *_ = bounds.items()
            over = np.greater(d, bound, out=b)
            admitted = open_ - int(np.count_nonzero(over))
            found.admitted[term] += admitted
            found.alone[term] += admitted
        else:
            over = self._shared(found, bounds, r.size)
        count = int(np.count_nonzero(over))
        if count and found.first_over is None:
            found.first_over = start + int(np.argmax(over))
        found.over += count

    def _bounds(self, r: Values) -> dict[str, Any]:
        """What each granted term admits: a number, or one per value."""
        terms, size = self.terms, np.abs(r, out=self.a[: r.size])
        bounds: dict[str, Any] = {}
        if terms.digits > 0:
            bounds["digits"] = 10.0**-terms.digits * size
        if terms.rtol > 0:
            bounds = {"rtol": np.multiply(size, terms.rtol, out=size), **bounds}
        if terms.atol > 0:
            bounds["atol"] = terms.atol
        if terms.srtol > 0:
            bounds["srtol"] = terms.srtol * terms.scale
        return bounds

    def _shared(self, found: Scan, bounds: dict[str, Any], n: int) -> NDArray[np.bool_]:
        """Attribution where several terms are granted, as the kernel does it; returns what none admits."""
        d = self.d[:n]
        rest = d > 0
        passed = {term: rest & (d <= bound) for term, bound in bounds.items()}
        voices = np.sum([*passed.values(), np.zeros(n, dtype=np.int8)], axis=0, dtype=np.int8)
        for term, passes in passed.items():
            found.admitted[term] += int(np.count_nonzero(rest & passes))
            found.alone[term] += int(np.count_nonzero(passes & (voices == 1)))
            rest &= ~passes
        return rest


def _largest(values: Values) -> float:
    """The largest size; NaN or infinity if something is not finite."""
    return max(float(np.maximum.reduce(values)), -float(np.minimum.reduce(values)))


def _place(errors: Values, most: float, found: Scan, sort: str) -> int:
    """Where the largest error is, looked for only if it beats what is known."""
    known = found.worst.get(sort)
    return int(np.argmax(np.abs(errors))) if known is None or most > known[0] else 0


def _fine_of() -> NDArray[np.int64]:
    """The bin of digits of agreement for each exponent bin, by the middle of the latter."""
    edges = (np.arange(EXPONENTS, dtype=np.int64) << 48) + (1 << 47)
    with np.errstate(all="ignore"):
        digits = np.clip(-np.log10(edges.view(np.float64)), 0, DIGITS - 1)
    digits = np.where(np.isnan(digits), 0, digits)
    digits[0] = DIGITS - 1
    return np.asarray((digits * FINE).astype(np.int64))


FINE_OF: Final = _fine_of()
