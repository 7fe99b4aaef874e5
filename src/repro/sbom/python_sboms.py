"""SBOMs that a package brings in `.dist-info/sboms/` (PEP 770), merged as components inside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from repro.core.digest import of_bytes
from repro.core.errors import FormatError
from repro.sbom.address import public
from repro.sbom.component import Finding
from repro.sbom.contents_found import Found, ref_in
from repro.sbom.python_metadata import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.sbom.component import Component, Inventory
    from repro.sbom.python_metadata import Package
    from repro.sbom.tree import Tree

FOLDER = "sboms/"

MAX_SBOM = 32 << 20
"""Cap on one embedded document, in bytes; the largest known, of a program in Rust, has half a million."""

EMBEDDED = "repro:python:embeddedSbom"
"""Property: the document of a package that names this component, which was read and not checked."""


def embedded(tree: Tree, package: Package, owner: str) -> Iterator[Found]:
    """What each document holds, and a finding for each that cannot be read."""
    names = sorted(name for name in package.files if name.startswith(FOLDER))
    if not names:
        return
    from repro.sbom.reading import parse_sbom

    for name in names:
        path = f"{package.folder}/{name}"
        try:
            data = tree.read(path, MAX_SBOM)
            yield _merged(parse_sbom(data, name=name).inventory, owner, name)
        except FormatError as error:
            yield Found(findings=(Finding(where=plain(path), what=plain(error.message)),))


def _merged(inventory: Inventory, owner: str, name: str) -> Found:
    """The document's components under references of their own; its target is the package that holds it."""
    target = inventory.target
    parts = [part for part in inventory.components if not (part.purl and part.purl == target.purl)]
    kept = {part.ref for part in parts}
    refs = {part.ref: owner for part in (target, *inventory.components) if part.ref not in kept}
    refs.update((part.ref, ref_in(owner, "sbom", name, _short(part.ref))) for part in parts)
    components = tuple(_own(part, refs, owner, name) for part in parts)
    needs: dict[str, set[str]] = {part.ref: set() for part in components}
    for ref, needed in inventory.needs.items():
        mine = needs.setdefault(refs[ref], set())
        mine.update(refs[each] for each in needed if refs[each] not in {refs[ref], owner})
    return Found(components=components, needs={ref: tuple(sorted(needed)) for ref, needed in needs.items()})


def _short(ref: str) -> str:
    """A reference without what it tells: cargo-cyclonedx writes the folder of whoever built into it."""
    return of_bytes(ref.encode(errors="surrogatepass")).hex[:32]


def _own(part: Component, refs: dict[str, str], owner: str, name: str) -> Component:
    references = tuple(
        each if url == each.url else replace(each, url=url)
        for each in part.references
        if (url := public(each.url))
    )
    return replace(
        part,
        ref=refs[part.ref],
        inside=refs.get(part.inside, owner),
        references=references,
        properties=(*part.properties, (EMBEDDED, plain(name))),
    )
