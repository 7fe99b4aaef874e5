"""Small arrays of doubles, of which nested results hold very many, judged all together under their rule."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from repro.core.verdict import Verdict
from repro.drift import kernel
from repro.drift.leaves import Arrays, small_report, terms_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repro.drift.kernel import Admission
    from repro.drift.resolve import Part
    from repro.drift.rules import Rule
    from repro.drift.tally import Small, Tally
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
    admission, relative = admit_small(tally, rule, r, x, sizes)
    touched = admission.touched
    starts = np.cumsum(sizes) - sizes
    owners = np.searchsorted(starts, touched[admission.over], side="right") - 1
    worst = np.zeros(len(waiting))
    np.maximum.at(worst, owners, np.nan_to_num(relative[admission.over], nan=0.0, posinf=math.inf))
    patterns = set(owners[admission.pattern[admission.over]].tolist())
    for number in np.flatnonzero(np.bincount(owners)).tolist():  # np.unique would load numpy.ma
        item = waiting[number]
        arrays = Arrays(r=item.r, x=item.x, flat=None)
        report = partial(small_report, tally.output, tally.baseline, item.path, arrays, item.decider)
        verdict = Verdict.PATTERN if number in patterns else Verdict.DRIFT
        tally.find(verdict, report, math.inf if number in patterns else float(worst[number]))


def admit_small(
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
