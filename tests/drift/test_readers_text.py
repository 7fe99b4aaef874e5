from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from repro.core.errors import FormatError
from repro.drift.pattern import path_text
from repro.drift.readers import columns
from repro.drift.readers.choose import read
from repro.drift.tree import Array, Empty, Tree


def plain(tree: Tree) -> dict[str, Any]:
    """A tree with its arrays as lists, for comparison in assertions."""
    return {
        path_text(path): leaf.values.tolist() if isinstance(leaf, Array) else leaf
        for path, leaf in tree.items()
    }


def test_yaml_has_the_values_of_its_core_schema() -> None:
    """Plain words of YAML 1.2 are what the core schema says: `no` is text, quotes keep text."""
    document = b"""
a: [1.5, .nan, -.inf]
b: {c: 0x1F, d: 0o17, e: 1e3, f: -7}
n: [~, null, '', "null"]
t: true
no: no
x: &anchor [1, 2]
y: *anchor
"""
    tree = plain(read(document, name="a.yaml"))
    assert math.isnan(tree["a"][1])
    assert tree["a"][2] == -math.inf
    assert (tree["b.c"], tree["b.d"], tree["b.e"], tree["b.f"]) == (31, 15, 1000.0, -7)
    assert [tree[f"n[{n}]"] for n in range(4)] == [None, None, "", "null"]
    assert (tree["t"], tree["no"], tree["x"], tree["y"]) == (True, "no", [1, 2], [1, 2])


YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text("abc-#\"' ~", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc~", min_size=1, max_size=3), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=50)
@given(YAML_VALUES)
def test_yaml_means_what_its_library_writes(value: object) -> None:
    """What ruamel.yaml writes is read as the value that was written."""
    import io
    import json

    file = io.StringIO()
    YAML(typ="safe", pure=True).dump({"v": value}, file)
    assert plain(read(file.getvalue().encode(), name="a.yaml")) == plain(
        read(json.dumps({"v": value}).encode(), name="a.json")
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: !!python/object:os.system x", "tags are refused"),
        (b"a: !!float 1", "tags are refused"),
        (b"!mine {a: 1}", "tags are refused"),
        (b"a: 1\na: 2\n", "given twice"),
        (b"? [a]\n: 1\n", "no plain value"),
        (b"[" * 100_000, "levels deep"),
        (b"a: *nothing", "names nothing"),
        (b"a: " + b"9" * 5000, "digits"),
        (b"a: [1", "not YAML"),
        (b"# nothing\n", "no document"),
        (
            b"a0: &a0 [0,0,0,0,0,0,0,0,0,0]\n"
            + b"".join(
                b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 9)
            ),
            "aliases repeat",
        ),
    ],
)
def test_yaml_that_does_more_than_hold_values_is_refused(data: bytes, message: str) -> None:
    """Tags, duplicates, bombs of aliases and depth are a FormatError."""
    with pytest.raises(FormatError, match=message):
        read(data, name="a.yaml")


def test_toml_is_a_tree_with_dates_as_text() -> None:
    """Tables, arrays, numbers and dates of TOML have typed paths."""
    data = b'day = 1979-05-27\nx = [1.5, inf]\n[t]\n"c.d" = "x"\nn = 1\n[e]\n'
    assert plain(read(data, name="a.toml")) == {
        "day": "1979-05-27",
        "x": [1.5, math.inf],
        't["c.d"]': "x",
        "t.n": 1,
        "e": Empty(kind="object"),
    }


@pytest.mark.parametrize(
    "data", [b"a = 1\na = 2\n", b"a = ", b"a = 99999999999999999999", b"a=" + b"[" * 100_000]
)
def test_toml_that_is_none_is_refused(data: bytes) -> None:
    """Duplicates, cut documents, integers beyond 64 bits and depth are a FormatError."""
    with pytest.raises(FormatError, match=r"a\.toml"):
        read(data, name="a.toml")


CELLS = st.one_of(
    st.integers(-(2**60), 2**60).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        ["0", "-0", "-0.0", "1e5", "1E-3", "+1.5", ".5", "5.", " 1", "1 ", "", "1_0", "--1", "1e", "1e400"]
    ),
)


@settings(max_examples=200)
@given(
    st.integers(1, 3).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6)
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_way_to_read_a_table_gives_the_same(rows: list[list[str]], end: str) -> None:
    """Columns that pyarrow or numpy read are those that the slow reader reads, to the last bit."""
    width = len(rows[0])
    names = [f"c{n}" for n in range(width)]
    text = end.join([",".join(names), *(",".join(row) for row in rows)]) + end
    slow = read(text.encode(), name="a.csv")
    body = text.split("\n", 1)[1].encode()
    if body.translate(None, columns.CHARACTERS + b","):
        return
    prepared = body.rstrip(b"\r\n") + b"\n"
    for parse in (columns._by_arrow, columns._by_numpy):
        found = parse(prepared, ",", width)
        if found is None:
            continue
        for name, column in zip(names, found, strict=True):
            leaf = slow[name,]
            assert isinstance(leaf, Array)
            assert leaf.values.dtype == column.dtype
            assert leaf.values.tobytes() == np.ascontiguousarray(column).tobytes()


@pytest.mark.parametrize("floor", [0, 1 << 40])
def test_a_table_of_numbers_is_read_fast(floor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain table does take the fast way, with pyarrow and without."""
    monkeypatch.setattr(columns, "SMALL", 0)
    monkeypatch.setattr(columns, "WORTH_ARROW", floor)
    found = columns.parse(b"1,1.5\n2,2.5\n", ",", 2)
    assert found is not None
    assert [column.tolist() for column in found] == [[1, 2], [1.5, 2.5]]
    assert [column.dtype.kind for column in found] == ["i", "f"]
    assert columns.parse(b"1,1.5\n2\n", ",", 2) is None
    assert columns.parse(b"1,x\n", ",", 2) is None
