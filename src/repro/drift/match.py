"""The comparison of two trees: structure first, then every leaf under the rule that decides about it."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.core.verdict import SEVERITY, Verdict
from repro.drift import kernel, stats
from repro.drift.advice import advice
from repro.drift.kernel import Terms
from repro.drift.pattern import path_text
from repro.drift.report import LISTED, OutputReport, PathReport, Worst, shown
from repro.drift.tree import Array, Empty, Lines, Opaque, PrintedFloat, aligned, kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repro.drift.pattern import TreePath
    from repro.drift.resolve import Decider, OutputRules
    from repro.drift.rules import Rule
    from repro.drift.tree import Leaf, Tree

ABSENT = object()
"""Stands for the leaf that one side does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A leaf that does not match; its report is made only if it is among the worst."""

    verdict: Verdict
    size: float
    report: Callable[[], PathReport]


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was found in one output so far."""

    output: str
    paths: int = 0
    values: int = 0
    over: int = 0
    ignored: int = 0
    admitted: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    loose: dict[str, list[tuple[TreePath, Decider, float, float]]] = field(default_factory=dict)

    def find(self, verdict: Verdict, report: Callable[[], PathReport], size: float = math.inf) -> None:
        """Note a leaf that does not match."""
        self.findings.append(Finding(verdict=verdict, size=size, report=report))

    def add(self, admission: kernel.Admission) -> None:
        """Count judged values."""
        self.values += admission.count
        self.over += admission.over_count
        self.admitted.update(admission.admitted)
        self.alone.update(admission.alone)

    def structure(self, path: TreePath, reason: str, decider: Decider) -> None:
        """Note a difference that comes before any number."""
        self.find(
            Verdict.STRUCTURE,
            partial(
                PathReport,
                path=path_text(path),
                output=self.output,
                verdict=Verdict.STRUCTURE,
                reason=reason,
                rule=decider.label,
            ),
        )

    def report(self) -> OutputReport:
        """The findings so far, worst first."""
        order = heapq.nsmallest(
            LISTED,
            enumerate(self.findings),
            key=lambda item: (SEVERITY.index(item[1].verdict), -item[1].size, item[0]),
        )
        verdict = min((found.verdict for found in self.findings), key=SEVERITY.index, default=Verdict.MATCH)
        nothing = not self.findings and self.values == 0
        return OutputReport(
            name=self.output,
            verdict=Verdict.NOT_MEASURED if nothing else verdict,
            reason=("every value is ignored by a rule" if self.ignored else "holds no values")
            if nothing
            else "",
            paths=self.paths,
            values=self.values,
            over=self.over,
            ignored=self.ignored,
            admitted=dict(self.admitted),
            alone=dict(self.alone),
            findings=tuple(finding.report() for _, finding in order),
            left_out=max(len(self.findings) - LISTED, 0),
        )


def compare_trees(name: str, baseline: Tree, observed: Tree, rules: OutputRules) -> OutputReport:
    """Compare the leaves of one output."""
    baseline, observed = aligned(baseline, observed)
    tally = Tally(output=name)
    for path, leaf in baseline.items():
        _pair(tally, path, leaf, observed.get(path, ABSENT), rules)  # type: ignore[arg-type]
    for path, leaf in observed.items():
        if path not in baseline:
            _pair(tally, path, ABSENT, leaf, rules)  # type: ignore[arg-type]
    for loose in tally.loose.values():
        _judge_loose(tally, loose)
    return tally.report()


def _pair(tally: Tally, path: TreePath, r: Leaf, x: Leaf, rules: OutputRules) -> None:
    if isinstance(r, Array) and isinstance(x, Array):
        _pair_arrays(tally, path, r, x, rules)
        return
    decider = _decider(path, r if r is not ABSENT else x, rules)
    if decider.rule.ignore:
        tally.ignored += 1
    elif (reason := _unlike(r, x)) is not None:
        tally.paths += 1
        tally.structure(path, reason, decider)
    else:
        tally.paths += 1
        _pair_alike(tally, path, r, x, decider)


def _decider(path: TreePath, leaf: Leaf, rules: OutputRules) -> Decider:
    if not isinstance(leaf, Array):
        return rules.whole(path)
    parts = rules.parts(path, leaf.values.shape)
    return next((part.decider for part in parts if not part.decider.rule.ignore), parts[0].decider)


def _unlike(r: Leaf, x: Leaf) -> str | None:
    """Why two leaves cannot be compared, or None."""
    if x is ABSENT:
        return f"missing: the baseline has {_described(r)}"
    if r is ABSENT:
        return f"extra: the baseline has none, observed {_described(x)}"
    return None if _described(r) == _described(x) else f"{_described(r)} became {_described(x)}"


def _described(leaf: Leaf) -> str:
    if isinstance(leaf, Array) and leaf.values.ndim:
        return f"{kind_of(leaf)} of shape {leaf.values.shape}"
    return kind_of(leaf)


def _pair_alike(tally: Tally, path: TreePath, r: Leaf, x: Leaf, decider: Decider) -> None:
    if isinstance(r, Empty):
        return
    if isinstance(r, Lines) and isinstance(x, Lines):
        _pair_lines(tally, path, r, x, decider)
    elif isinstance(r, float) and isinstance(x, float):
        _pair_floats(tally, path, r, x, decider)
    elif isinstance(r, Array) or isinstance(x, Array):
        # a number alone and an array without axes, from files of two formats
        one, other = _as_array(r), _as_array(x)
        _judge_part(tally, path, Arrays(r=one, x=other, flat=None), decider)
    elif r == x:
        tally.values += 1
        tally.admitted["exact"] += 1
    else:
        tally.values += 1
        tally.over += 1
        tally.find(Verdict.DRIFT, partial(_unequal, tally.output, path, r, x, decider))


def _as_array(leaf: Leaf) -> Array:
    return leaf if isinstance(leaf, Array) else Array(values=np.asarray(leaf))


def _pair_floats(tally: Tally, path: TreePath, r: float, x: float, decider: Decider) -> None:
    """Equal floats are counted here; the others wait, to be judged together."""
    same_sign = r != 0 or not decider.rule.strict_zero or math.copysign(1, r) == math.copysign(1, x)
    if (r == x and same_sign) or (r != r and x != x):  # noqa: PLR0124 - NaN, at the speed of a million leaves
        tally.values += 1
        tally.admitted["exact"] += 1
    else:
        tally.loose.setdefault(decider.label, []).append((path, decider, r, x))


def _unequal(output: str, path: TreePath, r: Leaf, x: Leaf, decider: Decider) -> PathReport:
    if isinstance(r, Opaque) and isinstance(x, Opaque):
        reason = (
            f"the bytes differ: {r.digest.short} ({r.size} bytes) became {x.digest.short} ({x.size} bytes)"
        )
        worst: dict[str, Worst] = {}
    else:
        reason, worst = "", _worst_scalar(r, x, labels=decider.rule.labels)
    return PathReport(
        path=path_text(path),
        output=output,
        verdict=Verdict.DRIFT,
        reason=reason,
        kind=kind_of(r),
        count=1,
        differing=1,
        over=1,
        worst=worst,
        rule=decider.label,
    )


def _worst_scalar(r: Leaf, x: Leaf, *, labels: bool) -> dict[str, Worst]:
    sides = {"baseline": shown(r), "observed": shown(x)}
    if not isinstance(r, int) or not isinstance(x, int) or isinstance(r, bool) or labels:
        return {"value": Worst(error=1, **sides)}
    return {
        "absolute": Worst(error=abs(x - r), **sides),
        "relative": Worst(error=stats.ratio(abs(x - r), abs(r)), **sides),
    }


def _pair_lines(tally: Tally, path: TreePath, r: Lines, x: Lines, decider: Decider) -> None:
    tally.values += len(r.lines)
    if r.lines == x.lines:
        tally.admitted["exact"] += len(r.lines)
        return
    if len(r.lines) != len(x.lines):
        tally.structure(path, f"{len(r.lines)} lines became {len(x.lines)}", decider)
        return
    differ = [number for number, (a, b) in enumerate(zip(r.lines, x.lines, strict=True)) if a != b]
    first = differ[0]
    tally.admitted["exact"] += len(r.lines) - len(differ)
    tally.over += len(differ)
    before, after = (shown(side.lines[first].replace("\x00", "#")) for side in (r, x))
    reason = f"the text of {len(differ)} lines differs, first line {first + 1} (# for numbers): {before} became {after}"
    tally.structure(path, reason, decider)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrays:
    """Two arrays of one kind and shape, and the numbers of the values (C order) that are looked at, or all."""

    r: Array
    x: Array
    flat: NDArray[np.intp] | None

    def chosen(self, values: NDArray[Any]) -> NDArray[Any]:
        """The values that are looked at, (n,)."""
        return values.reshape(-1) if self.flat is None else values.reshape(-1)[self.flat]

    def locate(self, number: int) -> tuple[tuple[int, ...], str]:
        """Index in the leaf, and the line of the file if it has lines."""
        at = number if self.flat is None else int(self.flat[number])
        index = tuple(int(axis) for axis in np.unravel_index(at, self.r.values.shape))
        lines = self.r.printed.lines
        return index, "" if lines is None else f"line {int(lines[at])}"


def _pair_arrays(tally: Tally, path: TreePath, r: Array, x: Array, rules: OutputRules) -> None:
    parts = [part for part in rules.parts(path, r.values.shape) if not part.decider.rule.ignore]
    if not parts:
        tally.ignored += 1
        return
    tally.paths += 1
    if (reason := _unlike(r, x)) is not None:
        tally.structure(path, reason, parts[0].decider)
        return
    for part in parts:
        for arrays in _by_writing(Arrays(r=r, x=x, flat=part.flat)):
            _judge_part(tally, path, arrays, part.decider)


def _by_writing(arrays: Arrays) -> list[Arrays]:
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


def _judge_part(tally: Tally, path: TreePath, arrays: Arrays, decider: Decider) -> None:
    r, x = arrays.chosen(arrays.r.values), arrays.chosen(arrays.x.values)
    if kernel.same_bits(r, x):
        tally.values += r.size
        tally.admitted["exact"] += r.size
        return
    rule = decider.rule
    scale = rule.scale
    if scale is None:
        scale = kernel.largest(arrays.r.values) if kernel.is_inexact(r) else 0.0
    units = arrays.r.printed.half_units if rule.printed else None
    admission = kernel.admit(r, x, _terms(rule, scale, None if units is None else arrays.chosen(units)))
    tally.add(admission)
    if admission.over_count:
        pair = stats.Pair(r=r, x=x, admission=admission, scale=scale, locate=arrays.locate)
        aim = path_text(path) if arrays.flat is None or decider.label == "default" else rule.path
        _find(tally, path, pair, decider, aim)


def _terms(rule: Rule, scale: float | NDArray[np.float64], units: NDArray[np.float64] | None) -> Terms:
    return Terms(
        rtol=rule.rtol,
        atol=rule.atol,
        srtol=rule.srtol,
        scale=scale,
        half_units=units,
        strict_zero=rule.strict_zero,
    )


def _find(tally: Tally, path: TreePath, pair: stats.Pair, decider: Decider, aim: str) -> None:
    verdict = Verdict.PATTERN if pair.admission.pattern.any() else Verdict.DRIFT
    report = partial(_drifted, tally.output, path, pair, decider, aim)
    tally.find(verdict, report, math.inf if verdict is Verdict.PATTERN else stats.size_of(pair))


def _drifted(output: str, path: TreePath, pair: stats.Pair, decider: Decider, aim: str) -> PathReport:
    rule = decider.rule
    found = stats.describe(pair, labels=rule.labels)
    inexact = kernel.is_inexact(pair.r)
    scalar = math.isnan(pair.scale)
    return PathReport(
        path=path_text(path),
        output=output,
        verdict=Verdict.PATTERN if found["pattern"] else Verdict.DRIFT,
        reason="NaN or infinity stands in other places" if found["pattern"] else "",
        kind=kind_of(Array(values=pair.r)),
        rule=decider.label,
        advice=advice(found["worst"], path=aim, output=output, scale=rule.scale, scalar=scalar)
        if inexact
        else "",
        **found,
    )


def _judge_loose(tally: Tally, loose: list[tuple[TreePath, Decider, float, float]]) -> None:
    """Judge single floats under one rule together; the scale of each is its own |r| unless one is declared."""
    rule = loose[0][1].rule
    r = np.array([item[2] for item in loose], dtype=np.float64)
    x = np.array([item[3] for item in loose], dtype=np.float64)
    scale = np.abs(r) if rule.scale is None else rule.scale
    units = np.array([_unit(item[2]) for item in loose]) if rule.printed else None
    admission = kernel.admit(r, x, _terms(rule, scale, units))
    tally.add(admission)
    with np.errstate(all="ignore"):
        sizes = np.where(admission.pattern, math.inf, np.abs(x / r - 1)[admission.touched])
    found = zip(admission.touched, admission.over, admission.pattern, sizes, strict=True)
    for number, over, pattern, size in found:
        if over:
            unit = 0.0 if units is None else float(units[number])
            report = partial(_drifted_float, tally.output, *loose[number], unit)
            tally.find(Verdict.PATTERN if pattern else Verdict.DRIFT, report, float(size))


def _drifted_float(
    output: str, path: TreePath, decider: Decider, r: float, x: float, unit: float
) -> PathReport:  # noqa: PLR0913
    """The same judgement on one value alone, for its report."""
    rule = decider.rule
    one, other = np.array([r], dtype=np.float64), np.array([x], dtype=np.float64)
    scale = abs(r) if rule.scale is None else rule.scale
    admission = kernel.admit(one, other, _terms(rule, scale, np.array([unit])))
    own = math.nan if rule.scale is None else rule.scale
    pair = stats.Pair(r=one, x=other, admission=admission, scale=own, locate=lambda _: ((), ""))
    return _drifted(output, path, pair, decider, path_text(path))


def _unit(number: float) -> float:
    return number.half_unit if isinstance(number, PrintedFloat) else 0.0
