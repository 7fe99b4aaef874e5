"""A result as an ordered mapping of typed paths to leaves, whatever format it was read from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from repro.core.digest import Digest
    from repro.drift.pattern import TreePath

MAX_AXES = 16
"""Nested lists of more axes than this stay lists."""

KINDS = {
    "b": "bool",
    "i": "integer",
    "u": "integer",
    "f": "real",
    "c": "complex",
    "U": "string",
    "S": "bytes",
}
"""numpy's dtype kinds in the words of verdicts; signed and unsigned integers are compared with each other."""


@final
class PrintedFloat(float):
    """A number that remembers half a unit of the last digit it was written with."""

    __slots__ = ("half_unit",)
    half_unit: float

    @classmethod
    def of(cls, text: str) -> PrintedFloat:
        """The number that `text` writes."""
        number = cls(text)
        number.half_unit = half_unit(text)
        return number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Printed:
    """How the numbers of an array were written; each field has the array's shape, or is None if not known.

    `half_units`: half a unit of the last printed digit. `whole`: written without a fraction or exponent.
    `lines`: line of the file, from 1.
    """

    half_units: NDArray[np.float64] | None = None
    whole: NDArray[np.bool_] | None = None
    lines: NDArray[np.int64] | None = None


UNPRINTED: Final = Printed()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Array:
    """Values of one kind in n dimensions; `values` never holds objects, in any byte order.

    `coordinate`: the leaf that holds the coordinate along the first axis, where the format says so. `rows`:
    the number of each row in its file, where rows have been left out or put in another order.
    """

    values: NDArray[Any]
    printed: Printed = UNPRINTED
    coordinate: TreePath | None = None
    rows: NDArray[np.intp] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A text with its numbers taken out: one entry per line."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """Bytes that no reader understands, compared as a whole."""

    digest: Digest
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """A container without content: `list` or `object`."""

    kind: str


Scalar = bool | int | float | str | None
Leaf = Array | Lines | Opaque | Empty | Scalar
Tree = dict["TreePath", Leaf]
"""Leaves in the order of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A document as its parser gives it: dicts, lists and scalars, bounded in depth."""

    value: object


SCALARS: dict[type, str] = {
    bool: "bool",
    int: "integer",
    float: "real",
    PrintedFloat: "real",
    str: "string",
    type(None): "null",
}
"""The exact types of scalar leaves: a bool is an int to Python, not here."""


def half_unit(text: str) -> float:
    """Half a unit of the last digit in a decimal number: 0.005 for `1.25`, 50 for `3e2`, 0 for NaN."""
    mantissa, _, exponent = text.strip().lower().partition("e")
    if not mantissa[-1:].isdigit() and not mantissa.endswith("."):
        return 0.0
    decimals = len(mantissa.partition(".")[2])
    return 0.5 * float(f"1e{int(exponent[:9] or 0) - decimals}")


def kind_of(leaf: Leaf) -> str:
    """What sort of value a leaf holds, in one word; leaves of different kinds are never compared."""
    if isinstance(leaf, Array):
        return KINDS.get(leaf.values.dtype.kind) or str(leaf.values.dtype)
    if isinstance(leaf, Empty):
        return f"empty {leaf.kind}"
    if isinstance(leaf, Lines | Opaque):
        return "text" if isinstance(leaf, Lines) else "bytes"
    return SCALARS[type(leaf)]


def tree_of(found: Tree | Plain) -> Tree:
    """The tree of what a reader gave."""
    if not isinstance(found, Plain):
        return found
    tree: Tree = {}
    grow(found.value, (), tree)
    return tree


def grow(value: object, path: TreePath, tree: Tree) -> None:
    """Put a value made of dicts, lists and scalars (bounded in depth by its parser) into `tree` at `path`.

    A rectangular list of numbers of one type becomes one array leaf; every other list its elements.
    """
    if isinstance(value, dict):
        for key, child in value.items():
            if isinstance(child, dict | list):
                grow(child, (*path, key), tree)
            else:
                tree[(*path, key)] = child
        if not value:
            tree[path] = Empty(kind="object")
    elif isinstance(value, list):
        _grow_list(value, path, tree)
    else:
        tree[path] = value  # type: ignore[assignment]  # what is left of JSON is a scalar


def _grow_list(value: list[Any], path: TreePath, tree: Tree) -> None:
    if not value:
        tree[path] = Empty(kind="list")
        return
    array = rectangular(value)
    if array is not None:
        tree[path] = array
        return
    for index, child in enumerate(value):
        if isinstance(child, dict | list):
            grow(child, (*path, index), tree)
        else:
            tree[(*path, index)] = child


def rectangular(value: list[Any]) -> Array | None:
    """The array that nested lists of one numeric type and of equal lengths make, or None.

    Integers beyond 64 bits and a mix of integers and floats make none: either would lose what was written.
    """
    if type(value[0]) is float and all(type(item) is float for item in value):
        return Array(values=np.array(value, dtype=np.float64))
    shape = [len(value)]
    flat: list[Any] = value
    while (types := set(map(type, flat))) == {list} and len(shape) < MAX_AXES:
        lengths = set(map(len, flat))
        if len(lengths) != 1 or lengths == {0}:
            return None
        shape.append(lengths.pop())
        flat = list(chain.from_iterable(flat))
    values = _numbers(flat, types)
    if values is None:
        return None
    printed = Printed()
    if types == {PrintedFloat}:
        printed = Printed(half_units=np.array([number.half_unit for number in flat]).reshape(shape))
    return Array(values=values.reshape(shape), printed=printed)


def _numbers(flat: list[Any], types: set[type]) -> NDArray[Any] | None:
    if types in ({float}, {PrintedFloat}):
        return np.array(flat, dtype=np.float64)
    if types == {bool}:
        return np.array(flat, dtype=np.bool_)
    if types == {int}:
        for dtype in (np.int64, np.uint64):
            try:
                return np.array(flat, dtype=dtype)
            except OverflowError:
                continue
    return None


def elements(path: TreePath, array: Array) -> Iterator[tuple[TreePath, Scalar]]:
    """The elements of an array as leaves of their own."""
    for index, item in np.ndenumerate(array.values):
        yield (*path, *index), item.item()


def aligned(baseline: Tree, observed: Tree) -> tuple[Tree, Tree]:
    """The two trees, with an array of one taken apart where the other has separate elements.

    `[1.0, 2.0]` is stored as an array and `[1.0, null]` is not; compared element by element, the verdict is
    about `[1]` and not about storage.
    """
    if baseline.keys() == observed.keys():
        return baseline, observed
    only_baseline = {path: leaf for path, leaf in baseline.items() if path not in observed}
    only_observed = {path: leaf for path, leaf in observed.items() if path not in baseline}
    if not only_baseline or not only_observed:
        return baseline, observed
    return _taken_apart(baseline, only_baseline, only_observed), _taken_apart(
        observed, only_observed, only_baseline
    )


def _taken_apart(tree: Tree, only: Tree, other: Tree) -> Tree:
    above = {path[:depth] for path in other for depth in range(len(path)) if isinstance(path[depth], int)}
    below = {path for path, leaf in other.items() if isinstance(leaf, Array)}
    apart: Tree = {}
    for path, leaf in tree.items():
        if isinstance(leaf, Array) and path in only and _related(path, above, below):
            apart.update(elements(path, leaf))
        else:
            apart[path] = leaf
    return apart


def _related(path: TreePath, above: set[TreePath], below: set[TreePath]) -> bool:
    return path in above or any(path[:depth] in below for depth in range(len(path)))
