"""Signatures by identity on the real servers: what one signs, all others verify."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from sigstore.dsse import Statement as LibraryStatement
from sigstore.models import Bundle, ClientTrustConfig, TrustedRoot
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity as Policy
from tests.interop import peers
from tests.interop.oidc import EMAIL, WORKFLOWS

from repro.attest.bundle import parse_bundle
from repro.attest.sigstore_signing import Identity, signing
from repro.attest.statement import parse_statement
from repro.attest.trust import load_trust

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.peers import Outcome
    from tests.interop.servers import RealSigstore

ARTIFACT = b"an artifact\n"
DIGEST = hashlib.sha256(ARTIFACT).hexdigest()
PROVENANCE = "https://slsa.dev/provenance/v1"
STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "artifact", "digest": {"sha256": DIGEST}}],
        "predicateType": PROVENANCE,
        "predicate": {
            "buildDefinition": {"buildType": "https://example.org/build/v1", "externalParameters": {}},
            "runDetails": {"builder": {"id": "https://example.org/builder"}},
        },
    }
).encode()
PERSON = "ada@example.org"
WORKFLOW = ("example/lab", "release.yml", "refs/tags/v1.0.0")
WORKFLOW_IDENTITY = "https://github.com/example/lab/.github/workflows/release.yml@refs/tags/v1.0.0"


class Who:
    """A person or a workflow: the token, and what the certificate will say."""

    def __init__(self, real: RealSigstore, kind: str) -> None:
        self.is_person = kind == "person"
        self.token = real.issuer.person(PERSON) if self.is_person else real.issuer.workflow(*WORKFLOW)
        self.identity = PERSON if self.is_person else WORKFLOW_IDENTITY
        self.issuer = real.issuer.address + (EMAIL if self.is_person else WORKFLOWS)


@pytest.fixture(params=["person", "workflow"])
def who(request: pytest.FixtureRequest, real: RealSigstore) -> Who:
    return Who(real, request.param)


def by_repro(real: RealSigstore, who: Who, folder: Path) -> Path:
    identity = Identity(token=who.token, trust_config=real.trust_config)
    with signing(identity) as signer:
        data = signer.statement(parse_statement(STATEMENT))
    return written(folder, data)


def by_library(real: RealSigstore, who: Who, folder: Path) -> Path:
    config = ClientTrustConfig.from_json(real.trust_config.read_text())
    with SigningContext.from_trust_config(config).signer(IdentityToken(who.token)) as signer:
        bundle = signer.sign_dsse(LibraryStatement(STATEMENT))
    return written(folder, bundle.to_json().encode())


def by_cosign(real: RealSigstore, who: Who, folder: Path) -> Path:
    (folder / "token").write_text(who.token)
    (folder / "predicate.json").write_text(json.dumps(json.loads(STATEMENT)["predicate"]))
    bundle = folder / "bundle.json"
    done = peers.cosign(
        folder,
        "attest-blob",
        "--yes",
        f"--signing-config={real.signing_config}",
        f"--trusted-root={real.trusted_root}",
        f"--identity-token={folder / 'token'}",
        f"--bundle={bundle}",
        f"--predicate={folder / 'predicate.json'}",
        "--type=slsaprovenance1",
        folder / "artifact",
    )
    assert done.accepted, done.said
    return bundle


def by_javascript(real: RealSigstore, who: Who, folder: Path) -> Path:
    (folder / "token").write_text(who.token)
    (folder / "statement.json").write_bytes(STATEMENT)
    bundle = folder / "bundle.json"
    done = peers.javascript_call(
        folder, "attest", real.signing_config, folder / "token", folder / "statement.json", bundle
    )
    assert done.accepted, done.said
    return bundle


def written(folder: Path, data: bytes) -> Path:
    bundle = folder / "bundle.json"
    bundle.write_bytes(data)
    return bundle


SIGNERS = {
    "repro": by_repro,
    "sigstore-python": by_library,
    "cosign": by_cosign,
    "sigstore-js": by_javascript,
}


@pytest.fixture(params=SIGNERS)
def bundle(request: pytest.FixtureRequest, real: RealSigstore, who: Who, tmp_path: Path) -> Path:
    (tmp_path / "artifact").write_bytes(ARTIFACT)
    (tmp_path / "other").write_bytes(b"another artifact\n")
    return SIGNERS[request.param](real, who, tmp_path)


def test_repro_verifies_what_all_sign(real: RealSigstore, who: Who, bundle: Path) -> None:
    """`repro` finds in each bundle who signed and what, and that both log and authority witnessed it."""
    signed = load_trust(real.trusted_root).certified(parse_bundle(bundle.read_bytes()), sha256=DIGEST)
    assert signed.signer is not None
    assert (signed.signer.identity, signed.signer.issuer) == (who.identity, who.issuer)
    assert signed.payload is not None
    assert parse_statement(signed.payload).predicate_type == PROVENANCE
    assert signed.times
    assert signed.log
    if not who.is_person:
        assert signed.signer.claims["source_repository_uri"] == "https://github.com/example/lab"
        assert signed.signer.claims["source_repository_ref"] == "refs/tags/v1.0.0"


def test_sigstore_python_verifies_what_all_sign(real: RealSigstore, who: Who, bundle: Path) -> None:
    """sigstore-python's verifier takes each bundle."""
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(real.trusted_root)))
    verifier.verify_dsse(
        Bundle.from_json(bundle.read_bytes()), Policy(identity=who.identity, issuer=who.issuer)
    )


def asked_cosign(real: RealSigstore, who: Who, bundle: Path, artifact: str, identity: str = "") -> Outcome:
    signer = (identity or who.identity, who.issuer)
    return peers.cosign_verify(
        bundle.parent, bundle, bundle.parent / artifact, real.trusted_root, signer, "slsaprovenance1"
    )


def test_cosign_verifies_what_all_sign(real: RealSigstore, who: Who, bundle: Path) -> None:
    """cosign takes each bundle for its artifact and its signer, and for no others."""
    good = asked_cosign(real, who, bundle, "artifact")
    assert good.accepted, good.said
    assert not asked_cosign(real, who, bundle, "other").accepted
    assert not asked_cosign(real, who, bundle, "artifact", identity="eve@example.org").accepted


def test_sigstore_js_verifies_what_all_sign(real: RealSigstore, who: Who, bundle: Path) -> None:
    """sigstore-js takes each bundle for its signer, and for no other."""
    root = real.trusted_root
    good = peers.javascript_call(bundle.parent, "verify", bundle, root, who.identity, who.issuer)
    assert good.accepted, good.said
    bad = peers.javascript_call(bundle.parent, "verify", bundle, root, "eve@example.org", who.issuer)
    assert not bad.accepted
