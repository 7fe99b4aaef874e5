"""Signatures by key over data, or over an artifact of which perhaps only digests are at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.attest.keys import PublicKey

_COORDINATE = {"p256": 32, "p384": 48, "p521": 66}
"""Bytes of a coordinate by curve: a signature as IEEE P1363 writes it has two."""

_HASHES = {"p256": ("sha256",), "p384": ("sha256",), "p521": ("sha512", "sha256"), "rsa": ("sha256",)}
"""What each kind of key signs the digest of, as far as artifacts are hashed with it."""


def is_over_data(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether `signature` is the key's over `data`.

    ECDSA signatures stand as DER in envelopes, but some signers (Google's of its VSAs) write the two numbers
    side by side, as IEEE P1363 and JWS do.
    """
    if key.verify(signature, data):
        return True
    spelled = _as_der(key, signature)
    return spelled != signature and key.verify(spelled, data)


def is_over_digest(key: PublicKey, signature: bytes, digests: Mapping[str, str]) -> bool:
    """Whether `signature` is the key's over the data with these (hexadecimal) digests; for Ed25519 never."""
    from cryptography.exceptions import InvalidSignature

    public = key.loaded()
    for algorithm in _HASHES.get(key.kind, ()):
        for scheme in _schemes(key.kind, algorithm) if algorithm in digests else ():
            try:
                public.verify(_as_der(key, signature), bytes.fromhex(digests[algorithm]), *scheme)
            except InvalidSignature:
                continue
            return True
    return False


def _schemes(kind: str, algorithm: str) -> list[tuple[Any, ...]]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

    digest = hashes.SHA512() if algorithm == "sha512" else hashes.SHA256()
    prehashed = utils.Prehashed(digest)
    if kind == "rsa":
        pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=padding.PSS.AUTO)
        return [(padding.PKCS1v15(), prehashed), (pss, prehashed)]
    return [(ec.ECDSA(prehashed),)]


def _as_der(key: PublicKey, signature: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    size = _COORDINATE.get(key.kind)
    if size is None or len(signature) != 2 * size:
        return signature
    return encode_dss_signature(int.from_bytes(signature[:size]), int.from_bytes(signature[size:]))
