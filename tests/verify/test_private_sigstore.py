"""What looks unusual and is sound, as the tests' own Sigstore makes it, passes every step of the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.sigstore.order import GITHUB, WORKFLOW, Order, to_bytes
from tests.sigstore.sound import SOUND

from repro.attest.reading import Evidence
from repro.verify.protocol import verify
from repro.verify.signers import Expectation, Identity

if TYPE_CHECKING:
    from tests.sigstore.world import PrivateSigstore

    from repro.attest.trust import Trust
    from repro.verify.artifact import Artifact

WHO = Expectation(identities=(Identity(identity=WORKFLOW, issuer=GITHUB),))


@pytest.mark.parametrize("name", SOUND)
def test_what_only_looks_unusual_is_accepted(
    name: str, world: PrivateSigstore, trust: Trust, artifact: Artifact, statement: bytes
) -> None:
    """Cosignatures, a key's change, a bare timestamp and services that retired since do not disturb."""
    bundle = to_bytes(SOUND[name](world, Order(payload=statement)))
    outcome = verify(artifact, Evidence(name="bundle", raw=bundle), WHO, trust)
    assert outcome.is_accepted, outcome.failed
