"""`repro`'s own verdict on a bundle about the artifact of these tests."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tests.interop.signers import ARTIFACT

from repro.attest.reading import Evidence
from repro.attest.trust import load_trust
from repro.verify.artifact import artifact_of
from repro.verify.protocol import Outcome, verify
from repro.verify.signers import Expectation, Identity

if TYPE_CHECKING:
    from pathlib import Path

    from repro.attest.keys import PublicKey


def verdict(
    bundle: Path,
    root: Path | None,
    *,
    who: tuple[str, str] | None = None,
    key: PublicKey | None = None,
    content: bytes = ARTIFACT,
) -> Outcome:
    """The protocol's steps 1 to 8, for one identity or one key."""
    expectation = Expectation(
        identities=(Identity(identity=who[0], issuer=who[1]),) if who else (),
        keys=(key,) if key else (),
    )
    artifact = artifact_of("artifact", {"sha256": hashlib.sha256(content).hexdigest()})
    return verify(artifact, Evidence(name="bundle", raw=bundle.read_bytes()), expectation, load_trust(root))
