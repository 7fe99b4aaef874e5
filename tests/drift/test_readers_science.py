from __future__ import annotations

import io
import struct
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import h5netcdf
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from PIL import Image

from repro.core.errors import ExtraMissing, FormatError
from repro.drift.pattern import path_text
from repro.drift.readers.choose import read
from repro.drift.tree import Array, Empty, Tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def plain(tree: Tree) -> dict[str, Any]:
    """A tree with its arrays as lists, for comparison in assertions."""
    return {
        path_text(path): leaf.values.tolist() if isinstance(leaf, Array) else leaf
        for path, leaf in tree.items()
    }


def hdf5(fill: Callable[[Any], None], **options: Any) -> bytes:  # noqa: ANN401 - h5py's
    file = io.BytesIO()
    with h5py.File(file, "w", **options) as made:
        fill(made)
    return file.getvalue()


def typed(made: Any) -> None:  # noqa: ANN401 - an h5py file
    made["g/x"] = np.arange(3.0)
    made["g/big"] = np.arange(3).astype(">i4")
    made.create_dataset("packed", data=np.arange(4.0).reshape(2, 2), chunks=(1, 2), compression="gzip")
    made["words"] = ["a", "bc"]
    made["flag"] = np.array([True, False])
    made["record"] = np.array([(1, 2.5)], dtype=[("n", "i4"), ("v", "f8")])
    made["alone"] = 1.5
    made["none"] = h5py.Empty("f8")
    ragged = made.create_dataset("ragged", (2,), dtype=h5py.vlen_dtype(np.int32))
    ragged[0], ragged[1] = [1, 2], [3]
    made["soft"] = h5py.SoftLink("/g/x")
    made["g/x"].attrs["units"] = "m"
    made.create_group("empty")


@pytest.mark.parametrize("options", [{}, {"userblock_size": 512}, {"libver": "latest"}])
def test_hdf5_datasets_and_attributes_are_leaves(options: dict[str, Any]) -> None:
    """Groups, datasets of every sort, attributes and links of an HDF5 file have typed paths."""
    assert plain(read(hdf5(typed, **options), name="a.h5")) == {
        "alone": 1.5,
        "empty": Empty(kind="object"),
        "flag": [True, False],
        "g.big": [0, 1, 2],
        "g.x.@units": "m",
        "g.x": [0.0, 1.0, 2.0],
        "none": Empty(kind="list"),
        "packed": [[0.0, 1.0], [2.0, 3.0]],
        "ragged.lengths": [2, 1],
        "ragged.values": [1, 2, 3],
        "record.n": [1],
        "record.v": [2.5],
        "soft": "link to /g/x",
        "words": ["a", "bc"],
    }


def test_soft_links_in_a_loop_are_text() -> None:
    """Soft links that lead to each other, to themselves or above are compared as text and never followed."""

    def looped(made: Any) -> None:  # noqa: ANN401 - an h5py file
        made["one"], made["two"] = h5py.SoftLink("/two"), h5py.SoftLink("/one")
        made["self"] = h5py.SoftLink("/self")
        made.create_group("g")["up"] = h5py.SoftLink("/g")

    assert plain(read(hdf5(looped), name="a.h5")) == {
        "g.up": "link to /g",
        "one": "link to /two",
        "self": "link to /self",
        "two": "link to /one",
    }


def test_plain_datasets_are_not_copied() -> None:
    """Values that lie in the file in one piece are used where they lie."""
    data = hdf5(lambda made: made.__setitem__("x", np.arange(1000.0)))
    leaf = read(data, name="a.h5")["x",]
    assert isinstance(leaf, Array)
    assert np.shares_memory(leaf.values, np.frombuffer(data, dtype=np.uint8))


def external_link(made: Any) -> None:  # noqa: ANN401 - an h5py file
    made["x"] = h5py.ExternalLink("/etc/other.h5", "/x")


def external_storage(made: Any) -> None:  # noqa: ANN401 - an h5py file
    made.create_dataset("x", (4,), dtype="f8", external=[("/etc/hostname", 0, 32)])


def virtual(made: Any) -> None:  # noqa: ANN401 - an h5py file
    layout = h5py.VirtualLayout((4,), dtype="f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(4,))
    made.create_virtual_dataset("x", layout)


def cycle(made: Any) -> None:  # noqa: ANN401 - an h5py file
    made.create_group("a/b")
    made["a/b/c"] = made["a"]


def bomb(made: Any) -> None:  # noqa: ANN401 - an h5py file
    made.create_dataset("x", (1 << 40,), dtype="f8", chunks=(1 << 20,), compression="gzip")


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (external_link, "link out"),
        (external_storage, "other files"),
        (virtual, "other files"),
        (cycle, "contains itself"),
        (bomb, "unpacks to more"),
    ],
)
def test_hdf5_that_leads_elsewhere_or_on_forever_is_refused(
    fill: Callable[[Any], None], message: str
) -> None:
    """Links out of the file, foreign storage, groups in themselves and bombs are a FormatError."""
    with pytest.raises(FormatError, match=message):
        read(hdf5(fill), name="a.h5")


def test_a_truncated_hdf5_file_is_refused() -> None:
    """A file that was cut off is a FormatError."""
    data = hdf5(lambda made: made.__setitem__("x", np.arange(1000.0)))
    with pytest.raises(FormatError, match=r"a\.h5"):
        read(data[:-100], name="a.h5")


def test_netcdf_has_holes_and_coordinates() -> None:
    """Fill values are NaN, dimensions without variable are nothing, the first axis has its coordinate."""
    file = io.BytesIO()
    with h5netcdf.File(file, "w") as made:
        made.dimensions = {"t": 3, "bare": 2}
        made.create_variable("t", ("t",), data=np.array([0.0, 0.5, 1.0]))
        made.create_variable("x", ("t", "bare"), data=np.array([[1, 2], [3, 9], [4, 5.0]]), fillvalue=9.0)
        made.create_variable("n", ("bare",), data=np.array([1, 2]))
    tree = read(file.getvalue(), name="a.nc")
    assert set(plain(tree)) == {"t", "x.@_FillValue", "x", "n"}
    x = tree["x",]
    assert isinstance(x, Array)
    assert np.isnan(x.values).tolist() == [[False, False], [False, True], [False, False]]
    assert x.coordinate == ("t",)
    n = tree["n",]
    assert isinstance(n, Array)
    assert n.coordinate is None


def test_netcdf_of_the_old_format_is_named() -> None:
    """A classic NetCDF file is no NetCDF-4, and the error says how to convert it."""
    with pytest.raises(FormatError, match="classic") as caught:
        read(b"CDF\x01" + bytes(28), name="a.nc")
    assert "nccopy" in caught.value.hint


def columns() -> Any:  # noqa: ANN401 - an arrow table
    return pa.table(
        {
            "x": pa.array([1.5, None, float("nan")]),
            "n": pa.array([1, 2, 3], pa.uint8()),
            "holes": pa.array([1, None, 3]),
            "b": [True, False, True],
            "s": ["a", "b\x00", "c"],
            "cat": pa.array(["u", "v", "u"]).dictionary_encode(),
            "day": pa.array([0, 1, 2], pa.date32()),
            "t": pa.array([0, 1, 2], pa.timestamp("us")),
            "l": [[1, 2], [], [3]],
            "st": [{"a": 1}, {"a": 2}, {"a": 3}],
            "raw": [b"\x00", b"", b"\xff"],
            "d": pa.array([Decimal("1.10"), Decimal("2.20"), Decimal("3.30")]),
            "nothing": pa.nulls(3),
        }
    )


@pytest.mark.parametrize("kind", ["parquet", "feather", "arrow"])
def test_columns_of_every_type_are_leaves(kind: str) -> None:
    """Columns of Parquet, Feather and Arrow keep values, types and what is missing."""
    file = io.BytesIO()
    if kind == "parquet":
        pa.parquet.write_table(columns(), file)
    elif kind == "feather":
        pa.feather.write_feather(columns(), file)
    else:
        with pa.ipc.new_file(file, columns().schema) as writer:
            writer.write_table(columns())
    tree = plain(read(file.getvalue(), name=f"a.{kind}"))
    assert np.isnan(tree.pop("x")[1:]).all()
    assert [str(day) for day in tree.pop("day")] == ["1970-01-01", "1970-01-02", "1970-01-03"]
    assert len(tree.pop("t")) == 3
    assert tree == {
        "x.null": [False, True, False],
        "n": [1, 2, 3],
        "holes.null": [False, True, False],
        "holes.values": [1, 3],
        "b": [True, False, True],
        "s": ["a", "b", "c"],
        "cat": ["u", "v", "u"],
        "l.lengths": [2, 0, 1],
        "l.values": [1, 2, 3],
        "st.a": [1, 2, 3],
        "raw": ["00", "", "ff"],
        "d": ["1.10", "2.20", "3.30"],
        "nothing": Empty(kind="list"),
    }


MTX = b"%%MatrixMarket matrix coordinate real general\n% made by hand\n2 3 2\n2 1 2.5\n1 3 1.5\n"


def test_entries_of_a_sparse_matrix_have_no_order() -> None:
    """A sparse matrix is the same in whatever order its entries stand."""
    swapped = MTX.replace(b"2 1 2.5\n1 3 1.5", b"1 3 1.5\n2 1 2.5")
    expected = {
        "symmetry": "general",
        "shape": [2, 3],
        "rows": [1, 2],
        "columns": [3, 1],
        "values": [1.5, 2.5],
    }
    assert plain(read(MTX, name="a.mtx")) == plain(read(swapped, name="a.mtx")) == expected


@pytest.mark.parametrize(
    ("banner", "body", "values"),
    [
        ("array real general", "2 2\n1\n2\n3\n4\n", [1.0, 2.0, 3.0, 4.0]),
        ("array real symmetric", "2 2\n1\n2\n3\n", [1.0, 2.0, 3.0]),
        ("array integer general", "1 1\n9007199254740993\n", [2**53 + 1]),
        ("coordinate complex general", "1 1 1\n1 1 1.5 -2\n", [1.5 - 2j]),
    ],
)
def test_matrices_of_every_field_are_read(banner: str, body: str, values: list[Any]) -> None:
    """Dense, sparse, integer and complex matrices give their values."""
    tree = plain(read(f"%%MatrixMarket matrix {banner}\n{body}".encode(), name="a.mtx"))
    assert tree["values"] == values


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (MTX.replace(b"2 3 2", b"2 3 3"), "promised"),
        (MTX.replace(b"2 1 2.5", b"9 1 2.5"), "outside"),
        (MTX.replace(b"2 1 2.5", b"1 3 2.5"), "twice"),
        (MTX.replace(b"2 3 2", b"2 3 99999999999999999999"), "64 bits"),
        (MTX.replace(b"2.5", b"2_5"), "no number"),
        (MTX.replace(b"real", b"quaternion"), "not known"),
    ],
)
def test_a_matrix_that_contradicts_itself_is_refused(data: bytes, message: str) -> None:
    """Counts, places and words of a MatrixMarket file must agree."""
    with pytest.raises(FormatError, match=message):
        read(data, name="a.mtx")


def png(values: Any, mode: str | None = None) -> bytes:  # noqa: ANN401 - anything numpy takes
    file = io.BytesIO()
    image = Image.fromarray(np.asarray(values))
    (image.convert(mode) if mode else image).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "channels"),
    [
        (png(np.arange(4, dtype=np.uint8).reshape(2, 2)), ["gray"]),
        (png(np.arange(4, dtype=np.uint16).reshape(2, 2) * 9000), ["gray"]),
        (png(np.zeros((2, 2, 3), dtype=np.uint8)), ["red", "green", "blue"]),
        (png(np.zeros((2, 2, 4), dtype=np.uint8)), ["red", "green", "blue", "alpha"]),
        (png(np.zeros((2, 2, 3), dtype=np.uint8), "P"), ["red", "green", "blue"]),
        (png(np.zeros((2, 2), dtype=np.uint8), "1"), ["gray"]),
    ],
)
def test_channels_of_an_image_are_leaves(data: bytes, channels: list[str]) -> None:
    """Each channel is an array of levels."""
    tree = plain(read(data, name="a.png"))
    assert list(tree) == channels
    if channels == ["gray"] and len(tree["gray"]) == 2 and tree["gray"][1][1]:
        assert tree["gray"][1][1] in {3, 27000}


def declared(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    data = png(np.zeros((2, 2, 3), dtype=np.uint8))
    return data[:16] + struct.pack(">IIBB", width, height, depth, colour) + data[26:]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (declared(100_000, 10_000), "pixels declared"),
        (declared(2, 2, 16), "16 bits"),
        (declared(2, 2)[:45], "not a PNG"),
        (png(np.zeros((2, 2), dtype=np.uint8))[:20], "not a PNG"),
    ],
)
def test_an_image_that_asks_too_much_is_refused(data: bytes, message: str) -> None:
    """Huge or truncated images and those that would lose bits are a FormatError before memory is taken."""
    with pytest.raises(FormatError, match=message):
        read(data, name="a.png")


@pytest.mark.parametrize(
    ("module", "data", "extra"),
    [
        ("h5py", b"\x89HDF\r\n\x1a\n", "hdf5"),
        ("pyarrow", b"PAR1", "parquet"),
        ("PIL", png(np.zeros((2, 2), dtype=np.uint8)), "images"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_missing_library_is_named(
    module: str, data: bytes, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its library a format is not skipped: the error names the line that installs it, exit 3."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ExtraMissing, match="not installed") as caught:
        read(data, name="a")
    assert f"repro-toolchain[{extra}]" in caught.value.hint
    assert caught.value.exit == 3


READER = """
from repro.drift.readers.form import Format
from repro.drift.tree import Array
import numpy as np

def read(data, *, name, printed):
    return {("sum",): Array(values=np.frombuffer(bytes(data)[4:], dtype=np.uint8).astype(np.float64))}

def broken(data, *, name, printed):
    raise ZeroDivisionError("oh")

FORMAT = Format(name="Mine", read=read, suffixes=(".mine",), magic=((0, b"MINE"),))
BROKEN = Format(name="Broken", read=broken, suffixes=(".broken",))
"""


def test_a_reader_comes_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with one file and one entry point teaches a format; what it raises is wrapped."""
    from repro.drift.readers.choose import plugins

    (tmp_path / "mine.py").write_text(READER)
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[repro.readers]\nbroken = mine:BROKEN\nmine = mine:FORMAT\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.cache_clear()
    try:
        assert plain(read(b"MINE\x01\x02", name="result")) == {"sum": [1.0, 2.0]}
        with pytest.raises(FormatError, match="Broken failed: ZeroDivisionError"):
            read(b"\x00", name="a.broken")
    finally:
        plugins.cache_clear()


@pytest.mark.parametrize("reserved", [b"\0\0\0", b"\0\0\x45"])
def test_a_damaged_heap_is_refused(reserved: bytes) -> None:
    """Free space without size, in which libhdf5 goes round forever, is found before it looks."""
    data = bytearray(hdf5(lambda made: made.__setitem__("words", ["a", "bc"])))
    at = data.index(b"GCOL") + 16
    while data[at : at + 2] != b"\x00\x00":
        at += 16 + (int.from_bytes(data[at + 8 : at + 16], "little") + 7) // 8 * 8
    data[at + 8 : at + 16] = bytes(8)
    head = data.index(b"GCOL")
    data[head + 5 : head + 8] = reserved  # the library does not look at them
    with pytest.raises(FormatError, match="damaged heap"):
        read(bytes(data), name="a.h5")
