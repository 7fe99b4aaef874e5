"""What the tests of verifying share: the private Sigstore, an artifact, and a statement about it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from tests.sigstore.conftest import world

from repro.attest.trust import Trust
from repro.verify.artifact import Artifact, artifact_of

if TYPE_CHECKING:
    from tests.sigstore.world import PrivateSigstore

__all__ = ["world"]

CONTENT = b"artifact"


@pytest.fixture
def artifact() -> Artifact:
    """Eight bytes that are called artifact."""
    digests = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "sha512": hashlib.sha512(CONTENT).hexdigest()}
    return artifact_of("artifact", digests)


@pytest.fixture
def statement(artifact: Artifact) -> bytes:
    """A statement about them."""
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "artifact", "digest": {"sha256": artifact.sha256}}],
            "predicateType": "https://example.org/p/v1",
            "predicate": {},
        }
    ).encode()


@pytest.fixture(scope="session")
def trust(world: PrivateSigstore) -> Trust:
    """The private Sigstore's root, which knows a retired instance too, until its end."""
    return Trust(world.trusted_root(), name="the private root")
