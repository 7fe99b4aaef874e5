"""One path or derivation of the Nix store as a component: what its derivation and the store say of it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from repro.core.digest import LENGTHS, Digest
from repro.core.errors import FormatError
from repro.sbom.address import public
from repro.sbom.component import NAR_HASH, Component, Reference
from repro.sbom.nix_meta import Meta
from repro.sbom.nix_names import (
    base,
    guessed_output,
    named,
    of_recipe,
    output_of,
    package_url,
    parsed_name,
)
from repro.sbom.nix_patches import patch_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from repro.sbom.component import Patch
    from repro.tools.nix_nouns import PathInfo
    from repro.tools.nix_recipes import Made, Recipe

OUTPUT_PATH = "repro:nix:outputPath"
"""Property: the store path that a component is, or that a derivation makes; one for each of its outputs."""

DERIVER = "repro:nix:deriver"
"""Property: the derivation that made a path, by the store's own word, which no signature covers."""

SOURCE_HASH = "repro:nix:sourceHash"
"""Property: the fixed hash of a source that is no hash of a file, as `nar:sha256-…`."""

ADDRESSES = 16
"""Addresses of one source that are told; nixpkgs lists dozens of mirrors for a few."""

NO_META = Meta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known beside the graph: derivations, evaluated meta by output path, patches as read."""

    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    meta: Mapping[str, Meta] = field(default_factory=dict)
    patches: Mapping[str, Patch] = field(default_factory=dict)


class _Origin(NamedTuple):
    """Where a source comes from: addresses, and its hash where it is none of a file."""

    references: tuple[Reference, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()


NOWHERE = _Origin()


class Describer:
    """Makes components from what is known; each source is looked at once."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._made = {
            made.path: (recipe, name)
            for recipe in known.recipes.values()
            for name, made in recipe.outputs.items()
            if made.path
        }
        self._origins: dict[str, _Origin] = {}

    def path(self, path: str, info: PathInfo | None) -> Component:
        """A path that is in the store, or was said to be (`info` is None where nothing is known of it)."""
        deriver = info.deriver if info else ""
        recipe, output = self._maker(path, deriver)
        if recipe is not None:
            name, version = of_recipe(recipe)
        elif deriver:
            (name, version), output = parsed_name(named(deriver)), output_of(path, named(deriver))
        else:
            rest, output = guessed_output(named(path))
            name, version = parsed_name(rest)
        properties = [(OUTPUT_PATH, path)]
        if info is not None:
            properties.append((NAR_HASH, info.nar_hash))
        if deriver:
            properties.append((DERIVER, deriver))
        return self._component(path, (name, version, output), recipe, [path], properties)

    def derivation(self, recipe: Recipe) -> Component:
        """A derivation, built or not."""
        made = recipe.outputs.values()
        output = next(iter(recipe.outputs), "") if len(recipe.outputs) == 1 else ""
        paths = [each.path for each in made if each.path]
        properties = [(OUTPUT_PATH, path) for path in paths]
        properties += [(NAR_HASH, _sri(m)) for m in made if m.method == "nar" and m.algorithm == "sha256"]
        return self._component(recipe.path, (*of_recipe(recipe), output), recipe, paths, properties)

    def _maker(self, path: str, deriver: str) -> tuple[Recipe | None, str]:
        """The derivation of a path and the output that it is; one addressed by content has but its name."""
        if path in self._made:
            return self._made[path]
        recipe = self._known.recipes.get(deriver)
        return recipe, output_of(path, recipe.name) if recipe else ""

    def _component(
        self,
        path: str,
        words: tuple[str, str, str],
        recipe: Recipe | None,
        outputs: Iterable[str],
        properties: list[tuple[str, str]],
    ) -> Component:
        name, version, output = words
        known = self._known
        meta = next((known.meta[each] for each in outputs if each in known.meta), NO_META)
        references, more = self._origins_of(recipe) if recipe else NOWHERE
        website = (Reference(kind="website", url=meta.homepage),) if meta.homepage else ()
        return Component(
            ref=base(path),
            name=name,
            version=version,
            purl=package_url(name, version, output=output, system=recipe.system if recipe else ""),
            cpe=meta.cpe,
            description=meta.description,
            licences=meta.licences,
            digests=_digests(recipe) if recipe else (),
            references=website + references,
            patches=tuple([known.patches.get(each) or patch_of(each) for each in recipe.patches])
            if recipe and recipe.patches
            else (),
            properties=(*properties, *more),
        )

    def _origins_of(self, recipe: Recipe) -> _Origin:
        """What a derivation was made from; a download is made from itself."""
        found = self._origin(recipe) if recipe.urls else NOWHERE
        for path in recipe.sources:
            if path in self._made and self._made[path][0].urls:
                references, properties = self._origin(self._made[path][0])
                found = _Origin(found.references + references, found.properties + properties)
        return found

    def _origin(self, source: Recipe) -> _Origin:
        found = self._origins.get(source.path)
        if found is None:
            found = self._origins[source.path] = _origin(source)
        return found


def _origin(source: Recipe) -> _Origin:
    """The addresses of a derivation with a fixed hash; others load nothing."""
    fixed = [made for made in source.outputs.values() if made.hex]
    if not fixed:
        return NOWHERE
    digests = _digests(source)
    kind = "vcs" if source.rev or source.urls[0].endswith(".git") else "source-distribution"
    urls = dict.fromkeys(filter(None, map(public, source.urls[:ADDRESSES])))
    return _Origin(
        references=tuple([Reference(kind=kind, url=url, digests=digests) for url in urls]),
        properties=tuple(
            [(SOURCE_HASH, f"{m.method}:{_sri(m)}") for m in fixed if m.method not in {"flat", "text"}]
        ),
    )


def _digests(recipe: Recipe) -> tuple[Digest, ...]:
    """The digests of the files that a derivation's outputs must be, by algorithms that the house knows."""
    found: tuple[Digest, ...] = ()
    for made in recipe.outputs.values():
        if made.hex and made.method in {"flat", "text"} and made.algorithm in LENGTHS:
            try:
                found += (Digest(made.algorithm, made.hex),)
            except FormatError:  # whoever wrote the derivation wrote a hash that is none: Nix never builds it
                continue
    return found


def _sri(made: Made) -> str:
    """A fixed hash as Nix writes it; as it stands where it is not hexadecimal."""
    try:
        return f"{made.algorithm}-{base64.b64encode(bytes.fromhex(made.hex)).decode()}"
    except ValueError:
        return f"{made.algorithm}:{made.hex}"
