"""Inventories of container images: Nix store paths, dpkg's packages, Python, Rust and Go, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from repro.sbom.component import Component, Finding, Inventory, Kind
from repro.sbom.contents import found
from repro.sbom.layers import MAX_FINDINGS, File, Folder, LayerTree, Link, Other, Stack, read_entries
from repro.sbom.oci_debian import debian, release_of, system
from repro.sbom.oci_keep import MAX_PROGRAM, Keeper, Windows
from repro.sbom.oci_nar import nar_hashes
from repro.sbom.oci_store import store_nodes, store_paths, stored
from repro.sbom.python_metadata import plain
from repro.tools.oci import open_image, read_told_layers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from repro.sbom.contents import Found
    from repro.sbom.layers import Entry, Node
    from repro.tools.archive import Stream
    from repro.tools.oci import Image, Layer

TARGET = "image"
LAYER = "repro:oci:layer"
"""Property: the digest of the layer that a component comes from, as the manifest names it."""

LAYER_INDEX = "repro:oci:layerIndex"
"""Property: the place of that layer, 0 for the base."""


def image(path: Path, *, platform: str = "") -> Inventory:
    """What an image holds: an OCI layout, an archive of one, or an archive of `docker save`.

    `platform` (`linux/arm64`) chooses one of several. Every blob is checked against its digest. Raises
    UsageError, DataError, TamperError and FormatError as `repro.tools.oci` does.
    """
    opened = open_image(path, platform=platform)
    keeper = Keeper(opened.place.name)
    stack = Stack()

    def read(layer: Layer, stream: Stream) -> list[Entry]:
        return read_entries(stream, keeper, layer.index)

    for index, entries in enumerate(read_told_layers(opened, read)):
        stack.add(index, entries)
    return _inventory(opened, stack)


def _inventory(opened: Image, stack: Stack) -> Inventory:
    files = dict(stack.files())
    nodes = store_nodes(stack)
    nars = nar_hashes(opened, nodes)
    paths, rest = store_paths(files, (base for base, node in nodes.items() if not isinstance(node, Other)))
    tree = LayerTree(rest)
    release = release_of(stack)
    packages = debian(tree, stack, release)
    parts = [
        _Part(
            found=stored(base, inner, nars.hashes.get(base, "")),
            inside=base,
            files=inner,
            first=_first_layer(nodes[base]),
        )
        for base, inner in paths.items()
    ]
    parts.append(_Part(found=found(tree, TARGET), inside=TARGET, files=rest))
    own = system(release)
    components = [_in_layer(each, packages.layers[each.ref], opened) for each in packages.components]
    components += [
        _in_layer(each, part.layer(each), opened) for part in parts for each in part.found.components
    ]
    components += [own] if own else []
    needs = dict(packages.needs)
    for part in parts:
        needs |= part.found.needs
    tops = {each.ref for each in components if each.inside in {"", TARGET}}
    return Inventory(
        target=_target(opened),
        components=tuple(sorted(components, key=lambda each: each.ref)),
        needs={**{each.ref: () for each in components}, **needs, TARGET: tuple(sorted(tops))},
        findings=(
            *stack.findings,
            *packages.findings,
            *nars.findings,
            *_unopened(files),
            *(each for part in parts for each in part.findings()),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What was found in some files, inside the component called `inside`."""

    found: Found
    inside: str
    files: Mapping[str, File]
    first: int = 0

    def layer(self, component: Component) -> int:
        """The layer of the file that tells of a component, which its reference names; else the last of all.

        Of a store path it is the first that has a file of it: later ones replace single files.
        """
        if component.ref == self.inside:
            return min((file.layer for file in self.files.values()), default=self.first)
        words = component.ref.removeprefix(f"{self.inside}#").partition("#")[0]
        path = unquote(words.partition("!")[0], errors="surrogateescape")
        for place in (path, f"{path}/METADATA", f"{path}/PKG-INFO"):
            if place in self.files:
                return self.files[place].layer
        within = [file.layer for name, file in self.files.items() if name.startswith(f"{path}/")]
        return max(within, default=0)

    def findings(self) -> list[Finding]:
        """What was wrong, with the store path before each place."""
        if self.inside == TARGET:
            return list(self.found.findings)
        return [replace(each, where=f"{self.inside}/{each.where}") for each in self.found.findings]


def _first_layer(node: Node) -> int:
    """The layer that brought a store path, by its first entry."""
    return node.layer if isinstance(node, File | Folder | Link) else 0


def _unopened(files: Mapping[str, File]) -> list[Finding]:
    """Programs too large to be looked into; what they list is not among the components."""
    large = [path for path, file in files.items() if isinstance(file.kept, Windows) and not file.kept.opened]
    what = f"a program of more than {MAX_PROGRAM} bytes is not opened: crates and modules in it are not told"
    return [Finding(where=plain(path), what=what) for path in sorted(large)[:MAX_FINDINGS]]


def _in_layer(component: Component, index: int, opened: Image) -> Component:
    origin = ((LAYER, str(opened.layers[index].digest)), (LAYER_INDEX, str(index)))
    return replace(component, properties=(*component.properties, *origin))


def _target(opened: Image) -> Component:
    """The image: named by its manifest, or by its configuration where it has none."""
    digest = opened.manifest or opened.config_digest
    labels = dict(opened.config.labels)
    whole, tag = _split(opened.name)
    name = plain(whole.rpartition("/")[2] or labels.get("org.opencontainers.image.title", "")) or TARGET
    platform = opened.config.platform
    return Component(
        ref=TARGET,
        name=name,
        version=plain(tag or labels.get("org.opencontainers.image.version", "")),
        kind=Kind.CONTAINER,
        purl=_purl(opened, name, whole, tag),
        digests=(digest,),
        properties=tuple(
            (key, plain(value))
            for key, value in (
                ("repro:oci:config", str(opened.config_digest)),
                ("repro:oci:platform", str(platform)),
                ("repro:oci:created", opened.config.created),
                *((f"repro:oci:layer:{layer.index}", str(layer.digest)) for layer in opened.layers),
            )
            if value
        ),
    )


def _split(name: str) -> tuple[str, str]:
    """Repository and tag of a reference such as `host:5000/debian:12`; a mere tag has no repository."""
    name = name.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        return head, tag
    return (name, "") if "/" in name else ("", name)


def _purl(opened: Image, name: str, repository: str, tag: str) -> str:
    """`pkg:oci` by the manifest's digest; `pkg:docker` by the image's where there is no manifest."""
    from packageurl import PackageURL

    digest = str(opened.manifest or opened.config_digest)
    if opened.manifest is None:
        return str(PackageURL("docker", None, name.lower(), digest).to_string())
    qualifiers = {"arch": opened.config.platform.architecture, "tag": tag}
    if "/" in repository:
        qualifiers["repository_url"] = repository.lower()
    kept = {key: value for key, value in qualifiers.items() if value}
    return str(PackageURL("oci", None, name.lower(), digest, kept).to_string())
