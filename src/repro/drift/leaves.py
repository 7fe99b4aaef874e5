"""Leaves of numbers judged under the rules that decide about their parts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.core.verdict import Verdict
from repro.drift import kernel, series, stats
from repro.drift.advice import advice
from repro.drift.kernel import Terms
from repro.drift.pattern import path_text
from repro.drift.report import PathReport
from repro.drift.scan import scan
from repro.drift.tree import Array, PrintedFloat, kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repro.drift.pattern import TreePath
    from repro.drift.resolve import Decider
    from repro.drift.rules import Rule
    from repro.drift.tally import Drifted, Tally, Waiting
    from repro.drift.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrays:
    """Two arrays of one kind and shape; `flat` numbers the values that are looked at (C order), None: all."""

    r: Array
    x: Array
    flat: NDArray[np.intp] | None

    def chosen(self, values: NDArray[Any]) -> NDArray[Any]:
        """The values that are looked at: all in their shape, or (n,)."""
        return values if self.flat is None else values.reshape(-1)[self.flat]

    def locate(self, number: int) -> tuple[tuple[int, ...], str]:
        """Index in the leaf, and the line of the file if it has lines."""
        at = number if self.flat is None else int(self.flat[number])
        index = tuple(int(axis) for axis in np.unravel_index(at, self.r.values.shape))
        if self.r.rows is not None:
            index = (int(self.r.rows[index[0]]), *index[1:])
        lines = self.r.printed.lines
        return index, "" if lines is None else f"line {int(lines[at])}"


def by_writing(arrays: Arrays) -> list[Arrays]:
    """Numbers of a text that both sides write as integers are integers, the others floats."""
    r, x = arrays.r, arrays.x
    if r.printed.whole is None or x.printed.whole is None:
        return [arrays]
    whole = r.printed.whole & x.printed.whole
    chosen = np.arange(whole.size) if arrays.flat is None else arrays.flat
    integers = Arrays(
        r=Array(values=np.where(whole, r.values, 0).astype(np.int64), printed=r.printed),
        x=Array(values=np.where(whole, x.values, 0).astype(np.int64)),
        flat=chosen[whole[chosen]],
    )
    floats = Arrays(r=r, x=x, flat=chosen[~whole[chosen]])
    return [part for part in (integers, floats) if part.flat is not None and part.flat.size]


def judge_part(tally: Tally, path: TreePath, arrays: Arrays, decider: Decider) -> None:
    """Judge the values that one rule decides about."""
    r, x = arrays.chosen(arrays.r.values), arrays.chosen(arrays.x.values)
    rule = decider.rule
    scale = rule.scale
    if scale is None and rule.srtol > 0 and kernel.is_inexact(r) and r is not x:
        scale = kernel.largest(arrays.r.values)
    units = arrays.r.printed.half_units if rule.printed else None
    found = scan(r, x, terms_of(rule, scale or 0.0, None if units is None else arrays.chosen(units)))
    tally.add(found)
    if not found.differing:
        return
    if scale is None:
        scale = (
            found.largest
            if arrays.flat is None or not kernel.is_inexact(r)
            else kernel.largest(arrays.r.values)
        )
    pair = stats.Pair(r=r, x=x, scan=found, scale=scale, locate=arrays.locate, whole=arrays.flat is None)
    tally.deviation = max(tally.deviation, stats.deviation(pair))
    if found.over:
        aim = path_text(path) if arrays.flat is None or decider.label == "default" else rule.path
        _find(tally, path, pair, decider, aim)


def small_report(output: str, tree: Tree, path: TreePath, arrays: Arrays, decider: Decider) -> PathReport:
    """The report of a whole array that has been judged among others."""
    r, x = arrays.r.values, arrays.x.values
    scale = kernel.largest(r) if decider.rule.scale is None else decider.rule.scale
    found = scan(r, x, terms_of(decider.rule, scale, None))
    pair = stats.Pair(r=r, x=x, scan=found, scale=scale, locate=arrays.locate, whole=True)
    return _drifted(output, path, pair, decider, path_text(path), tree)


def terms_of(rule: Rule, scale: float | NDArray[np.float64], units: NDArray[np.float64] | None) -> Terms:
    """What a rule grants, with the scale and the half units that it refers to."""
    return Terms(
        rtol=0.0 if rule.exact else rule.rtol,
        atol=rule.atol,
        srtol=rule.srtol,
        scale=scale,
        ulp=rule.ulp,
        digits=rule.digits,
        exact=rule.exact,
        half_units=units,
        strict_zero=rule.strict_zero,
    )


def _find(tally: Tally, path: TreePath, pair: stats.Pair, decider: Decider, aim: str) -> None:
    verdict = Verdict.PATTERN if pair.scan.pattern else Verdict.DRIFT
    report = partial(_drifted, tally.output, path, pair, decider, aim, tally.baseline)
    tally.find(verdict, report, math.inf if verdict is Verdict.PATTERN else stats.size_of(pair))


def _drifted(
    output: str, path: TreePath, pair: stats.Pair, decider: Decider, aim: str, tree: Tree
) -> PathReport:
    rule = decider.rule
    found = stats.describe(pair, labels=rule.labels)
    along = series.coordinate_of(tree, path)
    first = found["first_difference"] if found["first_over"] is None else found["first_over"]
    inexact = kernel.is_inexact(pair.r)
    scalar = math.isnan(pair.scale)
    return PathReport(
        path=path_text(path),
        output=output,
        verdict=Verdict.PATTERN if found["pattern"] else Verdict.DRIFT,
        reason="NaN or infinity stands in other places"
        if found["pattern"]
        else exactness(rule, pair.r.dtype.kind),
        kind=kind_of(Array(values=pair.r)),
        rule=decider.label,
        advice=advice(found["worst"], path=aim, output=output, scale=rule.scale, scalar=scalar)
        if inexact
        else "",
        first_place=along.at(first) if along is not None and first is not None else "",
        growth=series.growth(pair.r, pair.x, pair.scale, along) if pair.whole else None,
        **found,
    )


def exactness(rule: Rule, kind: str) -> str:
    """A word to the author of a tolerance for what has none."""
    return "integers are exact, whatever the tolerance" if kind in "iu" and rule.loosened else ""


def judge_floats(tally: Tally, waiting: list[Waiting]) -> None:
    """Judge single floats under one rule together; the scale of each is its own |r|, or the declared one."""
    rule = waiting[0].decider.rule
    r = np.array([item.r for item in waiting], dtype=np.float64)
    x = np.array([item.x for item in waiting], dtype=np.float64)
    units = np.array([_unit(item.r) for item in waiting]) if rule.printed else None
    for number, verdict, size in drifted_floats(tally, rule, r, x, units):
        tally.find(verdict, partial(drifted_float, tally.output, waiting[number]), size)


def drifted_floats(
    tally: Tally,
    rule: Rule,
    r: NDArray[np.float64],
    x: NDArray[np.float64],
    units: NDArray[np.float64] | None,
) -> list[Drifted]:
    """Judge and count floats, none of them stored alike; those that drift, as far as they may be listed."""
    admission = _admit_floats(tally, rule, r, x, units)
    with np.errstate(all="ignore"):
        sizes = np.where(admission.pattern, math.inf, np.abs(x / r - 1)[admission.touched])
    over = admission.over
    return tally.foremost(admission.touched[over], sizes[over], admission.pattern[over])


def _admit_floats(
    tally: Tally,
    rule: Rule,
    r: NDArray[np.float64],
    x: NDArray[np.float64],
    units: NDArray[np.float64] | None,
) -> kernel.Admission:
    """Judge and count floats, none of them stored alike, each of which is its own scale."""
    scale = np.abs(r) if rule.scale is None else rule.scale
    admission = kernel.admit(r, x, terms_of(rule, scale, units))
    tally.add(admission)
    with np.errstate(all="ignore"):
        gaps = np.abs(x - r)[admission.touched] / np.abs(
            scale if np.ndim(scale) == 0 else r[admission.touched]
        )
    tally.deviation = max(tally.deviation, float(np.max(np.nan_to_num(gaps, nan=math.inf), initial=0.0)))
    return admission


def drifted_float(output: str, item: Waiting) -> PathReport:
    """The same judgement on one value alone, for its report."""
    rule = item.decider.rule
    r, x = np.array([item.r], dtype=np.float64), np.array([item.x], dtype=np.float64)
    units = np.array([_unit(item.r)]) if rule.printed else None
    scale = abs(item.r) if rule.scale is None else rule.scale
    found = scan(r, x, terms_of(rule, scale, units))
    own = math.nan if rule.scale is None else rule.scale
    pair = stats.Pair(r=r, x=x, scan=found, scale=own, locate=lambda _: ((), ""))
    return _drifted(output, item.path, pair, item.decider, path_text(item.path), {})


def _unit(number: float) -> float:
    return number.half_unit if isinstance(number, PrintedFloat) else 0.0
