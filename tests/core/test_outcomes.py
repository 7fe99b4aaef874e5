from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core import errors, exits, verdict
from repro.core.check import Check, Status
from repro.core.events import Event, Kind, silent
from repro.core.exits import Exit
from repro.core.verdict import Verdict


def test_exit_codes_are_the_documented_numbers() -> None:
    """The numbers that scripts rely on never move."""
    assert {e.name: e.value for e in Exit} == {
        "GOOD": 0, "WRONG": 1, "USAGE": 2, "NOT_CHECKED": 3, "INTERRUPTED": 130,
    }  # fmt: skip


def test_the_worst_exit_of_a_batch_counts() -> None:
    """In a batch the order is 130, 2, 1, 3, 0."""
    order = [130, 2, 1, 3, 0]
    for many in itertools.product(order, repeat=3):
        assert exits.worst(Exit(code) for code in many) == min(many, key=order.index)


@given(st.lists(st.sampled_from(Exit)), st.randoms())
def test_the_order_of_a_batch_does_not_matter(codes: list[Exit], random: object) -> None:
    """The worst exit is the same for every order of the parts, and of the parts' own worsts."""
    half = len(codes) // 2
    parts = [exits.worst(part) for part in (codes[:half], codes[half:]) if part]
    assert exits.worst(codes) == exits.worst(reversed(codes)) == exits.worst(parts)


def test_nothing_checked_is_never_success() -> None:
    """An empty batch could not check, and an empty comparison was not measured."""
    assert exits.worst([]) is Exit.NOT_CHECKED
    assert verdict.worst([]) is Verdict.NOT_MEASURED
    assert verdict.worst([]).exit is Exit.NOT_CHECKED


@pytest.mark.parametrize(
    ("found", "code"), [("match", 0), ("drift", 1), ("pattern", 1), ("structure", 1), ("not measured", 3)]
)
def test_each_verdict_has_its_exit(found: str, code: int) -> None:
    """Only a match is good; what was not measured could not be checked; all else is wrong."""
    assert Verdict(found).exit == code


@given(st.lists(st.sampled_from(Verdict), min_size=1))
def test_a_whole_is_a_match_only_if_all_parts_are(parts: list[Verdict]) -> None:
    """One part that is no match keeps the whole from being one, and the whole is one of its parts."""
    whole = verdict.worst(parts)
    assert (whole is Verdict.MATCH) == (set(parts) == {Verdict.MATCH})
    assert whole in parts


@given(st.lists(st.sampled_from(Verdict), min_size=1))
def test_measured_differences_outweigh_what_was_not_measured(parts: list[Verdict]) -> None:
    """The exit of a whole is wrong as soon as one of its parts is wrong."""
    assert (verdict.worst(parts).exit is Exit.WRONG) == any(part.exit is Exit.WRONG for part in parts)


def test_every_verdict_and_exit_has_a_severity() -> None:
    """Both orders of severity rank every member exactly once."""
    assert sorted(exits.SEVERITY) == sorted(Exit)
    assert sorted(verdict.SEVERITY) == sorted(Verdict)


@pytest.mark.parametrize("status", list(Status))
def test_what_did_not_pass_says_why(status: Status) -> None:
    """A failed or skipped check without a reason cannot be made; a passed one needs none."""
    assert Check(name="n", status=status, reason="because").reason == "because"
    if status is Status.PASS:
        assert Check(name="n", status=status).reason == ""
    else:
        with pytest.raises(ValueError, match="without a reason"):
            Check(name="n", status=status)


def every_error(kind: type[errors.ReproError]) -> list[type[errors.ReproError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in every_error(child))]


def test_every_error_carries_message_hint_and_a_bad_exit() -> None:
    """Each error of the tree keeps what it was told, prints its message, and never exits with success."""
    kinds = [kind for kind in every_error(errors.ReproError) if kind.__module__ == errors.__name__]
    assert len(kinds) > 10
    for kind in kinds:
        error = kind("what, where", hint="next")
        assert (str(error), error.message, error.hint) == ("what, where", "what, where", "next")
        assert kind.exit in {Exit.WRONG, Exit.USAGE, Exit.NOT_CHECKED}
        assert kind("x").hint == ""


@pytest.mark.parametrize(
    ("name", "code"),
    [("ConfigError", 2), ("UsageError", 2), ("FormatError", 1), ("TamperError", 1), ("DataError", 3),
     ("RealisationError", 3), ("RunError", 3), ("MissingBaseline", 3), ("ToolNotFound", 3),
     ("ToolFailed", 3)],
)  # fmt: skip
def test_each_kind_of_error_has_its_exit(name: str, code: int) -> None:
    """The exit code of an error follows from its kind alone."""
    assert getattr(errors, name).exit == code


def test_the_silent_listener_takes_any_event() -> None:
    """Library users who want no news get none, for events of every kind."""
    for kind in Kind:
        silent(Event(kind=kind, run="a", text="b", count=1))
