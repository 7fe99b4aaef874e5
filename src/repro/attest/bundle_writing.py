"""Sigstore bundles written (format v0.3): one signature by a key, and what proves when it was made."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from repro.core.canonical import to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repro.attest.dsse import Envelope
    from repro.attest.keys import PublicKey

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def of_envelope(envelope: Envelope, key: PublicKey, timestamps: Sequence[bytes] = ()) -> bytes:
    """A bundle around an envelope, which the format wants to have exactly one signature."""
    if len(envelope.signatures) != 1:
        raise ValueError("a bundle has one signature; several signers are several bundles")
    return _bundle({"dsseEnvelope": envelope.to_dict()}, key, timestamps)


def of_message(sha256: str, signature: bytes, key: PublicKey, timestamps: Sequence[bytes] = ()) -> bytes:
    """A bundle around the signature of a file whose SHA-256 is `sha256` (hexadecimal)."""
    digest = {"algorithm": "SHA2_256", "digest": _base64(bytes.fromhex(sha256))}
    message = {"messageDigest": digest, "signature": _base64(signature)}
    return _bundle({"messageSignature": message}, key, timestamps)


def lines_of(bundles: Sequence[bytes]) -> bytes:
    """Several bundles as JSON lines, in their order, each once."""
    return b"".join(bundle.rstrip(b"\n") + b"\n" for bundle in dict.fromkeys(bundles))


def _bundle(content: Mapping[str, Any], key: PublicKey, timestamps: Sequence[bytes]) -> bytes:
    """One canonical line. `timestamps` are RFC 3161 responses over the signature, as DER.

    An empty list of log entries says the same as none, but sigstore-python's model wants to have one.
    """
    stamps = [{"signedTimestamp": _base64(stamp)} for stamp in timestamps]
    material: dict[str, Any] = {"publicKey": {"hint": key.hint}, "tlogEntries": []}
    if stamps:
        material["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    return to_bytes({"mediaType": MEDIA_TYPE, "verificationMaterial": material, **content}) + b"\n"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
