"""Bundles are read strictly: one document, in which every reader sees the same, within caps."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.attest.bundle import MAX_BYTES, parse_bundle
from repro.attest.keys import generate
from repro.attest.reading import Evidence, parse_evidence, split_evidence
from repro.attest.signing import KeySigner
from repro.attest.statement import parse_statement
from repro.core.errors import CapError, FormatError

STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a", "digest": {"sha256": "ab" * 32}}],
        "predicateType": "https://example.org/p/v1",
    }
).encode()
BUNDLE = KeySigner(key=generate()).statement(parse_statement(STATEMENT))
ENTRY = {
    "logIndex": "1",
    "logId": {"keyId": "AAAA"},
    "kindVersion": {"kind": "dsse", "version": "0.0.1"},
    "integratedTime": "1",
    "canonicalizedBody": "e30=",
}
DER = base64.b64encode(b"\x30\x00").decode()


def edited(*path: Any, value: object) -> bytes:  # noqa: ANN401 - keys and indices
    document = json.loads(BUNDLE)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(document).encode()


def test_the_exact_bytes_are_kept() -> None:
    """A bundle has the bytes it was read from, whatever their spacing."""
    spaced = json.dumps(json.loads(BUNDLE), indent=3).encode()
    assert parse_bundle(spaced).raw == spaced
    assert parse_bundle(spaced).envelope == parse_bundle(BUNDLE).envelope


MATERIAL = "verificationMaterial"
SIG = ("dsseEnvelope", "signatures", 0, "sig")
BAD = {
    "other spelling of a key": edited("dsse_envelope", value={}),
    "other case of a key": edited("MediaType", value="x"),
    "unknown key": edited("extra", value=1),
    "unknown media type": edited("mediaType", value="application/json"),
    "certificate in v0.1": json.dumps(
        {
            **json.loads(BUNDLE),
            "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
            MATERIAL: {"certificate": {"rawBytes": DER}},
        }
    ).encode(),
    "two materials": edited(MATERIAL, "certificate", value={"rawBytes": DER}),
    "no material": edited(MATERIAL, value={}),
    "newline in base64": edited(*SIG, value="AAAA\n"),
    "space in base64": edited(*SIG, value="AA AA"),
    "URL's base64": edited(*SIG, value="-_-_"),
    "unpadded base64": edited(*SIG, value="AAA"),
    "base64 with bits left over": edited(*SIG, value="AAB="),
    "empty signature": edited(*SIG, value=""),
    "signature that is no text": edited(*SIG, value=1),
    "no signature": edited("dsseEnvelope", "signatures", value=[]),
    "index as a number": edited(MATERIAL, "tlogEntries", value=[ENTRY | {"logIndex": 1}]),
    "negative index": edited(MATERIAL, "tlogEntries", value=[ENTRY | {"logIndex": "-1"}]),
    "index with a plus": edited(MATERIAL, "tlogEntries", value=[ENTRY | {"logIndex": "+1"}]),
    "index beyond 64 bits": edited(MATERIAL, "tlogEntries", value=[ENTRY | {"logIndex": "1" * 21}]),
    "index in other digits": edited(MATERIAL, "tlogEntries", value=[ENTRY | {"logIndex": "\u0661"}]),
    "entry without body": edited(MATERIAL, "tlogEntries", value=[{"logIndex": "1"}]),
    "timestamp that is none": edited(
        MATERIAL, "timestampVerificationData", value={"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}]}
    ),
    "list": b"[]",
    "text": b'"x"',
    "nothing": b"",
    "NaN": b'{"mediaType": NaN}',
    "5,000 digits": b'{"mediaType": ' + b"1" * 5000 + b"}",
    "byte order mark": b"\xef\xbb\xbf" + BUNDLE,
    "duplicate key": BUNDLE.replace(b"{", b'{"mediaType":"x",', 1),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_form_is_refused(case: str) -> None:
    """What two readers could see differently, or what is missing, is refused as bad form, not as a cap."""
    with pytest.raises(FormatError) as caught:
        parse_bundle(BAD[case])
    assert not isinstance(caught.value, CapError)


CAPPED = {
    "bytes": b" " * (MAX_BYTES + 1),
    "entries": edited(MATERIAL, "tlogEntries", value=[ENTRY] * 33),
    "timestamps": edited(
        MATERIAL, "timestampVerificationData", value={"rfc3161Timestamps": [{"signedTimestamp": DER}] * 33}
    ),
    "signatures": edited("dsseEnvelope", "signatures", value=[{"sig": "AAAA"}] * 101),
    "objects": b"[" * 10_001 + b"]" * 10_001,
    "depth": b'{"mediaType":' + b"[" * 201 + b"]" * 201 + b"}",
    "hint": edited(MATERIAL, "publicKey", "hint", value="x" * (1 << 17)),
}


@pytest.mark.parametrize("case", CAPPED)
def test_caps_are_told_from_bad_form(case: str) -> None:
    """More of anything than is read is a cap, which the protocol counts as a step of its own."""
    with pytest.raises(CapError):
        parse_bundle(CAPPED[case])


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Whatever the bytes, only a FormatError comes out."""
    for piece in split_evidence(data, name="x"):
        with pytest.raises(FormatError):
            parse_evidence(piece)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["AAAA", "1", DER]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
_PATHS: list[tuple[Any, ...]] = [
    ("mediaType",),
    (MATERIAL,),
    (MATERIAL, "publicKey"),
    (MATERIAL, "certificate"),
    (MATERIAL, "x509CertificateChain"),
    (MATERIAL, "tlogEntries"),
    (MATERIAL, "timestampVerificationData"),
    ("dsseEnvelope",),
    ("dsseEnvelope", "payload"),
    ("dsseEnvelope", "signatures"),
    ("dsseEnvelope", "signatures", 0),
    ("messageSignature",),
]


@given(path=st.sampled_from(_PATHS), value=_JSON)
def test_any_part_of_a_bundle_is_read_or_refused(path: tuple[Any, ...], value: object) -> None:
    """With any part exchanged for any JSON, only a FormatError comes out."""
    try:
        parse_bundle(edited(*path, value=value))
    except FormatError:
        return


@given(key=st.sampled_from([*ENTRY, "inclusionProof", "inclusionPromise"]), value=_JSON)
def test_any_part_of_a_log_entry_is_read_or_refused(key: str, value: object) -> None:
    """With any part of an entry exchanged for any JSON, only a FormatError comes out."""
    try:
        parse_bundle(edited(MATERIAL, "tlogEntries", value=[ENTRY | {key: value}]))
    except FormatError:
        return


def test_lines_are_pieces_of_their_own() -> None:
    """In JSON lines each line is one piece: a bad one hides none of the others."""
    pieces = split_evidence(BUNDLE + b"not JSON\n\n" + BUNDLE, name="x.jsonl")
    assert [one.name for one in pieces] == ["x.jsonl:1", "x.jsonl:2", "x.jsonl:4"]
    assert parse_evidence(pieces[2]).envelope
    with pytest.raises(FormatError):
        parse_evidence(pieces[1])


@pytest.mark.parametrize(
    "data", [b"", b"\n", b" \n\t\n", b'{"attestations": []}', b'{"attestation_bundles": []}']
)
def test_an_empty_file_holds_no_evidence(data: bytes) -> None:
    """No line and no member of a list: there is nothing that could be taken for evidence."""
    assert split_evidence(data, name="x") == ()


@given(key=st.sampled_from(["attestations", "attestation_bundles"]), value=_JSON, other=_JSON)
def test_any_list_is_taken_apart_or_refused(key: str, value: object, other: object) -> None:
    """Whatever stands where lists of bundles do, pieces come out that are read or refused."""
    both = {"attestations": other, "attestation_bundles": other} | {key: [value, {"attestations": value}]}
    for piece in split_evidence(json.dumps(both).encode(), name="x"):
        with pytest.raises(FormatError):
            parse_evidence(piece)


def test_lists_of_npm_and_github_are_taken_apart() -> None:
    """Each attestation of a list is a piece, with the bundle that stands in it."""
    inside = json.loads(BUNDLE)
    listed = json.dumps(
        {"attestations": [{"predicateType": "p", "bundle": inside}, {"bundle": None}]}
    ).encode()
    first, second = split_evidence(listed, name="x")
    assert parse_evidence(first).envelope == parse_bundle(BUNDLE).envelope
    with pytest.raises(FormatError):
        parse_evidence(second)


def test_a_bare_envelope_is_evidence() -> None:
    """An envelope alone is a bundle without anything to verify it with but keys."""
    envelope = json.dumps(json.loads(BUNDLE)["dsseEnvelope"]).encode()
    (piece,) = split_evidence(envelope, name="x")
    bundle = parse_evidence(piece)
    assert (bundle.version, bundle.certificates, bundle.hint) == ("", (), "")
    assert bundle.envelope == parse_bundle(BUNDLE).envelope


ATTESTATION = {
    "version": 1,
    "verification_material": {"certificate": DER, "transparency_entries": [ENTRY]},
    "envelope": {"statement": base64.b64encode(STATEMENT).decode(), "signature": "AAAA"},
}


@pytest.mark.parametrize("whole", [True, False])
def test_attestations_of_pypi_are_bundles(*, whole: bool) -> None:
    """A PEP 740 attestation, alone or in a provenance object, is the bundle it is short for."""
    provenance = {"version": 1, "attestation_bundles": [{"publisher": {}, "attestations": [ATTESTATION]}]}
    data = json.dumps(provenance if whole else ATTESTATION).encode()
    (piece,) = split_evidence(data, name="x")
    bundle = parse_evidence(piece)
    assert bundle.version == "0.3"
    assert bundle.certificates == (b"\x30\x00",)
    assert bundle.envelope is not None
    assert bundle.envelope.payload == STATEMENT


@given(key=st.sampled_from(["version", "verification_material", "envelope"]), value=_JSON)
def test_any_attestation_of_pypi_is_read_or_refused(key: str, value: object) -> None:
    """With any part exchanged for any JSON, only a FormatError comes out."""
    try:
        parse_evidence(Evidence(name="x", raw=json.dumps(ATTESTATION | {key: value}).encode()))
    except FormatError:
        return
