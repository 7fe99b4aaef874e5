"""Closures told apart by packages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from repro.flows.closures import packages_apart

A, B, C = "a" * 32, "b" * 32, "c" * 32
BASES = st.builds(
    lambda digits, name: f"{digits}-{name}",
    st.text("abcdef0123456789", min_size=32, max_size=32),
    st.from_regex(r"[a-z][a-z-]{0,5}(-[0-9][0-9.]{0,3})?", fullmatch=True),
)
CLOSURES = st.dictionaries(BASES, st.sampled_from(["sha256-x", "sha256-y"]), max_size=6)


def test_versions_of_a_package_are_told() -> None:
    """A package that changed its version has one row with both; one that came or went says so."""
    left = {f"{A}-python3-3.12.1": "x", f"{A}-glibc-2.40": "g", f"{A}-gone-1": "y"}
    right = {f"{B}-python3-3.13.0": "z", f"{A}-glibc-2.40": "g", f"{B}-python3.13-numpy-2.4": "n"}
    assert list(packages_apart(left, right)) == [
        ("gone", ("1", "absent")),
        ("python3", ("3.12.1", "3.13.0")),
        ("python3.13-numpy", ("absent", "2.4")),
    ]


def test_the_same_version_in_another_build_is_told() -> None:
    """Where versions agree and contents do not, the store paths' hashes are what differs."""
    ((name, (left, right)),) = packages_apart({f"{A}-zlib-1.3": "x"}, {f"{B}-zlib-1.3": "y"})
    assert (name, left, right) == ("zlib", "zlib-1.3 (aaaaaaaa…)", "zlib-1.3 (bbbbbbbb…)")


def test_the_same_path_with_another_content_is_told() -> None:
    """A path whose NAR hash is another one is a difference, even under the same name."""
    (row,) = packages_apart({f"{C}-lib-1": "x"}, {f"{C}-lib-1": "y"})
    assert row[0] == "lib"


@given(CLOSURES, CLOSURES)
def test_rows_are_exactly_what_differs(left: dict[str, str], right: dict[str, str]) -> None:
    """Equal closures have no rows, others have some, and swapping the sides swaps the values."""
    rows = list(packages_apart(left, right))
    assert bool(rows) == (left != right)
    assert [(name, (b, a)) for name, (a, b) in packages_apart(right, left)] == rows
