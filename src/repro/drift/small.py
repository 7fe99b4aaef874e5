"""Small arrays of doubles, of which nested results hold very many, judged all together under their rule."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from repro.drift import kernel
from repro.drift.leaves import Arrays, small_report, terms_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repro.drift.kernel import Admission
    from repro.drift.resolve import Part
    from repro.drift.rules import Rule
    from repro.drift.tally import Drifted, Small, Tally
    from repro.drift.tree import Array

SMALL: Final = 256
"""Values up to which an array is judged with others."""


def is_small(r: Array, x: Array, parts: list[Part]) -> bool:
    """Whether two arrays may be judged with others: one plain rule for all of their few native doubles."""
    a, b = r.values, x.values
    if a.size > SMALL or a.dtype != np.float64 or b.dtype != np.float64 or len(parts) > 1:
        return False
    rule = parts[0].decider.rule
    special = rule.printed or rule.permutation or rule.up_to_sign or parts[0].flat is not None
    return not special and r.printed.whole is None and r.rows is None


def judge_small(tally: Tally, waiting: list[Small]) -> None:
    """Judge the arrays that wait under one rule; the scale of each is its own, or the declared one."""
    rule = waiting[0].decider.rule
    r = np.concatenate([item.r.values.reshape(-1) for item in waiting])
    x = np.concatenate([item.x.values.reshape(-1) for item in waiting])
    sizes = np.array([item.r.values.size for item in waiting])
    for number, verdict, size in drifted_small(tally, rule, r, x, sizes):
        item = waiting[number]
        arrays = Arrays(r=item.r, x=item.x, flat=None)
        report = partial(small_report, tally.output, tally.baseline, item.path, arrays, item.decider)
        tally.find(verdict, report, size)


def drifted_small(
    tally: Tally, rule: Rule, r: NDArray[np.float64], x: NDArray[np.float64], sizes: NDArray[np.int_]
) -> list[Drifted]:
    """Judge and count arrays one behind the other; those that drift, as far as they may be listed."""
    admission, relative = _admit_small(tally, rule, r, x, sizes)
    over = admission.over
    starts = np.cumsum(sizes) - sizes
    owners = np.searchsorted(starts, admission.touched[over], side="right") - 1
    worst, pattern = np.zeros(sizes.size), np.zeros(sizes.size, dtype=np.bool_)
    np.maximum.at(worst, owners, np.nan_to_num(relative[over], nan=0.0, posinf=math.inf))
    pattern[owners[admission.pattern[over]]] = True
    drifted = np.unique(owners)
    return tally.foremost(drifted, np.where(pattern, math.inf, worst)[drifted], pattern[drifted])


def _admit_small(
    tally: Tally, rule: Rule, r: NDArray[np.float64], x: NDArray[np.float64], sizes: NDArray[np.int_]
) -> tuple[Admission, NDArray[np.float64]]:
    """Judge and count arrays one behind the other; also the relative errors of what was touched."""
    starts = np.cumsum(sizes) - sizes
    with np.errstate(all="ignore"):
        finite = np.where(np.isfinite(r), np.abs(r), 0.0)
        own = np.maximum.reduceat(finite, starts)
        scales = own if rule.scale is None else np.full(sizes.size, rule.scale)
        admission = kernel.admit(r, x, terms_of(rule, np.repeat(scales, sizes), None))
        tally.add(admission)
        touched = admission.touched
        gaps = np.abs(x[touched] - r[touched])
        scaled = gaps / np.repeat(scales, sizes)[touched]
        deviation = np.where(admission.pattern, math.inf, np.where(gaps > 0, scaled, 0.0))
        relative = np.where(admission.pattern, math.inf, gaps / np.abs(r[touched]))
    tally.deviation = max(tally.deviation, float(np.max(deviation, initial=0.0)))
    return admission, relative
