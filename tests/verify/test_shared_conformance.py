"""The cases of the sigstore-conformance suite, each with the step that must refuse it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.verify.shared import SHARED, needs_shared

from repro.attest.keys import load_public
from repro.attest.reading import split_evidence
from repro.attest.trust import load_trust
from repro.core.check import Status
from repro.core.errors import FormatError
from repro.verify.artifact import artifact_of, open_artifact
from repro.verify.protocol import Outcome, verify
from repro.verify.signers import Expectation, Identity

CASES = SHARED / "conformance"
WORKFLOW = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
    ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
GITHUB = "https://token.actions.githubusercontent.com"

ACCEPTED = (
    "happy-path-v0.1",
    "happy-path-v0.2",
    "happy-path-v0.3",
    "intoto-with-custom-trust-root",
    "managed-key-and-trusted-root",
    "managed-key-happy-path",
    "rekor2-checkpoint-multiple-cosigs",
    "rekor2-checkpoint-two-sigs-cosigned",
    "rekor2-checkpoint-two-sigs-from-origin",
    "rekor2-dsse-happy-path",
    "rekor2-timestamp-with-embedded-cert",
    "rekor2-timestamp-with-expired-cert-chain",
    "rekor2-timestamp-without-embedded-cert",
    "trust-root-tlog-validity-end-inclusive",
)

REFUSED = {
    "bundle-empty-certificate-chain_fail": (3, "an empty chain"),
    "bundle-from-wrong-instance_fail": (4, "a log that the trusted root does not know"),
    "bundle-invalid-base64-signature_fail": (3, "signature: not base64"),
    "bundle-negative-log-index_fail": (3, "logIndex is '-1'"),
    "checkpoint-wrong-roothash_fail": (4, "invalid root hash signature"),
    "dsse-mismatch-envelope_fail": (4, "payload hash does not match"),
    "dsse-mismatch-sig_fail": (4, "log entry signatures do not match"),
    "inclusion-proof-corrupted-hash_fail": (4, "inclusion proof contains invalid root hash"),
    "invalid-ct-key_fail": (4, "SCT"),
    "managed-key-no-key_fail": (4, "none is named"),
    "message-digest-mismatch_fail": (8, "the bundle names sha256"),
    "rekor2-checkpoint-missing-root-hash_fail": (4, "malformed LogCheckpoint"),
    "rekor2-checkpoint-no-matching-signature_fail": (4, "checkpoint: invalid signature"),
    "rekor2-dsse-invalid-sig_fail": (4, "DSSE: invalid signature"),
    "rekor2-dsse-mismatch-sig_fail": (4, "log entry is inconsistent"),
    "rekor2-no-inclusion-proof_fail": (4, "without a proof"),
    "rekor2-no-timestamp_fail": (4, "inclusion promise or signed timestamp"),
    "rekor2-timestamp-outside-trust-root-tsa-validity_fail": (4, "a timestamp is by no authority"),
    "rekor2-timestamp-payload-mismatch_fail": (4, "a timestamp is by no authority"),
    "signature-mismatch_fail": (4, "Signature is invalid"),
    "wrong-hashedrekord-cert-and-sig_fail": (4, "log entry is inconsistent"),
}
"""The step that refuses, and words of its reason."""

BROKEN_KEY = "managed-key-wrong-key_fail"
"""Its key is no key: there is nothing to verify with."""

pytestmark = needs_shared


def run(name: str) -> Outcome:
    folder = CASES / name
    root, key, own = folder / "trusted_root.json", folder / "key.pub", folder / "artifact"
    (evidence,) = split_evidence((folder / "bundle.sigstore.json").read_bytes(), name="bundle")
    expectation = (
        Expectation(keys=(load_public(key),))
        if key.exists()
        else Expectation(identities=(Identity(identity=WORKFLOW, issuer=GITHUB),))
    )
    artifact = open_artifact(own if own.exists() else CASES / "a.txt")
    return verify(artifact, evidence, expectation, load_trust(root if root.exists() else None))


def test_every_case_is_in_a_table() -> None:
    """No case of the folder is left out, and none is made up."""
    found = {path.name for path in CASES.iterdir() if path.is_dir()}
    assert found == {*ACCEPTED, *REFUSED, BROKEN_KEY}
    assert {name for name in found if name.endswith("_fail")} == {*REFUSED, BROKEN_KEY}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_good_case_is_accepted(name: str) -> None:
    """What is no `_fail` passes every step, at a signed time."""
    outcome = run(name)
    assert outcome.failed is None
    assert outcome.is_accepted
    assert outcome.signed is not None
    assert outcome.signed.times


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_case_is_refused_at_its_step(name: str) -> None:
    """What is a `_fail` is refused for its own defect by its step, and every later one is skipped for it."""
    step, words = REFUSED[name]
    outcome = run(name)
    assert not outcome.is_accepted
    assert outcome.failed is not None
    assert (outcome.failed.step, words in outcome.failed.reason) == (step, True), outcome.failed
    assert [one.step for one in outcome.checks] == list(range(1, 9))
    assert all(one.status is Status.SKIP for one in outcome.checks if one.step > step)


def test_a_key_that_is_none_verifies_nothing() -> None:
    """A broken public key is refused when it is read."""
    with pytest.raises(FormatError, match="not a public key"):
        run(BROKEN_KEY)


def test_a_digest_stands_for_its_file() -> None:
    """The artifact can be given as its sha256, as the conformance protocol does."""
    by_file = open_artifact(CASES / "a.txt")
    by_digest = artifact_of("a.txt", {"sha256": by_file.sha256})
    (evidence,) = split_evidence(Path(CASES / "happy-path-v0.3/bundle.sigstore.json").read_bytes(), name="b")
    expectation = Expectation(identities=(Identity(identity=WORKFLOW, issuer=GITHUB),))
    assert verify(by_digest, evidence, expectation, load_trust()).is_accepted
