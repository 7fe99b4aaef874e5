"""Sigstore bundles read (formats v0.1 to v0.3, protobuf-specs "sigstore_bundle.proto"), and bare envelopes.

What is read here is not yet believed: a bundle's parts are what its signature is verified with. Its exact
bytes are kept, and they are what sigstore-python is given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.attest.dsse import Envelope, envelope_of
from repro.attest.fields import decode_base64, field
from repro.core import strictjson
from repro.core.errors import CapError, FormatError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_OLD = "application/vnd.dev.sigstore.bundle+json;version="
MEDIA_TYPES = {
    f"{_OLD}0.1": "0.1",
    f"{_OLD}0.2": "0.2",
    f"{_OLD}0.3": "0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json": "0.3",
}
"""Version by media type; v0.3 has two spellings."""

MAX_BYTES = 32 << 20
"""Cap on a bundle, in bytes: an envelope's, and room for its log entry."""

MAX_OBJECTS = 10_000
"""Cap on the objects and arrays of a bundle, counted before it is parsed; real ones have some dozens."""

MAX_ENTRIES = 32
MAX_TIMESTAMPS = 32
"""Caps on log entries and timestamps, sigstore-go's."""

MAX_CHAIN = 16
"""Cap on the certificates of a chain; Fulcio's have three."""

MAX_HASHES = 64
"""Cap on the hashes of an inclusion proof: the depth of a tree of 2**64 leaves."""

MAX_BLOB = 64 << 10
"""Cap on a certificate, a timestamp, a signature and a checkpoint, in bytes."""

_SEQUENCE, _LONG = 0x30, 0x80
"""Of DER: the tag of a sequence, and from which first byte of a length on it counts further bytes."""

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A signature over an artifact itself; `algorithm` and `digest` are a hint that nobody signed."""

    signature: bytes
    algorithm: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """What a log says it holds: `body` are the bytes that it hashed, of the stated kind and version.

    `log` is the identifier of the log's key, `index` the entry's in all of it. `checkpoint` is "" where there
    is no proof that ends in one; `leaf` and `tree_size` are then 0.
    """

    log: bytes
    index: int
    leaf: int
    tree_size: int
    kind: str
    version: str
    body: bytes
    integrated: int
    has_promise: bool
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A signature and what is needed to verify it; either `envelope` or `message` is there.

    `certificates` (DER, the signer's first) or `hint` say by whom; a bare envelope has neither and an empty
    `version`. `raw` are the exact bytes, or for one taken out of a larger document its canonical form.
    """

    raw: bytes
    version: str
    envelope: Envelope | None = None
    message: Message | None = None
    certificates: tuple[bytes, ...] = ()
    hint: str = ""
    entries: tuple[LogEntry, ...] = ()
    timestamps: tuple[bytes, ...] = ()


def parse_bundle(raw: bytes, *, name: str = "bundle") -> Bundle:
    """A bundle from its bytes; `name` says in errors which. Raises FormatError, for caps CapError."""
    return bundle_of(parse_capped(raw, name=name), raw, name=name)


def parse_capped(raw: bytes, *, name: str) -> object:
    """The value of a document no larger than a bundle may be. Raises FormatError, for caps CapError."""
    if (objects := raw.count(b"{") + raw.count(b"[")) > MAX_OBJECTS:
        raise CapError(f"{name}: {objects} objects and arrays; {MAX_OBJECTS} are read")
    return strictjson.parse(raw, name=name, max_bytes=MAX_BYTES)


def bundle_of(value: object, raw: bytes, *, name: str = "bundle") -> Bundle:
    """A bundle from parsed JSON. Raises FormatError, for caps CapError."""
    known = ("mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature")
    values = _closed(value, known, name)
    media = field(values, "mediaType", str, name)
    if (version := MEDIA_TYPES.get(media)) is None:
        raise FormatError(
            f"{name}: mediaType is {media[:200]!r}", hint="bundles v0.1, v0.2 and v0.3 are read"
        )
    content = [key for key in known[2:] if values.get(key) is not None]
    if len(content) != 1:
        raise FormatError(f"{name}: needs one of 'dsseEnvelope' and 'messageSignature', has {len(content)}")
    is_envelope = content == ["dsseEnvelope"]
    where = f"{name}: {content[0]}"
    return Bundle(
        raw=raw,
        version=version,
        envelope=envelope_of(values["dsseEnvelope"], name=where) if is_envelope else None,
        message=None if is_envelope else _message(values["messageSignature"], where),
        **_material(values.get("verificationMaterial"), version, f"{name}: verificationMaterial"),
    )


def _material(value: object, version: str, where: str) -> dict[str, Any]:
    keys = ("certificate", "x509CertificateChain", "publicKey")
    values = _closed(value, (*keys, "tlogEntries", "timestampVerificationData"), where)
    given = [key for key in keys if values.get(key) is not None]
    if len(given) != 1:
        raise FormatError(f"{where}: needs one certificate, chain or public key, has {len(given)}")
    if (given[0] == "certificate") is not (version == "0.3") and given[0] != "publicKey":
        raise FormatError(f"{where}: {given[0]!r} in a bundle v{version}")
    inside = f"{where}: {given[0]}"
    return {
        "certificates": _certificates(values[given[0]], given[0], inside) if given[0] != "publicKey" else (),
        "hint": _hint(values["publicKey"], inside) if given[0] == "publicKey" else "",
        "entries": tuple(
            _entry(one, f"{where}: tlogEntries") for one in _list(values, "tlogEntries", MAX_ENTRIES, where)
        ),
        "timestamps": _timestamps(values.get("timestampVerificationData"), where),
    }


def _certificates(value: object, key: str, where: str) -> tuple[bytes, ...]:
    if key == "certificate":
        return (_raw_bytes(value, where),)
    chain = _list(_closed(value, ("certificates",), where), "certificates", MAX_CHAIN, where)
    if not chain:
        raise FormatError(f"{where}: an empty chain")
    return tuple(_raw_bytes(one, where) for one in chain)


def _raw_bytes(value: object, where: str) -> bytes:
    return _der(_closed(value, ("rawBytes",), where), "rawBytes", where)


def _hint(value: object, where: str) -> str:
    values = _closed(value, ("hint",), where)
    hint = field(values, "hint", str, where) if values.get("hint") is not None else ""
    if len(hint) > MAX_BLOB:
        raise CapError(f"{where}: a hint of {len(hint)} characters; {MAX_BLOB} are read")
    return hint


def _timestamps(value: object, where: str) -> tuple[bytes, ...]:
    if value is None:
        return ()
    where = f"{where}: timestampVerificationData"
    entries = _list(_closed(value, ("rfc3161Timestamps",), where), "rfc3161Timestamps", MAX_TIMESTAMPS, where)
    return tuple(_der(_closed(one, ("signedTimestamp",), where), "signedTimestamp", where) for one in entries)


def _message(value: object, where: str) -> Message:
    values = _closed(value, ("messageDigest", "signature"), where)
    signature = _blob(values, "signature", where)
    if values.get("messageDigest") is None:
        return Message(signature=signature)
    digest = _closed(values["messageDigest"], ("algorithm", "digest"), f"{where}: messageDigest")
    return Message(
        signature=signature,
        algorithm=field(digest, "algorithm", str, where)[:40],
        digest=_blob(digest, "digest", where).hex(),
    )


def _entry(value: object, where: str) -> LogEntry:
    known = (
        "logIndex", "logId", "kindVersion", "integratedTime", "inclusionPromise", "inclusionProof",
        "canonicalizedBody",
    )  # fmt: skip
    values = _closed(value, known, where)
    kind = _closed(values.get("kindVersion"), ("kind", "version"), f"{where}: kindVersion")
    has_promise = values.get("inclusionPromise") is not None
    if has_promise:
        promise = _closed(values["inclusionPromise"], ("signedEntryTimestamp",), f"{where}: inclusionPromise")
        _blob(promise, "signedEntryTimestamp", where)
    checkpoint, leaf, tree_size = _proof(values.get("inclusionProof"), f"{where}: inclusionProof")
    return LogEntry(
        log=_blob(_closed(values.get("logId"), ("keyId",), f"{where}: logId"), "keyId", where),
        index=_number(values, "logIndex", where),
        kind=field(kind, "kind", str, where)[:40],
        version=field(kind, "version", str, where)[:40],
        body=decode_base64(field(values, "canonicalizedBody", str, where), f"{where}: canonicalizedBody"),
        integrated=_number(values, "integratedTime", where)
        if values.get("integratedTime") is not None
        else 0,
        has_promise=has_promise,
        checkpoint=checkpoint,
        leaf=leaf,
        tree_size=tree_size,
    )


def _proof(value: object, where: str) -> tuple[str, int, int]:
    """A proof's checkpoint, leaf and tree size; one without a checkpoint is of no use, but is read too."""
    if value is None:
        return "", 0, 0
    values = _closed(value, ("logIndex", "rootHash", "treeSize", "hashes", "checkpoint"), where)
    leaf = _number(values, "logIndex", where)
    size = _number(values, "treeSize", where)
    _blob(values, "rootHash", where)
    for one in _list(values, "hashes", MAX_HASHES, where):
        if not isinstance(one, str):
            raise FormatError(f"{where}: a hash that is not text")
        decode_base64(one, f"{where}: hashes")
    if values.get("checkpoint") is None:
        return "", 0, 0
    envelope = field(_closed(values["checkpoint"], ("envelope",), where), "envelope", str, where)
    if len(envelope) > MAX_BLOB:
        raise CapError(f"{where}: a checkpoint of {len(envelope)} characters; {MAX_BLOB} are read")
    return envelope, leaf, size


def _closed(value: object, known: Collection[str], where: str) -> Mapping[str, Any]:
    """`value` as an object that has no other keys than `known`.

    The JSON of protocol buffers knows each key by a second name (`dsse_envelope`); a reader that took both
    could be shown another document than one that takes one.
    """
    if not isinstance(value, dict):
        raise FormatError(f"{where}: not a JSON object")
    for key in value:
        if key not in known:
            raise FormatError(f"{where}: unknown key {key[:80]!r}")
    return value


def _list(values: Mapping[str, Any], key: str, most: int, where: str) -> list[Any]:
    entries: list[Any] = field(values, key, list, where) if values.get(key) is not None else []
    if len(entries) > most:
        raise CapError(f"{where}: {len(entries)} {key}; {most} are read")
    return entries


def _number(values: Mapping[str, Any], key: str, where: str) -> int:
    """A non-negative 64-bit integer, which the JSON of protocol buffers writes as text."""
    text = field(values, key, str, where)
    if not _NUMBER.fullmatch(text):
        raise FormatError(f"{where}: {key} is {text[:40]!r}, not a number from 0")
    return int(text)


def _blob(values: Mapping[str, Any], key: str, where: str) -> bytes:
    text = field(values, key, str, where)
    if len(text) > 2 * MAX_BLOB:
        raise CapError(f"{where}: {key} of {len(text)} characters; {2 * MAX_BLOB} are read")
    if not (data := decode_base64(text, f"{where}: {key}")):
        raise FormatError(f"{where}: {key} is empty")
    return data


def _der(values: Mapping[str, Any], key: str, where: str) -> bytes:
    """The bytes of one DER sequence, and nothing after it (X.690, sections 8.1.3 and 8.9)."""
    data = _blob(values, key, where)
    length = data[1] if len(data) > 1 else 0
    header = 2 if length < _LONG else 2 + length - _LONG
    size = length if length < _LONG else int.from_bytes(data[2:header])
    if data[0] != _SEQUENCE or len(data) != header + size:
        raise FormatError(f"{where}: {key} is not DER")
    return data
