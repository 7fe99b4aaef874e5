"""What a distribution requires, as components that are not there yet: named, without version and hash."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from repro.sbom.address import public
from repro.sbom.component import REQUIRES, Component, Finding
from repro.sbom.contents_found import Found
from repro.sbom.lockfile import EXTRAS, MARKER
from repro.sbom.python_component import purl_of
from repro.sbom.python_metadata import plain
from repro.tools.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.requirements import Requirement

    from repro.sbom.python_metadata import Package

SPECIFIER = "repro:python:specifier"
"""Property: the versions that a requirement allows."""


def required(package: Package) -> Found:
    """A component for each package that another requires, under any condition.

    Each stands outside of that one, for the installer chooses what meets it. What is no requirement
    is a finding.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    found: defaultdict[str, list[Requirement]] = defaultdict(list)
    wrong = []
    for text in dict.fromkeys(package.requires):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            what = f"requires {plain(redacted(text), 100)!r}, which is no requirement"
            wrong.append(Finding(where=plain(package.folder), what=what))
            continue
        found[purl_of(requirement.name, "")].append(requirement)
    own = purl_of(package.name, "")
    components = tuple(_component(purl, group) for purl, group in sorted(found.items()) if purl != own)
    return Found(components=components, needs={each.ref: () for each in components}, findings=tuple(wrong))


def _component(purl: str, requirements: Iterable[Requirement]) -> Component:
    properties: set[tuple[str, str]] = set()
    for each in requirements:
        url, marker = public(each.url or ""), str(each.marker or "")
        extras, specifier = ",".join(sorted(each.extras)), str(each.specifier)
        asked = f"[{extras}]" if extras else ""
        whence = f" @ {url}" if each.url else specifier
        stated = f"{each.name}{asked}{whence}" + (f"; {marker}" if marker else "")
        properties.add((REQUIRES, plain(stated)))
        properties.update(
            (key, plain(value))
            for key, value in ((SPECIFIER, specifier), (MARKER, marker), (EXTRAS, extras))
            if value
        )
    return Component(
        ref=purl,
        name=purl.removeprefix("pkg:pypi/"),
        purl=purl,
        properties=tuple(sorted(properties)),
    )
