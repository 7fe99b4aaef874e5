"""The nearest known word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from repro.core.near import did_you_mean

WORDS = ["command", "environment", "inputs", "outputs", "vary_threads", "variables"]


@given(st.text(max_size=20), st.lists(st.text(min_size=1, max_size=10), max_size=30))
def test_a_hint_names_only_known_words(word: str, known: list[str]) -> None:
    """A hint is empty exactly where nothing is known, and a suggestion is one of the known words."""
    hint = did_you_mean(word, known)
    assert bool(hint) == bool(known)
    assert not hint.startswith("did you mean") or any(hint == f"did you mean {each!r}?" for each in known)


def test_case_separators_and_abbreviations_are_near() -> None:
    """What people really type instead of a key leads to it."""
    for typed, meant in {
        "Command": "command",
        "INPUTS": "inputs",
        "vary-threads": "vary_threads",
        "env": "environment",
        "cmd": "command",
        "output": "outputs",
        "vars": "variables",
    }.items():
        assert did_you_mean(typed, WORDS) == f"did you mean {meant!r}?", typed


def test_a_far_word_gets_the_list() -> None:
    """Where nothing is near, the known words are listed, sorted, and a long list is cut."""
    assert did_you_mean("zzz", ["b", "a"]) == "known: a, b"
    assert did_you_mean("zzz", map(str, range(100))).endswith(", …")
