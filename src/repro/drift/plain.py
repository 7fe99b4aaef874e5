"""Two documents of dicts, lists and scalars walked in step: the short way to a match.

A tree has an object per leaf and path, which nested documents have very many of. Where one rule decides about
all of them and everything is admitted, no path is ever told: then numbers alone are collected and judged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.drift.leaves import Arrays, admit_floats, judge_part
from repro.drift.resolve import UNRULED
from repro.drift.small import SMALL, admit_small
from repro.drift.tally import Tally
from repro.drift.tree import Plain, rectangular

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from repro.drift.report import OutputReport
    from repro.drift.resolve import OutputRules
    from repro.drift.tree import Tree

FLOATS = frozenset({float})
PACKED = frozenset({list, int, bool, float})
"""What a list must hold, all of one type, to become an array."""


@dataclass(slots=True, kw_only=True)
class _Numbers:
    """Numbers met on the way: single floats, and arrays of few floats one behind the other."""

    tally: Tally
    singles: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    packed: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    sizes: list[int] = field(default_factory=list)
    exact: int = 0
    paths: int = 0


def matched(
    name: str, baseline: Tree | Plain, observed: Tree | Plain, rules: OutputRules
) -> OutputReport | None:
    """The report of two documents that match without rules; None if it takes trees to say."""
    if not isinstance(baseline, Plain) or not isinstance(observed, Plain) or not rules.none:
        return None
    numbers = _Numbers(tally=Tally(output=name))
    if not _alike([baseline.value], [observed.value], numbers):
        return None
    tally = numbers.tally
    _judge(tally, numbers)
    return None if tally.over or tally.findings else tally.report()


def _judge(tally: Tally, numbers: _Numbers) -> None:
    r, x = (np.array(side, dtype=np.float64) for side in numbers.singles)
    open_ = (r != x) & ~(np.isnan(r) & np.isnan(x))
    differing = int(np.count_nonzero(open_))
    exact = numbers.exact + r.size - differing
    tally.paths += numbers.paths + r.size + len(numbers.sizes)
    tally.values += exact
    if exact:
        tally.admitted["exact"] += exact
    if differing:
        admit_floats(tally, UNRULED.rule, r[open_], x[open_], None)
    if numbers.sizes:
        r, x = map(np.array, numbers.packed)
        admit_small(tally, UNRULED.rule, r, x, np.array(numbers.sizes))


def _alike(r: Iterable[Any], x: Iterable[Any], numbers: _Numbers) -> bool:
    """Whether the items of two containers of one size agree in everything but floats, which are collected."""
    ones, others = numbers.singles
    for a, b in zip(r, x, strict=True):
        kind = type(a)
        if kind is not type(b):
            return False
        if kind is float:
            ones.append(a)
            others.append(b)
        elif kind is dict:
            if not _alike_dicts(a, b, numbers):
                return False
        elif kind is list:
            if not _alike_lists(a, b, numbers):
                return False
        elif a == b:
            numbers.exact += 1
            numbers.paths += 1
        else:
            return False
    return True


def _alike_dicts(r: dict[str, Any], x: dict[str, Any], numbers: _Numbers) -> bool:
    if not r or not x:
        numbers.paths += 1
        return not r and not x
    if [*r] == [*x]:
        return _alike(r.values(), x.values(), numbers)
    return r.keys() == x.keys() and _alike(r.values(), map(x.__getitem__, r), numbers)


def _alike_lists(r: list[Any], x: list[Any], numbers: _Numbers) -> bool:
    if not r or len(r) != len(x):
        numbers.paths += 1
        return not r and not x
    kinds = {*map(type, r)}
    if kinds != {*map(type, x)}:
        return False
    if kinds == FLOATS and len(r) <= SMALL:
        _pack(r, x, numbers)
        return True
    return (_alike_arrays if len(kinds) == 1 and kinds <= PACKED else _alike)(r, x, numbers)


def _pack(r: list[float], x: list[float], numbers: _Numbers) -> None:
    numbers.packed[0].extend(r)
    numbers.packed[1].extend(x)
    numbers.sizes.append(len(r))


def _alike_arrays(r: list[Any], x: list[Any], numbers: _Numbers) -> bool:
    one, other = rectangular(r), rectangular(x)
    if one is None and other is None:
        return _alike(r, x, numbers)
    if one is None or other is None or one.values.shape != other.values.shape:
        return False
    if one.values.dtype != other.values.dtype:
        return False
    if one.values.dtype == np.float64 and one.values.size <= SMALL:
        _pack(_flat(one.values), _flat(other.values), numbers)
        return True
    numbers.paths += 1
    judge_part(numbers.tally, (), Arrays(r=one, x=other, flat=None), UNRULED)
    return not numbers.tally.findings


def _flat(values: NDArray[Any]) -> list[float]:
    flat: list[float] = values.reshape(-1).tolist()
    return flat
