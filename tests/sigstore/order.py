"""What a test orders from the private Sigstore, and what it gets."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from tests.sigstore.authority import Wanted, spki
from tests.sigstore.log import Document, b64

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

GITHUB = "https://token.actions.githubusercontent.com"
WORKFLOW = "https://github.com/example/lab/.github/workflows/release.yml@refs/tags/v1.0.0"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
IN_TOTO = "application/vnd.in-toto+json"
MEDIA = {
    "0.1": "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "0.2": "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "0.3": "application/vnd.dev.sigstore.bundle.v0.3+json",
}
_WORKFLOW = re.compile(r"https://github\.com/(?P<owner>[^/]+)/(?P<name>[^/]+)/(?P<file>[^@]+)@(?P<ref>.+)")


def workflow_claims(identity: str) -> dict[str, str]:
    """The claims that Fulcio writes for a run of a GitHub workflow; none for any other identity."""
    found = _WORKFLOW.fullmatch(identity)
    if found is None:
        return {}
    owner, name, ref = found["owner"], found["name"], found["ref"]
    source = f"https://github.com/{owner}/{name}"
    return {
        "workflow_trigger": "push",
        "workflow_sha": COMMIT,
        "workflow_name": "release",
        "workflow_repository": f"{owner}/{name}",
        "workflow_ref": ref,
        "build_signer_uri": identity,
        "build_signer_digest": COMMIT,
        "runner_environment": "github-hosted",
        "source_repository_uri": source,
        "source_repository_digest": COMMIT,
        "source_repository_ref": ref,
        "source_repository_identifier": "1001",
        "source_repository_owner_uri": f"https://github.com/{owner}",
        "source_repository_owner_identifier": "1002",
        "build_config_uri": identity,
        "build_config_digest": COMMIT,
        "build_trigger": "push",
        "run_invocation_uri": f"{source}/actions/runs/1003/attempts/1",
        "source_repository_visibility": "public",
    }


def pae(payload_type: str, payload: bytes) -> bytes:
    """What DSSE signs (DSSE v1, "Signature Definition")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What shall be signed, by whom, and how it is to be logged and packed.

    `form` is `dsse` (the payload in an envelope) or `message` (a signature over the payload's digest).
    `rekor` is the log's version, or 0 for none; `entry` the kind of log entry, or empty for the usual one.
    `stamps` says how many timestamps there are: by default one where the log gives no time.
    `claims` default to those of the workflow.
    """

    payload: bytes
    identity: str = WORKFLOW
    issuer: str = GITHUB
    claims: Mapping[str, str] | None = None
    form: str = "dsse"
    payload_type: str = IN_TOTO
    rekor: int = 2
    entry: str = ""
    media: str = "0.3"
    stamps: int | None = None
    key: ec.EllipticCurvePrivateKey | None = None
    """A bare key signs, with no certificate."""
    embed: bool = True

    @property
    def wanted(self) -> Wanted:
        """The certificate that this order needs."""
        claims = workflow_claims(self.identity) if self.claims is None else self.claims
        return Wanted(identity=self.identity, issuer=self.issuer, claims=claims)

    @property
    def signed_bytes(self) -> bytes:
        """What the signature is over."""
        return self.payload if self.form == "message" else pae(self.payload_type, self.payload)

    @property
    def how_many_stamps(self) -> int:
        """How many timestamps the bundle has."""
        return int(self.rekor != 1) if self.stamps is None else self.stamps


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The parts of a bundle, before they are packed."""

    order: Order
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate | None
    signature: bytes
    entries: tuple[Document, ...] = ()
    stamps: tuple[bytes, ...] = ()
    chain: tuple[bytes, ...] = field(default=())

    def content(self) -> Document:
        """The envelope or the message's signature, under its name."""
        order = self.order
        if order.form == "message":
            digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(order.payload).digest())}
            return {"messageSignature": {"messageDigest": digest, "signature": b64(self.signature)}}
        return {"dsseEnvelope": envelope(order, self.signature)}

    def material(self) -> Document:
        """The certificate or the key's hint, as the bundle's version has it."""
        if self.certificate is None:
            digest = hashlib.sha256(spki(self.key.public_key())).digest()
            return {"publicKey": {"hint": b64(digest)}}
        certificate = {"rawBytes": b64(self.certificate.public_bytes(Encoding.DER))}
        if self.order.media == "0.3":
            return {"certificate": certificate}
        return {"x509CertificateChain": {"certificates": [certificate]}}

    def document(self) -> Document:
        """The bundle as a document."""
        material = self.material()
        material["tlogEntries"] = list(self.entries)
        if self.stamps:
            stamps = [{"signedTimestamp": b64(one)} for one in self.stamps]
            material["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
        return {"mediaType": MEDIA[self.order.media], "verificationMaterial": material, **self.content()}


def envelope(order: Order, *signatures: bytes) -> Document:
    """A DSSE envelope."""
    return {
        "payload": b64(order.payload),
        "payloadType": order.payload_type,
        "signatures": [{"sig": b64(one)} for one in signatures],
    }


def to_bytes(bundle: Document | bytes) -> bytes:
    """A bundle's JSON; what is bytes already stays as it is."""
    return bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode()


def log_entry(bundle: Document) -> Document:
    """The only log entry of a bundle."""
    (entry,) = bundle["verificationMaterial"]["tlogEntries"]
    assert isinstance(entry, dict)
    return entry


def body(entry: Document) -> Document:
    """What a log entry's body says."""
    found: Document = json.loads(base64.b64decode(entry["canonicalizedBody"]))
    return found
