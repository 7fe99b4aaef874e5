"""NPY: one array, as numpy's format 1.0 to 3.0 stores it (numpy.org/neps/nep-0001-npy-format.html).

Read here and not by `numpy.load`, so that a header which lies is found before memory is taken for it.
"""

from __future__ import annotations

import ast
import math
import tokenize
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.core import digest
from repro.core.errors import FormatError
from repro.drift.readers.form import MAPPED, Data, Format
from repro.drift.tree import Array, Empty, Opaque

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repro.drift.pattern import TreePath
    from repro.drift.tree import Tree

MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000
"""Cap on the header in bytes, numpy's own."""

MAX_AXES = 64
"""numpy's own limit of dimensions."""

LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
"""Bytes of the header's length in each version of the format."""

MAX_CODE_POINT = 0x10FFFF


def read(data: Data, *, name: str, printed: bool) -> Tree:  # noqa: ARG001 - the signature of every reader
    """The array at the root; the fields of a structured array are leaves under their names."""
    tree: Tree = {}
    place(array_of(data, name=name), (), tree, name=name)
    return tree


def place(
    array: NDArray[Any], path: TreePath, tree: Tree, *, name: str, coordinate: TreePath | None = None
) -> None:
    """Put an array into the tree, field by field; its values stay where they lie, in their byte order."""
    if array.dtype.names:
        for field in array.dtype.names:
            place(array[field], (*path, field), tree, name=name, coordinate=coordinate)
    elif array.size == 0:
        tree[path] = Empty(kind="list")
    elif array.dtype.kind == "V":
        raw = array.tobytes()
        tree[path] = Opaque(digest=digest.of_bytes(raw), size=len(raw))
    else:
        if array.dtype.kind in "bU":
            array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).reshape(array.shape)
            _require_valid(array, name)
        tree[path] = Array(values=array, coordinate=coordinate)


def array_of(data: Data, *, name: str) -> NDArray[Any]:
    """The array that the bytes store; FormatError if header and content disagree in any way."""
    if data[:6] != MAGIC:
        raise FormatError(f"{name}: not an NPY file")
    size = LENGTH_BYTES.get(data[6] if len(data) > 6 else 0)  # noqa: PLR2004 - version byte after the magic
    if size is None:
        raise FormatError(f"{name}: an NPY version that is not known")
    start = 8 + size
    length = int.from_bytes(data[8:start], "little")
    if length > MAX_HEADER or len(data) < start + length:
        raise FormatError(f"{name}: NPY header truncated or longer than {MAX_HEADER} bytes")
    dtype, shape, fortran = _header(bytes(data[start : start + length]), name)
    body = memoryview(data)[start + length :]
    count = math.prod(shape)
    if len(body) != count * dtype.itemsize:
        raise FormatError(
            f"{name}: the NPY header promises {count * dtype.itemsize} bytes of values, there are {len(body)}"
        )
    flat = np.frombuffer(body, dtype=dtype, count=count) if count else np.empty(0, dtype=dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def _header(raw: bytes, name: str) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # a header with odd escapes or an old type name is no affair of the user's
            table = ast.literal_eval(raw.decode("utf-8").strip())
            dtype = np.lib.format.descr_to_dtype(table["descr"])
        shape, fortran = table["shape"], table["fortran_order"]
    except (
        ValueError,
        TypeError,
        SyntaxError,
        LookupError,
        MemoryError,
        RecursionError,
        tokenize.TokenError,
    ) as error:
        raise FormatError(f"{name}: NPY header cannot be read: {type(error).__name__}") from error
    if dtype.hasobject:
        raise FormatError(
            f"{name}: holds Python objects, which are never unpickled", hint="save plain numbers"
        )
    if not isinstance(shape, tuple) or len(shape) > MAX_AXES or not all(_is_length(axis) for axis in shape):
        raise FormatError(f"{name}: NPY header has no usable shape")
    if not isinstance(fortran, bool) or dtype.itemsize == 0:
        raise FormatError(f"{name}: NPY header has no usable order or a type without size")
    return dtype, shape, fortran


def _is_length(axis: object) -> bool:
    return isinstance(axis, int) and not isinstance(axis, bool) and 0 <= axis < 1 << 62


def _require_valid(array: NDArray[Any], name: str) -> None:
    """Refuse bytes that are no value of their type, which numpy would take as they are."""
    if array.dtype.kind == "b" and array.view(np.uint8).max() > 1:
        raise FormatError(f"{name}: a bool that is neither 0 nor 1")
    if array.dtype.kind == "U":
        points = np.atleast_1d(array).view(np.uint32)
        if points.max() > MAX_CODE_POINT:
            raise FormatError(f"{name}: a character beyond Unicode")


FORMAT = Format(name="NPY", read=read, suffixes=(".npy",), magic=((0, MAGIC),), max_bytes=MAPPED)
