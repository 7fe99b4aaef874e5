"""Tables with other rows, or the same in another order: said before what follows, with what pairs them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from repro.core.verdict import SEVERITY, Verdict
from repro.drift.advice import order_advice
from repro.drift.arrange import column_of, rows_of
from repro.drift.report import PathReport
from repro.drift.resolve import UNRULED

if TYPE_CHECKING:
    from repro.drift.tally import Tally
    from repro.drift.tree import Tree

MAX_CELLS: Final = 1_000_000
"""Cap on a table in which an order is looked for."""

MAX_KEYS: Final = 5
"""Columns of which keys are made."""

Columns = dict[str, tuple[list[object], list[object]]]
"""Both sides of each column by its name."""


def tell_rows(tally: Tally, baseline: Tree, observed: Tree) -> None:
    """Say it first where a table has other rows, or the same in another order: the rest follows from it."""
    before, after = rows_of(baseline), rows_of(observed)
    if before is None or after is None:
        return
    columns = _columns(baseline, observed, before, after)
    keys = _keys(columns)
    if before == after:
        if not keys or not _explains(columns, keys):
            return
        reason = "the rows stand in another order"
        verdict = min((found.verdict for found in tally.findings), key=SEVERITY.index)
    else:
        reason = f"{before} rows became {after}; rows are paired by their order"
        verdict = Verdict.STRUCTURE
    report = partial(
        PathReport,
        path="$",
        output=tally.output,
        verdict=verdict,
        reason=reason,
        rule=UNRULED.label,
        advice=order_advice(keys, tally.output),
    )
    tally.find(verdict, report)
    tally.findings.insert(0, tally.findings.pop())


def _columns(baseline: Tree, observed: Tree, before: int, after: int) -> Columns:
    """The columns that both tables have whole."""
    names = list(dict.fromkeys(str(path[0]) for path in baseline))
    if max(before, after) * len(names) > MAX_CELLS:
        return {}
    pairs = {name: (column_of(baseline, (), name), column_of(observed, (), name)) for name in names}
    return {name: (r, x) for name, (r, x) in pairs.items() if r and x and (len(r), len(x)) == (before, after)}


def _keys(columns: Columns) -> tuple[str, ...]:
    """A column, or the few of the first ones, whose values tell rows apart and are mostly on both sides.

    Measured numbers are keys only where nothing else is, and both sides have the same.
    """
    named = tuple(name for name, (r, _) in columns.items() if not isinstance(r[0], float))
    for name in named:
        if _tells_apart(columns, (name,)):
            return (name,)
    for count in range(2, min(len(named), MAX_KEYS) + 1):
        if _tells_apart(columns, named[:count]):
            return _fewest(columns, named[:count])
    alike = (name for name, (r, x) in columns.items() if name not in named and set(r) == set(x))
    return next(((name,) for name in alike if _tells_apart(columns, (name,))), ())


def _fewest(columns: Columns, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        fewer = tuple(other for other in names if other != name)
        names = fewer if _tells_apart(columns, fewer) else names
    return names


def _tells_apart(columns: Columns, names: tuple[str, ...]) -> bool:
    r, x = (_rows(columns, names, side) for side in (0, 1))
    one, other = set(r), set(x)
    return len(one) == len(r) and len(other) == len(x) and 2 * len(one & other) > min(len(r), len(x))


def _rows(columns: Columns, names: tuple[str, ...], side: int) -> list[tuple[object, ...]]:
    return list(zip(*(columns[name][side] for name in names), strict=True))


def _explains(columns: Columns, keys: tuple[str, ...]) -> bool:
    """Whether most cells that differ are the same once rows are paired by their keys."""
    place = {key: number for number, key in enumerate(_rows(columns, keys, 1))}
    order = [place.get(key) for key in _rows(columns, keys, 0)]
    before = sum(a != b for r, x in columns.values() for a, b in zip(r, x, strict=True))
    after = sum(at is None or a != x[at] for r, x in columns.values() for a, at in zip(r, order, strict=True))
    return after < before / 2
