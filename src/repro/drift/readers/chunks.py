"""Datasets of HDF5 in chunks, unpacked where they lie by threads that run side by side.

The library unpacks one chunk after the other, with a lock around it. What this knows less well than the
library (other filters, checksums, chunks that were never written) is left to it.
"""

from __future__ import annotations

import math
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

DEFLATE: Final = 1
SHUFFLE: Final = 2
"""Filters by their numbers (HDF5 Reference Manual, H5Z)."""

PIPELINES: Final = ((DEFLATE,), (SHUFFLE, DEFLATE))
"""Filters in the order in which they were applied; chunks without any are copied fast enough."""

SMALL: Final = 1 << 14
LARGE: Final = 1 << 28
"""Bytes of a chunk: below, calls for each would cost more than they gain; above, memory for it would."""

WORKERS: Final = 2
"""Threads; zlib and numpy let go of the interpreter's lock."""

Place = tuple[int, ...]


def unpacked(item: Any, data: memoryview) -> NDArray[Any] | None:  # noqa: ANN401 - an h5py dataset
    """All values of a dataset of plain numbers, or None where the library has to read it.

    `data` is the whole file, and begins with its signature.
    """
    if item.chunks is None:
        return None
    step = tuple(item.chunks)
    size = math.prod(step) * item.dtype.itemsize
    plan = item.id.get_create_plist()
    filters = tuple(plan.get_filter(number)[0] for number in range(plan.get_nfilters()))
    if filters not in PIPELINES or not SMALL <= size <= LARGE:
        return None
    stored = _stored(item, data, step)
    if stored is None:
        return None
    values = np.empty(item.shape, dtype=item.dtype)

    def place(at: Place) -> bool:
        flat = _inflated(stored[at], size)
        if flat is None:
            return False
        target = values[tuple(slice(start, start + n) for start, n in zip(at, step, strict=True))]
        whole = target.shape == step and target.flags.c_contiguous
        chunk = target if whole else np.empty(step, dtype=item.dtype)
        columns = chunk.reshape(-1).view(np.uint8).reshape(-1, item.dtype.itemsize)
        if SHUFFLE in filters:
            for byte, plane in enumerate(flat.reshape(item.dtype.itemsize, -1)):
                columns[:, byte] = plane
        else:
            columns[...] = flat.reshape(columns.shape)
        if not whole:
            target[...] = chunk[tuple(slice(0, n) for n in target.shape)]
        return True

    with ThreadPoolExecutor(WORKERS) as pool:
        return values if all(pool.map(place, stored)) else None


def _stored(item: Any, data: memoryview, step: Place) -> Mapping[Place, memoryview] | None:  # noqa: ANN401
    """The bytes of each chunk by the place of its first value; None unless all are there, and filtered."""
    found: dict[Place, memoryview] = {}

    def note(info: Any) -> None:  # noqa: ANN401 - what the library tells of a chunk
        end = info.byte_offset + info.size
        if info.filter_mask == 0 and end <= len(data):
            found[tuple(info.chunk_offset)] = data[info.byte_offset : end]

    item.id.chunk_iter(note)
    wanted = math.prod(-(-extent // n) for extent, n in zip(item.shape, step, strict=True))
    if len(found) != wanted:
        return None
    grid = product(*(range(0, extent, n) for extent, n in zip(item.shape, step, strict=True)))
    return found if all(place in found for place in grid) else None


def _inflated(stored: memoryview, size: int) -> NDArray[np.uint8] | None:
    """The bytes that were deflated; None where they are not `size`."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(stored, size)
        more = b"" if stream.eof else stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error:
        return None
    whole = stream.eof and not more and len(data) == size  # at its end, the checksum was compared
    return np.frombuffer(data, dtype=np.uint8) if whole else None
