"""Signatures by identity on the real servers: what one tool signs, all others verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity
from tests.interop import peers
from tests.interop.signers import ARTIFACT, ATTEST, DIGEST, PROVENANCE, SIGN
from tests.interop.who import REF, WHO, Who

from repro.attest.bundle import parse_bundle
from repro.attest.statement import parse_statement
from repro.attest.trust import load_trust

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.servers import RealSigstore


@pytest.fixture(scope="module", params=WHO)
def who(request: pytest.FixtureRequest, real: RealSigstore) -> Who:
    found: Who = WHO[request.param](real)
    return found


def place(factory: pytest.TempPathFactory) -> Path:
    folder = factory.mktemp("signed")
    (folder / "artifact").write_bytes(ARTIFACT)
    (folder / "other").write_bytes(b"another artifact\n")
    return folder


@pytest.fixture(scope="module", params=ATTEST)
def attested(
    request: pytest.FixtureRequest, real: RealSigstore, who: Who, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return ATTEST[request.param](real, who, place(tmp_path_factory))


@pytest.fixture(scope="module", params=SIGN)
def signed(
    request: pytest.FixtureRequest, real: RealSigstore, who: Who, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return SIGN[request.param](real, who, place(tmp_path_factory))


def test_repro_verifies_every_statement(real: RealSigstore, who: Who, attested: Path) -> None:
    """`repro` finds in each bundle who signed and what, and that both log and authority witnessed it."""
    found = load_trust(real.trusted_root).certified(parse_bundle(attested.read_bytes()), sha256=DIGEST)
    assert found.signer is not None
    assert (found.signer.identity, found.signer.issuer) == who.pair
    assert found.payload is not None
    statement = parse_statement(found.payload)
    assert statement.predicate_type == PROVENANCE
    assert found.times
    assert found.log
    if who.source:
        assert found.signer.claims["source_repository_uri"] == who.source
        assert found.signer.claims["source_repository_ref"] == REF


def test_repro_verifies_every_file(real: RealSigstore, who: Who, signed: Path) -> None:
    """`repro` finds in each bundle of a file who signed it."""
    found = load_trust(real.trusted_root).certified(parse_bundle(signed.read_bytes()), sha256=DIGEST)
    assert found.signer is not None
    assert (found.signer.identity, found.signer.issuer) == who.pair


def test_sigstore_python_verifies_every_statement(real: RealSigstore, who: Who, attested: Path) -> None:
    """The library's own verifier takes each statement."""
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(real.trusted_root)))
    policy = Identity(identity=who.identity, issuer=who.issuer)
    verifier.verify_dsse(Bundle.from_json(attested.read_bytes()), policy)


def test_sigstore_python_verifies_every_file(real: RealSigstore, who: Who, signed: Path) -> None:
    """The library's own verifier takes each file."""
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(real.trusted_root)))
    policy = Identity(identity=who.identity, issuer=who.issuer)
    verifier.verify_artifact(ARTIFACT, Bundle.from_json(signed.read_bytes()), policy)


def test_cosign_verifies_every_statement(real: RealSigstore, who: Who, attested: Path) -> None:
    """In cosign's eyes each statement is of its artifact and by its signer, and of and by no others."""

    def asks(artifact: str, identity: str) -> peers.Outcome:
        folder = attested.parent
        more = ("verify-blob-attestation", f"--type={PROVENANCE}")
        return peers.cosign_verify(
            attested, folder / artifact, real.trusted_root, (identity, who.issuer), *more
        )

    good = asks("artifact", who.identity)
    assert good.accepted, good.said
    assert not asks("other", who.identity).accepted
    assert not asks("artifact", "eve@example.org").accepted


def test_cosign_verifies_every_file(real: RealSigstore, who: Who, signed: Path) -> None:
    """In cosign's eyes each signature is of its file, and of no other."""
    folder = signed.parent
    good = peers.cosign_verify(signed, folder / "artifact", real.trusted_root, who.pair, "verify-blob")
    assert good.accepted, good.said
    assert not peers.cosign_verify(
        signed, folder / "other", real.trusted_root, who.pair, "verify-blob"
    ).accepted


def test_sigstore_js_verifies_every_statement(real: RealSigstore, who: Who, attested: Path) -> None:
    """In sigstore-js's eyes each statement is by its signer, and by no other."""
    root, folder = real.trusted_root, attested.parent
    good = peers.javascript_call(folder, "verify", attested, root, *who.pair)
    assert good.accepted, good.said
    assert not peers.javascript_call(folder, "verify", attested, root, "eve@example.org", who.issuer).accepted


def test_sigstore_js_verifies_every_file(real: RealSigstore, who: Who, signed: Path) -> None:
    """In sigstore-js's eyes each signature is of its file, and of no other."""
    root, folder = real.trusted_root, signed.parent
    good = peers.javascript_call(folder, "verify", signed, root, *who.pair, folder / "artifact")
    assert good.accepted, good.said
    bad = peers.javascript_call(folder, "verify", signed, root, *who.pair, folder / "other")
    assert not bad.accepted
