"""Envelopes: the encoding that is signed, and what is refused."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.attest.dsse import (
    MAX_OBJECTS,
    MAX_SIGNATURES,
    PIECE,
    Envelope,
    Signature,
    pae,
    parse_envelope,
)
from repro.core.errors import FormatError


def raw(**changes: Any) -> bytes:  # noqa: ANN401 - JSON
    document = {"payload": "aGk=", "payloadType": "t", "signatures": [{"sig": "c2ln", "keyid": "k"}]}
    return json.dumps({key: value for key, value in (document | changes).items() if value != "gone"}).encode()


def test_the_encoding_is_that_of_the_specification() -> None:
    """The example of the DSSE protocol page gives its bytes."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_lengths_count_bytes() -> None:
    """The length of a payload type is that of its UTF-8, not of its characters."""
    assert pae("\u00e9", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_an_envelope_keeps_what_was_signed() -> None:
    """Payload bytes, type, key ids and signatures are read as they stand."""
    envelope = parse_envelope(raw(signatures=[{"sig": "c2ln"}, {"sig": "MTI=", "keyid": None, "more": 1}]))
    assert envelope == Envelope(
        payload=b"hi",
        payload_type="t",
        signatures=(Signature(keyid="", sig=b"sig"), Signature(keyid="", sig=b"12")),
    )
    assert envelope.pae == b"DSSEv1 1 t 2 hi"


@pytest.mark.parametrize("length", [PIECE // 4 * 3 - 1, PIECE // 4 * 3, PIECE // 4 * 3 + 1, 5 << 20])
def test_long_payloads_come_out_whole(length: int) -> None:
    """A payload that is decoded in pieces is that which was encoded."""
    payload = (b"payload " * (length // 8 + 1))[:length]
    assert parse_envelope(raw(payload=base64.b64encode(payload).decode())).payload == payload


DEFECTS = {
    "no-signatures": raw(signatures=[]),
    "too-many-signatures": raw(signatures=[{"sig": "c2ln"}] * (MAX_SIGNATURES + 1)),
    "10000-signatures": raw(signatures=[{"sig": "c2ln"}] * 10_000),
    "signatures-gone": raw(signatures="gone"),
    "empty-signature": raw(signatures=[{"sig": ""}]),
    "signature-not-an-object": raw(signatures=["c2ln"]),
    "long-signature": raw(signatures=[{"sig": base64.b64encode(bytes(20_000)).decode()}]),
    "junk-in-base64": raw(payload="aG\nk="),
    "junk-after-base64": raw(payload="aGk=x"),
    "no-padding": raw(payload="aGk"),
    "bits-left-over": raw(payload="aGl="),
    "url-safe-alphabet": raw(payload="-_-_"),
    "not-ascii": raw(payload="aGk\u00e9"),
    "payload-gone": raw(payload="gone"),
    "end-between-pieces": raw(payload="A" * (PIECE - 2) + "==" + "aGk="),
    "gap-between-pieces": raw(payload="A" * PIECE + "\n" + "aGk="),
    "too-many-objects": raw(payload=base64.b64encode(b"{}," * (MAX_OBJECTS + 1)).decode()),
    "payload-not-text": raw(payload=1),
    "payload-too-long": raw(payload="AAAA" * (6 << 20)),
    "type-gone": raw(payloadType="gone"),
    "Payload-beside-payload": raw(Payload="eA=="),
    "key-twice": raw().replace(b'"payload":', b'"payload": "eA==", "payload":'),
    "a-list": b"[]",
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_defects_are_refused(defect: str) -> None:
    """What is no envelope, has more than one spelling, or exceeds a cap, is refused."""
    with pytest.raises(FormatError):
        parse_envelope(DEFECTS[defect])


@given(st.binary(max_size=50), st.text(max_size=10), st.lists(st.binary(min_size=1, max_size=9), min_size=1))
@settings(max_examples=50, deadline=None)
def test_writing_and_reading_are_inverse(payload: bytes, kind: str, signatures: list[bytes]) -> None:
    """What an envelope is written as reads as the same envelope."""
    made = Envelope(
        payload=payload,
        payload_type=kind,
        signatures=tuple(Signature(keyid="", sig=one) for one in signatures[:9]),
    )
    assert parse_envelope(made.to_bytes()) == made


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["payload", "payloadType", "signatures", "sig", "keyid"]), inner
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=100, deadline=None)
def test_only_format_errors_leave_the_reader(value: object) -> None:
    """Whatever JSON it is, reading it gives an envelope or FormatError."""
    with suppress(FormatError):
        parse_envelope(json.dumps(value).encode())
