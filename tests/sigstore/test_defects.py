"""Every defect that the private Sigstore makes, before sigstore's own verifier."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from sigstore.errors import VerificationError
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity
from tests.sigstore.defects.table import DEFECTS, ROOMS
from tests.sigstore.order import GITHUB, WORKFLOW, Order, to_bytes
from tests.sigstore.sound import SOUND

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sigstore.defects.catalogue import Defect
    from tests.sigstore.world import PrivateSigstore

ARTIFACT = b"artifact"
REFUSED_BY_CONFORMANCE = {
    "bundle-empty-certificate-chain",
    "bundle-from-wrong-instance",
    "bundle-invalid-base64-signature",
    "bundle-negative-log-index",
    "checkpoint-wrong-roothash",
    "dsse-mismatch-envelope",
    "dsse-mismatch-sig",
    "inclusion-proof-corrupted-hash",
    "invalid-ct-key",
    "managed-key-no-key",
    "message-digest-mismatch",
    "rekor2-checkpoint-missing-root-hash",
    "rekor2-checkpoint-no-matching-signature",
    "rekor2-dsse-invalid-sig",
    "rekor2-dsse-mismatch-sig",
    "rekor2-no-inclusion-proof",
    "rekor2-no-timestamp",
    "rekor2-timestamp-outside-trust-root-tsa-validity",
    "rekor2-timestamp-payload-mismatch",
    "signature-mismatch",
    "wrong-hashedrekord-cert-and-sig",
}
TOO_STRICT = {"trust-root-tsa-validity-end-inclusive": "not enough sources of verified time"}
"""What sigstore-python refuses though the conformance suite wants it accepted, and how it says so."""

STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "artifact", "digest": {"sha256": hashlib.sha256(ARTIFACT).hexdigest()}}],
        "predicateType": "https://example.org/p/v1",
        "predicate": {},
    }
).encode()


@pytest.fixture
def verifier(world: PrivateSigstore, tmp_path: Path) -> Verifier:
    path = tmp_path / "trusted_root.json"
    path.write_bytes(world.trusted_root())
    return Verifier(trusted_root=TrustedRoot.from_file(str(path)))


def verify(verifier: Verifier, defect: Defect, bundle: bytes) -> None:
    """Ask sigstore, whatever the bundle holds."""
    who = Identity(identity=WORKFLOW, issuer=GITHUB)
    parsed = Bundle.from_json(bundle)
    if defect.changes.get("form") == "message":
        verifier.verify_artifact(ARTIFACT, parsed, who)
    else:
        verifier.verify_dsse(parsed, who)


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=DEFECTS)
def test_sigstore_refuses_what_it_can(world: PrivateSigstore, verifier: Verifier, defect: Defect) -> None:
    """Each defect is refused by sigstore's verifier, or is known to be beyond it and passes there."""
    payload = ARTIFACT if defect.changes.get("form") == "message" else STATEMENT
    bundle = world.sign(Order(payload=payload), defect.name)
    if defect.sigstore:
        with pytest.raises(Exception):  # noqa: B017, PT011 - it has many kinds of errors
            verify(verifier, defect, bundle)
    else:
        verify(verifier, defect, bundle)


@pytest.mark.parametrize("name", SOUND)
def test_sigstore_accepts_what_is_sound(world: PrivateSigstore, verifier: Verifier, name: str) -> None:
    """What only looks unusual is accepted by sigstore, but for what it is known to be too strict in."""
    bundle = Bundle.from_json(to_bytes(SOUND[name](world, Order(payload=STATEMENT))))
    who = Identity(identity=WORKFLOW, issuer=GITHUB)
    if name in TOO_STRICT:
        with pytest.raises(VerificationError, match=TOO_STRICT[name]):
            verifier.verify_dsse(bundle, who)
    else:
        verifier.verify_dsse(bundle, who)


def test_every_case_of_the_conformance_suite_has_its_generator() -> None:
    """Each case that sigstore-conformance wants refused is generated here, but for a wrong key at hand."""
    assert {one.conformance for one in DEFECTS.values()} - {""} == REFUSED_BY_CONFORMANCE


def test_each_defect_says_what_is_wrong() -> None:
    """Each generator names its defect in a sentence, and is of a step that the protocol has."""
    assert len(ROOMS) == 6
    for defect in DEFECTS.values():
        assert defect.why.endswith("."), defect.name
        assert 2 <= defect.step <= 8, defect.name
