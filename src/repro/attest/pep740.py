"""PyPI's attestations (PEP 740, "Attestation objects") as Sigstore bundles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.attest.dsse import IN_TOTO
from repro.attest.fields import field
from repro.core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"

VERSION = 1


def to_bundle(value: object, *, name: str) -> dict[str, Any]:
    """The bundle v0.3 that an attestation object is short for. Raises FormatError."""
    values = _table(value, name)
    version = field(values, "version", int, name)
    if version != VERSION:
        raise FormatError(f"{name}: an attestation object of version {version}; {VERSION} is read")
    material = _table(values.get("verification_material"), f"{name}: verification_material")
    envelope = _table(values.get("envelope"), f"{name}: envelope")
    return {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {
            "certificate": {"rawBytes": field(material, "certificate", str, name)},
            "tlogEntries": field(material, "transparency_entries", list, name),
        },
        "dsseEnvelope": {
            "payload": field(envelope, "statement", str, name),
            "payloadType": IN_TOTO,
            "signatures": [{"sig": field(envelope, "signature", str, name)}],
        },
    }


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FormatError(f"{where}: not a JSON object")
    return value
