"""The client for the sigstore-conformance suite signs on the real servers, as the suite asks it to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.conformance.client import main
from tests.interop import peers
from tests.interop.signers import ARTIFACT, PROVENANCE, STATEMENT
from tests.interop.who import person

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.servers import RealSigstore


@pytest.mark.parametrize("form", ["messageSignature", "dsseEnvelope"])
def test_it_signs_and_verifies(real: RealSigstore, tmp_path: Path, form: str) -> None:
    """What the client signs, a file or a statement, it verifies, and so does cosign; no root is in it."""
    who, root = person(real), real.trusted_root
    (tmp_path / "artifact").write_bytes(ARTIFACT)
    (tmp_path / "statement").write_bytes(STATEMENT)
    bundle, artifact = tmp_path / "bundle", tmp_path / "artifact"
    what = ["--in-toto"] if form == "dsseEnvelope" else []
    trusted = ["--bundle", str(bundle), "--trusted-root", str(root)]
    config = ["--signing-config", str(real.signing_config)]
    signed = str(tmp_path / "statement" if what else artifact)
    assert main(["sign-bundle", *what, "--identity-token", who.token, *trusted, *config, signed]) == 0
    document = json.loads(bundle.read_bytes())
    assert form in document
    assert "certificate" in document["verificationMaterial"]
    signer = ["--certificate-identity", who.identity, "--certificate-oidc-issuer", who.issuer]
    assert main(["verify-bundle", *signer, *trusted, str(artifact)]) == 0
    assert main(["verify-bundle", *signer, *trusted, str(bundle)]) == 1
    verb, more = ("verify-blob-attestation", [f"--type={PROVENANCE}"]) if what else ("verify-blob", [])
    taken = peers.cosign_verify(bundle, artifact, root, who.pair, verb, *more, "--use-signed-timestamps")
    assert taken.accepted, taken.said
