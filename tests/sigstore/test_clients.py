"""sigstore's own signer on the private Sigstore, and `repro`'s on top of it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from sigstore.dsse import Statement
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity
from sigstore_models.trustroot.v1 import TrustedRoot as Root
from tests.sigstore.clients import context, token
from tests.sigstore.order import GITHUB, IN_TOTO, WORKFLOW
from tests.sigstore.world import PrivateSigstore

from repro.attest.sigstore_signing import with_context
from repro.attest.statement import parse_statement

STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a", "digest": {"sha256": hashlib.sha256(b"a").hexdigest()}}],
        "predicateType": "https://example.org/p/v1",
        "predicate": {},
    }
).encode()


@pytest.fixture(scope="module")
def present() -> PrivateSigstore:
    return PrivateSigstore(now=datetime.now(UTC).replace(microsecond=0))


def verifier(world: PrivateSigstore) -> Verifier:
    return Verifier(trusted_root=TrustedRoot(Root.from_json(world.trusted_root())))


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize(
    ("who", "issuer"), [(WORKFLOW, GITHUB), ("ada@example.org", "https://accounts.invalid")]
)
def test_sigstore_signs_and_verifies(present: PrivateSigstore, rekor: int, who: str, issuer: str) -> None:
    """What sigstore's signer makes with these services, its verifier accepts: statements and files."""
    policy = Identity(identity=who, issuer=issuer)
    with context(present, rekor=rekor).signer(token(who, issuer)) as signer:
        envelope = signer.sign_dsse(Statement(STATEMENT))
        message = signer.sign_artifact(b"a file")
    assert verifier(present).verify_dsse(envelope, policy) == (IN_TOTO, STATEMENT)
    verifier(present).verify_artifact(b"a file", message, policy)


@pytest.mark.parametrize("rekor", [1, 2])
def test_repro_signs_as_sigstore_does(present: PrivateSigstore, rekor: int) -> None:
    """What `repro` signs without a key, in either log, sigstore's verifier accepts, byte for byte."""
    (signer,) = with_context(context(present, rekor=rekor), token())
    bundle = Bundle.from_json(signer.statement(parse_statement(STATEMENT)))
    found = verifier(present).verify_dsse(bundle, Identity(identity=WORKFLOW, issuer=GITHUB))
    assert found == (IN_TOTO, STATEMENT)
