"""A CycloneDX document read into the house's nouns; what other writers leave out or add is borne."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from repro.core.digest import LENGTHS, Digest
from repro.core.errors import FormatError
from repro.sbom.component import Component, Finding, Inventory, Kind, Licence, Patch, Reference
from repro.sbom.cyclonedx import ALGORITHMS, FINDING
from repro.sbom.fields import Fields
from repro.sbom.reading import MAX_COMPONENTS, Sbom

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READ = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
"""Versions of the specification that are read."""

NAMES = {theirs: ours for ours, theirs in ALGORITHMS.items()}
KINDS = {str(kind): kind for kind in Kind}
OTHER_KINDS = {"framework": Kind.LIBRARY, "firmware": Kind.APPLICATION, "platform": Kind.APPLICATION}


def read_cyclonedx(value: dict[str, Any], *, name: str, encoding: str = "JSON") -> Sbom:
    """The SBOM of a parsed document. Raises FormatError with the place."""
    spec = value.get("specVersion")
    if spec not in READ:
        raise FormatError(
            f"{name}: specVersion {str(spec)[:40]!r} is not read", hint=f"read are {', '.join(READ)}"
        )
    reader = _Reader(name)
    metadata = reader.table(value, "metadata", "")
    target = reader.table(metadata, "component", "metadata.")
    root = reader.component(target, "metadata.component", "", 0) if target else None
    parts = list(reader.components(value, "", ""))
    if target:
        parts += reader.components(target, "metadata.component.", "")
    parts = [part for part in parts if root is None or not _is_echo(part, root)]
    root = root or Component(ref=_fresh("the target", parts), name="")
    inventory = Inventory(
        target=root,
        components=tuple(parts),
        needs=reader.needs(value, {root.ref, *(part.ref for part in parts)}),
        findings=tuple(_finding(text) for key, text in reader.pairs(metadata, "metadata.") if key == FINDING),
        properties=tuple(pair for pair in reader.pairs(metadata, "metadata.") if pair[0] != FINDING),
    )
    _require_unique(inventory, name)
    serial = reader.text(value, "serialNumber", "")
    return Sbom(
        inventory=inventory, form=f"CycloneDX {spec} {encoding}", serial=serial, skipped=reader.skipped
    )


def _finding(text: str) -> Finding:
    where, _, what = text.partition(": ")
    return Finding(where=where, what=what)


def _fresh(ref: str, parts: list[Component]) -> str:
    taken = {part.ref for part in parts}
    while ref in taken:
        ref += "'"
    return ref


def _is_echo(part: Component, root: Component) -> bool:
    """Whether it is the target once more, as auditwheel writes it."""
    return (part.ref, part.name, part.version, part.purl) == (root.ref, root.name, root.version, root.purl)


def _require_unique(inventory: Inventory, name: str) -> None:
    seen = {inventory.target.ref}
    for part in inventory.components:
        if part.ref in seen:
            raise FormatError(f"{name}: bom-ref {part.ref[:200]!r} is given twice")
        seen.add(part.ref)


class _Reader(Fields):
    """Takes values out of a CycloneDX document."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.count = 0

    def components(self, table: Mapping[str, Any], where: str, inside: str) -> Iterator[Component]:
        """The components below `table` at every depth; strict JSON has capped the depth."""
        for position, each in enumerate(self.tables(table, "components", where)):
            place = f"{where}components[{position}]"
            self.count += 1
            if self.count > MAX_COMPONENTS:
                raise self.wrong(place, f"more than the {MAX_COMPONENTS} components that are read")
            found = self.component(each, place, inside, self.count)
            yield found
            if each.get("components"):
                yield from self.components(each, f"{place}.", found.ref)

    def component(self, table: dict[str, Any], place: str, inside: str, number: int) -> Component:
        where = f"{place}."
        name = self.text(table, "name", where)
        if not name:
            raise self.wrong(where + "name", "missing")
        group = self.text(table, "group", where)
        kind = self.text(table, "type", where)
        return Component(
            ref=self.text(table, "bom-ref", where) or f"component {number}",
            name=f"{group}/{name}" if group else name,
            version=self.text(table, "version", where),
            kind=KINDS.get(kind) or OTHER_KINDS.get(kind, Kind.LIBRARY),
            purl=self.text(table, "purl", where),
            cpe=self.text(table, "cpe", where),
            description=self.text(table, "description", where),
            author=self.text(table, "author", where)
            or ", ".join(self.text(each, "name", where) for each in self.tables(table, "authors", where)),
            licences=self.licences(table, where),
            digests=self.digests(table, where),
            references=tuple(
                Reference(
                    kind=self.text(each, "type", where),
                    url=self.text(each, "url", where),
                    digests=self.digests(each, where),
                    comment=self.text(each, "comment", where),
                )
                for each in self.tables(table, "externalReferences", where)
            ),
            patches=self.patches(table, where),
            properties=self.pairs(table, where),
            inside=inside,
        )

    def digests(self, table: Mapping[str, Any], where: str) -> tuple[Digest, ...]:
        """The hashes that are understood; the others are counted."""
        found = []
        for each in self.tables(table, "hashes", where):
            algorithm = NAMES.get(self.text(each, "alg", where))
            content = self.text(each, "content", where)
            if algorithm is None:
                self.skipped += 1
                continue
            if not re.fullmatch(rf"[0-9a-fA-F]{{{LENGTHS[algorithm]}}}", content):
                raise self.wrong(where + "hashes", f"not a {algorithm} digest: {content[:80]!r}")
            found.append(Digest(algorithm, content.lower()))
        return tuple(sorted(set(found)))

    def licences(self, table: Mapping[str, Any], where: str) -> tuple[Licence, ...]:
        found = []
        for each in self.tables(table, "licenses", where):
            own = self.table(each, "license", where + "licenses.")
            expression = self.text(each, "expression", where) or self.text(own, "id", where)
            found.append(
                Licence(expression=expression, name="" if expression else self.text(own, "name", where))
            )
        return tuple(found)

    def patches(self, table: Mapping[str, Any], where: str) -> tuple[Patch, ...]:
        found = []
        for each in self.tables(self.table(table, "pedigree", where), "patches", where + "pedigree."):
            diff = self.table(each, "diff", where)
            resolves = self.tables(each, "resolves", where)
            found.append(
                Patch(
                    name=unquote(self.text(diff, "url", where)),
                    diff=self.text(self.table(diff, "text", where), "content", where),
                    resolves=tuple(filter(None, (self.text(issue, "id", where) for issue in resolves))),
                )
            )
        return tuple(found)

    def pairs(self, table: Mapping[str, Any], where: str) -> tuple[tuple[str, str], ...]:
        found = self.tables(table, "properties", where)
        return tuple((self.text(each, "name", where), self.text(each, "value", where)) for each in found)

    def needs(self, value: Mapping[str, Any], refs: set[str]) -> dict[str, tuple[str, ...]]:
        """The graph; what it says of things that are no components (services, files) is left out."""
        found: dict[str, tuple[str, ...]] = {}
        for position, each in enumerate(self.tables(value, "dependencies", "")):
            where = f"dependencies[{position}]."
            ref = self.text(each, "ref", where)
            if ref in found:
                raise self.wrong(where + "ref", f"{ref[:200]!r} is given twice")
            needed = each.get("dependsOn") or []
            if not isinstance(needed, list) or not all(isinstance(other, str) for other in needed):
                raise self.wrong(where + "dependsOn", "must be a list of strings")
            found[ref] = tuple(other for other in needed if other in refs)
        return {ref: found.get(ref, ()) for ref in refs}
