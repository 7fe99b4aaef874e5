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
"""Above this, a product is rounded relative to itself."""

SAME_SIGN: Final = 0.5
"""Below this relative error, two numbers have one sign."""

BEYOND: Final = 2.0**53 * (1 + 2.0**-40)
"""More ULPs than this times |x - r| / min(|r|, |x|) are not between doubles, however that is rounded."""


class Bench:
    """Room to work for strips of up to `size` values."""

    def __init__(self, terms: Terms, size: int) -> None:
        self.terms = terms
        self.d, self.a, self.q = np.empty(size), np.empty(size), np.empty(size)
        self.u, self.b = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.bool_)
        self.bins = np.zeros(EXPONENTS, dtype=np.int64)
        self.only_rtol = terms.rtol > 0 and not (terms.digits > 0 or terms.atol > 0 or terms.srtol > 0)

    def measure(self, found: Scan, start: int, r: Values, x: Values) -> bool:
        """Measure one strip; False, and nothing changed, if something in it is not finite."""
        n = r.size
        d, a, b = self.d[:n], self.a[:n], self.b[:n]
        with np.errstate(all="ignore"):
            np.subtract(x, r, out=d)
            up = int(np.count_nonzero(np.greater(d, 0, out=b)))
            np.abs(d, out=d)
            np.abs(r, out=a)
            distance, size = float(d.max()), float(a.max())
            if not (math.isfinite(distance) and math.isfinite(size)):
                return False
            found.largest = max(found.largest, size)
            if distance == 0:
                found.admitted["exact"] += n
                self.bins[0] += n
                return True
            found.note("absolute", distance, start + _place(d, distance, found, "absolute"))
            differing, relative, least = self._relative(found, start, n)
            found.up, found.down = found.up + up, found.down + differing - up
            found.differing += differing
            found.admitted["exact"] += n - differing
            if found.first_difference is None:
                found.first_difference = start + int(np.argmax(np.greater(d, 0, out=b)))
            self._admit(found, start, differing, n, surely=self._surely(relative, least))
            self._ulp(found, start, r.view(np.int64), x.view(np.int64), relative)
        return True

    def pour(self, found: Scan) -> None:
        """Add the digits of agreement of all strips to what was found."""
        used = np.flatnonzero(self.bins)
        fine = FINE_OF[used]
        np.add.at(found.fine, fine, self.bins[used])
        np.add.at(found.classes, fine // FINE, self.bins[used])
        self.bins[:] = 0

    def _relative(self, found: Scan, start: int, n: int) -> tuple[int, float, float]:
        """Relative errors and their bins; how many values differ, the largest error and the least |r|."""
        d, a, q, u = self.d[:n], self.a[:n], self.q[:n], self.u[:n]
        least = float(a.min())
        np.divide(d, a, out=q)
        zeros = np.flatnonzero(a == 0) if least == 0 else None
        if zeros is not None:
            q[zeros] = np.where(d[zeros] > 0, math.inf, 0.0)
        relative = agreed = float(q.max())
        found.note("relative", relative, start + _place(q, relative, found, "relative"))
        if zeros is not None:
            q[zeros] = d[zeros]  # digits of agreement with zero are those of the distance
            agreed = float(q.max())
        found.least_digits = min(found.least_digits, stats.digits_of(agreed))
        np.right_shift(q.view(np.int64), 48, out=u)
        counts = np.bincount(u)
        self.bins[: counts.size] += counts
        differing = n - int(counts[0]) if zeros is None else int(np.count_nonzero(d))
        return differing, relative, least

    def _surely(self, relative: float, least: float) -> bool:
        """Whether the relative tolerance alone admits every value, without looking at each again."""
        rtol = self.terms.rtol
        return self.only_rtol and relative <= rtol * SURELY and rtol * min(least, 1.0) > NORMAL

    def _admit(self, found: Scan, start: int, open_: int, n: int, *, surely: bool) -> None:
        if surely:
            found.admitted["rtol"] += open_
            found.alone["rtol"] += open_
            return
        d, b = self.d[:n], self.b[:n]
        bounds = self._bounds(n)
        if len(bounds) == 1:
            (term, bound), *_ = bounds.items()
            over = np.greater(d, bound, out=b)
            admitted = open_ - int(np.count_nonzero(over))
            found.admitted[term] += admitted
            found.alone[term] += admitted
        else:
            over = self._shared(found, bounds, n)
        count = int(np.count_nonzero(over))
        if count and found.first_over is None:
            found.first_over = start + int(np.argmax(over))
        found.over += count

    def _bounds(self, n: int) -> dict[str, Any]:
        """What each granted term admits: a number, or one per value."""
        terms, a = self.terms, self.a[:n]
        bounds: dict[str, Any] = {}
        if terms.rtol > 0:
            bounds["rtol"] = np.multiply(a, terms.rtol, out=self.q[:n])
        if terms.digits > 0:
            bounds["digits"] = 10.0**-terms.digits * a
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

    def _ulp(
        self, found: Scan, start: int, r: NDArray[np.int64], x: NDArray[np.int64], relative: float
    ) -> None:
        """Doubles of one sign are in the order of their bits."""
        u = self.u[: r.size]
        known = found.worst.get("ulp")
        # Neighbours of v are more than |v| * 2^-53 apart: what relative errors bound need not be looked for.
        if relative < SAME_SIGN and known is not None and relative / (1 - relative) * BEYOND <= known[0]:
            return
        if relative >= SAME_SIGN and np.bitwise_xor(r, x, out=u).min() < 0:
            ulp = kernel.ulp_distance(r.view(np.float64), x.view(np.float64))
            assert ulp is not None  # noqa: S101 - both are doubles
            found.note("ulp", int(ulp.max()), start + int(np.argmax(ulp)))
            return
        np.subtract(x, r, out=u)
        most = max(int(u.max()), -int(u.min()))
        found.note("ulp", most, start + _place(u, most, found, "ulp"))


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
