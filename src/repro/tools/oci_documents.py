"""The documents of an image (OCI image specification 1.1; Docker image specification 1.2), read strictly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.digest import Digest
from repro.core.errors import FormatError
from repro.tools.archive import inside

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LAYERS = 1000
"""Layers of one image; engines stop at 127, and overlayfs at 500."""

MAX_MANIFESTS = 1000
"""Images that one index may name."""

INDEXES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}
MANIFESTS = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
}
CONFIGS = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
}
LAYERS = {
    f"application/vnd.{kind}{form}"
    for kind, forms in (
        ("oci.image.layer.v1.tar", ("", "+gzip", "+zstd")),
        ("oci.image.layer.nondistributable.v1.tar", ("", "+gzip", "+zstd")),
        ("docker.image.rootfs.diff.tar", ("", ".gzip", ".zstd")),
        ("docker.image.rootfs.foreign.diff.tar", ("", ".gzip")),
    )
    for form in forms
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What an image runs on: `linux/arm64/v8`."""

    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        """The parts that are stated, joined by slashes."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def meets(self, wanted: str) -> bool:
        """Whether this is `os/architecture` or `os/architecture/variant`, as far as `wanted` says."""
        parts = wanted.split("/")
        return parts == [self.os, self.architecture, self.variant][: len(parts)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A blob as a document names it: its digest and size (bytes), and what it says of it."""

    digest: Digest
    size: int
    media: str = ""
    platform: Platform | None = None
    name: str = ""
    attests: bool = False

    @property
    def path(self) -> str:
        """Where the blob lies in a layout."""
        return f"blobs/{self.digest.algorithm}/{self.digest.hex}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An image's configuration and layers, base first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What an image's configuration says: platform, digests of the layers when decompressed, labels."""

    platform: Platform
    diff_ids: tuple[Digest, ...]
    created: str = ""
    labels: tuple[tuple[str, str], ...] = ()


def parse_index(data: bytes, *, name: str) -> tuple[Descriptor, ...]:
    """The images and indexes that an index names."""
    found = _table(strictjson.parse(data, name=name), name)
    _version(found, name)
    manifests = _list(found, "manifests", name)
    if len(manifests) > MAX_MANIFESTS:
        raise FormatError(f"{name}: {len(manifests)} manifests, more than {MAX_MANIFESTS}")
    return tuple(_descriptor(each, f"{name}: manifests[{n}]") for n, each in enumerate(manifests))


def parse_manifest(data: bytes, *, name: str) -> Manifest:
    """The manifest of a container image; FormatError for other artifacts, foreign layers, too many layers."""
    found = _table(strictjson.parse(data, name=name), name)
    _version(found, name)
    config = _descriptor(found.get("config"), f"{name}: config")
    if config.media not in CONFIGS:
        raise FormatError(f"{name}: no container image: its configuration is {config.media[:80]!r}")
    layers = _list(found, "layers", name)
    _count(len(layers), name)
    descriptors = tuple(_descriptor(each, f"{name}: layers[{n}]") for n, each in enumerate(layers))
    for layer in descriptors:
        if layer.media not in LAYERS:
            raise FormatError(f"{name}: a layer of the unknown kind {layer.media[:80]!r}")
    return Manifest(config=config, layers=descriptors)


def parse_config(data: bytes, *, name: str) -> Config:
    """An image's configuration."""
    found = _table(strictjson.parse(data, name=name), name)
    rootfs = _table(found.get("rootfs"), f"{name}: rootfs")
    diff_ids = _list(rootfs, "diff_ids", f"{name}: rootfs")
    _count(len(diff_ids), name)
    inner = found.get("config")
    labels = (inner.get("Labels") if isinstance(inner, dict) else None) or {}
    return Config(
        platform=Platform(
            os=_word(found, "os", name),
            architecture=_word(found, "architecture", name),
            variant=_word(found, "variant", name),
        ),
        diff_ids=tuple(_digest(each, f"{name}: diff_ids") for each in diff_ids),
        created=_word(found, "created", name),
        labels=_labels(labels, name),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """An image in an archive of `docker save`: files of its configuration and layers, and its tags."""

    config: str
    layers: tuple[str, ...]
    tags: tuple[str, ...]


def parse_saved(data: bytes, *, name: str) -> tuple[Saved, ...]:
    """The `manifest.json` of `docker save`."""
    found = strictjson.parse(data, name=name)
    if not isinstance(found, list) or not 0 < len(found) <= MAX_MANIFESTS:
        raise FormatError(f"{name}: not a list of 1 to {MAX_MANIFESTS} images")
    return tuple(_saved(_table(each, name), name) for each in found)


def _saved(found: dict[str, Any], name: str) -> Saved:
    layers = _list(found, "Layers", name)
    _count(len(layers), name)
    tags = found.get("RepoTags") or []
    words = [found.get("Config"), *layers, *(tags if isinstance(tags, list) else [None])]
    if not all(isinstance(word, str) for word in words):
        raise FormatError(f"{name}: names of files and tags that are no text")
    return Saved(
        config=inside(found["Config"], name=name),
        layers=tuple(inside(layer, name=name) for layer in layers),
        tags=tuple(tags),
    )


def _count(layers: int, name: str) -> None:
    if layers > MAX_LAYERS:
        raise FormatError(f"{name}: {layers} layers, more than {MAX_LAYERS}")


def _version(found: Mapping[str, Any], name: str) -> None:
    if found.get("schemaVersion") != 2:  # noqa: PLR2004 - the only version of either specification
        raise FormatError(f"{name}: schemaVersion is not 2", hint="copy it with `skopeo copy --format oci`")


def _descriptor(value: object, name: str) -> Descriptor:
    found = _table(value, name)
    size = found.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise FormatError(f"{name}: no size in bytes: {str(size)[:40]!r}")
    notes = found.get("annotations") or {}
    notes = _table(notes, f"{name}: annotations")
    platform = found.get("platform")
    return Descriptor(
        digest=_digest(found.get("digest"), name),
        size=size,
        media=_word(found, "mediaType", name),
        platform=_platform(platform, name) if platform else None,
        name=_word(notes, "io.containerd.image.name", name)
        or _word(notes, "org.opencontainers.image.ref.name", name),
        attests=notes.get("vnd.docker.reference.type") == "attestation-manifest",
    )


def _platform(value: object, name: str) -> Platform:
    found = _table(value, f"{name}: platform")
    return Platform(
        os=_word(found, "os", name),
        architecture=_word(found, "architecture", name),
        variant=_word(found, "variant", name),
    )


def _digest(value: object, name: str) -> Digest:
    digest = Digest.parse(value) if isinstance(value, str) else None
    if digest is None or digest.algorithm not in {"sha256", "sha384", "sha512"}:
        raise FormatError(f"{name}: no digest: {str(value)[:80]!r}")
    return digest


def _labels(value: object, name: str) -> tuple[tuple[str, str], ...]:
    found = _table(value, f"{name}: Labels")
    return tuple(sorted((key, word) for key, word in found.items() if isinstance(word, str)))


def _table(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FormatError(f"{name}: an object was expected")
    return value


def _list(found: Mapping[str, Any], key: str, name: str) -> list[Any]:
    value = found.get(key)
    if not isinstance(value, list):
        raise FormatError(f"{name}: {key}: a list was expected")
    return value


def _word(found: Mapping[str, Any], key: str, name: str) -> str:
    value = found.get(key) or ""
    if not isinstance(value, str):
        raise FormatError(f"{name}: {key}: text was expected")
    return value
