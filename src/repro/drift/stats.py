"""What is told about values that do not match: the largest errors, the digits, where it begins."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.drift import kernel
from repro.drift.report import DIGITS, Digits, Worst, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repro.drift.kernel import Values
    from repro.drift.scan import Scan

Locate = Callable[[int], tuple[tuple[int, ...], str]]
"""From a value's number to its index in the leaf, and its place in words if there is one."""

TOP: Final = float(DIGITS - 1)
"""Digits of agreement of values that are equal."""

SORTS: Final = ("absolute", "relative", "scaled", "ulp")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """Baseline and observed values of one kind and shape, and how they were judged.

    `scale`: what scaled errors refer to; NaN if every value is its own scale. `whole`: a leaf, no part of it.
    """

    r: Values
    x: Values
    scan: Scan
    scale: float
    locate: Locate
    whole: bool = False


def describe(pair: Pair, *, labels: bool = False) -> dict[str, Any]:
    """The fields of a `PathReport` that follow from the values; `labels` are counted, not measured."""
    scan = pair.scan
    inexact = kernel.is_inexact(pair.r)
    found: dict[str, Any] = {
        "count": scan.count,
        "differing": scan.differing,
        "over": scan.over,
        "pattern": scan.pattern,
        "admitted": {term: count for term, count in scan.admitted.items() if count or term == "exact"},
        "alone": {term: count for term, count in scan.alone.items() if count},
        "first_difference": _first(pair, scan.first_difference),
        "first_over": _first(pair, scan.first_over),
        "worst": _worst_inexact(pair) if inexact else _worst_exact(pair, labels=labels),
    }
    if inexact:
        found["digits"] = _summary(scan)
        sides = scan.up + scan.down
        found["bias"] = (scan.up - scan.down) / sides if sides else None
    return found


def size_of(pair: Pair) -> float:
    """One number to order drifted leaves by: the largest relative error, infinite for what has none."""
    if not kernel.is_inexact(pair.r):
        return math.inf
    return float(pair.scan.worst.get("relative", (0.0, 0))[0])


def deviation(pair: Pair) -> float:
    """The largest error relative to the scale, of admitted values too; infinite for what has none."""
    if pair.scan.pattern or not kernel.is_inexact(pair.r):
        return math.inf if pair.scan.over else 0.0
    return _scaled(pair)[0] if "absolute" in pair.scan.worst else 0.0


def _first(pair: Pair, number: int | None) -> int | None:
    if number is None:
        return None
    index, _ = pair.locate(number)
    return index[0] if index else None


def _worst_exact(pair: Pair, *, labels: bool) -> dict[str, Worst]:
    sorts = ("absolute", "relative") if not labels and "absolute" in pair.scan.worst else ("value",)
    return {sort: _worst_at(pair, *reversed(pair.scan.worst[sort])) for sort in sorts}


def _worst_inexact(pair: Pair) -> dict[str, Worst]:
    scan = pair.scan
    worst = {sort: scan.worst[sort] for sort in SORTS if sort in scan.worst}
    if "absolute" in worst:
        worst["scaled"] = _scaled(pair)
    found: dict[str, Worst] = {
        sort: _worst_at(pair, *reversed(worst[sort])) for sort in SORTS if sort in worst
    }
    if scan.first_pattern is not None:
        found["pattern"] = _worst_at(pair, scan.first_pattern, math.inf)
    elif not found and scan.first_over is not None:  # zeros whose signs differ: no error has a size
        found["value"] = _worst_at(pair, scan.first_over, 0.0)
    return found


def _scaled(pair: Pair) -> tuple[float, int]:
    """The largest scaled error: that of the largest distance; relative where each value is its own scale."""
    if math.isnan(pair.scale):
        error, number = pair.scan.worst["relative"]
        return float(error), number
    number = pair.scan.worst["absolute"][1]
    r, x = value_at(pair.r, number), value_at(pair.x, number)
    with np.errstate(all="ignore"):
        one, other = kernel.components(r, x)
        half = np.abs(other * 0.5 - one * 0.5).max()  # a distance that overflows still has a finite ratio
        scale = np.float64(pair.scale) * 0.5
        return float(half / scale), number


def value_at(values: Values, number: int) -> Values:
    """One value in C order, as an array of shape (1,), whatever the layout."""
    return kernel.native(values[np.unravel_index(number, values.shape)].reshape(1))


def errors(r: Values, x: Values) -> dict[str, Values]:
    """Errors of each value by sort; 0 where a value is not finite, for that is a pattern."""
    wide_r, wide_x = kernel.components(r, x)
    finite = (np.isfinite(wide_r) & np.isfinite(wide_x)).all(axis=1)
    absolute = np.where(finite, np.abs(wide_x - wide_r).max(axis=1, initial=0.0), 0.0)
    half = np.where(np.isinf(absolute), 0.5, 1.0)
    distance = np.where(
        finite, np.abs(wide_x * half[:, None] - wide_r * half[:, None]).max(axis=1, initial=0.0), 0.0
    )
    size = kernel.modulus(wide_r)[:, 0] * half
    found = {"absolute": absolute, "relative": np.where(distance > 0, distance / size, 0.0)}
    ulp = kernel.ulp_distance(r, x)
    if ulp is not None:
        found["ulp"] = np.where(finite, ulp, np.uint64(0))
    return found


def integer_errors(r: Values, x: Values) -> dict[str, Values]:
    """Absolute errors in integer arithmetic, and relative ones."""
    if r.dtype.kind == x.dtype.kind:
        wide = np.dtype(np.int64 if r.dtype.kind == "i" else np.uint64)
        a, b = r.astype(wide), x.astype(wide)
        gap = b.view(np.uint64) - a.view(np.uint64)  # modulo 2^64, where every distance fits
        absolute: Values = np.where(b >= a, gap, np.uint64(0) - gap)
    else:  # the distance of a signed and an unsigned number may need 65 bits
        absolute = np.array([abs(int(b) - int(a)) for a, b in zip(r, x, strict=True)], dtype=object)
    size = np.abs(r.astype(np.float64))
    with np.errstate(all="ignore"):
        relative = np.where(size > 0, absolute.astype(np.float64) / size, np.inf)
    return {"absolute": absolute, "relative": relative}


def ratio(distance: int, size: int) -> float:
    """Their quotient, infinite where it has none."""
    try:
        return distance / size if size else math.inf
    except OverflowError:
        return math.inf


def digits_of(error: float) -> float:
    """Decimal digits of agreement, 0 to 17."""
    return min(max(-math.log10(error), 0.0), TOP) if 0 < error < math.inf else 0.0 if error else TOP


def digits(r: Values, x: Values, touched: NDArray[np.intp], found: dict[str, Values]) -> NDArray[np.float64]:
    """Log relative error, -log10(|x-r|/|r|), and -log10|x| where r is 0 (McCullough 1998, section 3).

    One per pair of finite values; `found` holds the errors of those at `touched`.
    """
    wide_r, wide_x = kernel.components(r, x)
    finite = (np.isfinite(wide_r) & np.isfinite(wide_x)).all(axis=1)
    nothing = (wide_r[touched] == 0).all(axis=1)
    error = np.where(nothing, found["absolute"], found["relative"])
    agreed = np.full(r.size, TOP)
    agreed[touched] = np.where(error > 0, np.clip(-np.log10(error), 0.0, TOP) + 0.0, TOP)
    return np.asarray(agreed[finite], dtype=np.float64)


def _summary(scan: Scan) -> Digits | None:
    total = int(scan.fine.sum())
    if not total:
        return None
    if scan.exact_digits is not None:
        median = float(np.median(scan.exact_digits))
        low = float(np.percentile(scan.exact_digits, 1))
    else:
        median, low = _quantile(scan.fine, 0.5), _quantile(scan.fine, 0.01)
    return Digits(
        histogram=tuple(int(n) for n in scan.classes),
        worst=min(scan.least_digits, TOP),
        median=median,
        low=max(low, min(scan.least_digits, TOP)),
    )


def _quantile(fine: NDArray[np.int64], share: float) -> float:
    """The digits below which a share of the values lies, to the width of a bin."""
    sums = np.cumsum(fine)
    return min(float(np.searchsorted(sums, share * sums[-1])) * TOP / (len(fine) - 1), TOP)


def _worst_at(pair: Pair, number: int, error: float) -> Worst:
    index, place = pair.locate(number)
    baseline, observed = _plain(value_at(pair.r, number)[0]), _plain(value_at(pair.x, number)[0])
    return Worst(
        error=_finite_type(error),
        index=index,
        baseline=shown(baseline),
        observed=shown(observed),
        place=place,
    )


def _plain(value: Any) -> object:  # noqa: ANN401 - a numpy scalar of any type
    return _finite_type(value.item()) if isinstance(value, np.generic) else value


def _finite_type(value: Any) -> Any:  # noqa: ANN401 - whatever the array held
    """Extended precision has no Python type: it is reported as the nearest double."""
    if isinstance(value, np.clongdouble):
        return complex(value)
    return float(value) if isinstance(value, np.longdouble) else value
