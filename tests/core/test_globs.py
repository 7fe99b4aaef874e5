"""Globs over relative paths."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import ConfigError
from repro.core.globs import compile_glob, matches

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = [
    ("src/a.py", "src/a.py", True),
    ("src/a.py", "src", True),
    ("src/a.py", "src/", True),
    ("src/a.py", "./src/*.py", True),
    ("source/a.py", "src", False),
    ("src/sub/a.py", "src/*.py", False),
    ("src/sub/a.py", "src/**/*.py", True),
    ("src/a.py", "src/**/*.py", True),
    ("a.py", "**/*.py", True),
    ("a.py", "**", True),
    ("src", "src/**", False),
    ("src/a/b", "src/**", True),
    ("a/x/a/y/b", "**/a/*/b", True),
    ("ab.txt", "a?.txt", True),
    ("a/b.txt", "a?b.txt", False),
    ("a1", "a[0-9]", True),
    ("ax", "a[!0-9]", True),
    ("a/x", "a[!0-9]x", False),
    ("a^", "a[^]", True),
    ("a\\", "a[\\]", True),
    ("a[", "a[", True),
    ("a-", "a[x-]", True),
    ("a.py\n", "*.py", False),
    (".hidden/x", "**", True),
]


@pytest.mark.parametrize(("path", "pattern", "expected"), NAMES)
def test_named_cases(path: str, pattern: str, expected: bool) -> None:  # noqa: FBT001
    """Each sign means what the module says."""
    assert matches(path, pattern) is expected


def reference(path: Sequence[str], pattern: Sequence[str]) -> bool:
    """The definition, in exponential time: parts against parts, and a folder covers all below it."""
    if not pattern:
        return True
    if pattern[0] == "**":
        if not pattern[1:]:
            return bool(path)
        return any(reference(path[skip:], pattern[1:]) for skip in range(len(path) + 1))
    return bool(path) and fnmatch.fnmatchcase(path[0], pattern[0]) and reference(path[1:], pattern[1:])


@given(
    st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=6),
    st.lists(st.just("**") | st.text("ab*?", min_size=1, max_size=4), min_size=1, max_size=5),
)
def test_agrees_with_its_definition(path: list[str], pattern: list[str]) -> None:
    """The expression says what trying every way to match says."""
    clean = [part if part == "**" else part.replace("**", "*") for part in pattern]
    expected = reference(path, [p for i, p in enumerate(clean) if p != "**" or clean[i - 1 : i] != ["**"]])
    assert matches("/".join(path), "/".join(clean)) is expected


@given(st.text(max_size=40), st.text("ab/*?[]!-^\\.&~|", max_size=30))
def test_any_pattern_is_understood_or_refused(path: str, pattern: str) -> None:
    """No pattern raises anything but ConfigError, and one that names a folder names what lies in it."""
    try:
        found = matches(path, pattern)
    except ConfigError:
        assert "[" in pattern
    else:
        assert not found or matches(f"{path}/x", pattern)


def test_an_impossible_range_is_refused() -> None:
    """A set whose range runs backwards is an error, not a pattern that matches nothing."""
    with pytest.raises(ConfigError, match=r"\[z-a\] is no set"):
        compile_glob("src/[z-a].py")


@pytest.mark.parametrize(
    ("path", "pattern"), [("a/" * 3000 + "c", "**/a/" * 30 + "b"), ("a" * 20_000, "*a" * 30 + "*b")]
)
def test_a_hostile_pattern_ends(path: str, pattern: str) -> None:
    """A pattern of many wildcards cannot hang the caller: without atomic groups these would never end."""
    assert not matches(path, pattern)
