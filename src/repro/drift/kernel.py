"""The comparison of two arrays of one shape and kind, value by value.

A value x is admitted against its baseline r if |x - r| <= max(ulp, rtol*|r|, digits, atol, srtol*scale,
printed). The
maximum and not the sum, so that each admitted value can name the term that let it pass. Complex values are
compared per component, with the modulus as |r|. Nothing here warns, broadcasts or wraps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from repro.drift.rules import ULP_FLOOR

if TYPE_CHECKING:
    from collections.abc import Iterator

TERMS: Final = ("ulp", "rtol", "digits", "atol", "srtol", "printed")
"""The order in which an admitted value is attributed: what is granted to everybody comes first, so that what
counts for `atol`, `srtol` and `printed` needed them."""

PIECE: Final = 1 << 16
"""Values that are looked at together."""

Values = NDArray[Any]
"""One array of any type that is no object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is granted. `scale` is a number or has one entry per value, as `half_units` has."""

    rtol: float = 0.0
    atol: float = 0.0
    srtol: float = 0.0
    scale: float | NDArray[np.float64] = 0.0
    ulp: int = 0
    digits: float = 0.0
    exact: bool = False
    half_units: NDArray[np.float64] | None = None
    strict_zero: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Admission:
    """What became of `count` values; those at `touched` (ascending) are not stored alike.

    `over`, `pattern`: one entry per touched value: not admitted at all; not admitted because NaN or infinity
    stands in one of the two only. `admitted`: how many values each term let pass, `exact` among them; with
    the sum of `over` they make `count`. `alone`: how many would not have passed without that term.
    """

    count: int
    touched: NDArray[np.intp]
    over: NDArray[np.bool_]
    pattern: NDArray[np.bool_]
    admitted: dict[str, int]
    alone: dict[str, int]

    @property
    def over_count(self) -> int:
        """Values that are not admitted."""
        return int(np.count_nonzero(self.over))


def same_bits(r: Values, x: Values) -> bool:
    """Whether two arrays of one shape are stored alike: the cheap answer for nearly every replay."""
    if r is x or r.dtype != x.dtype:
        return r is x
    word = np.uint64 if r.nbytes % 8 == 0 else np.uint8
    return bool(np.array_equal(_bits(r, word), _bits(x, word)))


def _bits(values: Values, unsigned: Any) -> Values:  # noqa: ANN401 - whatever numpy takes for a type
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8).view(unsigned)


def is_inexact(r: Values) -> bool:
    """Whether tolerances have a meaning for these values."""
    return r.dtype.kind in "fc"


def admit(r: Values, x: Values, terms: Terms) -> Admission:
    """Judge observed values `x` against the baseline `r`, both of shape (n,) and of one kind.

    Integers of any width and sign, bools, strings and times are exact; floats and complex numbers by `terms`.
    """
    return _admit_inexact(r, x, terms) if is_inexact(r) else _admit_exact(r, x)


def _admit_exact(r: Values, x: Values) -> Admission:
    touched = np.flatnonzero(~_equal(r, x))
    return Admission(
        count=r.size,
        touched=touched,
        over=np.ones(touched.size, dtype=np.bool_),
        pattern=np.zeros(touched.size, dtype=np.bool_),
        admitted={"exact": r.size - touched.size},
        alone={},
    )


def _equal(r: Values, x: Values) -> NDArray[np.bool_]:
    if r.dtype.kind in "Mm":
        return np.asarray(r.view(np.int64) == x.view(np.int64))  # NaT is equal to NaT
    if {r.dtype.kind, x.dtype.kind} == {"i", "u"}:
        signed, unsigned = (r, x) if r.dtype.kind == "i" else (x, r)
        return np.asarray((signed >= 0) & (signed.astype(np.uint64) == unsigned))
    return np.asarray(r == x)


def _admit_inexact(r: Values, x: Values, terms: Terms) -> Admission:
    with np.errstate(all="ignore"):
        touched = np.flatnonzero(_stored_differently(r, x))
        return _judge(r[touched], x[touched], _chosen(terms, touched), touched, r.size)


def _stored_differently(r: Values, x: Values) -> NDArray[np.bool_]:
    if r.dtype != x.dtype or r.dtype.itemsize not in (2, 4, 8):
        return np.ones(r.size, dtype=np.bool_)
    unsigned = np.dtype(f"u{r.dtype.itemsize}")
    return np.asarray(_bits(r, unsigned) != _bits(x, unsigned))


def _chosen(terms: Terms, touched: NDArray[np.intp]) -> Terms:
    scale = terms.scale[touched] if isinstance(terms.scale, np.ndarray) else terms.scale
    units = terms.half_units[touched] if terms.half_units is not None else None
    return replace(terms, scale=scale, half_units=units)


def _judge(r: Values, x: Values, terms: Terms, touched: NDArray[np.intp], count: int) -> Admission:
    wide_r, wide_x = components(r, x)
    equal = (wide_r == wide_x) | (np.isnan(wide_r) & np.isnan(wide_x))
    if terms.strict_zero:
        equal &= ~((wide_r == 0) & (np.signbit(wide_r) != np.signbit(wide_x)))
    finite = np.isfinite(wide_r) & np.isfinite(wide_x)
    # two zeros that strict_zero tells apart are no distance apart: no tolerance may admit them
    open_ = finite & ~equal & (wide_r != wide_x)
    passes = {term: equal | (open_ & ok) for term, ok in _within(r, wide_r, wide_x, terms).items()}
    exact = equal.all(axis=1)
    over, admitted, alone = _attribute(passes, equal, exact)
    return Admission(
        count=count,
        touched=touched,
        over=over,
        pattern=(~finite & ~equal).any(axis=1),
        admitted={"exact": count - touched.size + int(np.count_nonzero(exact)), **admitted},
        alone=alone,
    )


def components(r: Values, x: Values) -> tuple[Values, Values]:
    """Both as real numbers of one width that holds either exactly: (n, 1), or (n, 2) for complex values."""
    width = np.result_type(np.float64, r.real.dtype, x.real.dtype)
    return _real(r, width), _real(x, width)


def _real(values: Values, width: np.dtype[Any]) -> Values:
    if values.dtype.kind != "c":
        return values.astype(width).reshape(-1, 1)
    return np.stack([values.real, values.imag], axis=1).astype(width)


def modulus(wide_r: Values) -> Values:
    """|r| of components (n, k), as (n, 1); a modulus that overflows is the largest finite number."""
    size = np.abs(wide_r) if wide_r.shape[1] == 1 else np.hypot(wide_r[:, :1], wide_r[:, 1:])
    # NaN and infinity stay: they are judged as a pattern, never by distance
    return np.where(
        np.isfinite(wide_r).all(axis=1, keepdims=True), np.minimum(size, np.finfo(size.dtype).max), size
    )


def largest(r: Values) -> float:
    """The scale of an array: its largest finite |r|, 0 if there is none; block by block."""
    top = 0.0
    with np.errstate(all="ignore"):
        for piece in _pieces(r):
            if piece.dtype == np.float64 and math.isfinite(size := float(np.abs(piece).max(initial=0.0))):
                top = max(top, size)
                continue
            wide_r, _ = components(piece, piece[:0])
            sizes = modulus(wide_r)
            top = max(top, float(np.max(sizes, initial=0.0, where=np.isfinite(sizes))))
    return min(top, float(np.finfo(np.float64).max))


def _pieces(values: Values) -> Iterator[Values]:
    if values.flags.c_contiguous:
        flat = values.reshape(-1)
        yield from (flat[at : at + PIECE] for at in range(0, flat.size, PIECE))
    else:
        step = max(PIECE // max(values[0].size, 1), 1)
        yield from (values[at : at + step].reshape(-1) for at in range(0, len(values), step))


def native(values: Values) -> Values:
    """The same values in this machine's byte order."""
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))


def _within(r: Values, wide_r: Values, wide_x: Values, terms: Terms) -> dict[str, NDArray[np.bool_]]:
    """For each granted term, which components it admits."""
    distance = np.abs(wide_x - wide_r)
    # where the difference of two finite numbers overflows, everything is compared at half its size
    half = np.where(np.isinf(distance), 0.5, 1.0)
    distance = np.abs(wide_x * half - wide_r * half)
    size = modulus(wide_r)
    bounds: dict[str, Values] = {}
    floor = ULP_FLOOR if r.real.dtype.itemsize < 8 and not terms.exact else 0  # noqa: PLR2004 - a double's
    if max(terms.ulp, floor):
        spacing = np.abs(np.spacing(np.abs(r).astype(r.real.dtype).reshape(-1, 1)))
        bounds["ulp"] = max(terms.ulp, floor) * (spacing.astype(wide_r.dtype) * half)
    if terms.rtol > 0:
        bounds["rtol"] = terms.rtol * (size * half)
    if terms.digits > 0:
        bounds["digits"] = 10.0**-terms.digits * (size * half)
    if terms.atol > 0:
        bounds["atol"] = terms.atol * half
    if terms.srtol > 0:
        bounds["srtol"] = terms.srtol * (np.reshape(terms.scale, (-1, 1)) * half)
    if terms.half_units is not None:
        bounds["printed"] = terms.half_units.reshape(-1, 1) * half
    return {term: distance <= bound for term, bound in bounds.items()}


def _attribute(
    passes: dict[str, NDArray[np.bool_]], equal: NDArray[np.bool_], exact: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], dict[str, int], dict[str, int]]:
    """Which values are over, how many each term let pass first, and how many needed it.

    The terms of a complex value may differ between its components: it counts for the later of the two.
    """
    last = len(TERMS)
    level = np.where(equal, -1, last)
    voices = np.zeros(equal.shape, dtype=np.int8)
    for number, term in enumerate(TERMS):
        if term in passes:
            level = np.where((level == last) & passes[term], number, level)
            voices += passes[term]
    decided = level.max(axis=1, initial=-1)
    over = decided == last
    admitted = {TERMS[number]: int(np.count_nonzero(decided == number)) for number in range(last)}
    candidates = ~over & ~exact
    alone = {
        term: int(np.count_nonzero(((voices == 1) & passed & ~equal).any(axis=1) & candidates))
        for term, passed in passes.items()
    }
    return over, {term: n for term, n in admitted.items() if n}, {term: n for term, n in alone.items() if n}


def ulp_distance(r: Values, x: Values) -> NDArray[np.uint64] | None:
    """Floats between r and x, of shape (n,), in the narrower of the two types; None where it means nothing.

    The bits of an IEEE 754 number, taken as sign and magnitude, count the numbers between it and zero; both
    zeros are one. Unsigned arithmetic, so that the distance between the two extremes does not overflow.
    """
    narrow = min(r.dtype, x.dtype, key=lambda dtype: dtype.itemsize)
    if narrow.kind != "f" or narrow.itemsize not in (2, 4, 8):
        return None
    with np.errstate(all="ignore"):
        a, b = _ordered(r.astype(narrow)), _ordered(x.astype(narrow))
    return np.asarray(np.maximum(a, b) - np.minimum(a, b))


def _ordered(values: Values) -> NDArray[np.uint64]:
    unsigned = values.view(np.dtype(f"u{values.dtype.itemsize}")).astype(np.uint64)
    sign = np.uint64(1 << (8 * values.dtype.itemsize - 1))
    return np.asarray(np.where(unsigned & sign, sign - (unsigned - sign), sign + unsigned))
