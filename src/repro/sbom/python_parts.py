"""A Python package with all that it brings: its component, and the documents inside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.sbom.contents_found import Found, joined
from repro.sbom.python_component import component_of
from repro.sbom.python_licence import licences
from repro.sbom.python_origin import origin_of
from repro.sbom.python_sboms import embedded

if TYPE_CHECKING:
    from repro.sbom.component import Component
    from repro.sbom.python_metadata import Package
    from repro.sbom.python_origin import Origin
    from repro.sbom.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A package, its component, and everything found inside; the package's own component is the first."""

    package: Package
    origin: Origin
    found: Found

    @property
    def component(self) -> Component:
        """The package itself."""
        return self.found.components[0]


def part_of(tree: Tree, package: Package, ref: str = "", inside: str = "") -> Part:
    """A package as a component called `ref` ("" stands for its package URL), inside another ("" for none)."""
    origin = origin_of(tree, package)
    stated, wrong = licences(tree, package)
    component = component_of(package, origin, stated, ref=ref, inside=inside)
    own = Found(
        components=(component,),
        needs={component.ref: ()},
        findings=(*package.findings, *wrong, *origin.findings),
    )
    return Part(package=package, origin=origin, found=joined((own, *embedded(tree, package, component.ref))))
