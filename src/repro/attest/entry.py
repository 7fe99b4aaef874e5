"""Whether a log entry is about this signature: its body against what the bundle holds.

sigstore-python does this for the kinds that it takes with a certificate; here are `intoto` 0.0.2, which it
refuses, and all kinds with a bare key. That the body is in the log at all is sigstore-python's to verify.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.attest.fields import decode_base64, field, table
from repro.core import strictjson
from repro.core.errors import EvidenceError, FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from repro.attest.bundle import Bundle, LogEntry

_LINE = 3
"""Words of a line with a signature: a dash, a name, and base64."""

_PEM = re.compile(rb"\s*-----BEGIN ([A-Z ]+)-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END \1-----\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What an entry must be about: the signatures, who verifies them (DER), and what they are over.

    `sha256` (hexadecimal, as all here) is of the bytes signed: an artifact or an envelope's PAE. An envelope
    has a `payload_type`, and `payload_sha256` of its payload; both are "" for an artifact.
    """

    signatures: tuple[bytes, ...]
    verifier: bytes
    sha256: str
    payload_sha256: str = ""
    payload_type: str = ""


def claim_of(bundle: Bundle, *, verifier: bytes, sha256: str) -> Claimed:
    """What a bundle's log entries must be about; `sha256` is the artifact's."""
    if bundle.envelope is None:
        signature = bundle.message.signature if bundle.message else b""
        return Claimed(signatures=(signature,), verifier=verifier, sha256=sha256)
    return Claimed(
        signatures=tuple(one.sig for one in bundle.envelope.signatures),
        verifier=verifier,
        sha256=hashlib.sha256(bundle.envelope.pae).hexdigest(),
        payload_sha256=hashlib.sha256(bundle.envelope.payload).hexdigest(),
        payload_type=bundle.envelope.payload_type,
    )


def require_bound(entry: LogEntry, claimed: Claimed) -> None:
    """Raise EvidenceError unless the entry's body says just what is claimed."""
    name = f"{entry.kind} {entry.version}"
    says = _KINDS.get((entry.kind, entry.version, bool(claimed.payload_sha256)))
    if says is None:
        about = "an envelope" if claimed.payload_sha256 else "an artifact"
        raise EvidenceError(f"a log entry of kind {name!r} is no entry for {about}")
    try:
        body = _inside(strictjson.parse(entry.body, name="log entry"), "log entry")
        if (body.get("kind"), body.get("apiVersion")) != (entry.kind, entry.version):
            raise EvidenceError(f"the log holds an entry of another kind than {name!r}")
        differs = says(_inside(body.get("spec"), "log entry: spec"), claimed)
    except FormatError as error:
        raise EvidenceError(f"the log entry cannot be read: {error}") from error
    if differs:
        raise EvidenceError(f"the log entry is about another {differs}")


def require_proof(entry: LogEntry) -> None:
    """Raise EvidenceError unless the parts of an entry's proof, which each hold, are of one piece.

    sigstore-python verifies the path to the root hash and the checkpoint's signature over that hash by the
    log's key; it looks neither at the tree's size nor at the name under which the log signed. A note's lines
    are `- NAME BASE64`, the first bytes of the key's identifier before the signature (C2SP, signed-note and
    tlog-checkpoint); Rekor v1 has a number after its name, and its promise covers the index.
    """
    if not entry.checkpoint:
        return
    note, _, signatures = entry.checkpoint.partition("\n\n")
    origin, _, rest = note.partition("\n")
    name = origin.partition(" - ")[0]
    if rest.partition("\n")[0] != str(entry.tree_size):
        raise EvidenceError("the inclusion proof is for a tree of another size than the checkpoint's")
    if not entry.has_promise and entry.index != entry.leaf:
        raise EvidenceError("the entry has another index than its inclusion proof")
    lines = [line.split(" ") for line in signatures.splitlines()]
    own = [line[2] for line in lines if len(line) == _LINE and line[1] == name]
    if not any(decode_base64(one, "checkpoint")[:4] == entry.log[:4] for one in own):
        raise EvidenceError(f"the checkpoint of {name[:80]!r} is not signed under that name by its log")


def _hashedrekord_v1(spec: Mapping[str, Any], claimed: Claimed) -> str:
    signature = _inside(spec.get("signature"), "signature")
    key = _inside(signature.get("publicKey"), "publicKey")
    said = (_bytes(signature, "content"), _der(_bytes(key, "content")))
    digest = _inside(_inside(spec.get("data"), "data").get("hash"), "hash")
    return _first_difference(
        artifact=_sha256(digest) == claimed.sha256,
        signature=(said[0],) == claimed.signatures,
        signer=said[1] == claimed.verifier,
    )


def _hashedrekord_v2(spec: Mapping[str, Any], claimed: Claimed) -> str:
    spec = _inside(spec.get("hashedRekordV002"), "hashedRekordV002")
    data = _inside(spec.get("data"), "data")
    signature = _inside(spec.get("signature"), "signature")
    verifier = _inside(signature.get("verifier"), "verifier")
    kinds = [key for key in ("publicKey", "x509Certificate") if key in verifier]
    if len(kinds) != 1 or field(data, "algorithm", str, "data") != "SHA2_256":
        raise FormatError("not one verifier, or not SHA2_256")
    return _first_difference(
        content=_bytes(data, "digest").hex() == claimed.sha256,
        signature=(_bytes(signature, "content"),) == claimed.signatures,
        signer=_bytes(_inside(verifier[kinds[0]], kinds[0]), "rawBytes") == claimed.verifier,
    )


def _dsse_v1(spec: Mapping[str, Any], claimed: Claimed) -> str:
    said = [
        (_bytes(one, "signature"), _der(_bytes(one, "verifier")))
        for one in map(_signature, field(spec, "signatures", list, "spec"))
    ]
    return _envelope_differs(spec, said, claimed)


def _intoto_v2(spec: Mapping[str, Any], claimed: Claimed) -> str:
    content = _inside(spec.get("content"), "content")
    envelope = _inside(content.get("envelope"), "envelope")
    # The client sent base64 and the log encoded it again as the bytes it took it for.
    said = [
        (decode_base64(_bytes(one, "sig").decode("ascii", "replace"), "sig"), _der(_bytes(one, "publicKey")))
        for one in map(_signature, field(envelope, "signatures", list, "envelope"))
    ]
    if field(envelope, "payloadType", str, "envelope") != claimed.payload_type:
        return "payload type"
    return _envelope_differs(content, said, claimed)


def _envelope_differs(hashed: Mapping[str, Any], said: list[tuple[bytes, bytes]], claimed: Claimed) -> str:
    digest = _sha256(_inside(hashed.get("payloadHash"), "payloadHash"))
    return _first_difference(
        payload=digest == claimed.payload_sha256,
        signature=tuple(one for one, _ in said) == claimed.signatures,
        signer=all(verifier == claimed.verifier for _, verifier in said),
    )


_KINDS: dict[tuple[str, str, bool], Callable[[Mapping[str, Any], Claimed], str]] = {
    ("hashedrekord", "0.0.1", False): _hashedrekord_v1,
    ("hashedrekord", "0.0.2", False): _hashedrekord_v2,
    ("hashedrekord", "0.0.2", True): _hashedrekord_v2,
    ("dsse", "0.0.1", True): _dsse_v1,
    ("intoto", "0.0.2", True): _intoto_v2,
}
"""By kind, version, and whether an envelope was signed."""


def _first_difference(**same: bool) -> str:
    return next((name for name, agrees in same.items() if not agrees), "")


def _inside(value: object, where: str) -> Mapping[str, Any]:
    return table(value, (), where)


def _signature(value: object) -> Mapping[str, Any]:
    return _inside(value, "signatures")


def _bytes(values: Mapping[str, Any], key: str) -> bytes:
    return decode_base64(field(values, key, str, "log entry"), key)


def _sha256(values: Mapping[str, Any]) -> str:
    if field(values, "algorithm", str, "hash") != "sha256":
        raise FormatError("a hash other than sha256")
    return field(values, "value", str, "hash")


def _der(pem: bytes) -> bytes:
    """What a PEM file of one certificate or public key encloses."""
    found = _PEM.fullmatch(pem)
    if found is None or found[1] not in {b"CERTIFICATE", b"PUBLIC KEY"}:
        raise FormatError("neither a certificate nor a public key")
    return base64.b64decode(b"".join(found[2].split()))
