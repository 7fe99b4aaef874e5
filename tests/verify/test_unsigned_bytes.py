"""Which bytes of a bundle nobody signs: exactly those that the threat model lists, and no others."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from asn1crypto import tsp
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.sigstore.world import PrivateSigstore
from tests.verify.shared import SHARED, needs_shared

from repro.attest.keys import generate
from repro.attest.reading import Evidence
from repro.attest.signing import KeySigner
from repro.attest.statement import parse_statement
from repro.attest.trust import Trust, load_trust
from repro.verify.artifact import Artifact
from repro.verify.protocol import verify
from repro.verify.signers import Expectation, Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = b"what is signed"
DIGESTS = {kind: hashlib.new(kind, CONTENT).hexdigest() for kind in ("sha256", "sha512")}
ARTIFACT = Artifact(name="artifact", digests=DIGESTS, content=CONTENT)
STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "artifact", "digest": {"sha256": DIGESTS["sha256"]}}],
        "predicateType": "https://example.org/p/v1",
        "predicate": {"a": [1, 2, 3]},
    }
).encode()

KEY = generate()
WORLD = PrivateSigstore()
ROOT = Trust(WORLD.trusted_root(), name="private")
OURS = KeySigner(key=KEY).statement(parse_statement(STATEMENT))
FOREIGN = json.loads(PrivateSigstore().sign(Order(payload=STATEMENT)))["verificationMaterial"]["certificate"]
SIGNERS = Expectation(keys=(KEY.public,), identities=(Identity(identity=WORKFLOW, issuer=GITHUB),))


def passes(raw: bytes, trust: Trust = ROOT) -> bool:
    return verify(ARTIFACT, Evidence(name="b", raw=raw), SIGNERS, trust).is_accepted


def flipped(raw: bytes, step: int = 1) -> Iterator[tuple[int, bytes]]:
    """The bytes with one bit of one byte turned over, which bit and from where on differs."""
    for at in range(0, len(raw), step):
        data = bytearray(raw)
        data[at] ^= 1 << (at // step) % 8
        yield at, bytes(data)


@pytest.mark.parametrize("form", ["statement", "file"])
def test_every_byte_of_our_own_bundles_counts(form: str) -> None:
    """Of what `repro sign` writes by key no byte may be another, but the end of its line."""
    signer = KeySigner(key=KEY)
    raw = (
        signer.statement(parse_statement(STATEMENT)) if form == "statement" else signer.blob(CONTENT)
    ).rstrip()
    assert passes(raw)
    for bit in range(8):
        for at in range(len(raw)):
            data = bytearray(raw)
            data[at] ^= 1 << bit
            assert not passes(bytes(data)), (at, bit, bytes(data)[max(0, at - 20) : at + 20])


@pytest.mark.parametrize("hint", ["\\/" + "A" * 42 + "=", "\\b" + "A" * 42 + "=", "\\u0041" + "A" * 38 + "="])
def test_a_hint_that_an_escape_made_shorter_is_another(hint: str) -> None:
    """One byte of a key's hint that became a backslash does not turn it into a hint of another kind."""
    raw = KeySigner(key=KEY).blob(CONTENT)
    changed = raw.replace(KEY.public.hint.encode(), hint.encode())
    assert changed != raw
    assert not passes(changed)


@pytest.mark.parametrize(
    "order",
    [
        Order(payload=STATEMENT, rekor=1),
        Order(payload=CONTENT, form="message", rekor=1),
        Order(payload=STATEMENT, rekor=1, entry="intoto"),
    ],
    ids=["statement", "file", "intoto"],
)
def test_every_byte_of_keyless_bundles_with_a_logs_time_counts(order: Order) -> None:
    """Where the log gives the time no byte may be another."""
    raw = WORLD.sign(order)
    assert passes(raw)
    for at, data in flipped(raw, step=19):
        assert not passes(data), (at, data[max(0, at - 20) : at + 20])


def offsets_in(token: tsp.TimeStampResp) -> set[int]:
    """Where in a timestamp those fields lie that the signature of the authority is not over."""
    whole = token.dump()
    content = token["time_stamp_token"]["content"]
    (signer,) = content["signer_infos"]
    found: set[int] = set()
    for field in (signer["sid"], signer["signature_algorithm"], signer["version"], content["version"]):
        part = field.dump()
        place = whole.index(signer.dump()) if field is not content["version"] else 0
        start = whole.index(part, place)
        found |= set(range(start, start + len(part)))
    certificates = content["certificates"].dump() if content["certificates"].native is not None else b""
    if certificates:
        start = whole.index(certificates)
        found |= set(range(start, start + len(certificates)))
    return found


def test_of_a_timestamp_some_fields_are_not_signed() -> None:
    """Versions, the name of the authority's issuer, the signature's algorithm, and certificates: no more."""
    raw = WORLD.sign(Order(payload=STATEMENT, rekor=2))
    assert passes(raw)
    (entry,) = json.loads(raw)["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    text = entry["signedTimestamp"].encode()
    token = base64.b64decode(text)
    free = offsets_in(tsp.TimeStampResp.load(token))
    others = [at for at, data in flipped(token, step=3) if passes(raw.replace(text, base64.b64encode(data)))]
    assert set(others) <= free, sorted(set(others) - free)
    start = raw.index(text)
    for at, data in flipped(raw, step=23):
        if not start <= at < start + len(text):
            assert not passes(data), (at, data[max(0, at - 20) : at + 20])


@needs_shared
def test_of_a_checkpoint_only_the_logs_signature_counts() -> None:
    """Signatures of witnesses, whom no trusted root names, may be others; all else may not."""
    case = SHARED / "conformance/rekor2-checkpoint-multiple-cosigs"
    raw = (case / "bundle.sigstore.json").read_bytes()
    content = (case.parent / "a.txt").read_bytes()
    artifact = Artifact(
        name="a.txt", digests={"sha256": hashlib.sha256(content).hexdigest()}, content=content
    )
    trust = load_trust(case / "trusted_root.json" if (case / "trusted_root.json").exists() else None)
    beacon = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
    workflow = f"{beacon}.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
    signers = Expectation(identities=(Identity(identity=workflow, issuer=GITHUB),))

    document = json.loads(raw)
    proof = document["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    envelope = proof["checkpoint"]["envelope"]
    first = f"\u2014 {envelope.splitlines()[0]} "
    log = envelope.index(first), envelope.index("\n", envelope.index(first))
    witnesses = {at for at in range(envelope.index("\n\n") + 2, len(envelope)) if not log[0] <= at <= log[1]}
    tolerated = set()
    for at, sign in enumerate(envelope):
        if at % 17 and at not in range(*log):
            continue
        changed = envelope[:at] + ("A" if sign != "A" else "B") + envelope[at + 1 :]
        proof["checkpoint"]["envelope"] = changed
        evidence = Evidence(name="b", raw=json.dumps(document).encode())
        if verify(artifact, evidence, signers, trust).is_accepted:
            tolerated.add(at)
    assert tolerated
    assert tolerated <= witnesses


def edited(raw: bytes, *path: str | int, add: Any) -> bytes:  # noqa: ANN401 - JSON
    """A bundle with one more value in a list or an object of it."""
    document = part = json.loads(raw)
    for key in path:
        part = part[key]
    if isinstance(part, list):
        part.append(add)
    else:
        part.update(add)
    return json.dumps(document, indent=1).encode()


@pytest.mark.parametrize(
    "raw",
    [
        edited(OURS, "dsseEnvelope", "signatures", 0, add={"keyid": "anybody"}),
        edited(OURS, "dsseEnvelope", "signatures", add={"sig": "AAAA"}),
        edited(OURS, "verificationMaterial", "publicKey", add={"hint": "SHA256:of-another-kind"}),
        edited(OURS, "verificationMaterial", "publicKey", add={"hint": "0123456789" * 4}),
        edited(
            WORLD.sign(Order(payload=STATEMENT, rekor=1, media="0.1")),
            "verificationMaterial", "x509CertificateChain", "certificates",
            add=FOREIGN,
        ),
    ],
    ids=["keyid", "further-signature", "hint", "hint-of-forty-digits", "further-certificate"],
)  # fmt: skip
def test_what_else_nobody_signs(raw: bytes) -> None:
    """A key id, a hint of another kind, spaces, further signatures or certificates change no verdict."""
    assert passes(raw)
