"""HDF5: datasets are leaves under the keys of their groups, attributes leaves under `@name`.

What lies in the file as plain values is used where it lies, mapped and not copied. Nothing outside the file
is opened: external links, external storage and virtual datasets are refused, soft links are compared as text.
"""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.core.errors import FormatError
from repro.drift.readers import chunks, netcdf, npyfile
from repro.drift.readers.form import MAPPED, MAX_UNPACKED, Data, Format, needs
from repro.drift.tree import Empty

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repro.drift.pattern import TreePath
    from repro.drift.tree import Tree

MAGIC = b"\x89HDF\r\n\x1a\n"
MAX_LEAVES: Final = 1_000_000
MAX_GROUPS: Final = 100
"""Cap on groups within groups."""

HEAP: Final = re.compile(rb"GCOL\x01")
"""How a collection of the global heap begins (HDF5 File Format Specification 3.0, section III.E)."""

ALIGNED: Final = 8
"""To a multiple of this many bytes everything in a heap is filled up, and its free space has as many."""

MAX_TEXT: Final = 1 << 28
"""Cap on the bytes of one array of strings."""


def read(data: Data, *, name: str, printed: bool) -> Tree:  # noqa: ARG001 - the signature of every reader
    """The tree of the root group."""
    with needs("h5py", extra="hdf5", name=name):
        import h5py
    try:
        view = _View(memoryview(data), name)
        with h5py.File(view, "r") as file:
            _, view.lengths = file.id.get_create_plist().get_sizes()
            walk = _Walk(h5py, file, memoryview(data), name)
            walk.group(file, ())
            return walk.tree
    except (
        OSError,
        RuntimeError,
        ValueError,
        KeyError,
        TypeError,
        LookupError,
        MemoryError,
        NotImplementedError,
        AttributeError,
        OverflowError,
    ) as error:
        said = " ".join(str(error).split())[:200]
        raise FormatError(f"{name}: not readable as HDF5: {said}") from error


def _require_sound_heap(data: memoryview, start: int, lengths: int, name: str) -> None:
    """Refuse a heap whose free space has no size, in which the library would go round forever.

    `lengths`: bytes in which the file writes a length. Such a number stands behind eight bytes at the head of
    the heap, and at the head of each object in it, whose first two are its index.
    """
    entry = _filled(8 + lengths)
    end = min(start + _length(data, start, lengths), len(data))
    at = start + entry
    while at + entry <= end:
        index = int.from_bytes(data[at : at + 2], "little")
        size = _length(data, at, lengths)
        if index == 0 and size < entry:
            raise FormatError(f"{name}: not readable as HDF5: a damaged heap")
        at += size if index == 0 else entry + _filled(size)


def _length(data: memoryview, at: int, lengths: int) -> int:
    return int.from_bytes(data[at + 8 : at + 8 + lengths], "little")


def _filled(size: int) -> int:
    return (size + ALIGNED - 1) // ALIGNED * ALIGNED


class _View(io.RawIOBase):
    """A file object over bytes that lie in memory or are mapped; heaps are looked at before they are read."""

    def __init__(self, data: memoryview, name: str) -> None:
        super().__init__()
        self._data, self._name, self._at = data, name, 0
        self._sound: set[int] = set()
        self.lengths = 8

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, len(self._data))[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        target = memoryview(buffer).cast("B")
        piece = self._data[self._at : self._at + len(target)]
        if len(piece) < len(target):
            raise OSError(
                "a reference beyond the end of the file"
            )  # the library would ask for the rest forever
        for heap in HEAP.finditer(self._data, max(self._at - 4, 0), self._at + len(piece) + 4):
            if heap.start() not in self._sound:
                _require_sound_heap(self._data, heap.start(), self.lengths, self._name)
                self._sound.add(heap.start())
        target[:] = piece
        self._at += len(piece)
        return len(piece)


class _Walk:
    """One way through a file; `tree` grows on it."""

    def __init__(self, library: Any, file: Any, data: memoryview, name: str) -> None:  # noqa: ANN401 - h5py
        self.library, self.file, self.data, self.name = library, file, data, name
        self.conventions = netcdf.is_netcdf(file)
        self.at_start = data[: len(MAGIC)] == MAGIC
        self.tree: Tree = {}
        self.unpacked = 0
        self.above: list[object] = []

    def group(self, group: Any, path: TreePath) -> None:  # noqa: ANN401 - an h5py group
        """Everything below a group; FormatError for one that contains itself."""
        if group.id in self.above:
            raise FormatError(f"{self.name}: group {group.name!r} contains itself")
        if len(self.above) >= MAX_GROUPS:
            raise FormatError(f"{self.name}: more than {MAX_GROUPS} groups within groups")
        self.above.append(group.id)
        self._attributes(group, path)
        names = sorted(group)
        for key in names:
            self._link(group, key, (*path, key))
        if not names and path:
            self.tree[path] = Empty(kind="object")
        self.above.pop()

    def _link(self, group: Any, key: str, path: TreePath) -> None:  # noqa: ANN401 - an h5py group
        if len(self.tree) > MAX_LEAVES:
            raise FormatError(f"{self.name}: more than {MAX_LEAVES} leaves")
        link = group.get(key, getlink=True)
        if isinstance(link, self.library.SoftLink):
            self.tree[path] = f"link to {link.path}"
            return
        if not isinstance(link, self.library.HardLink):
            raise FormatError(
                f"{self.name}: {key!r} is a link out of the file", hint="copy what it points to"
            )
        item = group[key]
        if isinstance(item, self.library.Group):
            self.group(item, path)
        elif isinstance(item, self.library.Dataset):
            self._dataset(item, path)
        else:
            self.tree[path] = f"type {item.dtype}"

    def _dataset(self, item: Any, path: TreePath) -> None:  # noqa: ANN401 - an h5py dataset
        self._attributes(item, path)
        if self.conventions and netcdf.is_bare_dimension(item):
            return
        if item.is_virtual or item.external:
            raise FormatError(f"{self.name}: {item.name!r} stores its values in other files")
        if item.shape is None or item.size == 0:
            self.tree[path] = Empty(kind="list")
            return
        values = self._mapped(item)
        if values is None:
            values = self._read(item, path)
        if values is None:
            return
        if self.conventions:
            values = netcdf.without_fill(values, item)
        coordinate = netcdf.coordinate(item, self.file) if self.conventions else None
        npyfile.place(values, path, self.tree, name=self.name, coordinate=coordinate)

    def _mapped(self, item: Any) -> NDArray[Any] | None:  # noqa: ANN401 - an h5py dataset
        """The values where they lie, if the file stores them plainly and in one piece."""
        offset, dtype = item.id.get_offset(), item.dtype
        if offset is None or not _is_plain(item):
            return None
        if offset + item.size * dtype.itemsize > len(self.data):
            raise FormatError(f"{self.name}: {item.name!r} is truncated")
        values = np.frombuffer(self.data, dtype=dtype, count=item.size, offset=offset).reshape(item.shape)
        return values if _is_so(values, item) else None

    def _read(self, item: Any, path: TreePath) -> NDArray[Any] | None:  # noqa: ANN401 - an h5py dataset
        self.unpacked += math.prod(item.shape) * max(item.dtype.itemsize, 1)
        if self.unpacked > MAX_UNPACKED:
            raise FormatError(f"{self.name}: unpacks to more than the {MAX_UNPACKED} bytes that are read")
        if not item.dtype.hasobject:
            if self.at_start and _is_plain(item):
                values = chunks.unpacked(item, self.data)
                if values is not None and _is_so(values, item):
                    return values
            return np.asarray(item[()])
        return self._objects(item, item.dtype, path)

    def _attributes(self, item: Any, path: TreePath) -> None:  # noqa: ANN401 - an h5py group or dataset
        for key in sorted(item.attrs):
            if key in netcdf.INTERNAL:
                continue
            attribute = item.attrs.get_id(key)
            where = (*path, f"@{key}")
            if attribute.get_storage_size() > MAX_TEXT:
                raise FormatError(f"{self.name}: attribute {key!r} of more than {MAX_TEXT} bytes")
            if attribute.dtype.hasobject and self.library.check_string_dtype(attribute.dtype) is None:
                self.tree[where] = f"attribute of {attribute.dtype}"
                continue
            self._attribute(item.attrs[key], where)

    def _attribute(self, value: Any, path: TreePath) -> None:  # noqa: ANN401 - what h5py makes of it
        if isinstance(value, self.library.Empty):
            self.tree[path] = Empty(kind="list")
        elif isinstance(value, str | bytes):
            self.tree[path] = value if isinstance(value, str) else value.decode(errors="backslashreplace")
        else:
            array = np.asarray(value)
            array = _strings(array, self.name) if array.dtype.hasobject else array
            npyfile.place(array, path, self.tree, name=self.name)

    def _objects(self, item: Any, dtype: np.dtype[Any], path: TreePath) -> NDArray[Any] | None:  # noqa: ANN401
        """Strings, and lists of different lengths; references point into this file and are not values."""
        if self.library.check_string_dtype(dtype) is not None:
            return _strings(np.asarray(item.asstr(errors="backslashreplace")[()]), self.name)
        base = self.library.check_vlen_dtype(dtype)
        if base is None or base.hasobject:
            self.tree[path] = f"values of {dtype}"
            return None
        lists = [np.asarray(part) for part in np.asarray(item[()]).reshape(-1)]
        lengths = np.array([part.size for part in lists], dtype=np.int64).reshape(item.shape)
        npyfile.place(lengths, (*path, "lengths"), self.tree, name=self.name)
        npyfile.place(np.concatenate(lists), (*path, "values"), self.tree, name=self.name)
        return None


def _is_plain(item: Any) -> bool:  # noqa: ANN401 - an h5py dataset
    """Whether the values are numbers that lie in the file as numpy has them."""
    dtype = item.dtype
    special = dtype.hasobject or dtype.kind not in "iufc" or dtype.metadata
    return not special and item.id.get_type().get_size() == dtype.itemsize


def _is_so(values: NDArray[Any], item: Any) -> bool:  # noqa: ANN401 - an h5py dataset
    """The library has the last word on where values lie: whether it reads the same at both ends."""
    ends = ((0,) * values.ndim, (-1,) * values.ndim)
    return all(np.asarray(item[end]).tobytes() == values[end].tobytes() for end in ends)


def _strings(values: NDArray[Any], name: str) -> NDArray[Any]:
    texts = [
        text if isinstance(text, str) else text.decode(errors="backslashreplace")
        for text in values.reshape(-1)
    ]
    if max(map(len, texts), default=0) * 4 * len(texts) > MAX_TEXT:
        raise FormatError(f"{name}: an array of strings of more than {MAX_TEXT} bytes")
    return np.array(texts, dtype=np.str_).reshape(values.shape)


FORMAT = Format(
    name="HDF5 and NetCDF-4",
    read=read,
    suffixes=(".h5", ".hdf5", ".hdf", ".he5", ".nc", ".nc4"),
    magic=tuple((offset, MAGIC) for offset in (0, 512, 1024, 2048)),
    max_bytes=MAPPED,
)
