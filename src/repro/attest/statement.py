"""in-toto statements (attestation framework, "Statement" v0.1 and v1): what is said, about which subjects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.attest.dsse import MAX_OBJECTS, MAX_PAYLOAD
from repro.attest.fields import field, table
from repro.core import strictjson
from repro.core.canonical import to_bytes
from repro.core.errors import CapError, FormatError
from repro.core.subject import MAX_TEXT, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

V01 = "https://in-toto.io/Statement/v0.1"
V1 = "https://in-toto.io/Statement/v1"

MAX_SUBJECTS = 10_000
"""Cap on subjects; sigstore-go reads 1024."""

MAX_DIGESTS = 32
"""Cap on the digests of one subject, the same as sigstore-go's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement: its parsed view, and in `raw` the exact bytes that are signed."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, Any]
    type: str
    raw: bytes


def parse_statement(raw: bytes, *, name: str = "statement") -> Statement:
    """A statement from the bytes that were signed; `name` says in errors which. Raises FormatError.

    Both versions have the same fields. A subject may lack a name, and may carry digests that are unknown
    here; a predicate that is absent is empty. Unknown fields stay in `raw`.
    """
    if len(raw) > MAX_PAYLOAD:
        raise CapError(f"{name}: {len(raw)} bytes; {MAX_PAYLOAD} are read")
    if (objects := raw.count(b"{") + raw.count(b"[")) > MAX_OBJECTS:
        raise CapError(f"{name}: {objects} objects and arrays; {MAX_OBJECTS} are read")
    known = ("_type", "subject", "predicateType", "predicate")
    values = table(strictjson.parse(raw, name=name, max_bytes=MAX_PAYLOAD), known, name)
    if (kind := field(values, "_type", str, name)) not in {V01, V1}:
        raise FormatError(f"{name}: _type is {kind[:200]!r}", hint=f"known are {V1} and {V01}")
    entries = field(values, "subject", list, name)
    if not 1 <= len(entries) <= MAX_SUBJECTS:
        raise CapError(f"{name}: {len(entries)} subjects; from 1 to {MAX_SUBJECTS} are read")
    predicate_type = field(values, "predicateType", str, name)
    if not 1 <= len(predicate_type) <= MAX_TEXT:
        raise FormatError(f"{name}: predicateType has {len(predicate_type)} characters")
    return Statement(
        subjects=tuple(_subject(entry, f"{name}: subject") for entry in entries),
        predicate_type=predicate_type,
        predicate=field(values, "predicate", dict, name) if values.get("predicate") is not None else {},
        type=kind,
        raw=raw,
    )


def statement(
    subjects: Sequence[Subject], predicate_type: str, predicate: Mapping[str, Any], *, kind: str = V1
) -> Statement:
    """A new statement, canonical: subjects stand by name, and the same parts give the same bytes."""
    ordered = sorted(subjects, key=lambda one: (one.name, sorted(one.digests.items())))
    document = {
        "_type": kind,
        "subject": [one.to_dict() for one in ordered],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }
    return parse_statement(to_bytes(document), name="the new statement")


def _subject(value: object, where: str) -> Subject:
    values = table(value, ("name", "digest"), where)
    digests = field(values, "digest", dict, where)
    if not 1 <= len(digests) <= MAX_DIGESTS:
        raise CapError(f"{where}: {len(digests)} digests; from 1 to {MAX_DIGESTS} are read")
    for algorithm in digests:
        field(digests, algorithm, str, where)
    subject_name = field(values, "name", str, where) if values.get("name") is not None else ""
    return Subject(name=subject_name, digests=digests)
