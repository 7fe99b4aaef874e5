"""An RFC 3161 timestamp authority."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.sigstore.authority import Issuer, key_usage, new_key

if TYPE_CHECKING:
    from datetime import datetime

SIGSTORE_TSA_POLICY = "1.3.6.1.4.1.57264.2"


@dataclass(frozen=True, kw_only=True)
class Timestamper:
    """A timestamp authority: its root, and a signing certificate below it."""

    root: Issuer
    signer: Issuer

    @classmethod
    def create(cls, start: datetime, end: datetime) -> Timestamper:
        """A new authority whose certificates are valid between two times."""
        root = Issuer.root("private-tsa-root", start, end)
        key = new_key()
        authority = root.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "private-tsa")]))
            .issuer_name(root.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(key_usage(sign=True, certify=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority), critical=False
            )
            .sign(root.key, SHA256())
        )
        return cls(root=root, signer=Issuer(key=key, certificate=certificate))

    @property
    def chain(self) -> tuple[bytes, bytes]:
        """The certificates from the signing one to the root."""
        return self.signer.der, self.root.der

    def stamp(self, message: bytes, at: datetime, *, nonce: int | None = None, embed: bool = True) -> bytes:
        """The DER response that says that a message existed at a time."""
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": SIGSTORE_TSA_POLICY,
                "message_imprint": {
                    "hash_algorithm": {"algorithm": "sha256"},
                    "hashed_message": hashlib.sha256(message).digest(),
                },
                "serial_number": x509.random_serial_number(),
                "gen_time": at.replace(microsecond=0),
                "accuracy": {"seconds": 1},
                **({} if nonce is None else {"nonce": nonce}),
            }
        )
        return self.response(info, embed=embed)

    def response(self, info: tsp.TSTInfo, *, embed: bool) -> bytes:
        """A granted response around signed information."""
        leaf = asn1_x509.Certificate.load(self.signer.der)
        attributes = self._attributes(info, leaf)
        signature = self.signer.key.sign(attributes.dump(), ec.ECDSA(SHA256()))
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier(
                    {
                        "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                            {"issuer": leaf.issuer, "serial_number": leaf.serial_number}
                        )
                    }
                ),
                "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
                "signed_attrs": attributes,
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
                "signature": signature,
            }
        )
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": "sha256"}],
                "encap_content_info": {
                    "content_type": "tst_info",
                    "content": core.ParsableOctetString(info.dump()),
                },
                **({"certificates": [leaf]} if embed else {}),
                "signer_infos": [signer],
            }
        )
        token = cms.ContentInfo({"content_type": "signed_data", "content": signed})
        response = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})
        encoded: bytes = response.dump()
        return encoded

    def _attributes(self, info: tsp.TSTInfo, leaf: asn1_x509.Certificate) -> cms.CMSAttributes:
        certificate = tsp.ESSCertIDv2(
            {
                "hash_algorithm": {"algorithm": "sha256"},
                "cert_hash": hashlib.sha256(self.signer.certificate.public_bytes(Encoding.DER)).digest(),
                "issuer_serial": {
                    "issuer": [asn1_x509.GeneralName({"directory_name": leaf.issuer})],
                    "serial_number": leaf.serial_number,
                },
            }
        )
        return cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute(
                    {"type": "message_digest", "values": [hashlib.sha256(info.dump()).digest()]}
                ),
                cms.CMSAttribute(
                    {
                        "type": "signing_certificate_v2",
                        "values": [tsp.SigningCertificateV2({"certs": [certificate]})],
                    }
                ),
            ]
        )
