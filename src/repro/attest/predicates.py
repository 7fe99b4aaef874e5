"""Types of predicates and builds by their names, and the parts that predicates are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from repro.core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
CYCLONEDX = "https://cyclonedx.org/bom"
REFERENCE = "https://in-toto.io/attestation/reference/v0.1"
RELEASE = "https://in-toto.io/attestation/release/v0.1"
LINK = "https://in-toto.io/attestation/link/v0.3"

NIX_BUILD = "urn:repro:build-type:nix:v1"
REPLAY = "urn:repro:build-type:replay:v1"
COMMAND = "urn:repro:build-type:command:v1"
"""Types of builds: docs/reference/build-types/ says what each one's fields mean."""

LOCAL_BUILDER = "urn:repro:builder:local"
"""The builder where none is named: a machine that vouches for nothing but itself."""

VALUE = "repro-value-sha256"
"""The SHA-256 of a value's canonical JSON: never the digest of a file."""


def descriptor(
    name: str,
    digest: Mapping[str, str],
    *,
    uri: str = "",
    media_type: str = "",
    annotations: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """A resource descriptor (attestation framework, "ResourceDescriptor"); what is empty is left out."""
    optional = {"uri": uri, "mediaType": media_type, "digest": digest, "annotations": annotations}
    return {"name": name} | {key: value for key, value in optional.items() if value}


def provenance(
    *,
    build_type: str,
    external: Mapping[str, Any],
    internal: Mapping[str, Any],
    dependencies: Sequence[Mapping[str, Any]],
    builder: str,
    versions: Mapping[str, str],
    metadata: Mapping[str, str],
    byproducts: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """A predicate of SLSA's provenance v1; a time that is not known is left out, never empty."""
    return {
        "buildDefinition": {
            "buildType": build_type,
            "externalParameters": dict(external),
            "internalParameters": dict(internal),
            "resolvedDependencies": [dict(one) for one in dependencies],
        },
        "runDetails": {
            "builder": {"id": builder, "version": dict(versions)},
            "metadata": {key: value for key, value in metadata.items() if value},
            "byproducts": [dict(one) for one in byproducts],
        },
    }


def when(text: str, *, name: str) -> str:
    """A time of ISO 8601 as statements have it: UTC, in whole milliseconds, ending in Z (RFC 3339)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise FormatError(f"{name}: not a time: {text[:80]!r}") from error
    if moment.tzinfo is None:
        raise FormatError(f"{name}: a time without a zone: {text[:80]!r}")
    return stamp(moment)


def stamp(moment: datetime) -> str:
    """The same of a moment."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp_of(seconds: float) -> str:
    """The same of Unix seconds, "" for 0, which stands for a time that nobody knows."""
    return stamp(datetime.fromtimestamp(seconds, UTC)) if seconds else ""
