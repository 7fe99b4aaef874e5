"""Two documents of dicts, lists and scalars walked in step: the short way where no rules are given.

A tree has an object per leaf and path, which nested documents have very many of. Where one rule decides about
all leaves, and the documents differ in values alone, numbers are collected and judged without paths; those
that a report tells are looked for afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.core.verdict import Verdict
from repro.drift.leaves import Arrays, drifted_float, drifted_floats, judge_part, small_report
from repro.drift.match import unequal
from repro.drift.places import FLOATS, PACKED, Places, is_packed, neighbours
from repro.drift.resolve import UNRULED
from repro.drift.small import SMALL, drifted_small
from repro.drift.tally import Tally, Waiting
from repro.drift.tree import Array, Plain, rectangular

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from repro.drift.pattern import TreePath
    from repro.drift.report import OutputReport, PathReport
    from repro.drift.resolve import OutputRules
    from repro.drift.tally import Drifted
    from repro.drift.tree import Scalar, Tree


@dataclass(slots=True, kw_only=True)
class _Numbers:
    """What is met on the way: single floats, arrays of few floats one behind the other, and other leaves.

    `paths` numbers the others; of those that differ, `odd` holds the number and both sides.
    """

    tally: Tally
    singles: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    packed: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    sizes: list[int] = field(default_factory=list)
    exact: int = 0
    paths: int = 0
    odd: list[tuple[int, Arrays | tuple[Scalar, Scalar]]] = field(default_factory=list)


def compared(
    name: str, baseline: Tree | Plain, observed: Tree | Plain, rules: OutputRules
) -> OutputReport | None:
    """The report of two documents of one structure without rules; None if it takes trees to say."""
    if not isinstance(baseline, Plain) or not isinstance(observed, Plain) or not rules.none:
        return None
    numbers = _Numbers(tally=Tally(output=name))
    if not _alike([baseline.value], [observed.value], numbers):
        return None
    _judge(baseline.value, numbers)
    return numbers.tally.report()


def _judge(document: object, numbers: _Numbers) -> None:
    tally, rule = numbers.tally, UNRULED.rule
    r, x = (np.array(side, dtype=np.float64) for side in numbers.singles)
    open_ = np.flatnonzero((r != x) & ~(np.isnan(r) & np.isnan(x)))
    exact = numbers.exact + r.size - open_.size
    tally.paths += numbers.paths + r.size + len(numbers.sizes)
    tally.values += exact
    if exact:
        tally.admitted["exact"] += exact
    singles = drifted_floats(tally, rule, r[open_], x[open_], None) if open_.size else []
    singles = [(int(open_[number]), verdict, size) for number, verdict, size in singles]
    small: list[Drifted] = []
    if numbers.sizes:
        r, x = (np.array(side, dtype=np.float64) for side in numbers.packed)
        small = drifted_small(tally, rule, r, x, np.array(numbers.sizes))
    if not (numbers.odd or singles or small):
        return
    places = Places(
        singles={number: () for number, _, _ in singles},
        packed={number: () for number, _, _ in small},
        others={number: () for number, _ in numbers.odd},
    )
    places.find(document)
    _find_odd(document, numbers, places)
    _find_numbers(document, numbers, places, singles, small)


def _find_odd(document: object, numbers: _Numbers, places: Places) -> None:
    tally = numbers.tally
    for number, pair in numbers.odd:
        path = places.others[number]
        if isinstance(pair, Arrays):
            alone = Tally(output=tally.output, baseline=neighbours(document, path))
            judge_part(alone, path, pair, UNRULED)
            tally.findings += alone.findings
        else:
            tally.values += 1
            tally.over += 1
            tally.find(Verdict.DRIFT, partial(unequal, tally.output, path, *pair, UNRULED))


def _find_numbers(
    document: object, numbers: _Numbers, places: Places, singles: list[Drifted], small: list[Drifted]
) -> None:
    tally = numbers.tally
    for number, verdict, size in singles:
        r, x = (side[number] for side in numbers.singles)
        one = Waiting(path=places.singles[number], decider=UNRULED, r=r, x=x)
        tally.find(verdict, partial(drifted_float, tally.output, one), size)
    for number, verdict, size in small:
        path = places.packed[number]
        tally.find(verdict, partial(_small_report, numbers, document, path, number), size)


def _small_report(numbers: _Numbers, document: object, path: TreePath, number: int) -> PathReport:
    """The report of a small array, which has its shape in the document."""
    tree = neighbours(document, path)
    array = tree[path]
    assert isinstance(array, Array)  # noqa: S101 - numbers were packed from it
    start = sum(numbers.sizes[:number])
    x = np.array(numbers.packed[1][start : start + numbers.sizes[number]]).reshape(array.values.shape)
    arrays = Arrays(r=array, x=Array(values=x), flat=None)
    return small_report(numbers.tally.output, tree, path, arrays, UNRULED)


def _alike(r: Iterable[Any], x: Iterable[Any], numbers: _Numbers) -> bool:
    """Whether the items of two containers of one size are of one structure; their values are collected."""
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
        else:
            if a == b:
                numbers.exact += 1
            else:
                numbers.odd.append((numbers.paths, (a, b)))
            numbers.paths += 1
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
    if is_packed(one):
        _pack(_flat(one.values), _flat(other.values), numbers)
        return True
    arrays = Arrays(r=one, x=other, flat=None)
    judge_part(numbers.tally, (), arrays, UNRULED)
    if numbers.tally.findings:
        numbers.tally.findings.clear()  # to be judged again where it stands
        numbers.odd.append((numbers.paths, arrays))
    numbers.paths += 1
    return True


def _flat(values: NDArray[Any]) -> list[float]:
    flat: list[float] = values.reshape(-1).tolist()
    return flat
