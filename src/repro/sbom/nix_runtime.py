"""The runtime closure of store paths as an inventory: what the store has, and derivations where known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from repro.core import strictjson
from repro.sbom.component import Finding, Inventory
from repro.sbom.contents_found import Found
from repro.sbom.nix_component import Describer, Known
from repro.sbom.nix_graph import assembled
from repro.sbom.nix_names import HASH, base, named
from repro.sbom.nix_patches import read_patches
from repro.sbom.nix_vendored import vendored
from repro.tools.collector import collector_paused
from repro.tools.nix_json import parse_path_info

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from repro.sbom.nix_meta import Meta
    from repro.tools.nix_closures import NixClosures
    from repro.tools.nix_nouns import PathInfo
    from repro.tools.nix_recipes import Recipe

PROPERTIES = (("repro:nix:closure", "runtime"),)


def runtime(
    nix: NixClosures,
    installables: Sequence[str],
    *,
    store: str = "",
    meta: Mapping[str, Meta] | None = None,
    contents: bool = True,
) -> Inventory:
    """What the built outputs of installables, or store paths, refer to and hold, as the store knows it.

    Derivations are read where their files are there; where they are not, names tell what they tell. `meta` is
    that of `nix_meta.evaluated`. With `contents` every program in the closure is opened, to find the packages
    that stand inside; only the caller's own store has its files at their paths. Nothing is built or loaded.
    """
    infos = nix.closure(installables, store=store)
    recipes = nix.recipes_at_hand(info.deriver for info in infos.values() if info.deriver)
    recipes |= nix.recipes_at_hand(makers_of(recipes.values()) - recipes.keys())
    patches = read_patches(path for recipe in recipes.values() for path in recipe.patches)
    inner = vendored(infos) if contents and not store else Found()
    return of_infos(infos, Known(recipes=recipes, meta=meta or {}, patches=patches), inner=inner)


def of_infos(
    infos: Mapping[str, PathInfo | None],
    known: Known | None = None,
    *,
    roots: Sequence[str] = (),
    inner: Found | None = None,
) -> Inventory:
    """The inventory of what a store said of paths; `roots` are those asked for, `inner` what stands inside.

    A path that others refer to and of which the store said nothing is a component like all others, by its
    name, and a finding says so.
    """
    with collector_paused():
        describer = Describer(known or Known())
        absent = _absent(infos)
        refs = {path: base(path) for path in (*infos, *absent)}  # each text once: others need most of them
        components = {refs[path]: describer.path(path, infos.get(path)) for path in refs}
        needs = {refs[path]: _needs(path, infos.get(path), refs) for path in refs}
        inner = inner or Found()
        components |= {each.ref: each for each in inner.components}
        return assembled(
            components,
            needs,
            inner=inner.needs,
            roots=[base(root) for root in roots],
            findings=[
                *inner.findings,
                *(
                    Finding(where=base(path), what="the store knows nothing of this path")
                    for path in sorted({*absent, *(path for path, info in infos.items() if info is None)})
                ),
            ],
            properties=PROPERTIES,
        )


def recorded(data: bytes, *, contents: bool = True) -> Inventory:
    """The inventory of a closure written down: what `nix path-info --json --recursive` printed.

    Or the attributes of a builder that asked for `exportReferencesGraph.closure`, which a sandbox has instead
    of a store. `contents` looks into those paths that are there. FormatError where it is neither.
    """
    infos = parse_path_info(_exported(data))
    there = [path for path in infos if Path(path).exists()] if contents else []
    return of_infos(infos, inner=vendored(there))


def makers_of(recipes: Iterable[Recipe]) -> set[str]:
    """The inputs of derivations that make their sources and patches, by the names that both must share."""
    found: set[str] = set()
    for recipe in recipes:
        if recipe.sources:
            names = {f"{named(path)}.drv" for path in recipe.sources}
            ends = tuple(names)  # asked for first: most inputs are none, and it is a tenth of the work
            found.update(each for each in recipe.inputs if each.endswith(ends) and base(each)[HASH:] in names)
    return found


def _absent(infos: Mapping[str, PathInfo | None]) -> set[str]:
    return {
        each for info in infos.values() if info is not None for each in info.references if each not in infos
    }


def _needs(path: str, info: PathInfo | None, refs: Mapping[str, str]) -> tuple[str, ...]:
    """What a path refers to, itself left out."""
    if info is None or not info.references:
        return ()
    return tuple(sorted([refs[each] for each in info.references if each != path]))


def _exported(data: bytes) -> bytes:
    """The list `closure` of a builder's attributes, else the document as it stands."""
    if b'"closure"' not in data:
        return data
    document = strictjson.parse(data, name="the attributes of a builder")
    found = document.get("closure") if isinstance(document, dict) else None
    return json.dumps(found).encode() if isinstance(found, list) else data
