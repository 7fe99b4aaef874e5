from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import ConfigError
from repro.drift.pattern import TreePath, parse_path, parse_pattern, path_text

KEYS = st.text(min_size=1, max_size=5) | st.sampled_from(
    ["a", "b.c", "x[0]", "**", "*", "$", '"', "é", "\x1b"]
)
PATHS = st.lists(KEYS | st.integers(0, 10**17), max_size=5).map(tuple)


def selects(pattern: str, path: TreePath, shape: tuple[int, ...] = ()) -> bool:
    return bool(parse_pattern(pattern, where="test").regions(path, shape))


@given(PATHS)
def test_a_written_path_selects_itself(path: TreePath) -> None:
    """What is printed for a path can be put into a rule and selects that path, whatever its keys hold."""
    assert selects(path_text(path), path)


@given(PATHS)
def test_a_written_path_is_read_back(path: TreePath) -> None:
    """`parse_path` is the inverse of `path_text`."""
    assert parse_path(path_text(path)) == path


@pytest.mark.parametrize("text", ["a.**", "a[*]", "a*", "a[1:2]", "", "]"])
def test_what_is_not_one_path_is_refused(text: str) -> None:
    """A pattern for several paths, or for none, is no path."""
    with pytest.raises(ConfigError):
        parse_path(text)


@given(PATHS, PATHS)
def test_a_written_path_selects_only_itself_and_its_elements(path: TreePath, other: TreePath) -> None:
    """A literal pattern selects another path only if that is an element of the list it names."""
    tail = other[len(path) :]
    expected = other[: len(path)] == path and all(isinstance(step, int) for step in tail)
    assert selects(path_text(path), other) == expected


@given(PATHS)
def test_two_stars_select_everything(path: TreePath) -> None:
    """`**` selects every path, the root included."""
    assert selects("**", path)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("trials[*].regret", ("trials", 3, "regret"), True),
        ("trials[*].regret", ("trials", "x", "regret"), False),
        ("trials[*].regret", ("trials", 3, "regret", 7), True),
        ("trials[*].regret", ("trials", 3, "regret", "x"), False),
        ("trials[2].regret", ("trials", 3, "regret"), False),
        ("**.loss", ("loss",), True),
        ("**.loss", ("a", 0, "b", "loss"), True),
        ("**.loss", ("a", "loss", "b"), False),
        ("a.**.z", ("a", "z"), True),
        ("a.**.z", ("a", 1, 2, "z"), True),
        ("*.loss", ("a", "loss"), True),
        ("*.loss", ("a", "b", "loss"), False),
        ("loss_*", ("loss_12",), True),
        ("l?ss", ("loss",), True),
        ('["loss_*"]', ("loss_12",), False),
        ("$", (), True),
        ("$", ("a",), False),
        ("[*].x", (4, "x"), True),
        ("regret[10:]", ("regret", 10), True),
        ("regret[10:]", ("regret", 9), False),
        ("regret[:2].x", ("regret", 1, "x"), True),
        ("regret[1:9:3]", ("regret", 7), True),
        ("regret[1:9:3]", ("regret", 8), False),
        ("regret[:]", ("regret", 8), True),
        ("/group/dataset", ("group", "dataset"), True),
        ("/group/v1.0/*", ("group", "v1.0", "x"), True),
        ("/group/x[2:]", ("group", "x", 3), True),
        ("/**/x", ("a", "b", "x"), True),
        ("/", (), True),
        ("table.column", ("table", "column"), True),
        ("x.@units", ("x", "@units"), True),
    ],
)
def test_patterns_select_typed_paths(pattern: str, path: TreePath, *, expected: bool) -> None:
    """Each form of pattern selects what the language says."""
    assert selects(pattern, path) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("m", np.ones((3, 2), dtype=bool)),
        ("m[1]", np.array([[0, 0], [1, 1], [0, 0]], dtype=bool)),
        ("m[*][1]", np.array([[0, 1], [0, 1], [0, 1]], dtype=bool)),
        ("m[2][0]", np.array([[0, 0], [0, 0], [1, 0]], dtype=bool)),
        ("m.**[1]", np.array([[0, 1], [1, 1], [0, 1]], dtype=bool)),
        ("m[3]", np.zeros((3, 2), dtype=bool)),
        ("m[1:]", np.array([[0, 0], [1, 1], [1, 1]], dtype=bool)),
        ("m[::2][1:]", np.array([[0, 1], [0, 0], [0, 1]], dtype=bool)),
        ("m[0:9]", np.ones((3, 2), dtype=bool)),
        ("m[5:]", np.zeros((3, 2), dtype=bool)),
        ("m[2:2]", np.zeros((3, 2), dtype=bool)),
        ("m[0][0][0]", np.zeros((3, 2), dtype=bool)),
        ("m[0].x", np.zeros((3, 2), dtype=bool)),
    ],
)
def test_patterns_select_elements_of_arrays(pattern: str, expected: np.ndarray) -> None:
    """An index in a pattern selects the elements of an array leaf that have it, and nothing else."""
    mask = np.zeros((3, 2), dtype=bool)
    for region in parse_pattern(pattern, where="test").regions(("m",), (3, 2)):
        mask[region] = True
    assert mask.tolist() == expected.tolist()


@given(
    st.lists(st.sampled_from(["**", "[*]", "[0]", "[1]", ".a", ".*"]), min_size=1, max_size=5),
    st.lists(st.sampled_from(["a", "b"]) | st.integers(0, 1), max_size=2).map(tuple),
)
def test_elements_are_selected_as_if_they_stood_alone(parts: list[str], path: TreePath) -> None:
    """A pattern covers an element of an array exactly if it selects the element's own path."""
    text = "".join("." + part if part == "**" else part for part in parts).lstrip(".")
    pattern = parse_pattern(text.replace("[.", "["), where="test") if parts.count("**") <= 4 else None
    if pattern is None:
        return
    mask = np.zeros((2, 3), dtype=bool)
    for region in pattern.regions(path, (2, 3)):
        mask[region] = True
    for index in np.ndindex(2, 3):
        assert mask[index] == bool(pattern.regions((*path, *index)))


@pytest.mark.parametrize(
    "text",
    ["", ".a", "a..b", "a.", "a[", "a[x]", "a[-1]", "a]b", '["a', "[]", "a[*]b", "**.**.**.**.**", '["\\x"]'],
)
def test_what_is_no_pattern_is_refused(text: str) -> None:
    """A malformed pattern is a configuration error that names where it stands."""
    with pytest.raises(ConfigError, match="rules"):
        parse_pattern(text, where="rules[0].path")


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("**", "a[*].b", True),
        ("a[*].b", "a[3].b", True),
        ("a[3].b", "a[*].b", False),
        ("a.*", "a.b", True),
        ("a.*", "a.b*", True),
        ("a.b", "a.*", False),
        ("a.?", "a.*", False),
        ("a", "a[*]", True),
        ("a.**", "a.x.**", True),
        ("a.x", "a.**", False),
    ],
)
def test_covering_is_decided_between_patterns(wide: str, narrow: str, *, expected: bool) -> None:
    """One pattern covers another if it selects everything that the other selects."""
    assert parse_pattern(wide, where="t").covers(parse_pattern(narrow, where="t")) == expected
