"""Parquet, Arrow and Feather: the columns of a table are leaves under their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from repro.core.errors import FormatError
from repro.drift.readers import npyfile
from repro.drift.readers.form import MAX_UNPACKED, Data, Format, needs
from repro.drift.tree import Array, Empty

if TYPE_CHECKING:
    from collections.abc import Callable

    from repro.drift.pattern import TreePath
    from repro.drift.tree import Tree

MAX_CELLS = MAX_UNPACKED // 8
MAX_TEXT = 1 << 28
"""Cap on the bytes of one column of strings as an array."""

MAX_NESTING = 32


def read_parquet(data: Data, *, name: str, printed: bool) -> Tree:  # noqa: ARG001 - a reader's signature
    """The columns of a Parquet file."""
    return _read(data, name, _parquet)


def read_arrow(data: Data, *, name: str, printed: bool) -> Tree:  # noqa: ARG001 - a reader's signature
    """The columns of an Arrow file, which Feather is too."""
    return _read(data, name, _arrow_file)


def read_stream(data: Data, *, name: str, printed: bool) -> Tree:  # noqa: ARG001 - a reader's signature
    """The columns of an Arrow stream."""
    return _read(data, name, _arrow_stream)


def _read(data: Data, name: str, load: Callable[[Any, str], Any]) -> Tree:
    with needs("pyarrow", extra="parquet", name=name):
        import pyarrow as pa
    tree: Tree = {}
    try:
        table = load(pa.py_buffer(data), name)
        if len(set(table.column_names)) < len(table.column_names):
            raise FormatError(f"{name}: two columns have one name")
        for key, column in zip(table.column_names, table.columns, strict=True):
            _Column(pa, name, tree).place(_whole(column), (key,), 0)
    except (pa.ArrowException, OSError, ValueError, TypeError, MemoryError, OverflowError) as error:
        raise FormatError(f"{name}: not a readable table: {' '.join(str(error).split())[:200]}") from error
    if not tree:
        tree[()] = Empty(kind="object")
    return tree


def _whole(column: Any) -> Any:  # noqa: ANN401 - a chunked array
    whole = column.combine_chunks()
    return whole.combine_chunks() if hasattr(whole, "num_chunks") else whole


def _parquet(buffer: Any, name: str) -> Any:  # noqa: ANN401 - pyarrow's buffer and table
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(buffer))
    meta = file.metadata
    _require_size(meta.num_rows, meta.num_columns, name)
    sizes = [meta.row_group(number).total_byte_size for number in range(meta.num_row_groups)]
    if sum(sizes) > MAX_UNPACKED:
        raise FormatError(f"{name}: unpacks to more than the {MAX_UNPACKED} bytes that are read")
    return file.read()


def _arrow_file(buffer: Any, name: str) -> Any:  # noqa: ANN401 - pyarrow's buffer and table
    import pyarrow as pa

    return _batches(pa.ipc.open_file(pa.BufferReader(buffer)), name)


def _arrow_stream(buffer: Any, name: str) -> Any:  # noqa: ANN401 - pyarrow's buffer and table
    import pyarrow as pa

    return _batches(pa.ipc.open_stream(pa.BufferReader(buffer)), name)


def _batches(reader: Any, name: str) -> Any:  # noqa: ANN401 - pyarrow's reader and table
    table = reader.read_all()
    table.validate(full=True)
    _require_size(table.num_rows, table.num_columns, name)
    return table


def _require_size(rows: int, columns: int, name: str) -> None:
    if rows * max(columns, 1) > MAX_CELLS:
        raise FormatError(f"{name}: {rows} rows of {columns} columns, at most {MAX_CELLS} cells are read")


class _Column:
    """Arrow arrays as leaves; what is missing is told by a leaf `null`, and NaN in columns of reals."""

    def __init__(self, library: Any, name: str, tree: Tree) -> None:  # noqa: ANN401 - pyarrow
        self.pa, self.types, self.name, self.tree = library, library.types, name, tree

    def place(self, array: Any, path: TreePath, depth: int) -> None:  # noqa: ANN401 - an arrow array
        """Put a column into the tree; FormatError for a type that has no leaves."""
        kind = array.type
        if depth > MAX_NESTING:
            raise FormatError(
                f"{self.name}: column {path[0]!r} is nested more than {MAX_NESTING} levels deep"
            )
        if self.types.is_dictionary(kind):
            self.place(array.dictionary_decode(), path, depth + 1)
        elif isinstance(array, self.pa.ExtensionArray):
            self.place(array.storage, path, depth + 1)
        elif len(array) == 0 or self.types.is_null(kind):
            self.tree[path] = Empty(kind="list")
        elif self.types.is_struct(kind):
            self._nulls(array, path)
            for number in range(kind.num_fields):
                self.place(array.field(number), (*path, kind.field(number).name), depth + 1)
        elif self.types.is_list(kind) or self.types.is_large_list(kind) or self.types.is_map(kind):
            self._lists(array, path, depth)
        elif self.types.is_fixed_size_list(kind):
            self._nulls(array, path)
            self.place(array.flatten(), (*path, "values"), depth + 1)
        else:
            self._flat(array, path)

    def _nulls(self, array: Any, path: TreePath) -> None:  # noqa: ANN401 - an arrow array
        if array.null_count:
            self.tree[(*path, "null")] = Array(values=array.is_null().to_numpy(zero_copy_only=False))

    def _lists(self, array: Any, path: TreePath, depth: int) -> None:  # noqa: ANN401 - an arrow array
        self._nulls(array, path)
        offsets = array.offsets.to_numpy(zero_copy_only=False)
        lengths = np.diff(offsets).astype(np.int64)
        self.tree[(*path, "lengths")] = Array(values=lengths)
        if self.types.is_map(array.type):
            start, stop = int(offsets[0]), int(offsets[-1])
            self.place(array.keys.slice(start, stop - start), (*path, "keys"), depth + 1)
            self.place(array.items.slice(start, stop - start), (*path, "values"), depth + 1)
        else:
            self.place(array.flatten(), (*path, "values"), depth + 1)

    def _flat(self, array: Any, path: TreePath) -> None:  # noqa: ANN401 - an arrow array
        kind = array.type
        if self.types.is_floating(kind):
            self._nulls(array, path)
            npyfile.place(array.to_numpy(zero_copy_only=False), path, self.tree, name=self.name)
            return
        if array.null_count:
            self._nulls(array, path)
            array = array.drop_null()
            path = (*path, "values")
            if len(array) == 0:
                return
        if self.types.is_integer(kind) or self.types.is_boolean(kind):
            values = array.to_numpy(zero_copy_only=False)
        elif self.types.is_temporal(kind):
            values = self._times(array)
        else:
            values = self._texts(array)
        npyfile.place(values, path, self.tree, name=self.name)

    def _times(self, array: Any) -> Any:  # noqa: ANN401 - an arrow array
        kind = array.type
        if self.types.is_timestamp(kind) or self.types.is_duration(kind) or self.types.is_date(kind):
            values = array.to_numpy(zero_copy_only=False)
            if values.dtype.kind in "Mm":
                return values
        return self._texts(array)

    def _texts(self, array: Any) -> Any:  # noqa: ANN401 - an arrow array
        kind = array.type
        if (
            self.types.is_binary(kind)
            or self.types.is_large_binary(kind)
            or self.types.is_fixed_size_binary(kind)
        ):
            texts = [value.hex() for value in array.to_pylist()]
        elif self.types.is_string(kind) or self.types.is_large_string(kind):
            texts = array.to_pylist()
        else:
            texts = array.cast(self.pa.string()).to_pylist()
        if max(map(len, texts), default=0) * 4 * len(texts) > MAX_TEXT:
            raise FormatError(f"{self.name}: a column of strings of more than {MAX_TEXT} bytes")
        return np.array(texts, dtype=np.str_)


PARQUET = Format(name="Parquet", read=read_parquet, suffixes=(".parquet", ".pq"), magic=((0, b"PAR1"),))
ARROW = Format(
    name="Arrow and Feather",
    read=read_arrow,
    suffixes=(".arrow", ".feather", ".ipc"),
    magic=((0, b"ARROW1"),),
)
STREAM = Format(name="Arrow stream", read=read_stream, suffixes=(".arrows",))
