"""What has hurt other verifiers and is no single defect of a bundle: sizes, types, what is left out."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.sigstore.world import PrivateSigstore
from tests.verify.conftest import CONTENT

from repro.attest.dsse import IN_TOTO, pae
from repro.attest.keys import generate
from repro.attest.reading import Evidence
from repro.attest.signing import KeySigner
from repro.attest.trust import Trust, load_trust
from repro.core.check import Status
from repro.core.errors import ConfigError
from repro.core.exits import Exit
from repro.verify import protocol
from repro.verify.artifact import Artifact, artifact_of
from repro.verify.protocol import Case, Outcome, follow, verify
from repro.verify.signers import Expectation, Identity

if TYPE_CHECKING:
    from pathlib import Path

KEY = generate()
ANYBODY = Expectation(keys=(KEY.public,), identities=(Identity(identity=WORKFLOW, issuer=GITHUB),))
PREDICATE = "https://example.org/p/v1"
NO_ROOT = Trust(b"{}", name="a root that nobody may ask")


def run(
    raw: bytes, artifact: Artifact, expectation: Expectation = ANYBODY, trust: Trust = NO_ROOT
) -> Outcome:
    return verify(artifact, Evidence(name="bundle", raw=raw), expectation, trust)


def refused_at(outcome: Outcome) -> int:
    assert not outcome.is_accepted
    assert outcome.exit is Exit.WRONG
    assert outcome.failed is not None
    return outcome.failed.step


@pytest.mark.parametrize(
    "kind",
    ["application/json", "text/plain", "application/vnd.in-toto+json ", "application/vnd.in-toto+JSON", "x"],
)
def test_the_payload_type_is_looked_at_before_the_payload(
    kind: str, artifact: Artifact, statement: bytes
) -> None:
    """A statement that was signed as something else is refused at step 5, and never parsed."""
    outcome = run(KeySigner(key=KEY).envelope(statement, kind), artifact)
    assert refused_at(outcome) == 5
    assert outcome.statement is None


@pytest.mark.parametrize(
    "payload", [b"", b"\x00", b"not JSON", b"[]", b"{}", b'{"_type":"https://in-toto.io/Statement/v1"}']
)
def test_a_payload_that_cannot_be_parsed_fails(payload: bytes, artifact: Artifact) -> None:
    """Signed bytes that are no statement are a failure, never something to be passed over."""
    assert (
        refused_at(run(KeySigner(key=KEY).envelope(payload, "application/vnd.in-toto+json"), artifact)) == 7
    )


@pytest.mark.parametrize("wanted", [f"{PREDICATE}/", f"{PREDICATE}2", PREDICATE[:-1], PREDICATE.upper()])
def test_a_near_predicate_type_is_another(wanted: str, artifact: Artifact, statement: bytes) -> None:
    """Predicate types are compared whole."""
    raw = KeySigner(key=KEY).envelope(statement, "application/vnd.in-toto+json")
    assert run(raw, artifact, replace(ANYBODY, predicate_types=(PREDICATE,))).is_accepted
    assert refused_at(run(raw, artifact, replace(ANYBODY, predicate_types=(wanted,)))) == 7


def test_a_bare_signature_is_no_statement(artifact: Artifact) -> None:
    """Where a statement is asked for, a good signature over the artifact itself does not stand in for it."""
    raw = KeySigner(key=KEY).blob(CONTENT)
    assert run(raw, artifact).is_accepted
    assert refused_at(run(raw, artifact, replace(ANYBODY, predicate_types=(PREDICATE,)))) == 5


def test_a_signature_over_the_raw_payload_is_none(artifact: Artifact, statement: bytes) -> None:
    """An envelope whose signature leaves out the payload's type is refused."""
    envelope = {
        "payload": base64.b64encode(statement).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"sig": base64.b64encode(KEY.sign(statement)).decode()}],
    }
    assert refused_at(run(json.dumps(envelope).encode(), artifact)) == 4


@pytest.mark.parametrize("by", ["key", "identity"])
def test_an_envelopes_signature_is_no_files(
    by: str, world: PrivateSigstore, trust: Trust, statement: bytes
) -> None:
    """The bytes that an envelope's signature is over are no file that anybody signed, whoever shows them."""
    signed = KeySigner(key=KEY).envelope(statement, IN_TOTO) if by == "key" else world.sign(statement)
    content = pae(IN_TOTO, statement)
    digest = hashlib.sha256(content).digest()
    document = json.loads(signed)
    (signature,) = document.pop("dsseEnvelope")["signatures"]
    hint = {"algorithm": "SHA2_256", "digest": base64.b64encode(digest).decode()}
    document["messageSignature"] = {"messageDigest": hint, "signature": signature["sig"]}
    file = Artifact(name="file", digests={"sha256": digest.hex()}, content=content)
    outcome = run(json.dumps(document).encode(), file, trust=trust)
    assert refused_at(outcome) == 4
    assert outcome.failed is not None
    assert "envelope" in outcome.failed.reason
    unread = replace(file, content=None)
    assert run(json.dumps(document).encode(), unread, trust=trust).is_accepted  # it is just that signature


def test_five_hundred_thousand_subjects_are_refused_unparsed(tmp_path: Path) -> None:
    """A small statement of 500,000 subjects is refused at step 2, within 100 MB beyond the imports."""
    subjects = b",".join([b'{"digest":{"a":""}}'] * 500_000)
    payload = b'{"_type":"https://in-toto.io/Statement/v1","predicateType":"p","subject":[' + subjects + b"]}"
    (tmp_path / "bundle").write_bytes(KeySigner(key=KEY).envelope(payload, "application/vnd.in-toto+json"))
    (tmp_path / "key.pub").write_bytes(KEY.public.to_pem())
    program = """
import resource
from pathlib import Path
from repro.attest.keys import load_public
from repro.attest.reading import split_evidence
from repro.attest.trust import load_trust
from repro.verify.artifact import artifact_of
from repro.verify.protocol import verify
from repro.verify.signers import Expectation
wanted = Expectation(keys=(load_public(Path("key.pub")),))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
(evidence,) = split_evidence(Path("bundle").read_bytes(), name="b")
outcome = verify(artifact_of("a", {"sha256": "0" * 64}), evidence, wanted, load_trust())
taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(outcome.failed.step, "objects" in outcome.failed.reason, taken < 100 * 1024)
"""
    argv = [sys.executable, "-c", program]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "2 True True\n"


def test_a_payload_of_fifty_megabytes_is_refused(artifact: Artifact) -> None:
    """A payload beyond the cap is refused at step 2, before any signature is looked at."""
    envelope = {
        "payload": "",
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"sig": "AAAA"}],
    }
    for times in (1, 3):
        raw = json.dumps(envelope | {"payload": "A" * 22_800_000 * times}).encode()
        assert refused_at(run(raw, artifact)) == 2


@pytest.mark.parametrize("name", ["ours\n\x1b[2J", "..", "a/../../b", "x" * 5000])
def test_a_name_that_could_do_harm_stays_text(name: str, artifact: Artifact) -> None:
    """Names of subjects are compared and reported, and never used; one that is too long is refused."""
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": artifact.sha256}}],
        "predicateType": PREDICATE,
    }
    raw = KeySigner(key=KEY).envelope(json.dumps(document).encode(), "application/vnd.in-toto+json")
    outcome = run(raw, artifact)
    assert outcome.is_accepted is (len(name) < 5000)


def test_a_foreign_root_trusts_nobody(world: PrivateSigstore, artifact: Artifact, statement: bytes) -> None:
    """What one Sigstore vouches for is nothing to the packaged root of another."""
    assert refused_at(run(world.sign(Order(payload=statement)), artifact, trust=load_trust())) == 4


@pytest.mark.parametrize("root", [b"{}", b"[]", b'{"mediaType":"x"}', b"not JSON"])
def test_a_root_that_is_none_is_a_mistake_of_the_asker(
    root: bytes, world: PrivateSigstore, artifact: Artifact, statement: bytes
) -> None:
    """An unusable root stops the verification as wrong configuration; it fails nobody and passes nobody."""
    with pytest.raises(ConfigError, match="not a trusted root"):
        run(world.sign(Order(payload=statement)), artifact, trust=Trust(root, name="root"))


def test_a_root_that_has_ended_trusts_nothing_after(
    world: PrivateSigstore, artifact: Artifact, statement: bytes
) -> None:
    """What the root trusts until a second it trusts in that second, and not in the next one."""
    raw = world.sign(Order(payload=statement, rekor=1))
    root = json.loads(world.trusted_root())
    for part, after in (("tlogs", 0), ("tlogs", 1), ("certificateAuthorities", 1), ("ctlogs", 1)):
        edited = json.loads(json.dumps(root))
        end = world.now.replace(second=0).timestamp() - after
        text = datetime.fromtimestamp(end, tz=world.now.tzinfo).strftime("%Y-%m-%dT%H:%M:%SZ")
        for one in edited[part]:
            window = one["validFor"] if part == "certificateAuthorities" else one["publicKey"]["validFor"]
            window["end"] = text
        outcome = run(raw, artifact, trust=Trust(json.dumps(edited).encode(), name="root"))
        assert outcome.is_accepted is not bool(after), (part, outcome.failed)


WITNESSES = {
    2: "ten-thousand-signatures",
    3: "duplicate-key",
    4: "edited-payload",
    5: "payload-type-of-another-kind",
    6: "identity-of-another",
    7: "predicate-of-another-type",
    8: "statement-of-another-artifact",
}
"""For each step a defect that it alone finds."""


@pytest.mark.parametrize("number", range(1, 9))
def test_without_any_one_step_something_bad_passes_or_nothing_does(
    number: int, world: PrivateSigstore, trust: Trust, artifact: Artifact, statement: bytes
) -> None:
    """Each step is needed: left out, its defect is found by no other, or there is nothing to go on."""
    steps = tuple(step for step in protocol.STEPS if step.number != number)
    wanted = replace(ANYBODY, keys=(), predicate_types=(PREDICATE,))
    if number == 1:
        case = Case(
            artifact=Artifact(name="a", digests={}),
            evidence=Evidence(name="b", raw=world.sign(Order(payload=statement))),
            expectation=wanted,
            trust=trust,
        )
        assert {one.step for one in follow(protocol.STEPS, case) if one.status is Status.FAIL} == {1}
        return
    raw = world.sign(Order(payload=statement), WITNESSES[number])
    whole, less = (
        follow(
            chosen,
            Case(artifact=artifact, evidence=Evidence(name="b", raw=raw), expectation=wanted, trust=trust),
        )
        for chosen in (protocol.STEPS, steps)
    )
    assert [one.step for one in whole if one.status is Status.FAIL] == [number]
    left = [one for one in less if one.status is Status.FAIL]
    assert not left or "an earlier step has left nothing" in left[0].reason


_WORLD = PrivateSigstore()
_TRUST = Trust(_WORLD.trusted_root(), name="private")
_KEYLESS = _WORLD.sign(
    Order(
        payload=json.dumps(
            {
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [{"name": "a", "digest": {"sha256": "ab" * 32}}],
                "predicateType": PREDICATE,
            }
        ).encode(),
        rekor=1,
    )
)


@settings(max_examples=60)
@given(at=st.integers(0, len(_KEYLESS) - 1), bit=st.integers(0, 7))
def test_every_byte_of_a_keyless_bundle_counts(at: int, bit: int) -> None:
    """With any one bit of a keyless bundle turned over, it is refused at a step that says why."""
    raw = bytearray(_KEYLESS)
    raw[at] ^= 1 << bit
    outcome = run(bytes(raw), artifact_of("a", {"sha256": "ab" * 32}), trust=_TRUST)
    assert 2 <= refused_at(outcome) <= 5
    assert outcome.failed is not None
    assert outcome.failed.reason
