"""SPDX 2.2 and 2.3 JSON read into the house's nouns: packages, what they need, their hashes and licences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from repro.core.digest import LENGTHS, Digest
from repro.core.errors import FormatError
from repro.sbom.component import CONTENT_HASHES, Component, Inventory, Kind, Licence, Reference
from repro.sbom.fields import Fields
from repro.sbom.reading import MAX_COMPONENTS, Sbom
from repro.sbom.spdx import DISTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Iterator

READ = ("SPDX-2.2", "SPDX-2.3")
"""Versions of the specification that are read."""

UNSTATED = {"", "NOASSERTION", "NONE"}
KINDS = {kind.upper().replace("-", "_"): kind for kind in Kind}
HASHES = {name.replace(":", "-"): name for name in CONTENT_HASHES}
NEEDS = {
    "DEPENDS_ON": False,
    "DEPENDENCY_OF": True,
    "RUNTIME_DEPENDENCY_OF": True,
    "BUILD_DEPENDENCY_OF": True,
}
"""Relationships that say who needs whom; True where the second element is the one that needs."""


def read_spdx(value: dict[str, Any], *, name: str) -> Sbom:
    """The SBOM of a parsed document. Raises FormatError with the place."""
    version = value.get("spdxVersion")
    if version not in READ:
        raise FormatError(
            f"{name}: spdxVersion {str(version)[:40]!r} is not read", hint=f"read are {', '.join(READ)}"
        )
    reader = _Reader(name, value)
    parts = reader.packages()
    refs = {part.ref for part in parts}
    links = list(reader.relationships(refs))
    described = [second for first, kind, second in links if kind == "DESCRIBES"]
    described += [first for first, kind, _ in links if kind == "DESCRIBED_BY"]
    described += [each for each in reader.described() if each in refs]
    holders = {second: first for first, kind, second in links if kind == "CONTAINS" and first in refs}
    root = next((part for part in parts if [part.ref] == sorted(set(described))), None)
    target = root or Component(ref="SPDXRef-DOCUMENT", name=reader.text(value, "name", ""))
    inventory = Inventory(
        target=target,
        components=tuple(_held(part, holders.get(part.ref, "")) for part in parts if part.ref != target.ref),
        needs=_needs(links, {*refs, target.ref}),
    )
    return Sbom(
        inventory=inventory,
        form=f"{version.replace('-', ' ')} JSON",
        serial=reader.text(value, "documentNamespace", ""),
        skipped=reader.skipped + len(value.get("files") or ()),
    )


def _held(part: Component, holder: str) -> Component:
    from dataclasses import replace

    return replace(part, inside=holder) if holder != part.ref else part


def _needs(links: list[tuple[str, str, str]], refs: set[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {ref: {} for ref in refs}
    for first, kind, second in links:
        if kind in NEEDS:
            who, whom = (second, first) if NEEDS[kind] else (first, second)
            if who in refs and whom in refs:
                found[who][whom] = None
    return {ref: tuple(each) for ref, each in found.items()}


class _Reader(Fields):
    """Takes values out of an SPDX document."""

    def __init__(self, name: str, value: dict[str, Any]) -> None:
        super().__init__(name)
        self.value = value
        self.words = {
            self.text(each, "licenseId", "hasExtractedLicensingInfos."): self.text(each, "name", "")
            or self.text(each, "extractedText", "")[:200]
            for each in self.tables(value, "hasExtractedLicensingInfos", "")
        }

    def packages(self) -> list[Component]:
        packages = self.tables(self.value, "packages", "")
        if len(packages) > MAX_COMPONENTS:
            raise self.wrong("packages", f"more than the {MAX_COMPONENTS} that are read")
        found = [self.package(each, f"packages[{number}].") for number, each in enumerate(packages)]
        seen: set[str] = set()
        for part in found:
            if part.ref in seen:
                raise self.wrong("packages", f"SPDXID {part.ref[:200]!r} is given twice")
            seen.add(part.ref)
        return found

    def package(self, table: dict[str, Any], where: str) -> Component:
        ref, name = self.text(table, "SPDXID", where), self.text(table, "name", where)
        if not ref or not name:
            raise self.wrong(where + ("name" if ref else "SPDXID"), "missing")
        outside = [
            (self.text(each, "referenceType", where), self.text(each, "referenceLocator", where))
            for each in self.tables(table, "externalRefs", where)
        ]
        places = (("distribution", "downloadLocation"), ("website", "homepage"))
        urls = [(kind, self.text(table, key, where)) for kind, key in places]
        return Component(
            ref=ref,
            name=name,
            version=self.text(table, "versionInfo", where),
            kind=KINDS.get(self.text(table, "primaryPackagePurpose", where), Kind.LIBRARY),
            purl=next((locator for kind, locator in outside if kind == "purl"), ""),
            cpe=next((locator for kind, locator in outside if kind.startswith("cpe")), ""),
            description=self.text(table, "description", where),
            licences=self.licences(table, where),
            digests=self.checksums(table, where),
            references=(
                *(Reference(kind=kind, url=url) for kind, url in urls if url not in UNSTATED),
                *self.distributions(outside, where),
            ),
            properties=tuple((HASHES[kind], locator) for kind, locator in outside if kind in HASHES),
        )

    def distributions(self, outside: list[tuple[str, str]], where: str) -> Iterator[Reference]:
        """The files that a package may be installed from: here they have digests and no address."""
        for kind, locator in outside:
            if kind == DISTRIBUTION:
                try:
                    digest = Digest.parse(locator)
                except FormatError as error:
                    raise self.wrong(where + "externalRefs", error.message) from error
                yield Reference(kind="distribution", url="", digests=(digest,))

    def licences(self, table: dict[str, Any], where: str) -> tuple[Licence, ...]:
        """The declared licence, else the concluded one; a LicenseRef alone is its own words."""
        for key in ("licenseDeclared", "licenseConcluded"):
            text = self.text(table, key, where)
            if text not in UNSTATED:
                return (Licence(name=self.words[text]) if text in self.words else Licence(expression=text),)
        return ()

    def checksums(self, table: dict[str, Any], where: str) -> tuple[Digest, ...]:
        found = []
        for each in self.tables(table, "checksums", where):
            algorithm = self.text(each, "algorithm", where).lower()
            value = self.text(each, "checksumValue", where)
            if algorithm not in LENGTHS:
                self.skipped += 1
            elif re.fullmatch(rf"[0-9a-fA-F]{{{LENGTHS[algorithm]}}}", value):
                found.append(Digest(algorithm, value.lower()))
            else:
                raise self.wrong(where + "checksums", f"not a {algorithm} digest: {value[:80]!r}")
        return tuple(sorted(set(found)))

    def described(self) -> list[str]:
        found = self.value.get("documentDescribes") or []
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise self.wrong("documentDescribes", "must be a list of strings")
        return found

    def relationships(self, refs: set[str]) -> Iterator[tuple[str, str, str]]:
        for number, each in enumerate(self.tables(self.value, "relationships", "")):
            where = f"relationships[{number}]."
            keys = ("spdxElementId", "relationshipType", "relatedSpdxElement")
            first, kind, second = (self.text(each, key, where) for key in keys)
            if first in refs or second in refs:
                yield first, kind, second
