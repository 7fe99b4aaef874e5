"""Which versions an entry affects: the evaluation of the OSV schema."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.sbom.osv import Affected, Range
from repro.sbom.ranges import ruled


def affected(
    *events: tuple[str, str], ecosystem: str = "PyPI", kind: str = "ECOSYSTEM", **more: object
) -> Affected:
    ranges = (Range(type=kind, events=events),) if events else ()
    return Affected(ecosystem=ecosystem, name="demo", **{"ranges": ranges, **more})  # type: ignore[arg-type]


TABLE = [
    # events, version, whether it is affected, what fixes it
    ([("introduced", "0")], "99", True, ()),
    ([("introduced", "0"), ("fixed", "2")], "2", False, ()),
    ([("introduced", "0"), ("fixed", "2")], "2rc1", True, ("2",)),
    ([("introduced", "1.5"), ("fixed", "2")], "1.4", False, ()),
    ([("introduced", "1"), ("last_affected", "2")], "2.0", True, ()),
    ([("introduced", "1"), ("last_affected", "2")], "2.0.1", False, ()),
    ([("fixed", "2"), ("introduced", "1"), ("fixed", "4"), ("introduced", "3")], "3.1", True, ("4",)),
    ([("fixed", "2"), ("introduced", "1"), ("fixed", "4"), ("introduced", "3")], "2.5", False, ()),
    ([("introduced", "0"), ("limit", "3")], "3", False, ()),
    ([("introduced", "0"), ("limit", "3"), ("limit", "*")], "3", True, ()),
    ([("introduced", "2"), ("fixed", "2")], "2", True, ()),
    ([("introduced", "0"), ("fixed", "1.0.post1")], "1.0+local", True, ("1.0.post1",)),
]


@pytest.mark.parametrize(("events", "version", "is_affected", "fixed"), TABLE)
def test_events_are_walked_in_the_order_of_versions(
    events: list[tuple[str, str]], version: str, *, is_affected: bool, fixed: tuple[str, ...]
) -> None:
    """What the last event at or below a version says holds, whatever the order in the file."""
    ruling = ruled(version, affected(*events))
    assert (ruling.is_affected, ruling.fixed, ruling.unknown) == (is_affected, fixed, "")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 30), unique=True, min_size=1, max_size=6).map(sorted),
    st.integers(0, 31),
    st.randoms(use_true_random=False),
)
def test_ranges_are_half_open_intervals(bounds: list[int], version: int, random: object) -> None:
    """Alternating events are intervals closed below and open above, in whatever order they are written."""
    events = [("introduced" if n % 2 == 0 else "fixed", str(at)) for n, at in enumerate(bounds)]
    inside = sum(1 for at in bounds if at <= version) % 2 == 1
    random.shuffle(events)  # type: ignore[attr-defined]
    assert ruled(str(version), affected(*events)).is_affected is inside


def test_a_list_of_versions_counts_beside_ranges_in_any_spelling() -> None:
    """A listed version is affected, be it written 1.0 or 1.0.0, or be it no version at all."""
    one = affected(("introduced", "5"), versions=("1.0", "0.1-bulbasaur"))
    assert ruled("1.0.0", one).is_affected
    assert ruled("0.1-bulbasaur", one).is_affected
    assert not ruled("1.1", one).is_affected


@pytest.mark.parametrize(
    ("one", "version", "words"),
    [
        (affected(("introduced", "0")), "2004a_x", "2004a_x"),
        (affected(("introduced", "0"), ("fixed", "git-main")), "1.0", "git-main"),
        (affected(("introduced", "0"), kind="CALENDAR"), "1.0", "CALENDAR"),
        (affected(("introduced", "0"), ecosystem="Maven"), "1.0", "Maven"),
        (affected(("introduced", "0" * 40), kind="GIT"), "1.0", "commits"),
        (affected(), "1.0", "names no versions"),
    ],
)
def test_what_cannot_be_told_is_neither_affected_nor_safe(one: Affected, version: str, words: str) -> None:
    """Versions in no known order, and ranges of an unknown type or of commits, are said to be unknown."""
    ruling = ruled(version, one)
    assert not ruling.is_affected
    assert words in ruling.unknown


def test_commits_beside_a_list_of_versions_leave_no_doubt() -> None:
    """The schema asks for a list where a range is of commits, so the list answers."""
    one = affected(("introduced", "0" * 40), kind="GIT", versions=("1.0",))
    assert ruled("1.0", one).is_affected
    assert not ruled("1.1", one).unknown
