"""Signatures by identity on the real servers: what one tool signs, all others verify."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity
from tests.interop import peers
from tests.interop.ours import verdict
from tests.interop.signers import ARTIFACT, ATTEST, PROVENANCE, SIGN
from tests.interop.who import REF, WHO, Who
from tests.sigstore.log import b64

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.servers import RealSigstore

    from repro.verify.protocol import Outcome


STAMPED = "--use-signed-timestamps"


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
    outcome = verdict(attested, real.trusted_root, who=who.pair)
    assert outcome.is_accepted, outcome.failed
    assert outcome.statement is not None
    assert outcome.statement.predicate_type == PROVENANCE
    found = outcome.signed
    assert found is not None
    assert found.times
    assert found.log
    if who.source:
        assert found.signer is not None
        assert found.signer.claims["source_repository_uri"] == who.source
        assert found.signer.claims["source_repository_ref"] == REF


def test_repro_verifies_every_file(real: RealSigstore, who: Who, signed: Path) -> None:
    """`repro` takes each bundle of a file for its signer."""
    outcome = verdict(signed, real.trusted_root, who=who.pair)
    assert outcome.is_accepted, outcome.failed


def refused_at(outcome: Outcome) -> int | None:
    """The step that refused."""
    return outcome.failed.step if outcome.failed else None


def test_repro_refuses_what_differs(real: RealSigstore, who: Who, attested: Path, tmp_path: Path) -> None:
    """Another signer is refused at step 6, another artifact at 8, a changed byte at 4."""
    root = real.trusted_root
    assert refused_at(verdict(attested, root, who=("eve@example.org", who.issuer))) == 6
    assert refused_at(verdict(attested, root, who=(who.identity, "https://evil.invalid"))) == 6
    assert refused_at(verdict(attested, root, who=who.pair, content=b"another")) == 8
    changed = json.loads(attested.read_bytes())
    changed["dsseEnvelope"]["payload"] = b64(base64.b64decode(changed["dsseEnvelope"]["payload"]) + b" ")
    (tmp_path / "changed.json").write_text(json.dumps(changed))
    assert refused_at(verdict(tmp_path / "changed.json", root, who=who.pair)) == 4


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
        more = ("verify-blob-attestation", f"--type={PROVENANCE}", STAMPED)
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
    good = peers.cosign_verify(
        signed, folder / "artifact", real.trusted_root, who.pair, "verify-blob", STAMPED
    )
    assert good.accepted, good.said
    assert not peers.cosign_verify(
        signed, folder / "other", real.trusted_root, who.pair, "verify-blob", STAMPED
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
