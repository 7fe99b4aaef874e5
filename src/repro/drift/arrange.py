"""Rows of tables paired by their keys, where a rule says that their order means nothing."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.drift.pattern import path_text
from repro.drift.report import shown
from repro.drift.tree import Array, Lines

if TYPE_CHECKING:
    from repro.drift.pattern import TreePath
    from repro.drift.resolve import Decider, OutputRules
    from repro.drift.tally import Tally
    from repro.drift.tree import Tree

SHOWN = 5
"""Keys that a report names."""

Keys = list[tuple[object, ...]]


def arranged(tally: Tally, baseline: Tree, observed: Tree, rules: OutputRules) -> tuple[Tree, Tree]:
    """Both trees with the rows of each table that a rule sorts in the baseline's order.

    A table is a mapping of columns or a list of mappings. Rows whose keys stand on one side only, and keys
    that stand twice, are `structure` findings; the other rows are compared.
    """
    if not rules.arranges:
        return baseline, observed
    for path in _containers(baseline):
        decider = rules.whole(path)
        if decider.rule.sorted_by:
            baseline, observed = _paired(tally, path, baseline, observed, decider)
    return baseline, observed


def _containers(tree: Tree) -> list[TreePath]:
    return sorted({path[:depth] for path in tree for depth in range(len(path))}, key=path_text)


def _paired(
    tally: Tally, path: TreePath, baseline: Tree, observed: Tree, decider: Decider
) -> tuple[Tree, Tree]:
    names = decider.rule.sorted_by
    keys, others = _keys(baseline, path, names), _keys(observed, path, names)
    if keys is None or others is None:
        return baseline, observed
    twice = _twice(keys) or _twice(others)
    if twice:
        tally.structure(path, f"rows cannot be paired: {_words(names, twice)} stands twice", decider)
        return baseline, observed
    place = {key: number for number, key in enumerate(others)}
    kept = [number for number, key in enumerate(keys) if key in place]
    order = [place[keys[number]] for number in kept]
    if len(kept) < len(keys) or len(kept) < len(others):
        known = set(keys)
        missing = [key for key in keys if key not in place]
        extra = [key for key in others if key not in known]
        tally.structure(path, _one_sided(names, missing, extra), decider)
    return (
        _taken(baseline, path, kept, kept, len(keys)),
        _taken(observed, path, order, kept, len(others)),
    )


def rows_of(tree: Tree) -> int | None:
    """How many rows a table of two columns or more has; None for what is no table."""
    lengths: Counter[object] = Counter()
    for path, leaf in tree.items():
        if isinstance(leaf, Lines) or not path or not isinstance(path[0], str):
            continue
        if isinstance(leaf, Array) and len(path) == 1 and leaf.values.ndim == 1:
            lengths[path[0]] = leaf.values.size
        elif len(path) == 2 and isinstance(path[1], int):  # noqa: PLR2004 - a column and a row
            lengths[path[0]] += 1
        else:
            return None
    counts = set(lengths.values())
    return counts.pop() if len(lengths) > 1 and len(counts) == 1 else None


def cut(tally: Tally, baseline: Tree, observed: Tree, rules: OutputRules) -> tuple[Tree, Tree]:
    """Both trees without the cells of rows, and of columns of words, that one of the tables does not have.

    A column with such cells is one `structure` finding, unless rules ignore them all.
    """
    before, after = rows_of(baseline), rows_of(observed)
    if before is None or after is None:
        return baseline, observed
    rest = min(before, after) if before != after else math.inf  # rows that were paired keep their numbers
    common = {path[0] for path in baseline} & {path[0] for path in observed}
    kept: list[Tree] = []
    for tree, alone in (
        (baseline, f"missing: the baseline has {before} cells"),
        (observed, f"extra: the baseline has none, observed {after} cells"),
    ):
        found: dict[str | int, Decider] = {}
        beyond = {path: path[0] for path in tree if _is_cell(path, rest, common)}
        for path, name in beyond.items():
            decider = rules.whole(path)
            if not decider.rule.ignore:
                found.setdefault(name, decider)
        for name, decider in found.items():
            told = f"{before} cells became {after}" if name in common else alone
            tally.paths += 1
            tally.structure((name,), told, decider)
        kept.append({path: leaf for path, leaf in tree.items() if path not in beyond} if beyond else tree)
    return kept[0], kept[1]


def _is_cell(path: TreePath, rest: float, common: set[str | int]) -> bool:
    """Whether a cell stands in a column that is not `common`, or in a row from `rest` on."""
    return len(path) > 1 and isinstance(path[1], int) and (path[1] >= rest or path[0] not in common)


def _one_sided(names: tuple[str, ...], missing: Keys, extra: Keys) -> str:
    parts = []
    for keys, what in ((missing, "missing"), (extra, "extra")):
        if keys:
            more = ", …" if len(keys) > SHOWN else ""
            told = ", ".join(_words(names, key) for key in keys[:SHOWN])
            parts.append(f"{len(keys)} rows {what} ({told}{more})")
    return ", ".join(parts)


def _words(names: tuple[str, ...], key: tuple[object, ...]) -> str:
    return " ".join(f"{name} = {shown(value)}" for name, value in zip(names, key, strict=True))


def _twice(keys: Keys) -> tuple[object, ...] | None:
    if len(set(keys)) == len(keys):
        return None
    seen: set[tuple[object, ...]] = set()
    return next(key for key in keys if key in seen or seen.add(key))  # type: ignore[func-returns-value]


def _keys(tree: Tree, path: TreePath, names: tuple[str, ...]) -> Keys | None:
    """The key of each row of the table at `path`, None if there is no such table."""
    columns = [column_of(tree, path, name) for name in names]
    if any(column is None for column in columns):
        return None
    filled = [column for column in columns if column is not None]
    if len({len(column) for column in filled}) != 1:
        return None
    return list(zip(*filled, strict=True))


def column_of(tree: Tree, path: TreePath, name: str) -> list[object] | None:
    """The values of a column of the table at `path`, None if it has none of that name."""
    leaf = tree.get((*path, name))
    if isinstance(leaf, Array):
        return [_plain(value) for value in leaf.values.tolist()] if leaf.values.ndim == 1 else None
    for parts in (((name,), ()), ((), (name,))):
        found: list[object] = []
        while (at := (*path, *parts[0], len(found), *parts[1])) in tree:
            found.append(_plain(tree[at]))
        if found:
            return found
    return None


def _plain(value: Any) -> object:  # noqa: ANN401 - a scalar
    """A value that is equal to itself, NaN too."""
    return "NaN" if isinstance(value, float) and value != value else value  # noqa: PLR0124 - NaN


def _taken(tree: Tree, path: TreePath, rows: list[int], names: list[int], count: int) -> Tree:
    """The tree with the given rows of the table of `count` rows at `path`, called by the numbers `names`."""
    depth = len(path)
    called = dict(zip(rows, names, strict=True))
    lengths = _lengths(tree, path)
    made: Tree = {}
    for where, leaf in tree.items():
        inside = where[:depth] == path and len(where) > depth
        at = _axis(where, depth, lengths, count) if inside else None
        if inside and isinstance(leaf, Array) and at is None and len(where) == depth + 1:
            made[where] = _chosen(leaf, rows, names) if leaf.values.shape[:1] == (count,) else leaf
        elif at is None:
            made[where] = leaf
        elif (row := where[at]) in called:
            made[(*where[:at], called[row], *where[at + 1 :])] = leaf
    return made


def _lengths(tree: Tree, path: TreePath) -> Counter[TreePath]:
    """How many rows stand as leaves of their own, below `path` and below each of its columns."""
    depth = len(path)
    stems = {where[: at + 1] for where in tree if where[:depth] == path for at in (depth, depth + 1)}
    return Counter(stem[:-1] for stem in stems if len(stem) > depth and isinstance(stem[-1], int))


def _axis(where: TreePath, depth: int, lengths: Counter[TreePath], count: int) -> int | None:
    """Which step of a path is the row; None for a leaf whose rows are not those of the table."""
    for at in (depth, depth + 1):
        if at < len(where) and isinstance(where[at], int):
            return at if lengths[where[:at]] == count else None
    return None


def _chosen(leaf: Array, rows: list[int], names: list[int]) -> Array:
    index = np.array(rows, dtype=np.intp)
    printed = leaf.printed
    return replace(
        leaf,
        values=leaf.values[index],
        printed=replace(
            printed,
            half_units=None if printed.half_units is None else printed.half_units[index],
            whole=None if printed.whole is None else printed.whole[index],
            lines=None if printed.lines is None else printed.lines[index],
        ),
        rows=np.array(names, dtype=np.intp),
    )
