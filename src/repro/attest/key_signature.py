"""Signatures by key over data, or over an artifact of which only the digest is at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.attest.keys import PublicKey

_COORDINATE = {"p256": 32, "p384": 48, "p521": 66}
"""Bytes of a coordinate by curve: a signature as IEEE P1363 writes it has two."""


def is_over_data(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether `signature` is the key's over `data`.

    ECDSA signatures stand as DER in envelopes, but some signers (Google's of its VSAs) write the two numbers
    side by side, as IEEE P1363 and JWS do.
    """
    if key.verify(signature, data):
        return True
    spelled = _as_der(key, signature)
    return spelled != signature and key.verify(spelled, data)


def is_over_sha256(key: PublicKey, signature: bytes, digest: bytes) -> bool:
    """Whether `signature` is the key's over the data whose SHA-256 is `digest`; never so for Ed25519."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    public: Any = load_der_public_key(key.der)
    sha256 = hashes.SHA256()
    prehashed = utils.Prehashed(sha256)
    pss = padding.PSS(mgf=padding.MGF1(sha256), salt_length=padding.PSS.AUTO)
    schemes: dict[str, list[tuple[Any, ...]]] = {
        "rsa": [(padding.PKCS1v15(), prehashed), (pss, prehashed)],
        "ed25519": [],
    }
    for scheme in schemes.get(key.kind, [(ec.ECDSA(prehashed),)]):
        try:
            public.verify(_as_der(key, signature), digest, *scheme)
        except InvalidSignature:
            continue
        return True
    return False


def _as_der(key: PublicKey, signature: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    size = _COORDINATE.get(key.kind)
    if size is None or len(signature) != 2 * size:
        return signature
    return encode_dss_signature(int.from_bytes(signature[:size]), int.from_bytes(signature[size:]))
