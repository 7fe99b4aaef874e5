"""Real provenance of GitHub, npm, slsa-github-generator and Google: accepted as it is, refused if altered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.verify.shared import SHARED, needs_shared

from repro.attest.keys import load_public
from repro.attest.reading import parse_evidence, split_evidence
from repro.attest.statement import parse_statement
from repro.attest.trust import Trust, load_trust
from repro.verify.artifact import Artifact, artifact_of, open_artifact
from repro.verify.protocol import verify
from repro.verify.signers import Expectation, Identity

if TYPE_CHECKING:
    from repro.attest.reading import Evidence
    from repro.verify.protocol import Outcome

ROOT = SHARED / "provenance"
GITHUB = "https://token.actions.githubusercontent.com"
GENERATOR = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows"
PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
V02, V1 = "https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"
VSA = "https://slsa.dev/verification_summary/v1"

pytestmark = needs_shared


@dataclass(frozen=True, kw_only=True)
class Real:
    """A real attestation: file and place in it, who signed, what it says, about which file if it is there."""

    path: str
    at: int = 0
    identity: str = ""
    key: str = ""
    issuer: str = GITHUB
    predicate: str
    artifact: str = ""


TESTED = "npm/gha/provenance-npm-test-ossf"
GOGGLES = "npm/gha/supreme-googles-cli-v02-tag"
REAL = (
    Real(
        path="bcr/MODULE.bazel.intoto.jsonl",
        artifact="bcr/MODULE.bazel",
        identity="https://github.com/bazel-contrib/publish-to-bcr/.github/workflows/publish.yaml@refs/tags/v0.0.1",
        predicate=V1,
    ),
    Real(
        path="bcr/MODULE-wrong-signer.bazel.intoto.jsonl",
        artifact="bcr/MODULE-wrong-signer.bazel",
        identity="https://github.com/loosebazooka/aa-test/.github/workflows/malicious_attestation.yaml@refs/heads/main",
        predicate=V1,
    ),
    Real(
        path="gha_container-based/v2.1.0/binary-linux-amd64-push-v14.intoto.build.slsa",
        identity=f"{GENERATOR}/builder_container-based_slsa3.yml@refs/tags/v2.1.0",
        predicate=V1,
    ),
    Real(
        path="gha_generic/v2.1.0/binary-linux-amd64-push-v14.intoto.jsonl",
        identity=f"{GENERATOR}/generator_generic_slsa3.yml@refs/tags/v2.1.0",
        predicate=V02,
    ),
    Real(
        path="gha_go/v2.1.0/binary-linux-amd64-workflow_dispatch.intoto.jsonl",
        identity=f"{GENERATOR}/builder_go_slsa3.yml@refs/tags/v2.1.0",
        predicate=V02,
    ),
    Real(
        path="gha_gradle/v2.1.0/binary-linux-amd64-push-v14.2.build.slsa",
        artifact="gha_gradle/v2.1.0/binary-linux-amd64-push-v14.2",
        identity=f"{GENERATOR}/delegator_lowperms-generic_slsa3.yml@refs/tags/v2.1.0",
        predicate=V1,
    ),
    Real(
        path="gha_maven/v2.1.0/binary-linux-amd64-push-v14.build.slsa",
        artifact="gha_maven/v2.1.0/binary-linux-amd64-push-v14",
        identity=f"{GENERATOR}/delegator_lowperms-generic_slsa3.yml@refs/tags/v2.1.0",
        predicate=V1,
    ),
    Real(
        path="github/custom-issuer.sigstore.json",
        artifact="github/custom-issuer-artifact",
        identity="https://github.com/too-legit/attest/.github/workflows/integration.yml@refs/heads/main",
        issuer=f"{GITHUB}/hammer-time",
        predicate=V1,
    ),
    Real(path=f"{TESTED}.tgz.json", artifact=f"{TESTED}.tgz", key="npm.pub", predicate=PUBLISH),
    Real(
        path=f"{TESTED}.tgz.json",
        at=1,
        artifact=f"{TESTED}.tgz",
        identity=f"{GENERATOR}/delegator_lowperms-generic_slsa3.yml@refs/tags/v1.6.0",
        predicate=V02,
    ),
    Real(path=f"{GOGGLES}.tgz.json", artifact=f"{GOGGLES}.tgz", key="npm.pub", predicate=PUBLISH),
    Real(
        path=f"{GOGGLES}.tgz.json",
        at=1,
        artifact=f"{GOGGLES}.tgz",
        identity="https://github.com/trishankatdatadog/supreme-goggles/.github/workflows/npm-publish.yml@refs/tags/v1.0.5",
        predicate=V02,
    ),
    Real(
        path="vsa/gce/v1/gke-gce-pre.bcid-vsa.jsonl",
        key="vsa/gce/v1/vsa_signing_public_key.pem",
        predicate=VSA,
    ),
)

TAMPERED = (
    (f"{TESTED}-invalidsigprov.tgz.json", 1, f"{TESTED}.tgz", "DSSE: invalid signature"),
    (f"{GOGGLES}-invalidsigpub.tgz.json", 0, f"{GOGGLES}.tgz", "not signed by any of 1 key"),
)


@pytest.fixture(scope="module")
def trust() -> Trust:
    """The root of the folder; the packaged one is asked by other tests."""
    return load_trust(ROOT / "trusted_root_public_good.json")


def evidence_of(path: str, at: int) -> Evidence:
    return split_evidence((ROOT / path).read_bytes(), name=path)[at]


def expectation_of(real: Real) -> Expectation:
    keys = (load_public(ROOT / real.key),) if real.key else ()
    identities = () if real.key else (Identity(identity=real.identity, issuer=real.issuer),)
    return Expectation(identities=identities, keys=keys, predicate_types=(real.predicate,))


def artifact_for(real: Real) -> Artifact:
    """The file, or where it is not there what its statement says of it."""
    if real.artifact:
        return open_artifact(ROOT / real.artifact)
    envelope = parse_evidence(evidence_of(real.path, real.at)).envelope
    assert envelope is not None
    return artifact_of("it", dict(parse_statement(envelope.payload).subjects[0].digests))


def run(real: Real, trust: Trust) -> Outcome:
    return verify(artifact_for(real), evidence_of(real.path, real.at), expectation_of(real), trust)


@pytest.mark.parametrize("real", REAL, ids=lambda one: f"{one.path}:{one.at}")
def test_real_material_is_accepted(real: Real, trust: Trust) -> None:
    """Each attestation is accepted for its own artifact, signer and predicate type."""
    outcome = run(real, trust)
    assert outcome.failed is None
    assert outcome.is_accepted
    assert outcome.statement is not None
    assert outcome.statement.predicate_type == real.predicate


@pytest.mark.parametrize(
    "real", [one for one in REAL if one.identity], ids=lambda one: f"{one.path}:{one.at}"
)
def test_real_material_of_another_signer_is_refused(real: Real, trust: Trust) -> None:
    """The same attestation under a near name, or the right name with another issuer, fails at step 6."""
    for identity, issuer in ((f"{real.identity}x", real.issuer), (real.identity, f"{real.issuer}/")):
        wanted = Expectation(identities=(Identity(identity=identity, issuer=issuer),))
        outcome = verify(artifact_for(real), evidence_of(real.path, real.at), wanted, trust)
        assert outcome.failed is not None
        assert outcome.failed.step == 6


@pytest.mark.parametrize("real", REAL, ids=lambda one: f"{one.path}:{one.at}")
def test_real_material_for_another_artifact_is_refused(real: Real, trust: Trust) -> None:
    """The same attestation for other bytes fails at step 8."""
    other = artifact_of("it", {"sha256": "0" * 64, "sha512": "0" * 128, "gce_image_id": "1"})
    outcome = verify(other, evidence_of(real.path, real.at), expectation_of(real), trust)
    assert outcome.failed is not None
    assert outcome.failed.step == 8


@pytest.mark.parametrize(("path", "at", "artifact", "words"), TAMPERED)
def test_tampered_material_is_refused(path: str, at: int, artifact: str, words: str, trust: Trust) -> None:
    """An edited signature fails at step 4, while its neighbour in the same file is still accepted."""
    sound = Real(path=path, at=1 - at, artifact=artifact, predicate="")
    whose = next(one for one in REAL if (one.artifact, one.at) == (artifact, at))
    outcome = verify(open_artifact(ROOT / artifact), evidence_of(path, at), expectation_of(whose), trust)
    assert outcome.failed is not None
    assert (outcome.failed.step, outcome.failed.reason) == (4, words)
    other = next(one for one in REAL if (one.artifact, one.at) == (artifact, sound.at))
    kept = verify(open_artifact(ROOT / artifact), evidence_of(path, sound.at), expectation_of(other), trust)
    assert kept.is_accepted
