"""What a result leaves open (the order of its rows, the sign of a vector), taken from the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PAIRED: Final = 2000
"""Rows up to which each is paired with its nearest; above, both sides are sorted."""

MATRIX: Final = 2
"""Axes from which an array has rows and columns."""


def signed(r: NDArray[Any], x: NDArray[Any], vectors: str) -> NDArray[Any]:
    """`x` with the sign (the phase, if complex) that brings each of its vectors nearest to that of `r`.

    `vectors`: the `whole` array is one, or its `rows` are (last axis), or its `columns` (last axis but one,
    as numpy.linalg returns eigenvectors).
    """
    if r.dtype.kind not in "fc":
        return x
    axis: int | None = None if vectors == "whole" or r.ndim < MATRIX else -1 if vectors == "rows" else -2
    with np.errstate(all="ignore"):
        one, other = _unit(r), _unit(x)
        overlap = np.sum(np.conj(other) * one, axis=axis, keepdims=True)
        size = np.abs(overlap)
        phase = np.where(size > 0, overlap / np.where(size > 0, size, 1), 1)
        if np.isrealobj(phase):
            return np.asarray(np.where(phase < 0, -x, x))
        return np.asarray((x * phase).astype(x.dtype))


def _unit(values: NDArray[Any]) -> NDArray[Any]:
    """Values scaled so that products of them stay finite; what is not finite has no say."""
    wide = values.astype(np.result_type(values.dtype, np.float64))
    finite = np.where(np.isfinite(wide), wide, 0)
    largest = np.max(np.abs(finite), initial=0.0)
    return np.asarray(finite / largest if largest > 0 else finite)


def permuted(r: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """`x` with its rows (first axis) in the order that pairs them with those of `r`.

    Single numbers are paired by rank, which makes the largest distance least; rows of numbers each with its
    nearest, the closest pairs first; everything else by sorting.
    """
    if r.ndim == 0 or len(r) == 0:
        return x
    rows_r, rows_x = _rows(r), _rows(x)
    if rows_r.shape[1] > 1 and len(r) <= MAX_PAIRED and rows_r.dtype.kind == "f":
        return np.asarray(x[_nearest(rows_r, rows_x)])
    order = np.empty(len(r), dtype=np.intp)
    order[_sorted(rows_r)] = _sorted(rows_x)
    return np.asarray(x[order])


def _rows(values: NDArray[Any]) -> NDArray[Any]:
    rows = values.reshape(len(values), -1)
    return np.concatenate([rows.real, rows.imag], axis=1) if rows.dtype.kind == "c" else rows


def _sorted(rows: NDArray[Any]) -> NDArray[np.intp]:
    return np.asarray(np.lexsort(rows.T[::-1]))


def _nearest(r: NDArray[Any], x: NDArray[Any]) -> NDArray[np.intp]:
    """For each row of `r` the row of `x` that is paired with it."""
    distance = np.zeros((len(r), len(x)))
    with np.errstate(all="ignore"):
        for one, other in zip(r.T, x.T, strict=True):
            gap = np.abs(one[:, None] - other[None, :])
            same = (one[:, None] == other[None, :]) | (np.isnan(one)[:, None] & np.isnan(other)[None, :])
            distance = np.maximum(distance, np.where(same, 0.0, np.where(np.isnan(gap), np.inf, gap)))
    best = distance.argmin(axis=1)
    if len(np.unique(best)) == len(best):
        return np.asarray(best)
    order = np.full(len(r), -1, dtype=np.intp)
    taken = np.zeros(len(x), dtype=np.bool_)
    for flat in distance.argsort(axis=None, kind="stable"):
        row, column = divmod(int(flat), len(x))
        if order[row] < 0 and not taken[column]:
            order[row], taken[column] = column, True
    return order
