from __future__ import annotations

import io
import json
import math
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from repro.core.errors import FormatError
from repro.drift.pattern import path_text
from repro.drift.readers.choose import read
from repro.drift.tree import Array, Empty, Lines, Opaque, Tree, half_unit

if TYPE_CHECKING:
    from collections.abc import Callable


def npy(values: Any, **options: Any) -> bytes:  # noqa: ANN401 - anything numpy takes
    file = io.BytesIO()
    np.save(file, np.asarray(values, **options), allow_pickle=True)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:  # noqa: ANN401 - anything numpy takes
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def archive(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in members:
            made.writestr(name, content)
    return file.getvalue()


def header(text: str, body: bytes = b"") -> bytes:
    raw = text.encode()
    return b"\x93NUMPY\x01\x00" + len(raw).to_bytes(2, "little") + raw + body


def plain(tree: Tree) -> dict[str, Any]:
    """A tree with its arrays as (type, values), for comparison in assertions."""
    return {
        path_text(path): (leaf.values.dtype.str, leaf.values.tolist()) if isinstance(leaf, Array) else leaf
        for path, leaf in tree.items()
    }


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.json", b"", "empty"),
        ("not_json.json", b"{'a': 1}", "not JSON"),
        ("truncated.json", b'{"a": [1, 2', "not JSON"),
        ("duplicate_key.json", b'{"a": 1, "a": 2}', "given twice"),
        ("byte_order_mark.json", b'\xef\xbb\xbf{"a": 1}', "byte order mark"),
        ("too_deep.json", b"[" * 300 + b"]" * 300, "deep"),
        ("far_too_deep.json", b"[" * 100_000 + b"]" * 100_000, "deep"),
        ("too_many_digits.json", b"9" * 5000, "digits"),
        ("not_utf8.json", b'"\xff"', "utf-8"),
        ("blank_line.jsonl", b"1\n\n2\n", "line 2"),
        ("second_line_broken.jsonl", b"1\n{\n", "line 2"),
        ("ragged.csv", b"a,b\n1,2\n3\n", "row 3"),
        ("twice_the_same_column.csv", b"a,a\n1,2\n", "given twice"),
        ("unclosed_quote.csv", b'a,b\n"1,2\n', "unclosed_quote"),
        ("byte_order_mark.csv", b"\xef\xbb\xbfa,b\n1,2\n", "byte order mark"),
        ("nul.csv", b"a\x00,b\n1,2\n", "not UTF-8 text"),
        ("no_rows.csv", b"\n\n", "no rows"),
        ("endless_line.csv", b"1," * 200_000, "more than 100000 columns"),
        ("endless_cell.csv", b"a\n" + b"x" * 200_000, "field larger"),
        ("not_npy.npy", b"hello, this is text", "not an NPY file"),
        ("truncated.npy", npy([1.0, 2.0])[:-1], "promises 16 bytes"),
        ("trailing.npy", npy([1.0, 2.0]) + b"\x00", "promises 16 bytes"),
        ("header_only.npy", npy([1.0])[:20], "truncated"),
        ("objects.npy", npy([{}, None], dtype=object), "never unpickled"),
        ("lying_shape.npy", header("{'descr': '<f8', 'fortran_order': False, 'shape': (10**15,)}"), "header"),
        (
            "huge_shape.npy",
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,)}", b"\x00" * 8),
            "promises 8000000000000000 bytes",
        ),
        ("negative_shape.npy", header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"), "shape"),
        ("no_shape.npy", header("{'descr': '<f8', 'fortran_order': False}"), "header"),
        (
            "bool_of_two.npy",
            header("{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", b"\x02"),
            "bool",
        ),
        (
            "beyond_unicode.npy",
            header("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", b"\xff\xff\xff\x7f"),
            "Unicode",
        ),
        ("not_a_zip.npz", b"PK nothing", "not an NPZ archive"),
        ("empty_archive.npz", archive(), "nothing"),
        ("stranger.npz", archive(("a.pkl", b"x")), "no array"),
        ("objects.npz", archive(("a.npy", npy([{}], dtype=object))), "never unpickled"),
        ("broken_member.npz", archive(("a.npy", npy([1.0])[:-3])), "promises"),
        ("text_with_nul.txt", b"a\x00b", "not UTF-8 text"),
    ],
)
def test_a_defect_is_refused_by_name(name: str, data: bytes, message: str) -> None:
    """Each defect gives a FormatError that names the file and the defect."""
    with pytest.raises(FormatError, match=message) as caught:
        read(data, name=name)
    assert name in caught.value.message


def test_an_archive_that_names_an_array_twice_is_refused() -> None:
    """Two members of one name are two readings of one file."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = archive(("a.npy", npy([1.0])), ("a.npy", npy([2.0])))
    with pytest.raises(FormatError, match="given twice"):
        read(data, name="a.npz")


def test_json_becomes_typed_paths() -> None:
    """Rectangular numeric lists of one type are arrays, everything else separate leaves."""
    document = {
        "z": [1.0, 2.5],
        "i": [[1, 2], [3, 4]],
        "mixed": [1, 2.5],
        "ragged": [[1.0], [1.0, 2.0]],
        "b": [True, False],
        "big": [1, 2**70],
        "unsigned": [0, 2**64 - 1],
        "e": [],
        "o": {},
        "s": "x",
        "n": None,
        "holes": [[], []],
    }
    assert plain(read(json.dumps(document).encode(), name="a.json")) == {
        "z": ("<f8", [1.0, 2.5]),
        "i": ("<i8", [[1, 2], [3, 4]]),
        "mixed[0]": 1,
        "mixed[1]": 2.5,
        "ragged[0]": ("<f8", [1.0]),
        "ragged[1]": ("<f8", [1.0, 2.0]),
        "b": ("|b1", [True, False]),
        "big[0]": 1,
        "big[1]": 2**70,
        "unsigned": ("<u8", [0, 2**64 - 1]),
        "e": Empty(kind="list"),
        "o": Empty(kind="object"),
        "s": "x",
        "n": None,
        "holes[0]": Empty(kind="list"),
        "holes[1]": Empty(kind="list"),
    }


def test_json_tokens_of_python_are_numbers() -> None:
    """NaN and Infinity, which Python's json writes, are read as such."""
    leaf = read(b"[NaN, Infinity, -Infinity]", name="a.json")[()]
    assert isinstance(leaf, Array)
    assert np.isnan(leaf.values[0])
    assert leaf.values[1:].tolist() == [math.inf, -math.inf]


def test_json_lines_are_a_list() -> None:
    """The values of the lines have the paths they would have in one list."""
    tree = read(b'{"a": 1.5}\n{"a": [1, 2]}', name="a.jsonl")
    assert plain(tree) == {"[0].a": 1.5, "[1].a": ("<i8", [1, 2])}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a,b\n1,1.5\n2,2\n", {"a": ("<i8", [1, 2]), "b": ("<f8", [1.5, 2.0])}),
        (b"1,1.5\n2,2\n", {"columns[0]": ("<i8", [1, 2]), "columns[1]": ("<f8", [1.5, 2.0])}),
        (b"a,b\nx,1\ny,\n", {"a[0]": "x", "a[1]": "y", "b[0]": 1, "b[1]": None}),
        (b"a\n18446744073709551616\n", {"a[0]": 2**64}),
        (b"a,b\n", {"a": Empty(kind="list"), "b": Empty(kind="list")}),
        (b"a\n1_0\n", {"a[0]": "1_0"}),
        (b"a\nNA\n2.5\n", {"a[0]": "NA", "a[1]": 2.5}),
        (b"a;b\n1,5;2\n2,5;3\n", {"a": ("<f8", [1.5, 2.5]), "b": ("<i8", [2, 3])}),
        (b"a|b\n1|2\n3|4\n", {"a": ("<i8", [1, 3]), "b": ("<i8", [2, 4])}),
        (
            b"# by hand\na\tb\n1\t2\n",
            {'["#"]': Lines(lines=("# by hand",)), "a": ("<i8", [1]), "b": ("<i8", [2])},
        ),
        (b'a\n"x,""y"\n', {"a[0]": 'x,"y'}),
        (b'a,b\n"1\n2",3\n', {"a[0]": "1\n2", "b": ("<i8", [3])}),
    ],
)
def test_a_table_becomes_columns(data: bytes, expected: dict[str, Any]) -> None:
    """Columns have the names of the header or their number, and the type that all their cells have."""
    assert plain(read(data, name="a.csv")) == expected


def test_blank_cells_of_floats_are_nan() -> None:
    """A missing value in a column of floats stands at its place as NaN."""
    leaf = read(b"a,b\n1.5,x\n,y\n", name="a.csv")[("a",)]
    assert isinstance(leaf, Array)
    assert leaf.values[0] == 1.5
    assert np.isnan(leaf.values[1])


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_is_read_as_numpy_reads_it(order: str) -> None:
    """Values, shape and type of an array survive, whatever its memory order and byte order."""
    for dtype in ("<f8", ">f4", "<c16", "<i2", "|b1", "<U3", "<M8[s]"):
        values = np.arange(6).reshape(2, 3).astype(dtype)
        leaf = read(npy(values, order=order), name="a.npy")[()]
        assert isinstance(leaf, Array)
        assert leaf.values.tolist() == values.tolist()
        assert leaf.values.dtype.newbyteorder("=") == values.dtype.newbyteorder("=")


def test_fields_of_a_structured_array_are_leaves() -> None:
    """A record array has one leaf per field."""
    values = np.array([(1, 2.5), (3, 4.5)], dtype=[("n", "i4"), ("x", "f8")])
    assert plain(read(npy(values), name="a.npy")) == {"n": ("<i4", [1, 3]), "x": ("<f8", [2.5, 4.5])}


def test_an_archive_has_its_arrays_by_name() -> None:
    """The arrays of an NPZ file have the names they were saved under."""
    tree = read(npz(a=[1.5], **{"b.c": [1]}), name="a.npz")
    assert plain(tree) == {"a": ("<f8", [1.5]), '["b.c"]': ("<i8", [1])}


@pytest.mark.parametrize(
    ("line", "text", "numbers"),
    [
        ("loss 0.25 at step 3", "loss # at step #", [0.25, 3]),
        ("x=-1.5e-3, y=+2", "x=#, y=#", [-1.5e-3, 2]),
        ("version 1.2.3 of a1 and b2c", "version 1.2.3 of a1 and b2c", []),
        ("[1. 2.5]", "[# #]", [1, 2.5]),
        ("nan inf -Infinity nancy", "# # # nancy", [math.nan, math.inf, -math.inf]),
        ("seed 12345678901234567890", "seed 12345678901234567890", []),
        ("50% of .5", "#% of #", [50, 0.5]),
        ("3-4", "#-#", [3, 4]),
    ],
)
def test_text_is_split_into_words_and_numbers(line: str, text: str, numbers: list[float]) -> None:
    """Numbers that stand alone are numbers; those in names, versions and long identifiers are text."""
    tree = read(line.encode(), name="a.txt")
    lines = tree[("text",)]
    assert isinstance(lines, Lines)
    assert [entry.replace("\x00", "#") for entry in lines.lines] == [text]
    leaf = tree.get(("numbers",))
    np.testing.assert_array_equal(leaf.values if isinstance(leaf, Array) else [], numbers)


def test_a_suffix_that_is_not_known_is_text_or_bytes() -> None:
    """What is not text is compared as a whole."""
    assert ("text",) in read(b"loss 0.5\n", name="result")
    assert isinstance(read(b"\x00\x01", name="model.bin")[()], Opaque)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.25", 0.005),
        ("3e2", 50.0),
        ("12", 0.5),
        ("1.50e-3", 5e-6),
        ("1.", 0.5),
        ("nan", 0.0),
        ("-inf", 0.0),
    ],
)
def test_half_a_unit_of_the_last_digit(text: str, expected: float) -> None:
    """The last printed digit decides, trailing zeros included."""
    assert half_unit(text) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    "make", [lambda n: b"1" * n + b"a", lambda n: b"1." * n, lambda n: b"-" * n, lambda n: b"1e" * n]
)
def test_adversarial_text_stays_linear(make: Callable[[int], bytes]) -> None:
    """A megabyte made to send a backtracking pattern astray is read like any other."""
    assert read(make(1 << 19), name="a.txt")
    assert read(b"a\n" + make(1 << 16), name="a.csv")
