"""Signatures by key, with no log: what `repro` signs other tools verify, and the reverse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from tests.interop import peers
from tests.interop.ours import verdict
from tests.interop.signers import ARTIFACT, DIGEST, PREDICATE, PROVENANCE, STATEMENT

from repro.attest.keys import PrivateKey, generate, load_public
from repro.attest.signing import KeySigner
from repro.attest.signing_time import timestamp
from repro.attest.statement import parse_statement

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.servers import RealSigstore

SUMMARY = "https://slsa.dev/verification_summary/v1"
VERIFIER = "https://example.org/verifier"
RESOURCE = "pkg:generic/artifact@1"
NO_SERVICES = {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "artifact").write_bytes(ARTIFACT)
    (tmp_path / "other").write_bytes(b"another artifact\n")
    (tmp_path / "other.pub").write_bytes(generate().public.to_pem())
    return tmp_path


@pytest.fixture
def key(folder: Path) -> PrivateKey:
    made = generate()
    (folder / "key.pub").write_bytes(made.public.to_pem())
    return made


def by_cosign(folder: Path, *, key: str = "key.pub", artifact: str = "artifact", more: str = "") -> bool:
    arguments = [f"--key={folder / key}", "--insecure-ignore-tlog", f"--bundle={folder / 'bundle.json'}"]
    kind = f"--type={PROVENANCE}"
    arguments += [kind, *more.split(), str(folder / artifact)]
    return peers.cosign(folder, "verify-blob-attestation", *arguments).accepted


def test_other_tools_verify_a_statement(real: RealSigstore, folder: Path, key: PrivateKey) -> None:
    """A statement that a P-256 key signed is taken by cosign and sigstore-js, with this key and no other."""
    bundle = folder / "bundle.json"
    bundle.write_bytes(KeySigner(key=key).statement(parse_statement(STATEMENT)))
    assert by_cosign(folder)
    assert not by_cosign(folder, key="other.pub")
    assert not by_cosign(folder, artifact="other")
    root = real.trusted_root
    good = peers.javascript_call(folder, "verify-key", bundle, root, folder / "key.pub")
    assert good.accepted, good.said
    assert not peers.javascript_call(folder, "verify-key", bundle, root, folder / "other.pub").accepted


def test_other_tools_verify_a_file(real: RealSigstore, folder: Path, key: PrivateKey) -> None:
    """A file that a P-256 key signed is taken by cosign and sigstore-js, with this key and no other."""
    bundle = folder / "bundle.json"
    bundle.write_bytes(KeySigner(key=key).blob(ARTIFACT))

    def taken(key: str, artifact: str) -> list[bool]:
        options = (f"--key={folder / key}", "--insecure-ignore-tlog", f"--bundle={bundle}")
        parts = (bundle, real.trusted_root, folder / key, folder / artifact)
        return [
            peers.cosign(folder, "verify-blob", *options, folder / artifact).accepted,
            peers.javascript_call(folder, "verify-key", *parts).accepted,
        ]

    assert taken("key.pub", "artifact") == [True, True]
    assert taken("other.pub", "artifact") == [False, False]
    assert taken("key.pub", "other") == [False, False]


def test_other_tools_verify_its_timestamp(real: RealSigstore, folder: Path, key: PrivateKey) -> None:
    """A timestamp of the real authority beside a key's signature is taken by cosign and by `repro`."""
    url = json.loads(real.signing_config.read_bytes())["tsaUrls"][0]["url"]
    signer = KeySigner(key=key, stamp=lambda signature: timestamp(url, signature))
    bundle = folder / "bundle.json"
    bundle.write_bytes(signer.statement(parse_statement(STATEMENT)))
    assert by_cosign(folder, more=f"--use-signed-timestamps --trusted-root={real.trusted_root}")
    outcome = verdict(bundle, real.trusted_root, key=key.public)
    assert outcome.is_accepted, outcome.failed
    assert outcome.signed is not None
    assert len(outcome.signed.times) == 1


@pytest.mark.parametrize("verb", ["attest-blob", "sign-blob"])
def test_repro_verifies_what_cosign_signs(real: RealSigstore, folder: Path, verb: str) -> None:
    """What a key of cosign's signs, a statement or a file, `repro` verifies, with this key and no other."""
    assert peers.cosign(folder, "generate-key-pair", COSIGN_PASSWORD="").accepted
    (folder / "none.json").write_text(json.dumps(NO_SERVICES))
    (folder / "predicate.json").write_text(json.dumps(PREDICATE))
    bundle = folder / "bundle.json"
    more = [f"--predicate={folder / 'predicate.json'}", "--type=slsaprovenance1"]
    done = peers.cosign(
        folder,
        verb,
        "--yes",
        f"--key={folder / 'cosign.key'}",
        f"--signing-config={folder / 'none.json'}",
        f"--trusted-root={real.trusted_root}",
        f"--bundle={bundle}",
        *(more if verb == "attest-blob" else []),
        folder / "artifact",
        COSIGN_PASSWORD="",
    )
    assert done.accepted, done.said
    outcome = verdict(bundle, None, key=load_public(folder / "cosign.pub"))
    assert outcome.is_accepted, outcome.failed
    assert not verdict(bundle, None, key=load_public(folder / "other.pub")).is_accepted
    assert not verdict(bundle, None, key=load_public(folder / "cosign.pub"), content=b"another").is_accepted


@pytest.mark.parametrize("verb", ["attest-key", "sign-key"])
def test_repro_verifies_what_sigstore_js_signs(folder: Path, verb: str) -> None:
    """What a key signs in sigstore-js, a statement or a file, `repro` verifies, with no other key."""
    made = ec.generate_private_key(ec.SECP256R1())
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "js.key").write_bytes(pem)
    public = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "js.pub").write_bytes(public)
    (folder / "statement").write_bytes(STATEMENT)
    what, bundle = "statement" if verb == "attest-key" else "artifact", folder / "bundle.json"
    done = peers.javascript_call(folder, verb, folder / "js.key", folder / what, bundle)
    assert done.accepted, done.said
    key = load_public(folder / "js.pub")
    outcome = verdict(bundle, None, key=key)
    assert outcome.is_accepted, outcome.failed
    assert (outcome.statement is not None) == (verb == "attest-key")
    assert not verdict(bundle, None, key=load_public(folder / "other.pub")).is_accepted
    assert not verdict(bundle, None, key=key, content=b"another").is_accepted


def summary(level: str) -> bytes:
    """A verification summary of the artifact."""
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "artifact", "digest": {"sha256": DIGEST}}],
            "predicateType": SUMMARY,
            "predicate": {
                "verifier": {"id": VERIFIER},
                "timeVerified": "2026-01-15T12:00:00Z",
                "resourceUri": RESOURCE,
                "policy": {"uri": "https://example.org/policy", "digest": {"sha256": DIGEST}},
                "verificationResult": "PASSED",
                "verifiedLevels": [level],
            },
        }
    ).encode()


def test_slsa_verifier_verifies_a_summary(folder: Path, key: PrivateKey) -> None:
    """A signed summary is taken by slsa-verifier for its level, resource and key, and no others."""
    bundle = KeySigner(key=key).statement(parse_statement(summary("SLSA_BUILD_LEVEL_2")))
    (folder / "summary.json").write_text(json.dumps(json.loads(bundle)["dsseEnvelope"]))

    def asks(*, level: str = "SLSA_BUILD_LEVEL_2", resource: str = RESOURCE, key: str = "key.pub") -> bool:
        return peers.slsa_verifier(
            folder,
            "verify-vsa",
            f"--subject-digest=sha256:{DIGEST}",
            f"--attestation-path={folder / 'summary.json'}",
            f"--verifier-id={VERIFIER}",
            f"--resource-uri={resource}",
            f"--verified-level={level}",
            f"--public-key-path={folder / key}",
        ).accepted

    assert asks()
    assert not asks(level="SLSA_BUILD_LEVEL_3")
    assert not asks(resource="pkg:generic/other@1")
    assert not asks(key="other.pub")
