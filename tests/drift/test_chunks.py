from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import FormatError
from repro.drift.readers import chunks, hdf5

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> Iterator[None]:
    """Chunks of a few bytes are unpacked here too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "SMALL", 0)
        yield


def made(values: NDArray[Any], **options: Any) -> bytes:  # noqa: ANN401 - what h5py takes
    """A file with one dataset `x`."""
    target = io.BytesIO()
    with h5py.File(target, "w") as file:
        file.create_dataset("x", data=values, **options)
    return target.getvalue()


def unpacked(data: bytes) -> NDArray[Any] | None:
    """What is unpacked without the library."""
    with h5py.File(io.BytesIO(data), "r") as file:
        return chunks.unpacked(file["x"], memoryview(data))


@st.composite
def layouts(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A shape and the shape of its chunks, which mostly do not fit."""
    shape = tuple(draw(st.lists(st.integers(1, 13), min_size=1, max_size=3)))
    return shape, tuple(draw(st.integers(1, extent)) for extent in shape)


@given(layouts(), st.sampled_from(["<f8", ">f4", "<i2", "u1", "<c16"]), st.integers(0, 9))
def test_chunks_hold_what_the_library_reads(
    layout: tuple[tuple[int, ...], tuple[int, ...]], dtype: str, level: int
) -> None:
    """Whatever the shape, type and filters: the values are those that were written."""
    shape, step = layout
    values = np.random.default_rng(level).integers(0, 100, size=shape).astype(dtype)
    data = made(values, chunks=step, shuffle=level % 2 > 0, compression="gzip", compression_opts=level)
    found = unpacked(data)
    if np.dtype(dtype).kind != "c":
        assert found is not None
        assert (found.dtype, found.tobytes()) == (values.dtype, values.tobytes())
    (leaf,) = hdf5.read(data, name="a.h5", printed=False).values()
    assert np.array_equal(np.asarray(getattr(leaf, "values", leaf)), values)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (4,)},
        {"chunks": (4,), "shuffle": True},
        {"chunks": (4,), "compression": "lzf"},
        {"chunks": (4,), "compression": "gzip", "fletcher32": True},
        {"chunks": (4,), "compression": "gzip", "scaleoffset": 3},
    ],
)
def test_other_layouts_are_left_to_the_library(options: dict[str, Any]) -> None:
    """What is not deflated, or is checked or packed in other ways, is not read here."""
    assert unpacked(made(np.arange(10.0), **options)) is None


def test_chunks_that_were_never_written_are_left_to_the_library() -> None:
    """They hold a fill value, which the library knows."""
    target = io.BytesIO()
    with h5py.File(target, "w") as file:
        dataset = file.create_dataset("x", (12,), "f8", chunks=(4,), compression="gzip", fillvalue=7.0)
        dataset[:4] = 1.0
    assert unpacked(target.getvalue()) is None
    (leaf,) = hdf5.read(target.getvalue(), name="a.h5", printed=False).values()
    assert np.asarray(getattr(leaf, "values", leaf)).tolist() == [1.0] * 4 + [7.0] * 8


def test_a_chunk_that_no_filter_made_smaller_is_left_to_the_library() -> None:
    """A filter that was passed over for one chunk leaves its mark, and is not undone."""
    target = io.BytesIO()
    with h5py.File(target, "w") as file:
        dataset = file.create_dataset("x", (8,), "f8", chunks=(4,), compression="gzip")
        dataset[:] = 1.0
        dataset.id.write_direct_chunk((4,), np.full(4, 2.0).tobytes(), filter_mask=1)
    assert unpacked(target.getvalue()) is None
    (leaf,) = hdf5.read(target.getvalue(), name="a.h5", printed=False).values()
    assert np.asarray(getattr(leaf, "values", leaf)).tolist() == [1.0] * 4 + [2.0] * 4


@pytest.mark.parametrize(
    "chunk",
    [
        zlib.compress(bytes(1 << 20)),
        zlib.compress(bytes(31)),
        zlib.compress(bytes(32))[:-4],
        zlib.compress(bytes(32))[:-5],
        b"no stream at all",
    ],
    ids=["bomb", "too-short", "without-checksum", "cut", "foreign"],
)
def test_a_damaged_chunk_is_no_values(chunk: bytes) -> None:
    """A chunk that does not unpack to its size is not taken: the library refuses it, or reads what it can."""
    target = io.BytesIO()
    with h5py.File(target, "w") as file:
        dataset = file.create_dataset("x", (8,), "f8", chunks=(4,), compression="gzip")
        dataset[:] = 1.0
        dataset.id.write_direct_chunk((4,), chunk)
    assert unpacked(target.getvalue()) is None


def test_a_flipped_byte_is_refused() -> None:
    """What zlib's checksum does not confirm is no value, and the message names the file."""
    data = bytearray(made(np.arange(4096.0), chunks=(4096,), compression="gzip"))
    with h5py.File(io.BytesIO(bytes(data)), "r") as file:
        info = file["x"].id.get_chunk_info(0)
    data[info.byte_offset + info.size - 1] ^= 1
    assert unpacked(bytes(data)) is None
    with pytest.raises(FormatError, match=r"a\.h5: not readable as HDF5"):
        hdf5.read(bytes(data), name="a.h5", printed=False)


def test_bytes_before_the_signature_leave_it_to_the_library() -> None:
    """Places of chunks count from the signature: a file with bytes of its user before it is read as it is."""
    target = io.BytesIO()
    with h5py.File(target, "w", userblock_size=512) as file:
        file.create_dataset("x", data=np.arange(10.0), chunks=(4,), compression="gzip")
    (leaf,) = hdf5.read(target.getvalue(), name="a.h5", printed=False).values()
    assert np.asarray(getattr(leaf, "values", leaf)).tolist() == np.arange(10.0).tolist()
