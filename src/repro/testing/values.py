"""What a test hands over, as the tree that the comparison knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.core.errors import UsageError
from repro.drift.pattern import path_text
from repro.drift.tree import Array, Empty, grow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from repro.drift.pattern import TreePath
    from repro.drift.tree import Tree

KINDS: Final = frozenset("biufcUSMm")
"""Kinds of arrays that can be compared."""

SCALAR: Final = (bool, int, float, str)

UNPAIRED: Final = re.compile("[\ud800-\udfff]")
"""Half characters, which no file holds."""


def tree_of(values: object) -> Tree:
    """The leaves of nested mappings, sequences, arrays and scalars.

    What offers `__array__` (series of pandas, tensors) is taken as an array. UsageError names the path of
    what cannot be compared: an object, a set, a key that is no string.
    """
    tree: Tree = {}
    try:
        _put(values, (), tree)
    except RecursionError as error:
        raise UsageError("the values are nested too deep, or hold themselves") from error
    return tree


def _put(value: Any, path: TreePath, tree: Tree) -> None:  # noqa: ANN401 - whatever a test has
    if value is None or isinstance(value, SCALAR):
        tree[path] = _plain(value, path)
    elif isinstance(value, Mapping):
        _put_mapping(value, path, tree)
    elif isinstance(value, list | tuple):
        _put_list(value, path, tree)
    elif isinstance(value, complex) or hasattr(value, "__array__"):
        _put_array(np.asarray(value), path, tree)
    else:
        raise UsageError(
            f"{path_text(path)}: a {type(value).__name__} cannot be compared",
            hint="hand over numbers, texts, arrays, and dicts and lists of them",
        )


def _plain(value: Any, path: TreePath) -> bool | int | float | str | None:  # noqa: ANN401 - a scalar
    """The value as Python's own type; numpy's doubles and texts are subclasses of them."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if UNPAIRED.search(value):
            raise UsageError(f"{path_text(path)}: half a character (a lone surrogate)")
        return str(value)
    return int(value) if isinstance(value, int) else float(value)


def _put_mapping(value: Mapping[Any, Any], path: TreePath, tree: Tree) -> None:
    for key, child in value.items():
        if not isinstance(key, str):
            raise UsageError(
                f"{path_text(path)}: the key {key!r} is no text", hint="name values by texts, or use a list"
            )
        _put(child, (*path, str(_plain(key, path))), tree)
    if not value:
        tree[path] = Empty(kind="object")


def _put_list(value: Sequence[Any], path: TreePath, tree: Tree) -> None:
    """A rectangular list of numbers is an array, as in a result file; any other its elements."""
    if _is_scalars(value):
        grow(_copied(value, path), path, tree)
    elif len({type(child) for child in value}) == 1 and isinstance(value[0], np.generic):
        _put_array(np.array(value), path, tree)
    else:
        for number, child in enumerate(value):
            _put(child, (*path, number), tree)


def _is_scalars(value: object) -> bool:
    """Whether lists hold nothing but lists and Python's own scalars."""
    if isinstance(value, list | tuple):
        return all(map(_is_scalars, value))
    return value is None or isinstance(value, SCALAR)


def _copied(value: Any, path: TreePath) -> Any:  # noqa: ANN401 - nested scalars
    if isinstance(value, list | tuple):
        return [_copied(child, path) for child in value]
    return _plain(value, path)


def _put_array(array: NDArray[Any], path: TreePath, tree: Tree) -> None:
    if array.dtype.names:
        for field in array.dtype.names:
            _put_array(array[field], (*path, field), tree)
    elif array.dtype.kind not in KINDS:
        raise UsageError(
            f"{path_text(path)}: an array of {array.dtype} cannot be compared", hint="hand over plain numbers"
        )
    elif array.size == 0:
        tree[path] = Empty(kind="list")
    else:
        native = array.dtype.newbyteorder("=")
        tree[path] = Array(values=np.ascontiguousarray(array, dtype=native).reshape(array.shape))
