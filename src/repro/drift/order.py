"""Rows of a table that stand in another order: found by a column of keys, and told with the rule for them."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

from repro.core.verdict import SEVERITY
from repro.drift.advice import order_advice
from repro.drift.arrange import column_of, rows_of
from repro.drift.report import PathReport
from repro.drift.resolve import UNRULED

if TYPE_CHECKING:
    from repro.drift.tally import Tally
    from repro.drift.tree import Tree

MAX_CELLS: Final = 1_000_000
"""Cap on a table in which an order is looked for."""

Columns = dict[str, tuple[list[object], list[object]]]
"""Both sides of each column by its name."""


def tell_order(tally: Tally, baseline: Tree, observed: Tree) -> None:
    """Say it first where rows only stand in another order: what follows from it fills pages."""
    rows = rows_of(baseline)
    if rows is None or rows != rows_of(observed):
        return
    names = list(dict.fromkeys(str(path[0]) for path in baseline))
    if rows * len(names) > MAX_CELLS:
        return
    pairs = {name: (column_of(baseline, (), name), column_of(observed, (), name)) for name in names}
    columns = {name: (r, x) for name, (r, x) in pairs.items() if r and x and len(r) == len(x) == rows}
    keys = _keys(columns)
    if not keys or not _explains(columns, keys):
        return
    verdict = min((found.verdict for found in tally.findings), key=SEVERITY.index)
    report = partial(
        PathReport,
        path="$",
        output=tally.output,
        verdict=verdict,
        reason="the rows stand in another order",
        rule=UNRULED.label,
        advice=order_advice(keys, tally.output),
    )
    tally.find(verdict, report)
    tally.findings.insert(0, tally.findings.pop())


def _keys(columns: Columns) -> tuple[str, ...]:
    """A column, or the first few, whose values tell rows apart and are the same on both sides; or none."""
    same = [name for name, (r, x) in columns.items() if Counter(r) == Counter(x)]
    same.sort(key=lambda name: isinstance(columns[name][0][0], float))  # a measured number is a poor key
    for name in same:
        if len(set(columns[name][0])) == len(columns[name][0]):
            return (name,)
    for count in range(2, len(same) + 1):
        names = tuple(same[:count])
        r, x = (set(_rows(columns, names, side)) for side in (0, 1))
        if len(r) == len(columns[names[0]][0]):
            return names if r == x else ()
    return ()


def _rows(columns: Columns, names: tuple[str, ...], side: int) -> list[tuple[object, ...]]:
    return list(zip(*(columns[name][side] for name in names), strict=True))


def _explains(columns: Columns, keys: tuple[str, ...]) -> bool:
    """Whether most cells that differ are the same once rows are paired by their keys."""
    place = {key: number for number, key in enumerate(_rows(columns, keys, 1))}
    order = [place[key] for key in _rows(columns, keys, 0)]
    before = sum(a != b for r, x in columns.values() for a, b in zip(r, x, strict=True))
    after = sum(a != x[at] for r, x in columns.values() for a, at in zip(r, order, strict=True))
    return after < before / 2
