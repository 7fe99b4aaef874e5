"""Where numbers stand that a walk without paths has collected: the same walk again, for those told of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.drift.series import NAMES
from repro.drift.small import SMALL
from repro.drift.tree import Array, rectangular

if TYPE_CHECKING:
    from collections.abc import Iterable

    from repro.drift.pattern import TreePath
    from repro.drift.tree import Tree

FLOATS: Final = frozenset({float})
PACKED: Final = frozenset({list, int, bool, float})
"""What a list must hold, all of one type, to become an array."""


@dataclass(slots=True, kw_only=True)
class Places:
    """The paths of some leaves of a document, by their number: of single floats, small arrays, and others."""

    singles: dict[int, TreePath] = field(default_factory=dict)
    packed: dict[int, TreePath] = field(default_factory=dict)
    others: dict[int, TreePath] = field(default_factory=dict)
    single: int = 0
    pack: int = 0
    other: int = 0

    def find(self, document: object) -> None:
        """Put a path to every number that is a key."""
        self._walk([("", document)], ())
        for found in (self.singles, self.packed, self.others):
            found.update({number: path[1:] for number, path in found.items()})

    def _walk(self, items: Iterable[tuple[str | int, Any]], path: TreePath) -> None:
        for key, value in items:
            kind = type(value)
            if kind is float:
                if self.single in self.singles:
                    self.singles[self.single] = (*path, key)
                self.single += 1
            elif kind is dict and value:
                self._walk(value.items(), (*path, key))
            elif kind is list and value:
                self._list(value, (*path, key))
            else:
                self._other((*path, key))

    def _list(self, value: list[Any], path: TreePath) -> None:
        kinds = {*map(type, value)}
        if kinds == FLOATS and len(value) <= SMALL:
            self._pack(path)
            return
        array = rectangular(value) if len(kinds) == 1 and kinds <= PACKED else None
        if array is None:
            self._walk(enumerate(value), path)
        elif is_packed(array):
            self._pack(path)
        else:
            self._other(path)

    def _pack(self, path: TreePath) -> None:
        if self.pack in self.packed:
            self.packed[self.pack] = path
        self.pack += 1

    def _other(self, path: TreePath) -> None:
        if self.other in self.others:
            self.others[self.other] = path
        self.other += 1


def is_packed(array: Array) -> bool:
    """Whether an array of a document is collected with others."""
    return array.values.dtype == np.float64 and array.values.size <= SMALL


def neighbours(document: object, path: TreePath) -> Tree:
    """As much of a document's tree as tells the coordinate of the array at `path`."""
    first: TreePath = ()
    leaf = document
    while isinstance(leaf, dict | list) and leaf and not _array(leaf):
        key = next(iter(leaf)) if isinstance(leaf, dict) else 0
        first, leaf = (*first, key), leaf[key]
    around = _at(document, path[:-1]) if path else None
    named = [(*path[:-1], name) for name in NAMES if isinstance(around, dict) and name in around]
    found = {where: _array(_at(document, where)) for where in (first, *named, path)}
    return {where: array for where, array in found.items() if array is not None or where == first}


def _at(document: Any, path: TreePath) -> object:  # noqa: ANN401 - any JSON
    for step in path:
        document = document[step]
    return document


def _array(value: object) -> Array | None:
    return rectangular(value) if isinstance(value, list) and value else None
