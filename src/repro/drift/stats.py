"""What is told about values that do not match: the largest errors, the digits, where it begins."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.drift import kernel
from repro.drift.report import DIGITS, Digits, Worst, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repro.drift.kernel import Admission, Values

Locate = Callable[[int], tuple[tuple[int, ...], str]]
"""From a value's number to its index in the leaf, and its place in words if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """Baseline and observed values of one kind, both (n,), and how they were judged."""

    r: Values
    x: Values
    admission: Admission
    scale: float
    locate: Locate


def describe(pair: Pair, *, labels: bool = False) -> dict[str, Any]:
    """The fields of a `PathReport` that follow from the values; `labels` are counted, not measured."""
    admission = pair.admission
    found: dict[str, Any] = {
        "count": admission.count,
        "over": admission.over_count,
        "pattern": int(np.count_nonzero(admission.pattern)),
        "admitted": admission.admitted,
        "alone": admission.alone,
        "first_over": _first(pair, admission.touched[admission.over]),
    }
    if kernel.is_inexact(pair.r):
        with np.errstate(all="ignore"):
            return found | _inexact(pair)
    return found | _exact(pair, measured=not labels and pair.r.dtype.kind in "iuO")


def size_of(pair: Pair) -> float:
    """One number to order drifted leaves by: the largest relative error, infinite for what has none."""
    if not kernel.is_inexact(pair.r):
        return math.inf
    with np.errstate(all="ignore"):
        return float(np.max(_errors(pair)["relative"], initial=0.0))


def _first(pair: Pair, numbers: NDArray[np.intp]) -> int | None:
    if not numbers.size:
        return None
    index, _ = pair.locate(int(numbers[0]))
    return index[0] if index else None


def _exact(pair: Pair, *, measured: bool) -> dict[str, Any]:
    touched = pair.admission.touched
    first = int(touched[0])
    worst = {"value": _worst_at(pair, first, 1)}
    if measured:
        # Python integers: the distance of two 64-bit numbers needs 65 bits
        r, x = pair.r[touched].astype(object), pair.x[touched].astype(object)
        distances = [abs(int(b) - int(a)) for a, b in zip(r, x, strict=True)]
        at = max(range(len(distances)), key=distances.__getitem__)
        relative = [ratio(d, abs(int(a))) for d, a in zip(distances, r, strict=True)]
        worst_relative = max(range(len(relative)), key=relative.__getitem__)
        worst = {
            "absolute": _worst_at(pair, int(touched[at]), distances[at]),
            "relative": _worst_at(pair, int(touched[worst_relative]), relative[worst_relative]),
        }
    return {"differing": int(touched.size), "worst": worst, "first_difference": _first(pair, touched)}


def ratio(distance: int, size: int) -> float:
    """Their quotient, infinite where it has none."""
    try:
        return distance / size if size else math.inf
    except OverflowError:
        return math.inf


def _inexact(pair: Pair) -> dict[str, Any]:
    admission = pair.admission
    errors = _errors(pair)
    differing = admission.over | (errors["absolute"] > 0)
    worst = {sort: _largest(pair, error) for sort, error in errors.items() if np.any(error > 0)}
    if admission.pattern.any():
        worst["pattern"] = _worst_at(pair, int(admission.touched[np.argmax(admission.pattern)]), math.inf)
    elif not worst:  # zeros of different sign under strict_zero: no error has a size
        worst["value"] = _worst_at(pair, int(admission.touched[np.argmax(admission.over)]), 0.0)
    return {
        "differing": int(np.count_nonzero(differing)),
        "worst": worst,
        "digits": _digits(pair, errors),
        "bias": _bias(pair),
        "first_difference": _first(pair, admission.touched[differing]),
    }


def _errors(pair: Pair) -> dict[str, Values]:
    """Errors of each touched value by sort; 0 where a value is not finite, for that is a pattern."""
    touched = pair.admission.touched
    r, x = pair.r[touched], pair.x[touched]
    wide_r, wide_x = kernel.components(r, x)
    finite = (np.isfinite(wide_r) & np.isfinite(wide_x)).all(axis=1)
    absolute = np.where(finite, np.abs(wide_x - wide_r).max(axis=1, initial=0.0), 0.0)
    half = np.where(np.isinf(absolute), 0.5, 1.0)  # a distance that overflows still has a finite ratio
    distance = np.where(
        finite, np.abs(wide_x * half[:, None] - wide_r * half[:, None]).max(axis=1, initial=0.0), 0.0
    )
    size = kernel.modulus(wide_r)[:, 0] * half
    errors = {"absolute": absolute, "relative": np.where(distance > 0, distance / size, 0.0)}
    scale = size if math.isnan(pair.scale) else pair.scale * half
    errors["scaled"] = np.where(distance > 0, distance / scale, 0.0)
    ulp = kernel.ulp_distance(r, x)
    if ulp is not None:
        errors["ulp"] = np.where(finite, ulp, np.uint64(0))
    return errors


def _largest(pair: Pair, error: Values) -> Worst:
    at = int(np.argmax(error))
    return _worst_at(pair, int(pair.admission.touched[at]), error[at].item())


def _worst_at(pair: Pair, number: int, error: float) -> Worst:
    index, place = pair.locate(number)
    baseline, observed = _plain(pair.r[number]), _plain(pair.x[number])
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


def _digits(pair: Pair, errors: dict[str, Values]) -> Digits | None:
    """Log relative error, -log10(|x-r|/|r|), and -log10|x| where r is 0 (McCullough 1998, section 3)."""
    touched = pair.admission.touched
    wide_r, wide_x = kernel.components(pair.r, pair.x)
    finite = (np.isfinite(wide_r) & np.isfinite(wide_x)).all(axis=1)
    relative = errors["relative"]
    error = np.where(np.isinf(relative), errors["absolute"], relative)
    top = float(DIGITS - 1)
    digits = np.full(pair.admission.count, top)
    digits[touched] = np.where(error > 0, np.clip(-np.log10(error), 0.0, top) + 0.0, top)
    digits = digits[finite]
    if not digits.size:
        return None
    histogram = np.bincount(digits.astype(np.intp), minlength=DIGITS)
    return Digits(
        histogram=tuple(int(n) for n in histogram), worst=float(digits.min()), median=float(np.median(digits))
    )


def _bias(pair: Pair) -> float | None:
    if pair.r.dtype.kind == "c":
        return None
    touched = pair.admission.touched
    r, x = kernel.components(pair.r[touched], pair.x[touched])
    up, down = int(np.count_nonzero(x > r)), int(np.count_nonzero(x < r))
    return (up - down) / (up + down) if up + down else None
