"""A transparency log as Rekor keeps one: version 1 (promise and time of its own) or 2 (proof only)."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.sigstore import tree
from tests.sigstore.authority import new_key, spki

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

Document = dict[str, Any]
FILLING = 5
"""How many strangers' entries a new log has: a proof in a tree of one leaf would be empty."""


def b64(data: bytes) -> str:
    """Standard base64 as text."""
    return base64.b64encode(data).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """The verification key as a log records it: in a certificate, or bare."""

    key: ec.EllipticCurvePublicKey
    certificate: x509.Certificate | None = None

    def v1(self) -> str:
        """Base64 of PEM, as version 1 has it."""
        if self.certificate is not None:
            return b64(self.certificate.public_bytes(Encoding.PEM))
        return b64(self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def v2(self) -> Document:
        """Base64 of DER, as version 2 has it."""
        details = {"keyDetails": "PKIX_ECDSA_P256_SHA_256"}
        if self.certificate is not None:
            return {
                **details,
                "x509Certificate": {"rawBytes": b64(self.certificate.public_bytes(Encoding.DER))},
            }
        return {**details, "publicKey": {"rawBytes": b64(spki(self.key))}}


def hashedrekord_v1(digest: bytes, signature: bytes, verifier: Verifier) -> Document:
    """The entry of a signature over a digest, version 1."""
    return {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": digest.hex()}},
            "signature": {"content": b64(signature), "publicKey": {"content": verifier.v1()}},
        },
    }


def dsse_v1(envelope: Document, verifier: Verifier) -> Document:
    """The entry of an envelope, version 1."""
    return dsse_of(envelope, verifier.v1())


def dsse_of(envelope: Document, verifier: str) -> Document:
    """The same with the verifier as it is written there."""
    payload = base64.b64decode(envelope["payload"])
    return {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": _hex_hash(rfc8785.dumps(envelope)),
            "payloadHash": _hex_hash(payload),
            "signatures": [{"signature": one["sig"], "verifier": verifier} for one in envelope["signatures"]],
        },
    }


def intoto_v1(envelope: Document, verifier: Verifier) -> Document:
    """The older entry of an envelope; its signatures are encoded twice."""
    payload = base64.b64decode(envelope["payload"])
    return {
        "apiVersion": "0.0.2",
        "kind": "intoto",
        "spec": {
            "content": {
                "envelope": {
                    "payloadType": envelope["payloadType"],
                    "signatures": [
                        {"publicKey": verifier.v1(), "sig": b64(one["sig"].encode())}
                        for one in envelope["signatures"]
                    ],
                },
                "hash": _hex_hash(rfc8785.dumps(envelope)),
                "payloadHash": _hex_hash(payload),
            }
        },
    }


def hashedrekord_v2(digest: bytes, signature: bytes, verifier: Verifier) -> Document:
    """The entry of a signature over a digest, version 2; an envelope's digest is that of its PAE."""
    return {
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {
            "hashedRekordV002": {
                "data": {"algorithm": "SHA2_256", "digest": b64(digest)},
                "signature": {"content": b64(signature), "verifier": verifier.v2()},
            }
        },
    }


def dsse_v2(envelope: Document, verifier: Verifier) -> Document:
    """The entry of an envelope, version 2, as the first servers wrote it."""
    payload = base64.b64decode(envelope["payload"])
    return {
        "apiVersion": "0.0.2",
        "kind": "dsse",
        "spec": {
            "dsseV002": {
                "payloadHash": {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(payload).digest())},
                "signatures": [
                    {"content": one["sig"], "verifier": verifier.v2()} for one in envelope["signatures"]
                ],
            }
        },
    }


def _hex_hash(data: bytes) -> Document:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log with one key. Entries are only ever added."""

    version: int
    host: str
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    leaves: list[bytes] = field(default_factory=list)

    @classmethod
    def create(cls, version: int, host: str) -> Log:
        """A new log that holds a few strangers' entries."""
        key = new_key() if version == 1 else ed25519.Ed25519PrivateKey.generate()
        return cls(version=version, host=host, key=key, leaves=[b"stranger %d" % n for n in range(FILLING)])

    @property
    def origin(self) -> str:
        """The first line of the log's checkpoints."""
        return f"{self.host} - 1234567890" if self.version == 1 else self.host

    @cached_property
    def public(self) -> bytes:
        """The log's key, as DER."""
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @cached_property
    def identifier(self) -> bytes:
        """The log's id: of its key alone, or of name and key as signed notes have it."""
        if self.version == 1:
            return hashlib.sha256(self.public).digest()
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return hashlib.sha256(self.host.encode() + b"\n\x01" + raw).digest()

    def sign(self, data: bytes) -> bytes:
        """The log's signature."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(data)
        return self.key.sign(data, ec.ECDSA(SHA256()))

    def checkpoint(self, size: int, root: bytes, *, name: str | None = None) -> str:
        """A signed note of the tree's size and head."""
        note = f"{self.origin}\n{size}\n{b64(root)}\n"
        return f"{note}\n{self.signature_line(note, name=name)}"

    def signature_line(self, note: str, *, name: str | None = None) -> str:
        """The line that signs a note."""
        return f"\u2014 {name or self.host} {b64(self.identifier[:4] + self.sign(note.encode()))}\n"

    def promised(self, body: bytes, index: int, integrated: int) -> bytes:
        """What a signed entry timestamp is over."""
        return rfc8785.dumps(
            {
                "body": b64(body),
                "integratedTime": integrated,
                "logID": self.identifier.hex(),
                "logIndex": index,
            }
        )

    def append(self, entry: Document, at: datetime) -> Document:
        """Add an entry and give it back as bundles hold it."""
        body = rfc8785.dumps(entry)
        index = len(self.leaves)
        self.leaves.append(body)
        logged: Document = {
            "logIndex": str(index),
            "logId": {"keyId": b64(self.identifier)},
            "kindVersion": {"kind": entry["kind"], "version": entry["apiVersion"]},
            "inclusionProof": self.inclusion(index),
            "canonicalizedBody": b64(body),
        }
        if self.version == 1:
            integrated = int(at.timestamp())
            logged["integratedTime"] = str(integrated)
            logged["inclusionPromise"] = {
                "signedEntryTimestamp": b64(self.sign(self.promised(body, index, integrated)))
            }
        return logged

    def inclusion(self, index: int) -> Document:
        """The proof that an entry is in the tree as it is now."""
        hashes = [tree.leaf_hash(leaf) for leaf in self.leaves]
        root = tree.head(hashes)
        return {
            "logIndex": str(index),
            "rootHash": b64(root),
            "treeSize": str(len(hashes)),
            "hashes": [b64(one) for one in tree.proof(index, hashes)],
            "checkpoint": {"envelope": self.checkpoint(len(hashes), root)},
        }

    def fork(self) -> Log:
        """The same log with the same key and entries, of which this one will know nothing more."""
        return replace(self, leaves=list(self.leaves))
