"""DSSE, the envelope around signed documents (Dead Simple Signing Envelope, version 1.0)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from repro.attest.fields import decode_base64, field, table
from repro.core import strictjson
from repro.core.canonical import to_bytes as canonical
from repro.core.errors import CapError, FormatError

IN_TOTO = "application/vnd.in-toto+json"
"""The payload type of in-toto statements and of links."""

MAX_PAYLOAD = 16 << 20
"""Cap on a payload, in bytes: what GitHub accepts, more than four times what Rekor v1 does."""

MAX_BYTES = 24 << 20
"""Cap on an envelope, in bytes: base64 takes a third more than the payload."""

MAX_OBJECTS = 400_000
"""Cap on the objects and arrays of a payload, counted before it is parsed; an SBOM of 16 MiB has fewer."""

PIECE = 1 << 20
"""Characters of base64 that are decoded at once: a multiple of four."""

MAX_SIGNATURES = 100
"""Cap on the signatures of one envelope, the same as cosign's."""

MAX_SIGNATURE = 16 << 10
"""Cap on one signature, in bytes; the largest of known algorithms (SLH-DSA-128s) has 7856."""

MAX_TEXT = 1024
"""Cap on a payload type and a key id, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature over the PAE; `keyid` is a hint that nobody signed, "" where there is none."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What was signed, byte for byte, the type that was signed with it, and the signatures."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    @property
    def pae(self) -> bytes:
        """The bytes that the signatures are over."""
        return pae(self.payload_type, self.payload)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [
                {"sig": base64.b64encode(one.sig).decode()} | ({"keyid": one.keyid} if one.keyid else {})
                for one in self.signatures
            ],
        }

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical(self.to_dict())


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding (DSSE protocol, "Signature Definition"); lengths count bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def is_encoding(data: bytes) -> bool:
    """Whether a file begins as what the signatures of envelopes are over.

    Nothing tells a signature over such a file from one over the envelope that it encodes, so there is none:
    who may have files signed could have statements signed, and who signed a statement would vouch for a file.
    """
    return data.startswith(_START)


_START = b"DSSEv1 "


def parse_envelope(data: bytes, *, name: str = "envelope") -> Envelope:
    """An envelope from its bytes; `name` says in errors which. Raises FormatError."""
    return envelope_of(strictjson.parse(data, name=name, max_bytes=MAX_BYTES), name=name)


def envelope_of(value: object, *, name: str = "envelope") -> Envelope:
    """An envelope from parsed JSON, such as a bundle's `dsseEnvelope`. Raises FormatError."""
    values = table(value, ("payload", "payloadType", "signatures"), name)
    entries = field(values, "signatures", list, name)
    if not entries:
        raise FormatError(f"{name}: no signature")
    if len(entries) > MAX_SIGNATURES:
        raise CapError(f"{name}: {len(entries)} signatures; {MAX_SIGNATURES} are read")
    text = field(values, "payload", str, name)
    if len(text) > MAX_BYTES:
        raise CapError(f"{name}: a payload of {len(text)} characters; {MAX_BYTES} are read")
    payload = _payload(text, f"{name}: payload")
    if len(payload) > MAX_PAYLOAD:
        raise CapError(f"{name}: a payload of {len(payload)} bytes; {MAX_PAYLOAD} are read")
    return Envelope(
        payload=payload,
        payload_type=_short(field(values, "payloadType", str, name), f"{name}: payloadType"),
        signatures=tuple(_signature(entry, f"{name}: signatures") for entry in entries),
    )


def _payload(text: str, where: str) -> bytes:
    """The bytes, decoded in pieces, so that of what has too many objects the rest is not."""
    pieces, objects = [], 0
    for at in range(0, len(text), PIECE):
        piece = decode_base64(text[at : at + PIECE], where)
        if at + PIECE < len(text) and len(piece) < PIECE // 4 * 3:
            raise FormatError(f"{where}: base64 that ends before its end")
        objects += piece.count(b"{") + piece.count(b"[")
        if objects > MAX_OBJECTS:
            raise CapError(f"{where}: more than the {MAX_OBJECTS} objects and arrays that are read")
        pieces.append(piece)
    return b"".join(pieces)


def _signature(value: object, where: str) -> Signature:
    values = table(value, ("keyid", "sig"), where)
    keyid = field(values, "keyid", str, where) if values.get("keyid") is not None else ""
    sig = decode_base64(field(values, "sig", str, where), f"{where}: sig")
    if not sig:
        raise FormatError(f"{where}: an empty signature")
    if len(sig) > MAX_SIGNATURE:
        raise CapError(f"{where}: a signature of {len(sig)} bytes; {MAX_SIGNATURE} are read")
    return Signature(keyid=_short(keyid, f"{where}: keyid"), sig=sig)


def _short(text: str, where: str) -> str:
    if len(text) > MAX_TEXT:
        raise CapError(f"{where}: {len(text)} characters; {MAX_TEXT} are read")
    return text
