"""The comparison of two trees: structure first, then every leaf under the rule that decides about it."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from repro.core.errors import ConfigError
from repro.core.verdict import Verdict
from repro.drift import gauge, stats
from repro.drift.arrange import arranged, cut
from repro.drift.leaves import Arrays, by_writing, exactness, judge_floats, judge_part
from repro.drift.order import tell_rows
from repro.drift.pattern import path_text
from repro.drift.report import PathReport, Worst, shown
from repro.drift.small import is_small, judge_small
from repro.drift.tally import Small, Tally, Waiting
from repro.drift.tree import KINDS, SCALARS, Array, Empty, Lines, Opaque, aligned, kind_of

if TYPE_CHECKING:
    from repro.drift.pattern import TreePath
    from repro.drift.report import OutputReport
    from repro.drift.resolve import Decider, OutputRules, Part
    from repro.drift.tree import Leaf, Tree

ABSENT = object()
"""Stands for the leaf that one side does not have."""


def compare_trees(name: str, baseline: Tree, observed: Tree, rules: OutputRules) -> OutputReport:
    """Compare the leaves of one output."""
    tally = Tally(output=name)
    whole = aligned(*arranged(tally, baseline, observed, rules))
    baseline, observed = cut(tally, *whole, rules)
    tally.baseline = baseline
    for path, leaf in baseline.items():
        _pair(tally, path, leaf, observed.get(path, ABSENT), rules)  # type: ignore[arg-type]
    for path, leaf in observed.items():
        if path not in baseline:
            _pair(tally, path, ABSENT, leaf, rules)  # type: ignore[arg-type]
    for waiting in tally.waiting.values():
        judge_floats(tally, waiting)
    for small in tally.small.values():
        judge_small(tally, small)
    if tally.findings:
        tell_rows(tally, *whole)
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
    if type(r) is type(x) and type(r) in SCALARS:
        return None
    if isinstance(r, Array) and isinstance(x, Array):
        alike = r.values.dtype == x.values.dtype and r.values.shape == x.values.shape
        if alike and r.values.dtype.kind in KINDS:
            return None
    if x is ABSENT:
        return f"missing: the baseline has {_described(r)}"
    if r is ABSENT:
        return f"extra: the baseline has none, observed {_described(x)}"
    if _described(r) == _described(x):
        return None
    return f"{_told(r)} became {_told(x)}"


def _told(leaf: Leaf) -> str:
    """What a leaf is, and its value if it is one."""
    return (
        f"{kind_of(leaf)} {shown(leaf)}" if isinstance(leaf, bool | int | float | str) else _described(leaf)
    )


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
        judge_part(tally, path, Arrays(r=one, x=other, flat=None), decider)
    elif r == x:
        tally.values += 1
        tally.admitted["exact"] += 1
    else:
        tally.values += 1
        tally.over += 1
        tally.find(Verdict.DRIFT, partial(unequal, tally.output, path, r, x, decider))


def _as_array(leaf: Leaf) -> Array:
    return leaf if isinstance(leaf, Array) else Array(values=np.asarray(leaf))


def _pair_floats(tally: Tally, path: TreePath, r: float, x: float, decider: Decider) -> None:
    """Equal floats are counted here; the others wait, to be judged together."""
    same_sign = r != 0 or not decider.rule.strict_zero or math.copysign(1, r) == math.copysign(1, x)
    if (r == x and same_sign) or (r != r and x != x):  # noqa: PLR0124 - NaN, at the speed of a million leaves
        tally.values += 1
        tally.admitted["exact"] += 1
    else:
        tally.waiting.setdefault(decider.label, []).append(Waiting(path=path, decider=decider, r=r, x=x))


def unequal(output: str, path: TreePath, r: Leaf, x: Leaf, decider: Decider) -> PathReport:
    """The report of two scalars or two opaque files that are not equal."""
    if isinstance(r, Opaque) and isinstance(x, Opaque):
        reason = (
            f"the bytes differ: {r.digest.short} ({r.size} bytes) became {x.digest.short} ({x.size} bytes)"
        )
        worst: dict[str, Worst] = {}
    else:
        reason = exactness(decider.rule, "i" if kind_of(r) == "integer" else "")
        worst = _worst_scalar(r, x, labels=decider.rule.labels)
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
    def sized(error: float) -> Worst:
        return Worst(error=error, baseline=shown(r), observed=shown(x))

    if not isinstance(r, int) or not isinstance(x, int) or isinstance(r, bool) or labels:
        return {"value": sized(1)}
    return {"absolute": sized(abs(x - r)), "relative": sized(stats.ratio(abs(x - r), abs(r)))}


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
    where = f"first in line {first + 1} (# for numbers)"
    reason = f"the text of {len(differ)} lines differs, {where}: {before} became {after}"
    tally.structure(path, reason, decider)


def _gauged(r: Array, x: Array, parts: list[Part]) -> Array:
    """The observed array in the order and with the signs that its rule lets it have."""
    part = next(
        (part for part in parts if part.decider.rule.permutation or part.decider.rule.up_to_sign), None
    )
    if part is None or not r.values.ndim:
        return x
    rule = part.decider.rule
    if part.flat is not None or len(parts) > 1:
        raise ConfigError(
            f"{part.decider.label}: permutation and up_to_sign hold for whole arrays",
            hint="name the array without an index, and no part of it in another rule",
        )
    values = gauge.permuted(r.values, x.values) if rule.permutation else x.values
    return replace(x, values=gauge.signed(r.values, values, rule.up_to_sign) if rule.up_to_sign else values)


def _pair_arrays(tally: Tally, path: TreePath, r: Array, x: Array, rules: OutputRules) -> None:
    parts = [part for part in rules.parts(path, r.values.shape) if not part.decider.rule.ignore]
    if not parts:
        tally.ignored += 1
        return
    tally.paths += 1
    if (reason := _unlike(r, x)) is not None:
        tally.structure(path, reason, parts[0].decider)
        return
    if is_small(r, x, parts):
        one = Small(path=path, decider=parts[0].decider, r=r, x=x)
        tally.small.setdefault(one.decider.label, []).append(one)
        return
    x = _gauged(r, x, parts)
    for part in parts:
        for arrays in by_writing(Arrays(r=r, x=x, flat=part.flat)):
            judge_part(tally, path, arrays, part.decider)
