"""Keys in PEM files: read, made, and used. A private key and its password never become text of the house.

P-256 with SHA-256 is what every verifier of bundles reads; Ed25519, P-384, P-521 and RSA are read as well.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from repro.attest.keys_encryption import encrypted_pem, pem
from repro.core.errors import FormatError, ReproError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
    from securesystemslib.signer._crypto_signer import CryptoSigner

MAX_BYTES = 64 << 10
"""Cap on a key's file, in bytes."""

MIN_RSA_BITS = 2048
"""Smaller RSA keys are refused (NIST SP 800-131A Rev. 2, section 3)."""

KINDS = ("p256", "ed25519")
"""What `generate` makes."""


class Signing(Protocol):
    """What signs: a key in a file here, one in a token or a service elsewhere."""

    @property
    def public(self) -> PublicKey:
        """The key that verifies what this signs."""

    def sign(self, data: bytes) -> bytes:
        """A signature over `data`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A public key: its kind in a word, and its SubjectPublicKeyInfo (RFC 5280, section 4.1) as DER."""

    kind: str
    der: bytes

    @property
    def hint(self) -> str:
        """What a bundle names the key by: the SHA-256 of `der`, as base64."""
        return base64.b64encode(hashlib.sha256(self.der).digest()).decode()

    @property
    def fingerprint(self) -> str:
        """The same digest for people and policies: `sha256:HEX`."""
        return f"sha256:{hashlib.sha256(self.der).hexdigest()}"

    def loaded(self) -> Any:  # noqa: ANN401 - any of cryptography's keys
        """The key as `cryptography` has it, loaded once."""
        return _loaded(self.der)

    def to_pem(self) -> bytes:
        """The key as a PEM file (RFC 7468, section 13)."""
        return pem("PUBLIC KEY", self.der)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether `signature` is this key's over `data`; a signature that cannot be parsed is not.

        ECDSA with the hash of the curve's size, on P-384 and P-521 also SHA-256, which cosign takes; RSA with
        SHA-256 as PKCS#1 v1.5, cosign's way, or PSS, securesystemslib's.
        """
        from cryptography.exceptions import InvalidSignature

        key = self.loaded()
        for scheme in _schemes(self.kind):
            try:
                key.verify(signature, data, *scheme)
            except InvalidSignature:
                continue
            return True
        return False


@lru_cache(maxsize=64)
def _loaded(der: bytes) -> PublicKeyTypes:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    return load_der_public_key(der)


def parse_public(data: bytes, *, name: str = "public key") -> PublicKey:
    """A public key from PEM or DER; `name` says in errors which. Raises FormatError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    if b"PRIVATE KEY-----" in data:
        raise FormatError(
            f"{name}: holds a private key", hint="name the public key's file, such as repro.pub"
        )
    is_pem = data.lstrip().startswith(b"-----BEGIN")
    load = serialization.load_pem_public_key if is_pem else serialization.load_der_public_key
    try:
        key = load(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise FormatError(f"{name}: not a public key", hint="give it as PEM: BEGIN PUBLIC KEY") from error
    return public_of(key, name=name)


def load_public(path: Path) -> PublicKey:
    """The public key in a file."""
    return parse_public(_read(path), name=str(path))


def public_of(key: Any, *, name: str = "public key") -> PublicKey:  # noqa: ANN401 - any of cryptography's keys
    """The public key of one of `cryptography`'s. Raises FormatError where its kind is not for signatures."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    kind = _kind(key)
    if kind == "rsa" and key.key_size < MIN_RSA_BITS:
        raise FormatError(f"{name}: an RSA key of {key.key_size} bits; at least {MIN_RSA_BITS} are needed")
    if not kind:
        hint = "take P-256, Ed25519, P-384, P-521 or RSA"
        raise FormatError(f"{name}: a key of a kind that is not read: {type(key).__name__}", hint=hint)
    return PublicKey(kind=kind, der=key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


class PrivateKey:
    """A private key in memory, used through the signer interface of securesystemslib."""

    def __init__(self, key: PrivateKeyTypes, *, name: str) -> None:
        self.public = public_of(key.public_key(), name=name)
        self._key = key

    def __repr__(self) -> str:
        """The public half: nothing secret is ever shown."""
        return f"PrivateKey({self.public.fingerprint})"

    def signer(self) -> CryptoSigner:
        """The signer of securesystemslib around the key."""
        from securesystemslib.signer._crypto_signer import CryptoSigner

        return CryptoSigner(self._key)

    def sign(self, data: bytes) -> bytes:
        """A signature over `data`, by the scheme that securesystemslib has for keys of this kind."""
        return bytes.fromhex(self.signer().sign(data).signature)

    def to_pem(self, password: bytes) -> bytes:
        """The key as PKCS#8, encrypted with `password`; in the clear where that is b""."""
        from cryptography.hazmat.primitives import serialization

        der = self._key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return encrypted_pem(der, password) if password else pem("PRIVATE KEY", der)


def generate(kind: str = "p256") -> PrivateKey:
    """A new private key."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    if kind not in KINDS:
        raise UsageError(f"no kind of key {kind!r}", hint=f"take one of: {', '.join(KINDS)}")
    made = ec.generate_private_key(ec.SECP256R1()) if kind == "p256" else ed25519.Ed25519PrivateKey.generate()
    return PrivateKey(made, name="the new key")


def load_private(path: Path, password: bytes) -> PrivateKey:
    """The private key in a file that only its owner can read; `password` is b"" for one in the clear."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _read(path, private=True)
    if is_encrypted(data) and not password:
        raise UsageError(f"{path}: encrypted, and no password is given", hint="name it with --password-file")
    try:
        key = load_pem_private_key(data, password or None)
    except TypeError:  # a password for a key in the clear: more was given than needed
        key = load_pem_private_key(data, None)
    except (ValueError, UnsupportedAlgorithm):
        # From None: what the library says could quote from the file.
        why = "not the password of this key" if is_encrypted(data) else "not a private key"
        hint = "give the right password" if is_encrypted(data) else "give it as PEM: BEGIN PRIVATE KEY"
        raise ReproError(f"{path}: {why}", hint=hint) from None
    return PrivateKey(key, name=str(path))


def is_encrypted(pem: bytes) -> bool:
    """Whether a private key's file asks for a password."""
    return b"BEGIN ENCRYPTED PRIVATE KEY" in pem or b"Proc-Type: 4,ENCRYPTED" in pem


def asks_password(path: Path) -> bool:
    """Whether the private key in a file asks for a password."""
    return is_encrypted(_read(path, private=True))


def _read(path: Path, *, private: bool = False) -> bytes:
    """A key's file; the mode is that of the very file that is read."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name the file of a key") from error
    if private and mode & 0o077:
        raise ReproError(
            f"{path}: a private key that others may read or write (mode {mode:o})",
            hint=f"run: chmod 600 {path}; and make a new key if others could log in here",
        )
    if len(data) > MAX_BYTES:
        raise FormatError(f"{path}: more than the {MAX_BYTES} bytes that a key has")
    return data


def write_private(path: Path, pem: bytes) -> None:
    """Write a private key to a new file that only its owner can read. Raises UsageError where it exists."""
    _write_new(path, pem, 0o600)


def write_public(path: Path, key: PublicKey) -> None:
    """Write a public key to a new file. Raises UsageError where it exists."""
    _write_new(path, key.to_pem(), 0o644)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """The file exists with its mode before it has content, and an older one is never replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    except FileExistsError as error:
        hint = "name another with --out; a key that is lost cannot be made again"
        raise UsageError(f"{path}: exists already, and is not overwritten", hint=hint) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _kind(key: object) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ec.EllipticCurvePublicKey):
        return {"secp256r1": "p256", "secp384r1": "p384", "secp521r1": "p521"}.get(key.curve.name, "")
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    return "rsa" if isinstance(key, rsa.RSAPublicKey) else ""


@cache
def _schemes(kind: str) -> list[tuple[Any, ...]]:
    """What follows signature and data in a call of `verify`, for each scheme that a kind is used with."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    sha256 = hashes.SHA256()
    if kind == "rsa":
        pss = padding.PSS(mgf=padding.MGF1(sha256), salt_length=padding.PSS.AUTO)
        return [(padding.PKCS1v15(), sha256), (pss, sha256)]
    if kind == "ed25519":
        return [()]
    own: dict[str, Any] = {"p384": hashes.SHA384(), "p521": hashes.SHA512()}
    return [(ec.ECDSA(one),) for one in ([own[kind], sha256] if kind in own else [sha256])]
