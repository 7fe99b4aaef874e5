"""One pass over two arrays, block by block: what differs, by how much and where.

Blocks that are stored alike cost one comparison of their bits. The others are measured: finite doubles under
plain tolerances by a few operations on vectors that fit the cache, everything else by the kernel's full
judgement. Memory beyond the arrays is that of one block.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.drift import kernel, stats
from repro.drift.report import DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from repro.drift.kernel import Admission, Terms, Values

BLOCK: Final = 1 << 16
"""Values per block: half a megabyte of doubles, which stays in the second cache."""

FINE: Final = 64
"""Bins per decimal digit, of which median and percentile of many values are taken."""

EXPONENTS: Final = 1 << 15
"""Bins of positive doubles by exponent and four bits of the fraction."""

DOUBLE: Final = np.dtype(np.float64)


@dataclass(slots=True, kw_only=True)
class Scan:
    """What is known of two arrays. Places are numbers of values in C order.

    `worst`: largest error by sort, and its place. `fine`: finite values by digits of agreement, in bins of
    1/FINE; `classes` by whole digits. `exact_digits`: the digits themselves, if there was one block only.
    """

    count: int = 0
    over: int = 0
    pattern: int = 0
    differing: int = 0
    up: int = 0
    down: int = 0
    admitted: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)
    worst: dict[str, tuple[Any, int]] = field(default_factory=dict)
    first_difference: int | None = None
    first_over: int | None = None
    first_pattern: int | None = None
    largest: float = 0.0
    least_digits: float = math.inf
    fine: NDArray[np.int64] = field(default_factory=lambda: np.zeros((DIGITS - 1) * FINE + 1, dtype=np.int64))
    classes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(DIGITS, dtype=np.int64))
    exact_digits: NDArray[np.float64] | None = None
    alike: list[Values] = field(default_factory=list)

    @property
    def over_count(self) -> int:
        """Values that are not admitted."""
        return self.over

    def note(self, sort: str, error: Any, place: int) -> None:  # noqa: ANN401 - a number of any type
        """Keep an error if it is the largest of its sort so far."""
        if error > 0 and (sort not in self.worst or error > self.worst[sort][0]):
            self.worst[sort] = (error, place)


def scan(r: Values, x: Values, terms: Terms) -> Scan:
    """Judge and measure observed values `x` against the baseline `r`, of one shape and kind."""
    found = Scan()
    if r is x:  # files whose bytes have been compared: no need to look at them again
        found.count = found.admitted["exact"] = r.size
        return found
    bench = _Bench(terms) if _is_plain(r, x, terms) else None
    for start, one, other in blocks(r, x):
        found.count += one.size
        if kernel.same_bits(one, other):
            found.admitted["exact"] += one.size
            found.alike.append(one)
            continue
        if bench is None or not bench.measure(found, start, one, other):
            _measure(found, start, kernel.native(one), kernel.native(other), _at(terms, start, one.size))
    if found.differing and kernel.is_inexact(r):
        _count_alike(found)
    found.alike.clear()
    if found.count > BLOCK or not r.flags.c_contiguous:
        found.exact_digits = None  # those of one block among others
    return found


def blocks(r: Values, x: Values) -> Iterator[tuple[int, Values, Values]]:
    """Pieces of both arrays as vectors in C order, with the place of their first value."""
    if r.flags.c_contiguous and x.flags.c_contiguous:
        one, other = r.reshape(-1), x.reshape(-1)
        for start in range(0, one.size, BLOCK):
            yield start, one[start : start + BLOCK], other[start : start + BLOCK]
        return
    row = r[0].size
    step = max(BLOCK // max(row, 1), 1)
    for start in range(0, len(r), step):
        yield start * row, r[start : start + step].reshape(-1), x[start : start + step].reshape(-1)


def _at(terms: Terms, start: int, size: int) -> Terms:
    if terms.half_units is None:
        return terms
    return replace(terms, half_units=terms.half_units[start : start + size])


def _is_plain(r: Values, x: Values, terms: Terms) -> bool:
    """Whether the fast measure may be tried: many native doubles, and no term that looks at their bits."""
    simple = terms.half_units is None and not terms.strict_zero and not terms.ulp
    return simple and r.dtype == x.dtype == DOUBLE and r.dtype.isnative and r.size > BLOCK


def _count_alike(found: Scan) -> None:
    """What blocks that are stored alike add to the scale and to the digits."""
    for values in found.alike:
        size = kernel.largest(values)
        found.largest = max(found.largest, size)
        finite = int(np.count_nonzero(np.isfinite(kernel.native(values))))
        found.fine[-1] += finite
        found.classes[-1] += finite


class _Bench:
    """Room to work for the fast measure."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.d, self.a, self.q = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
        self.u, self.b = np.empty(BLOCK, dtype=np.int64), np.empty(BLOCK, dtype=np.bool_)

    def measure(self, found: Scan, start: int, r: Values, x: Values) -> bool:
        """Measure one block; False, and nothing changed, if something in it is not finite."""
        n = r.size
        d, a, b = self.d[:n], self.a[:n], self.b[:n]
        with np.errstate(all="ignore"):
            np.subtract(x, r, out=d)
            up = int(np.count_nonzero(np.greater(d, 0, out=b)))
            down = int(np.count_nonzero(np.less(d, 0, out=b)))
            np.abs(d, out=d)
            np.abs(r, out=a)
            distance, size = float(d.max()), float(a.max())
            if not (math.isfinite(distance) and math.isfinite(size)):
                return False
            found.up, found.down, found.differing = (
                found.up + up,
                found.down + down,
                found.differing + up + down,
            )
            found.largest = max(found.largest, size)
            found.admitted["exact"] += n - up - down
            if up + down:
                self._admit(found, start, up + down, n)
                self._errors(found, start, distance, r, x)
            else:
                found.fine[-1] += n
                found.classes[-1] += n
        return True

    def _admit(self, found: Scan, start: int, open_: int, n: int) -> None:
        d, b = self.d[:n], self.b[:n]
        bounds = self._bounds(n)
        if found.first_difference is None:
            found.first_difference = start + int(np.argmax(np.greater(d, 0, out=b)))
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

    def _errors(self, found: Scan, start: int, distance: float, r: Values, x: Values) -> None:
        n = r.size
        d, a, q, u = self.d[:n], self.a[:n], self.q[:n], self.u[:n]
        found.note("absolute", distance, start + _place(d, distance, found, "absolute"))
        np.divide(d, a, out=q)
        zeros = np.flatnonzero(a == 0) if a.min() == 0 else None
        if zeros is not None:
            q[zeros] = np.where(d[zeros] > 0, math.inf, 0.0)
        relative = float(q.max())
        found.note("relative", relative, start + _place(q, relative, found, "relative"))
        if zeros is not None:
            q[zeros] = d[zeros]  # digits of agreement with zero are those of the distance
            relative = float(q.max())
        found.least_digits = min(found.least_digits, stats.digits_of(relative))
        np.right_shift(q.view(np.int64), 48, out=u)
        bins = np.bincount(u, minlength=EXPONENTS)
        used = np.flatnonzero(bins)
        np.add.at(found.fine, FINE_OF[used], bins[used])
        np.add.at(found.classes, FINE_OF[used] // FINE, bins[used])
        self._ulp(found, start, r.view(np.int64), x.view(np.int64))

    def _ulp(self, found: Scan, start: int, r: NDArray[np.int64], x: NDArray[np.int64]) -> None:
        """Doubles of one sign are in the order of their bits."""
        n = r.size
        u = self.u[:n]
        if np.bitwise_xor(r, x, out=u).min() < 0:
            ulp = kernel.ulp_distance(r.view(np.float64), x.view(np.float64))
            assert ulp is not None  # noqa: S101 - both are doubles
            found.note("ulp", int(ulp.max()), start + int(np.argmax(ulp)))
            return
        np.abs(np.subtract(x, r, out=u), out=u)
        most = int(u.max())
        found.note("ulp", most, start + _place(u, most, found, "ulp"))


def _place(errors: Values, most: float, found: Scan, sort: str) -> int:
    """Where the largest error is, looked for only if it beats what is known."""
    known = found.worst.get(sort)
    return int(np.argmax(errors)) if known is None or most > known[0] else 0


def _fine_of() -> NDArray[np.int64]:
    """The bin of digits of agreement for each exponent bin, by the middle of the latter."""
    edges = (np.arange(EXPONENTS, dtype=np.int64) << 48) + (1 << 47)
    with np.errstate(all="ignore"):
        digits = np.clip(-np.log10(edges.view(np.float64)), 0, DIGITS - 1)
    digits = np.where(np.isnan(digits), 0, digits)
    digits[0] = DIGITS - 1
    return np.asarray((digits * FINE).astype(np.int64))


FINE_OF: Final = _fine_of()


def _measure(found: Scan, start: int, r: Values, x: Values, terms: Terms) -> None:
    """The full judgement of one block."""
    admission = kernel.admit(r, x, terms)
    found.over += admission.over_count
    found.admitted.update(admission.admitted)
    found.alone.update(admission.alone)
    over = admission.touched[admission.over]
    if over.size and found.first_over is None:
        found.first_over = start + int(over[0])
    if kernel.is_inexact(r):
        with np.errstate(all="ignore"):
            _measure_inexact(found, start, r, x, admission)
    elif admission.touched.size:
        _measure_exact(found, start, r, x, admission)


def _measure_exact(found: Scan, start: int, r: Values, x: Values, admission: Admission) -> None:
    touched = admission.touched
    found.differing += touched.size
    if found.first_difference is None:
        found.first_difference = start + int(touched[0])
    found.note("value", 1, start + int(touched[0]))
    if r.dtype.kind in "iu":
        for sort, errors in stats.integer_errors(r[touched], x[touched]).items():
            at = int(np.argmax(errors))
            found.note(sort, errors.tolist()[at], start + int(touched[at]))


def _measure_inexact(found: Scan, start: int, r: Values, x: Values, admission: Admission) -> None:
    touched = admission.touched
    found.largest = max(found.largest, kernel.largest(r))
    found.pattern += int(np.count_nonzero(admission.pattern))
    if admission.pattern.any() and found.first_pattern is None:
        found.first_pattern = start + int(touched[np.argmax(admission.pattern)])
    errors = stats.errors(r[touched], x[touched])
    differing = admission.over | (errors["absolute"] > 0)
    found.differing += int(np.count_nonzero(differing))
    if differing.any() and found.first_difference is None:
        found.first_difference = start + int(touched[np.argmax(differing)])
    for sort, sizes in errors.items():
        if sizes.size:
            at = int(np.argmax(sizes))
            found.note(sort, sizes[at].item(), start + int(touched[at]))
    _lean(found, r[touched], x[touched])
    digits = stats.digits(r, x, touched, errors)
    if digits.size:
        found.least_digits = min(found.least_digits, float(digits.min()))
        found.fine += np.bincount((digits * FINE).astype(np.intp), minlength=found.fine.size)
        found.classes += np.bincount(digits.astype(np.intp), minlength=DIGITS)
    found.exact_digits = digits


def _lean(found: Scan, r: Values, x: Values) -> None:
    if r.dtype.kind != "c":
        one, other = kernel.components(r, x)
        found.up += int(np.count_nonzero(other > one))
        found.down += int(np.count_nonzero(other < one))
