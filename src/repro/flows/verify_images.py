"""Images as artifacts: by the digest of their manifest, in a registry or in a layout."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from repro.attest.fields import table
from repro.attest.referrers import evidence_of
from repro.core import strictjson
from repro.core.digest import Digest, of_bytes
from repro.core.errors import FormatError, ReproError, TamperError
from repro.flows.verify_targets import Item
from repro.tools.files import disk_errors, hash_file, read_capped
from repro.tools.oci import open_image, read_layers
from repro.tools.oci_registry import Reference, Registry, parse_reference
from repro.verify.artifact import Artifact, artifact_of
from repro.verify.discovery import Found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from repro.attest.referrers import Blobs

MAX_MANIFEST = 4 << 20

IMAGES = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
"""The types of configurations that make a manifest an image, which can be run."""


def item_of(folder: Path, text: str) -> Item:
    """The image in a layout, where there is such a folder or archive, else that of a registry."""
    path = folder / text
    if path.exists():
        blobs = Layout(root=path)
        return Item(
            name=f"oci:{text}",
            open=partial(_of_layout, path, f"oci:{text}"),
            beside=Referrers(blobs=blobs) if path.is_dir() else None,
            path=path,
        )
    reference = parse_reference(text)
    registry = Registry(reference)
    return Item(
        name=f"oci:{reference}",
        open=partial(_of_registry, registry, reference),
        beside=Referrers(blobs=registry),
        reference=text,
    )


def _of_layout(path: Path, name: str) -> Artifact:
    """An image of which every byte has its digest: layers too, for they are what is deployed."""
    if path.is_dir():
        digest = Layout(root=path).checked()
    else:
        image = open_image(path)
        if image.manifest is None:
            raise ReproError(f"{name}: an archive of docker save has no manifest", hint="verify a layout")
        read_layers(image, lambda stream: stream.read(1))
        digest = image.manifest
    return artifact_of(name, {digest.algorithm: digest.hex})


def _of_registry(registry: Registry, reference: Reference) -> Artifact:
    digest = registry.resolve()
    return artifact_of(f"oci:{reference}", {digest.algorithm: digest.hex})


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrers:
    """What refers to an image."""

    blobs: Blobs

    def of(self, artifact: Artifact) -> Found:
        """The attestations; what a registry does not give is told of."""
        try:
            given, failed = evidence_of(self.blobs, Digest("sha256", artifact.sha256))
        except ReproError as error:
            return Found(unasked=(("referrers", error.message),))
        return Found(evidence=tuple(given), unasked=tuple(("referrers", one.message) for one in failed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The blobs of a layout's folder."""

    root: Path

    def checked(self) -> Digest:
        """The digest of the one image that the index names, all of whose blobs have their digests."""
        images = {str(one.get("digest")) for one, subject in self._named() if subject is None}
        if len(images) != 1:
            hint = "copy the one that is meant into a layout of its own"
            raise ReproError(f"{self.root.name}: {len(images)} images", hint=hint)
        waiting = [min(images)]
        while waiting:
            value = strictjson.parse(self.manifest(waiting.pop(), MAX_MANIFEST), name="a manifest")
            manifests, blobs = _parts(value)
            waiting += manifests
            for digest in blobs:
                self._require(Digest.parse(digest))
        return Digest.parse(min(images))

    def _require(self, digest: Digest) -> None:
        path = self.root / "blobs" / digest.algorithm / digest.hex
        with disk_errors(f"reading {self.root.name}"):
            found = hash_file(path, digest.algorithm)
        if found != digest:
            raise TamperError(f"{self.root.name}: {digest} has other bytes than its digest says")

    def referrers(self, digest: Digest) -> Iterator[Mapping[str, Any]]:
        """The manifests of the index that have the image as their subject."""
        yield from (one for one, subject in self._named() if subject == str(digest))

    def _named(self) -> Iterator[tuple[Mapping[str, Any], str | None]]:
        """Every manifest of the index, and the digest of what it refers to, None for an image.

        Nobody signs an index: in one that two readers understand differently another image could be deployed.
        """
        where = f"{self.root.name}: index.json"
        with disk_errors(f"reading {self.root.name}"):
            data = read_capped(self.root / "index.json", MAX_MANIFEST)
        index = table(strictjson.parse(data, name=where), ("schemaVersion", "manifests"), where)
        found = index.get("manifests")
        for one in found if isinstance(found, list) else ():
            descriptor = table(one, ("mediaType", "digest", "size", "annotations"), where)
            text = self.manifest(str(descriptor.get("digest")), MAX_MANIFEST)
            yield descriptor, _subject(strictjson.parse(text, name="a manifest"))

    def manifest(self, digest: str, size: int) -> bytes:
        """A manifest by its digest."""
        return self.blob(digest, size, MAX_MANIFEST)

    def blob(self, digest: str, size: int, limit: int) -> bytes:
        """A blob by its digest."""
        if size > limit:
            raise FormatError(f"{self.root.name}: a blob of {size} bytes; {limit} are read")
        wanted = Digest.parse(digest)
        with disk_errors(f"reading {self.root.name}"):
            data = read_capped(self.root / "blobs" / wanted.algorithm / wanted.hex, limit)
        if of_bytes(data) != wanted:
            raise TamperError(f"{self.root.name}: {digest} has other bytes than its digest says")
        return data


def _subject(manifest: object) -> str | None:
    """The digest of what a manifest refers to; None for an image, be it one that refers to another."""
    subject = manifest.get("subject") if isinstance(manifest, dict) else None
    if not isinstance(manifest, dict) or not isinstance(subject, dict):
        return None
    config = manifest.get("config")
    kind = config.get("mediaType") if isinstance(config, dict) else None
    return None if kind in IMAGES or "manifests" in manifest else str(subject.get("digest"))


def _parts(manifest: object) -> tuple[list[str], list[str]]:
    """The digests of the manifests below an index, and of the configuration and layers of an image."""
    if not isinstance(manifest, dict):
        raise FormatError("a manifest that is no JSON object")
    below, layers = manifest.get("manifests") or [], manifest.get("layers") or []
    parts = [*layers, *([manifest["config"]] if "config" in manifest else [])]
    if not all(isinstance(one, dict) for one in (*below, *parts)):
        raise FormatError("a manifest whose parts are no descriptors")
    return [str(one.get("digest")) for one in below], [str(one.get("digest")) for one in parts]
