"""Attestations that refer to an image: in its registry or its layout (image specification 1.1, "subject").

A bundle is the one layer of a manifest whose subject is the image, as cosign and GitHub write them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from repro.attest.bundle import MAX_BYTES
from repro.attest.fields import field
from repro.attest.reading import MAX_BUNDLES, MAX_FILE, Evidence
from repro.core import strictjson
from repro.core.errors import CapError, FormatError, ReproError, TamperError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from repro.core.digest import Digest

KINDS = ("application/vnd.dev.sigstore.bundle", "application/vnd.dsse.envelope", "application/vnd.in-toto")
"""How the media types of layers begin that hold attestations."""

UNTOLD = ("", "application/vnd.oci.empty.v1+json")
"""Registries that go by a manifest's config alone give the empty one's type for the manifest's own."""


class Blobs(Protocol):
    """Where manifests and their layers lie; what is given has its digest."""

    def referrers(self, digest: Digest) -> Iterable[Mapping[str, Any]]:
        """Descriptors of the manifests whose subject is `digest`."""

    def manifest(self, digest: str, size: int) -> bytes:
        """A manifest."""

    def blob(self, digest: str, size: int, limit: int) -> bytes:
        """A layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """A manifest that refers to an image: its digest, and the layers that may hold attestations."""

    digest: str
    layers: tuple[tuple[str, int], ...]


def evidence_of(blobs: Blobs, image: Digest) -> tuple[list[Evidence], list[ReproError]]:
    """All attestations that refer to an image, unread, and why others are not there: one hides no other.

    Raises ReproError where it cannot be told what refers to it.
    """
    given: list[Evidence] = []
    failed: list[ReproError] = []
    left = MAX_FILE
    for descriptor in blobs.referrers(image):
        kind = descriptor.get("artifactType")
        if isinstance(kind, str) and kind not in UNTOLD and not kind.startswith(KINDS):
            continue  # an SBOM without a signature, a picture: nothing that proves anything
        try:
            for one in _bundles(blobs, _referrer(blobs, descriptor, image), MAX_BUNDLES - len(given), left):
                given.append(one)
                left -= len(one.raw)
        except ReproError as error:
            failed.append(error)
    return given, failed


def _bundles(blobs: Blobs, referrer: Referrer, count: int, size: int) -> Iterator[Evidence]:
    """The layers of a referrer, as long as all together are no more than is read of one image."""
    for at, (digest, own) in enumerate(referrer.layers):
        size -= own
        if at >= count or size < 0:
            most = f"{MAX_BUNDLES} bundles and {MAX_FILE} bytes"
            raise CapError(f"referrer {referrer.digest}: beyond the {most} that are read")
        yield Evidence(name=f"referrer {referrer.digest}", raw=blobs.blob(digest, own, MAX_BYTES))


def _referrer(blobs: Blobs, descriptor: Mapping[str, Any], image: Digest) -> Referrer:
    digest, size = _named(descriptor, "referrer")
    value = strictjson.parse(blobs.manifest(digest, size), name=f"referrer {digest}")
    if not isinstance(value, dict):
        raise FormatError(f"referrer {digest}: not a manifest")
    subject = field(value, "subject", dict, f"referrer {digest}")
    if _named(subject, "subject")[0] != str(image):
        raise TamperError(f"referrer {digest}: refers to another image")
    layers = field(value, "layers", list, f"referrer {digest}")
    found = [
        _named(one, "layer")
        for one in layers
        if isinstance(one, dict) and str(one.get("mediaType")).startswith(KINDS)
    ]
    return Referrer(digest=digest, layers=tuple(found))


def _named(descriptor: Mapping[str, Any], where: str) -> tuple[str, int]:
    size = field(descriptor, "size", int, where)
    if size < 0:
        raise FormatError(f"{where}: a size of {size}")
    return field(descriptor, "digest", str, where), size
