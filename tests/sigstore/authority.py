"""A certificate authority that issues what Fulcio issues, and the transparency log of its certificates."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
FULCIO = "1.3.6.1.4.1.57264.1"

# Number below FULCIO of each claim, as oid-info.md of Fulcio lists them. Up to 6 the value is the bare text,
# from 8 on a DER UTF8String; 7 is the type of a subject that is neither an address nor a URI.
CLAIMS = {
    "workflow_trigger": 2,
    "workflow_sha": 3,
    "workflow_name": 4,
    "workflow_repository": 5,
    "workflow_ref": 6,
    "build_signer_uri": 9,
    "build_signer_digest": 10,
    "runner_environment": 11,
    "source_repository_uri": 12,
    "source_repository_digest": 13,
    "source_repository_ref": 14,
    "source_repository_identifier": 15,
    "source_repository_owner_uri": 16,
    "source_repository_owner_identifier": 17,
    "build_config_uri": 18,
    "build_config_digest": 19,
    "build_trigger": 20,
    "run_invocation_uri": 21,
    "source_repository_visibility": 22,
    "deployment_environment": 23,
}
LAST_BARE = 6


def spki(key: ec.EllipticCurvePublicKey) -> bytes:
    """The public key as DER SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def utf8_string(text: str) -> bytes:
    """A DER UTF8String."""
    value = text.encode()
    if len(value) < 0x80:  # X.690 8.1.3: the short form of a length
        length = bytes([len(value)])
    else:
        size = (len(value).bit_length() + 7) // 8
        length = bytes([0x80 | size]) + len(value).to_bytes(size, "big")
    return b"\x0c" + length + value


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a certificate shall say; the defaults are what Fulcio writes."""

    identity: str
    issuer: str
    claims: Mapping[str, str] = field(default_factory=dict)
    minutes: int = 10
    code_signing: bool = True
    digital_signature: bool = True
    is_ca: bool = False
    sct: bool = True
    sct_of_another: bool = False

    def subject(self) -> x509.GeneralName:
        """The subject alternative name of the identity."""
        if "://" in self.identity:
            return x509.UniformResourceIdentifier(self.identity)
        if "@" in self.identity:
            return x509.RFC822Name(self.identity)
        return x509.OtherName(x509.ObjectIdentifier(f"{FULCIO}.7"), utf8_string(self.identity))

    def extensions(self) -> list[x509.UnrecognizedExtension]:
        """Fulcio's own extensions: the issuer twice, then the claims."""
        values = {1: self.issuer.encode(), 8: utf8_string(self.issuer)}
        for name, text in self.claims.items():
            number = CLAIMS[name]
            values[number] = text.encode() if number <= LAST_BARE else utf8_string(text)
        return [
            x509.UnrecognizedExtension(x509.ObjectIdentifier(f"{FULCIO}.{number}"), values[number])
            for number in sorted(values)
        ]


@dataclass(frozen=True, kw_only=True)
class TransparencyLog:
    """A certificate transparency log: it only ever gives its promise (RFC 6962, section 3.2)."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)

    @cached_property
    def public(self) -> bytes:
        """The log's key, as DER."""
        return spki(self.key.public_key())

    def promise(self, precertificate: bytes, issuer: x509.Certificate, at: datetime) -> x509.ExtensionType:
        """The extension with one signed certificate timestamp over a certificate without it."""
        issuer_key = issuer.public_key()
        assert isinstance(issuer_key, ec.EllipticCurvePublicKey)
        milliseconds = int(at.timestamp() * 1000)
        signed = (
            struct.pack("!BBQH", 0, 0, milliseconds, 1)
            + hashlib.sha256(spki(issuer_key)).digest()
            + len(precertificate).to_bytes(3, "big")
            + precertificate
            + b"\0\0"
        )
        signature = self.key.sign(signed, ec.ECDSA(SHA256()))
        # version, log, time, no extensions, SHA-256 (4) with ECDSA (3)
        sct = (
            struct.pack(
                "!B32sQHBBH", 0, hashlib.sha256(self.public).digest(), milliseconds, 0, 4, 3, len(signature)
            )
            + signature
        )
        listed = struct.pack("!HH", len(sct) + 2, len(sct)) + sct
        return x509.UnrecognizedExtension(SCT_LIST, b"\x04" + _length(len(listed)) + listed)


def _length(size: int) -> bytes:
    return bytes([size]) if size < 0x80 else bytes([0x81, size])  # X.690 8.1.3


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "private.invalid"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def key_usage(*, sign: bool, certify: bool) -> x509.KeyUsage:
    """A key's usage: signatures, or certificates."""
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=False,
        key_encipherment=not sign and not certify,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certify,
        crl_sign=certify,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """A key with its certificate, which certifies others."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def root(cls, common: str, start: datetime, end: datetime) -> Issuer:
        """A self-signed root."""
        key = new_key()
        builder = _ca_builder(common, key, start, end, path_length=None).issuer_name(_name(common))
        return cls(key=key, certificate=builder.sign(key, SHA256()))

    def intermediate(self, common: str, start: datetime, end: datetime) -> Issuer:
        """An authority below this one that signs code-signing certificates only."""
        key = new_key()
        builder = (
            _ca_builder(common, key, start, end, path_length=0)
            .issuer_name(self.certificate.subject)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(_authority_key(self.certificate), critical=False)
        )
        return Issuer(key=key, certificate=builder.sign(self.key, SHA256()))

    @property
    def der(self) -> bytes:
        """The certificate's bytes."""
        return self.certificate.public_bytes(Encoding.DER)


def _authority_key(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)


def _ca_builder(
    common: str, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime, *, path_length: int | None
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(common))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage(sign=False, certify=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


@dataclass(frozen=True, kw_only=True)
class Authority:
    """Root and intermediate, as Fulcio has them."""

    root: Issuer
    intermediate: Issuer

    @classmethod
    def create(cls, start: datetime, end: datetime) -> Authority:
        """A new authority that is valid between two times."""
        root = Issuer.root("private-sigstore", start, end)
        return cls(root=root, intermediate=root.intermediate("private-sigstore-intermediate", start, end))

    @property
    def chain(self) -> tuple[bytes, bytes]:
        """The certificates from the intermediate to the root."""
        return self.intermediate.der, self.root.der

    def issue(
        self, key: ec.EllipticCurvePublicKey, wanted: Wanted, log: TransparencyLog, at: datetime
    ) -> x509.Certificate:
        """A certificate for a key, with the log's promise inside."""
        builder = self._leaf(key, wanted, at)
        issuer = self.intermediate
        if not wanted.sct:
            return builder.sign(issuer.key, SHA256())
        promised = builder
        if wanted.sct_of_another:
            promised = self._leaf(new_key().public_key(), wanted, at)
        plain = promised.sign(issuer.key, SHA256()).tbs_certificate_bytes
        return builder.add_extension(log.promise(plain, issuer.certificate, at), critical=False).sign(
            issuer.key, SHA256()
        )

    def _leaf(self, key: ec.EllipticCurvePublicKey, wanted: Wanted, at: datetime) -> x509.CertificateBuilder:
        purposes = [
            ExtendedKeyUsageOID.CODE_SIGNING if wanted.code_signing else ExtendedKeyUsageOID.CLIENT_AUTH
        ]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.intermediate.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(at)
            .not_valid_after(at + timedelta(minutes=wanted.minutes))
            .add_extension(
                key_usage(sign=wanted.digital_signature, certify=wanted.is_ca),
                critical=True,
            )
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_authority_key(self.intermediate.certificate), critical=False)
            .add_extension(x509.SubjectAlternativeName([wanted.subject()]), critical=True)
        )
        if wanted.is_ca:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        for extension in wanted.extensions():
            builder = builder.add_extension(extension, critical=False)
        return builder
