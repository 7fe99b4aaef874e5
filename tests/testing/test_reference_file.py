from __future__ import annotations

import string
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from repro.core.verdict import Verdict
from repro.drift.match import compare_trees
from repro.drift.resolve import Resolver
from repro.drift.rules import Rules
from repro.drift.tree import Array
from repro.testing import reference
from repro.testing.fixture import ALLOWED, stem_of
from repro.testing.values import tree_of

if TYPE_CHECKING:
    import pytest

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
DTYPES = st.sampled_from(
    ["bool", "i1", "u8", "i8", "f2", "f4", "f8", "g", "c8", "c16", "U3", "M8[s]", ">f8", ">i4"]
)
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(
        np.dtype(dtype),
        hnp.array_shapes(min_dims=0, max_dims=3, max_side=4),
        elements=st.text(string.ascii_letters, max_size=3) if dtype == "U3" else None,
    )
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | ARRAYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, values: Any) -> None:  # noqa: ANN401
    """A reference holds every value as it was: the same paths, kinds, shapes and bits."""
    file = tmp_path_factory.mktemp("reference") / "r.json"
    tree = tree_of(values)
    reference.write(file, tree)
    found = reference.read(file)
    assert list(found) == list(tree)
    for path, leaf in tree.items():
        other = found[path]
        assert type(other) is type(leaf)
        if isinstance(leaf, Array) and isinstance(other, Array):
            assert other.values.dtype == leaf.values.dtype
            assert other.values.shape == leaf.values.shape
            np.testing.assert_array_equal(other.values, leaf.values)
        else:
            assert repr(other) == repr(leaf)
    output = compare_trees("r", tree, found, Resolver(Rules(), date(2030, 1, 1)).for_output("r"))
    assert output.verdict in {Verdict.MATCH, Verdict.NOT_MEASURED}


@given(st.lists(st.floats(width=32), min_size=1), st.integers(900, 1100))
def test_the_same_values_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], size: int
) -> None:
    """Both files depend on the values alone, so that git sees a change only where there is one."""
    folder = tmp_path_factory.mktemp("reference")
    tree = tree_of({"small": np.array(values, dtype=np.float32), "large": np.arange(size * 1.0)})
    for name in ("a", "b"):
        (folder / name).mkdir()
        reference.write(folder / name / "r.json", tree)
    first, second = ({path.name: path.read_bytes() for path in (folder / n).iterdir()} for n in "ab")
    assert first == second
    assert ("r.npz" in first) == (size > reference.LARGE)


@given(st.text(), st.text())
def test_names_of_tests_become_names_of_files(one: str, other: str) -> None:
    """Every test has a file name that is one everywhere, and two tests never share it."""
    stems = {stem_of(f"test_x[{name}]") for name in (one, other)}
    assert len(stems) == len({one, other})
    assert all(ALLOWED.fullmatch(stem) for stem in stems)
