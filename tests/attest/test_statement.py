"""Statements read and written: what is accepted, what is refused, and that the cap comes before the work."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.attest.statement import MAX_SUBJECTS, V01, V1, parse_statement, statement
from repro.core.errors import FormatError
from repro.core.subject import NAR, Subject

SHA = "ab" * 32
P = "https://example.org/p/v1"


def raw(**changes: Any) -> bytes:  # noqa: ANN401 - JSON
    document = {
        "_type": V1,
        "subject": [{"name": "a", "digest": {"sha256": SHA}}],
        "predicateType": P,
        "predicate": {"x": 1},
    }
    return json.dumps({key: value for key, value in (document | changes).items() if value != "gone"}).encode()


@pytest.mark.parametrize("kind", [V01, V1])
def test_both_versions_are_read(kind: str) -> None:
    """Statements v0.1 and v1 have one parsed view, beside their exact bytes."""
    found = parse_statement(raw(_type=kind))
    assert (found.type, found.predicate_type, found.predicate) == (kind, P, {"x": 1})
    assert found.subjects == (Subject(name="a", digests={"sha256": SHA}),)
    assert found.raw == raw(_type=kind)


def test_legal_subjects_of_other_tools_are_read() -> None:
    """A subject without a name, and digests that are unknown or of git, are kept as the format demands."""
    digests = {"sha256": SHA, "sha1": "cd" * 20, "gitCommit": "ef" * 20, "dirHash": "h1:x=", "new": "Z"}
    found = parse_statement(raw(subject=[{"digest": digests, "annotations": {}}]))
    assert found.subjects == (Subject(name="", digests=digests),)


def test_a_predicate_may_be_absent() -> None:
    """A statement without a predicate says all it says by its type."""
    assert parse_statement(raw(predicate="gone")).predicate == {}


DEFECTS = {
    "upper-case-digest": raw(subject=[{"digest": {"sha256": SHA.upper()}}]),
    "short-digest": raw(subject=[{"digest": {"sha256": SHA[:-1]}}]),
    "not-hexadecimal": raw(subject=[{"digest": {"sha256": "zz" * 32}}]),
    "nar-hash-as-sri": raw(subject=[{"digest": {NAR: "sha256-AAAA"}}]),
    "no-subject": raw(subject=[]),
    "no-digest": raw(subject=[{"name": "a", "digest": {}}]),
    "digest-not-text": raw(subject=[{"digest": {"sha256": 1}}]),
    "subject-not-a-list": raw(subject={"digest": {"sha256": SHA}}),
    "unknown-type": raw(_type="https://in-toto.io/Statement/v2"),
    "type-of-other-case": raw(_type=V1.upper()),
    "no-predicate-type": raw(predicateType="gone"),
    "empty-predicate-type": raw(predicateType=""),
    "predicate-not-an-object": raw(predicate=[]),
    "Subject-beside-subject": raw(Subject=[]),
    "long-s-subject": raw(ſubject=[]),
    "kelvin-in-a-key": raw(subject=[{"digest": {"sha256": SHA}, "Name": "b"}]),
    "key-twice": raw().replace(b'"_type"', b'"predicate": {}, "_type"'),
    "nan": raw().replace(b'{"x": 1}', b'{"x": NaN}'),
    "byte-order-mark": b"\xef\xbb\xbf" + raw(),
    "huge-integer": raw().replace(b'"x": 1', b'"x": ' + b"1" * 5000),
    "deep-nesting": raw().replace(b'"x": 1', b'"x": ' + b"[" * 100_000 + b"]" * 100_000),
    "not-utf-8": raw().replace(b'"a"', b'"\xff"'),
    "half-a-character": raw().replace(b'"a"', b'"\\ud800"'),
    "trailing-bytes": raw() + b"{}",
    "a-list": b"[]",
    "nothing": b"",
    "one-subject-too-many": raw(subject=[{"digest": {"sha256": SHA}}] * (MAX_SUBJECTS + 1)),
    "too-many-digests": raw(subject=[{"digest": {f"x{n}": "1" for n in range(33)}}]),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_defects_are_refused(defect: str) -> None:
    """What two readers could understand differently, and what is no statement, is refused."""
    with pytest.raises(FormatError):
        parse_statement(DEFECTS[defect])


@pytest.mark.parametrize(
    "subject", [b'{"digest":{"sha256":"' + SHA.encode() + b'"}}', b'{"digest":{"a":""}}', b"{}"]
)
def test_500_000_subjects_are_refused_before_they_are_parsed(subject: bytes) -> None:
    """A statement with 500,000 subjects is refused by its cap, in less memory than one parsed copy takes."""
    data = raw().replace(b'[{"name"', b"[" + b",".join([subject] * 500_000) + b',{"name"')
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="are read"):
            parse_statement(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(max_examples=100, deadline=None)
def test_only_format_errors_leave_the_reader(data: bytes) -> None:
    """Whatever the bytes are, reading them gives a statement or FormatError."""
    with suppress(FormatError):
        parse_statement(data)


@given(st.permutations(["a", "b", "c", "d"]))
@settings(max_examples=10, deadline=None)
def test_the_order_of_parts_does_not_matter(names: list[str]) -> None:
    """A new statement is canonical: whatever the order of subjects and keys, the bytes are the same."""
    subjects = [Subject(name=name, digests={"sha256": SHA}) for name in names]
    made = statement(subjects, P, dict.fromkeys(names, 1))
    assert made.raw == statement(sorted(subjects, key=lambda one: one.name), P, dict.fromkeys("abcd", 1)).raw
    assert parse_statement(made.raw) == made
