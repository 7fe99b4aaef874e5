"""One pass over two arrays, block by block: what differs, by how much and where.

Blocks that are stored alike cost one comparison of their bits. The others are measured: finite doubles under
plain tolerances by a few operations on vectors that fit the cache, everything else by the kernel's full
judgement. Memory beyond the arrays is that of one block.
"""

from __future__ import annotations

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.drift import doubles, kernel, stats
from repro.drift.doubles import FINE
from repro.drift.report import DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from repro.drift.kernel import Admission, Terms, Values

BLOCK: Final = 1 << 16
"""Values per block: half a megabyte of doubles, which stays in the second cache."""

STRIP: Final = 3 << 16
"""Doubles that the fast measure takes at a time. Two threads hand the interpreter's lock over after each
operation on a vector: on shorter ones that takes longer than a cache nearer to the processor gains."""

WORTH_TWO: Final = 1 << 21
"""Values from which each half has a thread of its own; numpy lets go of the interpreter's lock."""

GLANCE: Final = 8
"""Values that are looked at before whole blocks are compared bit by bit."""

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

    def absorb(self, later: Scan) -> None:
        """Add what was found in the values that follow."""
        for name in ("count", "over", "pattern", "differing", "up", "down"):
            setattr(self, name, getattr(self, name) + getattr(later, name))
        for name in ("first_difference", "first_over", "first_pattern"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(later, name))
        self.admitted.update(later.admitted)
        self.alone.update(later.alone)
        for sort, (error, place) in later.worst.items():
            self.note(sort, error, place)
        self.largest = max(self.largest, later.largest)
        self.least_digits = min(self.least_digits, later.least_digits)
        self.fine += later.fine
        self.classes += later.classes
        self.alike += later.alike


def scan(r: Values, x: Values, terms: Terms) -> Scan:
    """Judge and measure observed values `x` against the baseline `r`, of one shape and kind."""
    if r is x:  # files whose bytes have been compared: no need to look at them again
        found = Scan(count=r.size)
        found.admitted["exact"] = r.size
        return found
    plain = _is_plain(r, x, terms)
    if r.flags.c_contiguous and x.flags.c_contiguous and r.size >= WORTH_TWO:
        one, other = r.reshape(-1), x.reshape(-1)
        middle = r.size // 2 // BLOCK * BLOCK
        with ThreadPoolExecutor(1) as pool:
            rest = pool.submit(_part, one[middle:], other[middle:], _at(terms, middle, r.size), middle, plain)
            found = _part(one[:middle], other[:middle], _at(terms, 0, middle), 0, plain)
            found.absorb(rest.result())
    else:
        found = _part(r, x, terms, 0, plain)
    if found.differing and kernel.is_inexact(r):
        _count_alike(found)
    found.alike.clear()
    if found.count > BLOCK or not r.flags.c_contiguous:
        found.exact_digits = None  # those of one block among others
    return found


def _part(r: Values, x: Values, terms: Terms, offset: int, plain: bool) -> Scan:  # noqa: FBT001 - for a pool
    """What is known of two arrays whose first value has the number `offset`."""
    found = Scan()
    bench = doubles.Bench(terms, STRIP) if plain else None
    for start, one, other in blocks(r, x, STRIP if plain else BLOCK):
        found.count += one.size
        if _same_bits(one, other):
            found.admitted["exact"] += one.size
            found.alike.append(one)
            continue
        if bench is None or not bench.measure(found, offset + start, one, other):
            here = _at(terms, start, start + one.size)
            _measure(found, offset + start, kernel.native(one), kernel.native(other), here)
    if bench is not None:
        bench.pour(found)
    return found


def _same_bits(r: Values, x: Values) -> bool:
    """Whether two blocks are stored alike; mostly the first values tell."""
    return r[:GLANCE].tobytes() == x[:GLANCE].tobytes() and kernel.same_bits(r, x)


def blocks(r: Values, x: Values, size: int) -> Iterator[tuple[int, Values, Values]]:
    """Pieces of both arrays as vectors in C order, with the place of their first value."""
    if r.flags.c_contiguous and x.flags.c_contiguous:
        one, other = r.reshape(-1), x.reshape(-1)
        for start in range(0, one.size, size):
            yield start, one[start : start + size], other[start : start + size]
        return
    row = r[0].size
    step = max(size // max(row, 1), 1)
    for start in range(0, len(r), step):
        yield start * row, r[start : start + step].reshape(-1), x[start : start + step].reshape(-1)


def _at(terms: Terms, start: int, end: int) -> Terms:
    if terms.half_units is None:
        return terms
    return replace(terms, half_units=terms.half_units[start:end])


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
