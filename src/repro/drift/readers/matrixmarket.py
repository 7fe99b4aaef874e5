"""MatrixMarket: dense and sparse matrices as text (Boisvert, Pozo, Remington 1996, NISTIR 5935)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from repro.core.errors import FormatError
from repro.drift.readers.form import Data, Format
from repro.drift.readers.textlog import decode
from repro.drift.tree import Array, Empty, Printed, half_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repro.drift.tree import Tree

FIELDS = {"real": 1, "double": 1, "integer": 1, "complex": 2, "pattern": 0}
"""Numbers per entry."""

SYMMETRIES = ("general", "symmetric", "skew-symmetric", "hermitian")


def read(data: Data, *, name: str, printed: bool) -> Tree:
    """Leaves `symmetry`, `shape`, `values`, and for sparse matrices `rows` and `columns` (from 1).

    The entries of a sparse matrix have no order: they are sorted by row and column.
    """
    head, _, rest = decode(data, name).partition("\n")
    words = head.lower().split()
    if len(words) != 5 or words[0] != "%%matrixmarket" or words[1] != "matrix":  # noqa: PLR2004 - banner
        raise FormatError(f"{name}: not a MatrixMarket banner")
    layout, field, symmetry = words[2:]
    known = layout in {"coordinate", "array"} and field in FIELDS and symmetry in SYMMETRIES
    if not known or (layout == "array" and field == "pattern"):
        raise FormatError(f"{name}: a MatrixMarket banner that is not known: {' '.join(words[2:])[:80]}")
    tokens = " ".join(line for line in rest.split("\n") if not line.lstrip().startswith("%")).split()
    tree: Tree = {("symmetry",): symmetry}
    try:
        if layout == "array":
            _dense(tokens, field, symmetry, tree, printed=printed)
        else:
            _sparse(tokens, field, tree, printed=printed)
    except (ValueError, OverflowError) as error:
        raise FormatError(f"{name}: not MatrixMarket: {error}") from error
    return tree


def _dense(tokens: list[str], field: str, symmetry: str, tree: Tree, *, printed: bool) -> None:
    rows, columns = _sizes(tokens, 2)
    full = rows * columns
    count = full if symmetry == "general" else full - columns * (columns - 1) // 2
    if symmetry == "skew-symmetric":
        count -= columns
    values = _entries(tokens[2:], FIELDS[field], count)
    tree["shape",] = Array(values=np.array([rows, columns], dtype=np.int64))
    _place(values, field, tree, printed=printed)


def _sparse(tokens: list[str], field: str, tree: Tree, *, printed: bool) -> None:
    rows, columns, count = _sizes(tokens, 3)
    entries = _entries(tokens[3:], 2 + FIELDS[field], count)
    places = entries[:, :2].astype(np.int64)
    if count and (places.min() < 1 or places[:, 0].max() > rows or places[:, 1].max() > columns):
        raise ValueError("an entry outside the matrix")
    order = np.lexsort((places[:, 1], places[:, 0]))
    places = places[order]
    if count > 1 and not np.any(np.diff(places, axis=0), axis=1).all():
        raise ValueError("an entry is given twice")
    tree["shape",] = Array(values=np.array([rows, columns], dtype=np.int64))
    for number, key in enumerate(("rows", "columns")):
        tree[key,] = Array(values=places[:, number]) if count else Empty(kind="list")
    if field != "pattern":
        _place(entries[order, 2:], field, tree, printed=printed)


def _sizes(tokens: list[str], count: int) -> list[int]:
    if len(tokens) < count or not all(token.isascii() and token.isdigit() for token in tokens[:count]):
        raise ValueError("no line of sizes")
    sizes = [int(token[:20]) for token in tokens[:count]]
    if max(sizes) >= 1 << 62:
        raise ValueError("sizes beyond 64 bits")
    return sizes


def _entries(tokens: list[str], width: int, count: int) -> NDArray[Any]:
    """The words of the entries, (count, width)."""
    if len(tokens) != count * width:
        raise ValueError(f"{count * width} numbers promised, there are {len(tokens)}")
    if any(len(token) > 64 or "_" in token for token in tokens):  # noqa: PLR2004 - no number is longer
        raise ValueError("a word that is no number")
    return np.array(tokens, dtype="U").reshape(count, width)


def _place(words: NDArray[Any], field: str, tree: Tree, *, printed: bool) -> None:
    if not words.size:
        tree["values",] = Empty(kind="list")
        return
    if field == "integer":
        tree["values",] = Array(values=words[:, 0].astype(np.int64))
        return
    numbers = words.astype(np.float64)
    values = numbers[:, 0] if field != "complex" else numbers[:, 0] + 1j * numbers[:, 1]
    units = np.array([max(half_unit(word) for word in row) for row in words.tolist()]) if printed else None
    tree["values",] = Array(values=values, printed=Printed(half_units=units))


FORMAT = Format(
    name="MatrixMarket",
    read=read,
    suffixes=(".mtx",),
    magic=((0, b"%%MatrixMarket"), (0, b"%%matrixmarket")),
)
