"""Who a certificate speaks for: its one name, and the claims that Fulcio wrote into it.

Extensions: Fulcio, docs/oid-info.md. A certificate is read here after its chain was verified, never before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.attest.signed import Signer
from repro.core.errors import EvidenceError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_ARC = "1.3.6.1.4.1.57264.1"

ISSUER_V1 = f"{_ARC}.1"
ISSUER = f"{_ARC}.8"
USERNAME = f"{_ARC}.7"

CLAIMS = {
    f"{_ARC}.9": "build_signer_uri",
    f"{_ARC}.10": "build_signer_digest",
    f"{_ARC}.11": "runner_environment",
    f"{_ARC}.12": "source_repository_uri",
    f"{_ARC}.13": "source_repository_digest",
    f"{_ARC}.14": "source_repository_ref",
    f"{_ARC}.15": "source_repository_identifier",
    f"{_ARC}.16": "source_repository_owner_uri",
    f"{_ARC}.17": "source_repository_owner_identifier",
    f"{_ARC}.18": "build_config_uri",
    f"{_ARC}.19": "build_config_digest",
    f"{_ARC}.20": "build_trigger",
    f"{_ARC}.21": "run_invocation_uri",
    f"{_ARC}.22": "source_repository_visibility",
    f"{_ARC}.23": "deployment_environment",
}
"""Claims whose value is a DER UTF8String, by identifier."""

OLD_CLAIMS = {
    f"{_ARC}.2": "github_workflow_trigger",
    f"{_ARC}.3": "github_workflow_sha",
    f"{_ARC}.4": "github_workflow_name",
    f"{_ARC}.5": "github_workflow_repository",
    f"{_ARC}.6": "github_workflow_ref",
}
"""Claims whose value is bare text: deprecated, and all that certificates before 2023 have."""

_UTF8_STRING = 0x0C
_SHORT = 0x80
_ONE_BYTE, _TWO_BYTES = 0x81, 0x82


def signer_of(certificate: Certificate) -> Signer:
    """Who a certificate is for. Raises EvidenceError where it does not name exactly one, or no issuer."""
    from cryptography.hazmat.primitives.serialization import Encoding

    extensions = {one.oid.dotted_string: one.value for one in certificate.extensions}
    texts = {oid: value.value for oid, value in extensions.items() if oid.startswith(f"{_ARC}.")}
    claims = {name: _bare(texts[oid]) for oid, name in OLD_CLAIMS.items() if oid in texts}
    claims |= {name: _utf8_string(texts[oid]) for oid, name in CLAIMS.items() if oid in texts}
    return Signer(
        identity=_name(certificate),
        issuer=_issuer(texts),
        claims=claims,
        der=certificate.public_bytes(Encoding.DER),
    )


def _issuer(texts: dict[str, bytes]) -> str:
    found = {_bare(texts[ISSUER_V1])} if ISSUER_V1 in texts else set()
    if ISSUER in texts:
        found.add(_utf8_string(texts[ISSUER]))
    if len(found) != 1:
        raise EvidenceError(f"the certificate names {len(found)} issuers of its identity, not one")
    return found.pop()


def _name(certificate: Certificate) -> str:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise EvidenceError("the certificate names nobody") from error
    if len(names) != 1:
        raise EvidenceError(f"the certificate names {len(names)} identities, not one")
    name = next(iter(names))
    if isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier):
        return name.value
    if isinstance(name, x509.OtherName) and name.type_id.dotted_string == USERNAME:
        return _utf8_string(name.value)
    raise EvidenceError(f"the certificate names a {type(name).__name__}, which is no identity of Sigstore's")


def _bare(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise EvidenceError("the certificate has a claim that is not text") from error


def _utf8_string(value: bytes) -> str:
    """The text of a DER UTF8String of up to 65535 bytes (X.690, sections 8.1.3, 8.23 and 10.1)."""
    header, length = 2, value[1] if len(value) > 1 else -1
    if length in {_ONE_BYTE, _TWO_BYTES}:
        header = length - _SHORT + 2
        length = int.from_bytes(value[2:header])
    shortest = 2 if length < _SHORT else 3 if length <= 0xFF else 4  # noqa: PLR2004 - what a byte holds
    if value[:1] != bytes([_UTF8_STRING]) or header != shortest or len(value) != header + length:
        raise EvidenceError("the certificate has a claim that is not a UTF8String")
    return _bare(value[header:])
