"""The door to container images: OCI layouts and archives of them, and archives of `docker save`.

Every byte that is used is checked against the digest that names it: index -> manifest -> configuration ->
layers as stored, and layers as decompressed (`diff_ids`). Layers are streams; nothing is unpacked.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from repro.core.digest import Digest, of_bytes
from repro.core.errors import FormatError, TamperError, UsageError
from repro.tools.archive import CAPS, CHUNK
from repro.tools.archive_streams import decompressed
from repro.tools.oci_documents import (
    INDEXES,
    MANIFESTS,
    MAX_MANIFESTS,
    Config,
    Descriptor,
    parse_config,
    parse_index,
    parse_manifest,
    parse_saved,
)
from repro.tools.oci_places import Archive, Folder, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from repro.tools.archive import Caps, Stream
    from repro.tools.oci_documents import Saved
    from repro.tools.oci_places import Place

T = TypeVar("T")

DEPTH = 3
"""Indexes within indexes; `docker buildx` writes one in another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: where it lies, its digest when decompressed, and as stored where a manifest says it."""

    index: int
    path: str
    diff_id: Digest
    stored: Descriptor | None = None

    @property
    def digest(self) -> Digest:
        """What names the layer: its blob's digest, or that of its content."""
        return self.stored.digest if self.stored else self.diff_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image of which the documents were read and checked.

    `manifest` is None for an archive of `docker save`, which has none; then `config_digest` names the image,
    as `docker images` shows it. `name` is what the layout or archive calls it, "" if nothing.
    """

    place: Place
    manifest: Digest | None
    config_digest: Digest
    config: Config
    layers: tuple[Layer, ...]
    name: str = ""


def open_image(path: Path, *, platform: str = "") -> Image:
    """The image in a layout's folder or in an archive; `platform` (`linux/arm64`) chooses one of several.

    Raises UsageError where the choice is not clear, DataError for what is missing, TamperError for what does
    not have its digest or size, FormatError for all that is no image.
    """
    if not path.exists():
        raise UsageError(f"{path.name}: there is no such file or folder")
    place: Place = Folder(path) if path.is_dir() else Archive(path)
    if place.has("index.json"):
        return _of_layout(place, platform)
    if place.has("manifest.json"):
        return _of_saved(place, platform)
    raise FormatError(
        f"{place.name}: no image: neither index.json nor manifest.json is in it",
        hint="read are OCI layouts, archives of them, and archives of `docker save`",
    )


def read_layers(image: Image, reader: Callable[[Stream], T], caps: Caps = CAPS) -> list[T]:
    """What `reader` makes of each layer's decompressed bytes, base first; a layer listed twice is read once.

    The bytes have their digests or TamperError is raised, whatever `reader` thinks of them.
    """
    return read_told_layers(image, lambda _, stream: reader(stream), caps)


def read_told_layers(image: Image, reader: Callable[[Layer, Stream], T], caps: Caps = CAPS) -> list[T]:
    """The same, and `reader` is told which layer it is: of one that is listed twice, the first."""
    name = image.place.name
    found: dict[str, T] = {}
    known: dict[str, Layer] = {}
    for layer in image.layers:
        twin = known.setdefault(image.place.real(layer.path), layer)
        if (twin.diff_id, twin.stored) != (layer.diff_id, layer.stored):
            raise TamperError(f"{name}: layers {twin.index} and {layer.index} are one file with two digests")

    def use(path: str, stream: Stream) -> None:
        found[path] = _read(known[path], stream, reader, name, caps)

    image.place.each(known, use)
    return [found[image.place.real(layer.path)] for layer in image.layers]


def _read(layer: Layer, stream: Stream, reader: Callable[[Layer, Stream], T], name: str, caps: Caps) -> T:
    where = f"{name}: layer {layer.index} ({layer.digest.short})"
    stored = _Verified(stream, layer.stored.digest, where, layer.stored.size) if layer.stored else None
    try:
        # Where both digests are one, nothing is compressed, and one look is enough.
        if stored is not None and stored.digest == layer.diff_id:
            outer = stored
        else:
            outer = _Verified(decompressed(stored or stream, name=where, caps=caps), layer.diff_id, where)
        value = reader(layer, outer)
        outer.end()
    except FormatError:
        if stored is not None:  # damage explains whatever was met
            stored.end()
        raise
    if stored is not None:
        stored.end()
    return value


class _Verified:
    """A stream that is hashed and counted while it is read, and compared at its end."""

    def __init__(self, stream: Stream, digest: Digest, name: str, size: int | None = None) -> None:
        self.stream, self.digest, self.name, self.size = stream, digest, name, size
        self.hasher = hashlib.new(digest.algorithm)
        self.count = 0

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        data = self.stream.read(size)
        self.hasher.update(data)
        self.count += len(data)
        if self.size is not None and self.count > self.size:
            raise TamperError(f"{self.name}: more bytes than {self.size}, which the manifest states")
        return data

    def end(self) -> None:
        """Read the rest and compare; TamperError where the bytes are others."""
        while self.read(CHUNK):
            pass
        if self.size is not None and self.count != self.size:
            raise TamperError(f"{self.name}: {self.count} bytes, and the manifest states {self.size}")
        if self.hasher.hexdigest() != self.digest.hex:
            raise TamperError(
                f"{self.name}: its digest is {self.hasher.hexdigest()}, not {self.digest.hex}",
                hint="the image is damaged or was tampered with: fetch it again from where it was signed",
            )


def _blob(place: Place, wanted: Descriptor) -> bytes:
    """A document's bytes, checked."""
    data = place.document(wanted.path)
    if len(data) != wanted.size:
        raise TamperError(f"{place.name}: {wanted.path}: {len(data)} bytes, not the {wanted.size} stated")
    found = hashlib.new(wanted.digest.algorithm, data).hexdigest()
    if found != wanted.digest.hex:
        raise TamperError(f"{place.name}: {wanted.path}: its digest is {found}")
    return data


def _of_layout(place: Place, platform: str) -> Image:
    chosen = _choose(place, _manifests(place), platform)
    manifest = parse_manifest(_blob(place, chosen), name=f"{place.name}: manifest {chosen.digest.short}")
    config = parse_config(_blob(place, manifest.config), name=f"{place.name}: configuration")
    layers = _layers(place, config, [each.path for each in manifest.layers], manifest.layers)
    _require(config, platform, place.name)
    return Image(
        place=place,
        manifest=chosen.digest,
        config_digest=manifest.config.digest,
        config=config,
        layers=layers,
        name=chosen.name,
    )


def _manifests(place: Place) -> list[Descriptor]:
    """All manifests of images that the index names, through indexes within it, each once."""
    waiting = [
        (each, 1) for each in parse_index(place.document("index.json"), name=f"{place.name}: index.json")
    ]
    found: dict[Digest, Descriptor] = {}
    seen = 0
    while waiting:
        each, depth = waiting.pop(0)
        seen += 1
        if depth > DEPTH or seen > MAX_MANIFESTS:
            raise FormatError(f"{place.name}: indexes within indexes, or more than {MAX_MANIFESTS} manifests")
        if each.media in INDEXES:
            inner = parse_index(_blob(place, each), name=f"{place.name}: index {each.digest.short}")
            waiting += [(_named(below, each), depth + 1) for below in inner]
        elif each.media in MANIFESTS and not each.attests:
            found.setdefault(each.digest, each)
    return list(found.values())


def _named(below: Descriptor, above: Descriptor) -> Descriptor:
    return below if below.name else replace(below, name=above.name)


def _choose(place: Place, manifests: list[Descriptor], platform: str) -> Descriptor:
    if not manifests:
        raise FormatError(f"{place.name}: its index names no image")
    fitting = [
        each for each in manifests if not platform or not each.platform or each.platform.meets(platform)
    ]
    if len(fitting) == 1:
        return fitting[0]
    there = ", ".join(sorted({_label(each) for each in fitting or manifests}))
    if not fitting:
        raise UsageError(f"{place.name}: no image for {platform!r}", hint=f"there are: {there}")
    raise UsageError(
        f"{place.name}: {len(fitting)} images{f' for {platform}' if platform else ''}: {there}",
        hint="choose one by its platform, or copy the one that is meant into a layout of its own",
    )


def _label(each: Descriptor) -> str:
    return " ".join(word for word in (str(each.platform or ""), each.name, each.digest.short) if word)


def _require(config: Config, platform: str, name: str) -> None:
    if platform and not config.platform.meets(platform):
        raise UsageError(f"{name}: the image is for {config.platform}, not {platform!r}")


def _of_saved(place: Place, platform: str) -> Image:
    saved = parse_saved(place.document("manifest.json"), name=f"{place.name}: manifest.json")
    if len(saved) > 1:
        tags = ", ".join(sorted(tag for each in saved for tag in each.tags))
        raise UsageError(
            f"{place.name}: {len(saved)} images: {tags}", hint="save the one that is meant alone"
        )
    data = place.document(saved[0].config)
    digest = _config_digest(saved[0], data, place.name)
    config = parse_config(data, name=f"{place.name}: configuration")
    _require(config, platform, place.name)
    return Image(
        place=place,
        manifest=None,
        config_digest=digest,
        config=config,
        layers=_layers(place, config, saved[0].layers, [None] * len(saved[0].layers)),
        name=next(iter(saved[0].tags), ""),
    )


def _config_digest(saved: Saved, data: bytes, name: str) -> Digest:
    """The digest of a configuration, which is the name of its file where Docker or Nix wrote it."""
    digest = of_bytes(data)
    stem = saved.config.rpartition("/")[2].removesuffix(".json")
    if len(stem) == len(digest.hex) and stem != digest.hex:
        raise TamperError(f"{name}: {saved.config}: its digest is {digest}")
    return digest


def _layers(
    place: Place, config: Config, paths: Iterable[str], stored: Iterable[Descriptor | None]
) -> tuple[Layer, ...]:
    rows = list(zip(paths, stored, strict=True))
    if len(rows) != len(config.diff_ids):
        raise FormatError(f"{place.name}: {len(rows)} layers, and digests of {len(config.diff_ids)} of them")
    layers = tuple(
        Layer(index=n, path=path, diff_id=diff_id, stored=blob)
        for n, ((path, blob), diff_id) in enumerate(zip(rows, config.diff_ids, strict=True))
    )
    for layer in layers:
        if not place.has(layer.path):
            raise missing(place.name, layer.path)
    return layers
