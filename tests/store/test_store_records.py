from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.digest import of_bytes
from repro.core.errors import FormatError, ReproError
from repro.store.record import Record, parse

DIGEST = str(of_bytes(b"x"))
SECTIONS = ("tool", "conditions", "command", "isolation", "integrity", "logs", "verdict")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def record(**changes: Any) -> Record:  # noqa: ANN401 - fields of Record
    texts = dict.fromkeys(("id", "experiment", "run", "key", "started_at", "ended_at", "by"), "text")
    fields: dict[str, Any] = {
        **texts,
        **{section: {} for section in SECTIONS},
        "stages": ({"name": "run"},),
        "outcome": {"state": "completed"},
        "outputs": {"results.json": {"digest": DIGEST, "bytes": 1}, "none.json": None},
    }
    return Record(**{**fields, **changes})


@given(st.dictionaries(st.text(), JSON, max_size=3))
def test_a_record_survives_writing_and_reading(section: dict[str, Any]) -> None:
    """What was written is what is read, to the byte, whatever the sections hold."""
    written = record(conditions=section).to_bytes()
    again = parse(written, name="r")
    assert again.to_bytes() == written
    assert again.completed


def test_names_in_no_encoding_are_written_as_text() -> None:
    """Half characters, which stand for odd bytes of file names, do not make a record unreadable."""
    name = b"\xff.bin".decode(errors="surrogateescape")
    made = record(outcome={"state": "completed", "undeclared": [name], name: name})
    assert parse(made.to_bytes(), name="r").outcome["undeclared"] == ["\\udcff.bin"]


@given(JSON)
def test_any_json_is_a_record_or_refused(value: Any) -> None:  # noqa: ANN401 - any JSON
    """Nothing but FormatError comes out of the parser."""
    with pytest.raises(FormatError):
        parse(json.dumps(value).encode(), name="r")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    """So for bytes that are no JSON at all."""
    with pytest.raises(FormatError):
        parse(data, name="r")


@given(st.sampled_from([*SECTIONS, "stages", "outcome", "outputs", "id", "version", "key"]), JSON)
def test_a_damaged_section_is_refused_or_read(section: str, value: Any) -> None:  # noqa: ANN401 - any JSON
    """A record with any one section replaced is either refused by FormatError or has that value."""
    document = json.loads(record().to_bytes())
    document[section] = value
    try:
        found = parse(json.dumps(document).encode(), name="r")
    except FormatError:
        return
    assert json.loads(found.to_bytes()) == document


@pytest.mark.parametrize("section", ["id", "conditions", "outputs", "stages", "verdict"])
def test_a_missing_section_is_named(section: str) -> None:
    """The error says which section is missing, and in which file."""
    document = json.loads(record().to_bytes())
    del document[section]
    with pytest.raises(FormatError, match=rf"^here: the section '{section}' is missing"):
        parse(json.dumps(document).encode(), name="here")


@pytest.mark.parametrize("version", [0, 2, "1", None, True])
def test_another_version_is_refused(version: object) -> None:
    """A record of another format is not guessed at."""
    document = {**json.loads(record().to_bytes()), "version": version}
    with pytest.raises(FormatError, match="version 1"):
        parse(json.dumps(document).encode(), name="r")


@pytest.mark.parametrize(
    "outputs",
    [
        {"../x": {"digest": DIGEST, "bytes": 1}},
        {"/etc/passwd": None},
        {"x": {"digest": "sha256:00", "bytes": 1}},
        {"x": {"bytes": 1}},
        {"x": DIGEST},
        {"x": 3},
        {"": None},
    ],
)
def test_outputs_outside_or_without_a_digest_are_refused(outputs: dict[str, Any]) -> None:
    """An output is a path inside the run's folder with a SHA-256: later runs are compared with it."""
    with pytest.raises(ReproError, match="output"):
        parse(record(outputs=outputs).to_bytes(), name="r")
