"""How each tool signs on the real servers: a statement, and a file."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from sigstore.dsse import Statement as LibraryStatement
from sigstore.models import ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from tests.interop import peers

from repro.attest.sigstore_signing import Identity, signing
from repro.attest.statement import parse_statement

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.servers import RealSigstore
    from tests.interop.who import Who

ARTIFACT = b"an artifact\n"
DIGEST = hashlib.sha256(ARTIFACT).hexdigest()
PROVENANCE = "https://slsa.dev/provenance/v1"
PREDICATE = {
    "buildDefinition": {"buildType": "https://example.org/build/v1", "externalParameters": {}},
    "runDetails": {"builder": {"id": "https://example.org/builder"}},
}
STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "artifact", "digest": {"sha256": DIGEST}}],
        "predicateType": PROVENANCE,
        "predicate": PREDICATE,
    }
).encode()


def _written(folder: Path, data: bytes) -> Path:
    bundle = folder / "bundle.json"
    bundle.write_bytes(data)
    return bundle


def attest_by_repro(real: RealSigstore, who: Who, folder: Path) -> Path:
    """`repro` signs the statement."""
    with signing(Identity(token=who.token, trust_config=real.trust_config)) as signer:
        return _written(folder, signer.statement(parse_statement(STATEMENT)))


def sign_by_repro(real: RealSigstore, who: Who, folder: Path) -> Path:
    """`repro` signs the file."""
    with signing(Identity(token=who.token, trust_config=real.trust_config)) as signer:
        return _written(folder, signer.blob(ARTIFACT))


def attest_by_library(real: RealSigstore, who: Who, folder: Path) -> Path:
    """sigstore-python signs the statement."""
    config = ClientTrustConfig.from_json(real.trust_config.read_text())
    with SigningContext.from_trust_config(config).signer(IdentityToken(who.token)) as signer:
        return _written(folder, signer.sign_dsse(LibraryStatement(STATEMENT)).to_json().encode())


def sign_by_library(real: RealSigstore, who: Who, folder: Path) -> Path:
    """sigstore-python signs the file."""
    config = ClientTrustConfig.from_json(real.trust_config.read_text())
    with SigningContext.from_trust_config(config).signer(IdentityToken(who.token)) as signer:
        return _written(folder, signer.sign_artifact(ARTIFACT).to_json().encode())


def _by_cosign(verb: str, real: RealSigstore, who: Who, folder: Path, *more: str) -> Path:
    (folder / "token").write_text(who.token)
    bundle = folder / "bundle.json"
    done = peers.cosign(
        folder,
        verb,
        "--yes",
        f"--signing-config={real.signing_config}",
        f"--trusted-root={real.trusted_root}",
        f"--identity-token={folder / 'token'}",
        f"--bundle={bundle}",
        *more,
        folder / "artifact",
    )
    assert done.accepted, done.said
    return bundle


def attest_by_cosign(real: RealSigstore, who: Who, folder: Path) -> Path:
    """A statement around the predicate, made and signed by cosign."""
    predicate = folder / "predicate.json"
    predicate.write_text(json.dumps(PREDICATE))
    return _by_cosign("attest-blob", real, who, folder, f"--predicate={predicate}", "--type=slsaprovenance1")


def sign_by_cosign(real: RealSigstore, who: Who, folder: Path) -> Path:
    """The file, signed by cosign."""
    return _by_cosign("sign-blob", real, who, folder)


def sign_by_javascript(real: RealSigstore, who: Who, folder: Path) -> Path:
    """sigstore-js signs the file."""
    (folder / "token").write_text(who.token)
    bundle = folder / "bundle.json"
    done = peers.javascript_call(
        folder, "sign", real.signing_config, folder / "token", folder / "artifact", bundle
    )
    assert done.accepted, done.said
    return bundle


# sigstore-js 5.0.1 sends statements to the log as entries of kind dsse, which Rekor 2.3.0 no longer takes:
# test_javascript.py has its statements
ATTEST = {"repro": attest_by_repro, "sigstore-python": attest_by_library, "cosign": attest_by_cosign}
SIGN = {
    "repro": sign_by_repro,
    "sigstore-python": sign_by_library,
    "cosign": sign_by_cosign,
    "sigstore-js": sign_by_javascript,
}
