"""The build-time closure of derivations as an inventory: all that building from nothing takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.sbom.component import Finding, Inventory
from repro.sbom.nix_component import Describer, Known
from repro.sbom.nix_graph import assembled
from repro.sbom.nix_names import base
from repro.sbom.nix_patches import read_patches
from repro.tools.collector import collector_paused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repro.sbom.nix_meta import Meta
    from repro.tools.nix_closures import NixClosures
    from repro.tools.nix_nouns import PathInfo

PROPERTIES = (("repro:nix:closure", "buildtime"),)


def buildtime(
    nix: NixClosures, installables: Sequence[str], *, meta: Mapping[str, Meta] | None = None
) -> Inventory:
    """The derivations of installables and all of which they are made, sources included; nothing is built."""
    recipes = nix.build_closure(installables)
    patches = read_patches(path for recipe in recipes.values() for path in recipe.patches)
    sources = {path for recipe in recipes.values() for path in recipe.inputs if not path.endswith(".drv")}
    known = Known(recipes=recipes, meta=meta or {}, patches=patches)
    return of_recipes(known, sources=nix.infos_at_hand(sources))


def of_recipes(
    known: Known, *, sources: Mapping[str, PathInfo] | None = None, roots: Sequence[str] = ()
) -> Inventory:
    """The inventory of derivations; `sources` is what the store says of paths that no derivation makes.

    A derivation that another reads and that is not there is a component by its name, and a finding.
    """
    with collector_paused():
        describer, infos = Describer(known), sources or {}
        components = {base(path): describer.derivation(recipe) for path, recipe in known.recipes.items()}
        needs = {
            base(path): tuple(sorted({base(each) for each in recipe.inputs if each != path}))
            for path, recipe in known.recipes.items()
        }
        others = {
            each for recipe in known.recipes.values() for each in recipe.inputs if each not in known.recipes
        }
        components |= {base(path): describer.path(path, infos.get(path)) for path in others}
        needs |= {base(path): () for path in others}
        return assembled(
            components,
            needs,
            roots=[base(root) for root in roots],
            findings=[
                Finding(where=base(path), what="this derivation is not there")
                for path in others
                if path.endswith(".drv")
            ],
            properties=PROPERTIES,
        )
