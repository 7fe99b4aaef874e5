"""Keys: files that only their owner reads, kinds that are read, and nothing secret in words."""

from __future__ import annotations

import base64
import hashlib
import shutil
import stat
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from securesystemslib.signer import Signature, Signer, SSlibKey  # type: ignore[attr-defined]

from repro.attest import keys
from repro.attest.bundle import parse_bundle
from repro.attest.signing import KeySigner
from repro.core.errors import FormatError, ReproError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = b"correct horse"


def public_pem(key: Any) -> bytes:  # noqa: ANN401 - any of cryptography's keys
    return bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """An encrypted private key of the default kind."""
    path = tmp_path / "repro.key"
    keys.write_private(path, keys.generate().to_pem(PASSWORD))
    return path


def test_a_private_key_is_its_owners(pair: Path) -> None:
    """The file of a new private key has mode 0600 and holds no key in the clear."""
    assert stat.S_IMODE(pair.stat().st_mode) == 0o600
    assert pair.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")


def test_openssl_reads_an_encrypted_key(pair: Path) -> None:
    """The file is standard PKCS#8, its password stretched by scrypt, and openssl opens it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine")
    argv = [openssl, "pkey", "-in", str(pair), "-passin", "stdin", "-pubout"]
    done = subprocess.run(argv, input=PASSWORD, capture_output=True, check=False)
    assert done.stdout == keys.load_private(pair, PASSWORD).public.to_pem()
    parsed = subprocess.run([openssl, "asn1parse", "-in", pair], capture_output=True, check=True)
    assert b"1.3.6.1.4.1.11591.4.11" in parsed.stdout or b"scrypt" in parsed.stdout


def test_a_key_is_never_overwritten(pair: Path) -> None:
    """Writing where a file or a link stands is refused, and what stands there stays."""
    before = pair.read_bytes()
    with pytest.raises(UsageError, match="not overwritten"):
        keys.write_private(pair, b"other")
    link = pair.with_name("link.key")
    link.symlink_to(pair.with_name("nowhere"))
    with pytest.raises(UsageError, match="not overwritten"):
        keys.write_private(link, b"other")
    assert pair.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_private_key_that_others_reach_is_refused(pair: Path, mode: int) -> None:
    """A private key that group or others may read or write is refused with the command that mends it."""
    pair.chmod(mode)
    with pytest.raises(ReproError, match="others may") as caught:
        keys.load_private(pair, PASSWORD)
    assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize(("password", "said"), [(b"wrong", "not the password"), (b"", "no password")])
def test_a_wrong_password_opens_nothing(pair: Path, password: bytes, said: str) -> None:
    """Without the right password there is no key, and the password is not in the message."""
    with pytest.raises(ReproError, match=said) as caught:
        keys.load_private(pair, password)
    assert "wrong" not in caught.value.message.removeprefix(str(pair))


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    """Junk, an empty file and a missing one are refused, each with the file's name."""
    junk = tmp_path / "junk.key"
    for content in (b"", b"junk", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        junk.write_bytes(content)
        junk.chmod(0o600)
        with pytest.raises(ReproError, match="not a private key"):
            keys.load_private(junk, b"")
        with pytest.raises(FormatError):
            keys.load_public(junk)
    with pytest.raises(UsageError, match="gone"):
        keys.load_private(tmp_path / "gone", b"")


def test_a_private_key_is_no_public_one(pair: Path) -> None:
    """Where a public key is wanted a private one is refused before it is read."""
    with pytest.raises(FormatError, match="private key"):
        keys.load_public(pair)


@pytest.mark.parametrize("kind", keys.KINDS)
def test_what_is_signed_verifies(kind: str) -> None:
    """A signature verifies under its key over its bytes, and under no other key and over no other bytes."""
    key = keys.generate(kind)
    signature = key.sign(b"data")
    assert key.public.verify(signature, b"data")
    assert not key.public.verify(signature, b"Data")
    assert not key.public.verify(signature[:-1], b"data")
    assert not key.public.verify(b"", b"data")
    assert not keys.generate(kind).public.verify(signature, b"data")
    assert keys.parse_public(key.public.to_pem()) == key.public


def test_other_tools_verify(tmp_path: Path) -> None:
    """What the default key signs, openssl and securesystemslib verify."""
    key = keys.generate()
    signature = key.sign(b"data")
    verifier = SSlibKey.from_crypto(serialization.load_pem_public_key(key.public.to_pem()), "k")
    verifier.verify_signature(Signature("k", signature.hex()), b"data")
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine")
    (tmp_path / "pub").write_bytes(key.public.to_pem())
    (tmp_path / "sig").write_bytes(signature)
    done = subprocess.run(
        [openssl, "dgst", "-sha256", "-verify", "pub", "-signature", "sig"],
        cwd=tmp_path,
        input=b"data",
        capture_output=True,
        check=False,
    )
    assert done.stdout == b"Verified OK\n"


P384, RSA = ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
FOREIGN = {
    "p384-sha384": (P384, P384.sign(b"x", ec.ECDSA(hashes.SHA384()))),
    "p384-sha256-of-cosign": (P384, P384.sign(b"x", ec.ECDSA(hashes.SHA256()))),
    "rsa-pkcs1-of-cosign": (RSA, RSA.sign(b"x", padding.PKCS1v15(), hashes.SHA256())),
    "rsa-pss-of-securesystemslib": (RSA, RSA.sign(b"x", PSS, hashes.SHA256())),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_keys_of_other_tools_verify(name: str) -> None:
    """P-384 and RSA keys verify what cosign and securesystemslib sign with them."""
    key, signature = FOREIGN[name]
    public = keys.parse_public(public_pem(key))
    assert public.verify(signature, b"x")
    assert not public.verify(signature, b"y")


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - made to be refused
        ec.generate_private_key(ec.SECP256K1()),
        x25519.X25519PrivateKey.generate(),
    ],
    ids=["rsa-1024", "secp256k1", "x25519"],
)
def test_weak_and_unknown_kinds_are_refused(key: Any) -> None:  # noqa: ANN401 - any of cryptography's keys
    """A key that is too short, or that no verifier of bundles knows, is refused."""
    with pytest.raises(FormatError):
        keys.parse_public(public_pem(key))


def test_the_hint_is_the_digest_of_the_key() -> None:
    """A key is named by the SHA-256 of its SubjectPublicKeyInfo: as base64 in bundles, as hex for people."""
    public = keys.generate().public
    digest = hashlib.sha256(public.der).digest()
    assert (public.hint, public.fingerprint) == (base64.b64encode(digest).decode(), f"sha256:{digest.hex()}")


def test_a_private_key_shows_nothing() -> None:
    """The text of a private key is its public fingerprint."""
    key = keys.generate()
    assert repr(key) == f"PrivateKey({key.public.fingerprint})" == str(key)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """All that a signer of securesystemslib needs to sign here, be it a file, a token or a service."""

    signer: Signer

    @property
    def public(self) -> keys.PublicKey:
        """Its public key."""
        return keys.parse_public(self.signer.public_key.keyval["public"].encode())

    def sign(self, data: bytes) -> bytes:
        """Its signature."""
        return bytes.fromhex(self.signer.sign(data).signature)


def test_any_signer_of_securesystemslib_can_sign(tmp_path: Path) -> None:
    """A signer that is named by a URI, as those of PKCS#11 are, makes bundles that verify."""
    own = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "elsewhere.pem"
    path.write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public = SSlibKey.from_crypto(own.public_key())
    signer = Elsewhere(Signer.from_priv_key_uri(f"file2:{path}", public))
    bundle = parse_bundle(KeySigner(key=signer).blob(b"artifact"))
    assert bundle.hint == signer.public.hint
    assert bundle.message is not None
    assert keys.parse_public(public_pem(own)).verify(bundle.message.signature, b"artifact")
