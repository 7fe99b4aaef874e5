"""Signatures by key: with no witness, with some, and with thresholds that nobody can play with."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sigstore.order import Order
from tests.sigstore.world import PrivateSigstore
from tests.verify.conftest import CONTENT

from repro.attest.dsse import Envelope, Signature
from repro.attest.keys import PrivateKey, generate, public_of
from repro.attest.reading import Evidence
from repro.attest.signed import Signed
from repro.attest.signing import KeySigner
from repro.attest.statement import parse_statement
from repro.attest.trust import Trust
from repro.core.errors import ConfigError
from repro.verify.artifact import Artifact, artifact_of, open_artifact
from repro.verify.policy import Signer
from repro.verify.protocol import Outcome, verify
from repro.verify.signers import Expectation, Identity

if TYPE_CHECKING:
    from pathlib import Path

KEY, OTHER = generate(), generate()
NO_ROOT = Trust(b"{}", name="a root that nobody may ask")


def run(raw: bytes, artifact: Artifact, expectation: Expectation, trust: Trust = NO_ROOT) -> Outcome:
    return verify(artifact, Evidence(name="bundle", raw=raw), expectation, trust)


def by(*keys: PrivateKey, threshold: int = 1) -> Expectation:
    return Expectation(keys=tuple(key.public for key in keys), threshold=threshold)


def envelope(statement: bytes, *keys: PrivateKey) -> bytes:
    """A bare envelope with a signature of each key."""
    plain = Envelope(payload=statement, payload_type="application/vnd.in-toto+json", signatures=())
    signatures = tuple(Signature(keyid=f"id {at}", sig=key.sign(plain.pae)) for at, key in enumerate(keys))
    return replace(plain, signatures=signatures).to_bytes()


def test_a_statement_signed_by_key_needs_no_root(statement: bytes, artifact: Artifact) -> None:
    """What `repro sign` writes for air-gapped work is accepted by its key, and nothing else is asked."""
    raw = KeySigner(key=KEY).statement(parse_statement(statement))
    outcome = run(raw, artifact, by(OTHER, KEY))
    assert outcome.failed is None
    assert outcome.signed is not None
    assert outcome.signed.keys == (KEY.public,)
    assert outcome.signed.times == ()


@pytest.mark.parametrize("kind", ["p256", "ed25519"])
def test_a_file_signed_by_key_is_accepted(kind: str, tmp_path: Path) -> None:
    """A signature over the file itself holds for that file and for no other."""
    key = generate(kind)
    path = tmp_path / "artifact"
    path.write_bytes(CONTENT)
    raw = KeySigner(key=key).blob(CONTENT)
    assert run(raw, open_artifact(path), by(key)).is_accepted
    path.write_bytes(CONTENT + b"!")
    refused = run(raw, open_artifact(path), by(key)).failed
    assert refused is not None
    assert refused.step == 4


def test_another_key_is_refused(statement: bytes, artifact: Artifact) -> None:
    """A signature of a key that is not named is none, whatever its hint says."""
    refused = run(KeySigner(key=OTHER).statement(parse_statement(statement)), artifact, by(KEY)).failed
    assert refused is not None
    assert (refused.step, refused.reason) == (4, "not signed by any of 1 key")


def test_verifying_by_key_imports_no_sigstore(tmp_path: Path, statement: bytes, artifact: Artifact) -> None:
    """A key needs none of the heavy modules: sigstore, pydantic, requests stay out of the process."""
    (tmp_path / "bundle").write_bytes(KeySigner(key=KEY).statement(parse_statement(statement)))
    (tmp_path / "key.pub").write_bytes(KEY.public.to_pem())
    program = f"""
import sys
from pathlib import Path
from repro.attest.keys import load_public
from repro.attest.reading import Evidence
from repro.attest.trust import load_trust
from repro.verify.artifact import artifact_of
from repro.verify.protocol import verify
from repro.verify.signers import Expectation
outcome = verify(
    artifact_of("artifact", {dict(artifact.digests)!r}),
    Evidence(name="b", raw=Path("bundle").read_bytes()),
    Expectation(keys=(load_public(Path("key.pub")),)),
    load_trust(),
)
heavy = {{"sigstore", "pydantic", "requests", "rekor_types", "sigstore_models", "securesystemslib"}}
print(outcome.is_accepted, sorted(heavy & set(sys.modules)))
"""
    argv = [sys.executable, "-c", program]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("form", ["dsse", "message"])
def test_witnesses_of_a_key_must_hold(
    rekor: int, form: str, world: PrivateSigstore, trust: Trust, artifact: Artifact, statement: bytes
) -> None:
    """A log entry and timestamps beside a key's signature give its time; where they do not hold it fails."""
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    payload = statement if form == "dsse" else CONTENT
    order = Order(payload=payload, form=form, rekor=rekor, key=key)
    wanted = Expectation(keys=(public_of(key.public_key()),))
    raw = world.sign(order)
    sound = run(raw, artifact, wanted, trust)
    assert sound.failed is None
    assert sound.signed is not None
    assert {one.at for one in sound.signed.times} == {world.now}

    bundle, other = json.loads(raw), json.loads(world.sign(order))
    bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]
    refused = run(json.dumps(bundle).encode(), artifact, wanted, trust).failed
    assert refused is not None
    assert (refused.step, refused.reason) == (4, "the log entry is about another signature")

    foreign = run(raw, artifact, wanted, Trust(PrivateSigstore().trusted_root(), name="foreign")).failed
    assert foreign is not None
    assert foreign.step == 4


def test_thresholds_count_different_keys(statement: bytes, artifact: Artifact) -> None:
    """Two keys are two; one key twice, under two ids or with two signatures, is one."""
    both, twice = envelope(statement, KEY, OTHER), envelope(statement, KEY, KEY)
    assert run(both, artifact, by(KEY, OTHER, threshold=2)).is_accepted
    refused = run(twice, artifact, by(KEY, OTHER, threshold=2)).failed
    assert refused is not None
    assert (refused.step, refused.reason) == (4, "signed by 1 key; 2 are needed")


@pytest.mark.parametrize("threshold", [0, -1, 2])
def test_thresholds_that_mean_nothing_are_refused(threshold: int) -> None:
    """A threshold below one, or above the number of different keys, is a mistake of whoever asks."""
    with pytest.raises(ConfigError, match="threshold"):
        by(KEY, KEY, threshold=threshold)


def test_nobody_is_not_anybody() -> None:
    """An expectation that names no signer is refused, and an identity without issuer is too."""
    with pytest.raises(ConfigError, match="nobody is named"):
        Expectation()
    with pytest.raises(ConfigError, match="issuer"):
        Identity(identity="ada@example.org", issuer="")


def test_an_identity_is_no_key(statement: bytes, artifact: Artifact) -> None:
    """A bundle signed with a key is refused where only identities are named."""
    raw = KeySigner(key=KEY).statement(parse_statement(statement))
    wanted = Expectation(identities=(Identity(identity="ada@example.org", issuer="https://id.invalid"),))
    refused = run(raw, artifact, wanted).failed
    assert refused is not None
    assert refused.step == 4


_STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "artifact", "digest": {"sha256": "ab" * 32}}],
        "predicateType": "https://example.org/p/v1",
        "predicate": {"a": [1, 2, 3]},
    }
).encode()
_BUNDLE = KeySigner(key=KEY).statement(parse_statement(_STATEMENT))


@given(at=st.integers(0, len(_BUNDLE) - 2), bit=st.integers(0, 7))
def test_every_byte_of_a_bundle_counts(at: int, bit: int) -> None:
    """With any one bit of a bundle turned over, it is refused at a step from 2 to 5 that says why."""
    artifact = artifact_of("artifact", {"sha256": "ab" * 32})
    raw = bytearray(_BUNDLE)
    raw[at] ^= 1 << bit
    outcome = run(bytes(raw), artifact, by(KEY))
    assert outcome.failed is not None
    assert 2 <= outcome.failed.step <= 5
    assert outcome.failed.reason


@given(at=st.integers(0, 63), digit=st.sampled_from("0123456789abcdef"))
def test_every_byte_of_an_artifact_counts(at: int, digit: str) -> None:
    """An artifact with another digest, however near, is refused at step 8."""
    digest = ("ab" * 32)[:at] + digit + ("ab" * 32)[at + 1 :]
    outcome = run(_BUNDLE, artifact_of("artifact", {"sha256": digest}), by(KEY))
    if digest == "ab" * 32:
        assert outcome.is_accepted
    else:
        assert outcome.failed is not None
        assert outcome.failed.step == 8


def test_a_key_counts_under_its_root() -> None:
    """What a key signed counts under the root that its signer names: the times beside it are that root's."""
    signed = Signed(keys=(KEY.public,))
    for root in ("", "laboratory"):
        signer = Signer(name="me", key=KEY.public, root=root)
        assert [signer.made(signed, one) for one in ("", "laboratory")] == [not root, bool(root)]
