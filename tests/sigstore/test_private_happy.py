"""The private Sigstore is a Sigstore: sigstore's own verifier takes what it signs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity
from tests.sigstore.order import GITHUB, IN_TOTO, WORKFLOW, Order

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sigstore.world import PrivateSigstore

STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a", "digest": {"sha256": "00" * 32}}],
        "predicateType": "https://example.org/p/v1",
        "predicate": {},
    }
).encode()


@pytest.fixture
def verifier(world: PrivateSigstore, tmp_path: Path) -> Verifier:
    path = tmp_path / "trusted_root.json"
    path.write_bytes(world.trusted_root())
    return Verifier(trusted_root=TrustedRoot.from_file(str(path)))


@pytest.mark.parametrize(("rekor", "media"), [(1, "0.1"), (1, "0.2"), (1, "0.3"), (2, "0.2"), (2, "0.3")])
def test_sigstore_accepts_an_envelope(
    world: PrivateSigstore, verifier: Verifier, rekor: int, media: str
) -> None:
    """An envelope in either log, in each version of the bundle that allows it, gives its payload back."""
    bundle = Bundle.from_json(world.sign(Order(payload=STATEMENT, rekor=rekor, media=media)))
    found = verifier.verify_dsse(bundle, Identity(identity=WORKFLOW, issuer=GITHUB))
    assert found == (IN_TOTO, STATEMENT)


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("embed", [True, False])
def test_sigstore_accepts_a_message(
    world: PrivateSigstore, verifier: Verifier, rekor: int, *, embed: bool
) -> None:
    """A signature over a file, stamped with or without the authority's certificate, verifies."""
    order = Order(payload=b"a file", form="message", rekor=rekor, stamps=1, embed=embed)
    verifier.verify_artifact(
        b"a file", Bundle.from_json(world.sign(order)), Identity(identity=WORKFLOW, issuer=GITHUB)
    )


@pytest.mark.parametrize("who", ["ada@example.org", WORKFLOW])
def test_sigstore_reads_the_identity(world: PrivateSigstore, verifier: Verifier, who: str) -> None:
    """An address and a URI are each found in the certificate, with their issuer."""
    order = Order(payload=STATEMENT, identity=who, issuer="https://id.invalid")
    bundle = Bundle.from_json(world.sign(order))
    verifier.verify_dsse(bundle, Identity(identity=who, issuer="https://id.invalid"))
