"""An inventory as SPDX 2.3, by the model and the converters of spdx-tools (extra `spdx`).

What SPDX has no field for stands in a package's comment, a line each. Hashes by which a check compares, of
contents and of distributions, are external references of category OTHER, whose names may hold no colon.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from repro import __version__
from repro.core.digest import of_bytes
from repro.core.errors import ExtraMissing
from repro.sbom.component import CONTENT_HASHES, Kind
from repro.sbom.cyclonedx import FINDING, require_sound
from repro.sbom.evidence import distributions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.sbom.component import Component, Inventory, Licence

NAMESPACE = "https://spdx.org/spdxdocs/"

DISTRIBUTION = "repro-distribution"
"""Type of an external reference: the digest of a file that a package may be installed or was fetched from."""

PURPOSES = {Kind.DATA: "OTHER", Kind.OPERATING_SYSTEM: "OPERATING_SYSTEM"}
"""SPDX's word for what a package is, where it is not CycloneDX's."""

_LOCATION = re.compile(r"(?:https?|ftp|(?:git|hg|svn|bzr)(?:\+[a-z]+)?)://[^\s/?#]+\.[^\s]+")


def spdx_document(inventory: Inventory, *, created: str) -> dict[str, Any]:
    """The document's values, in the order that the inventory's references have. Raises ExtraMissing."""
    model = _Model(inventory)
    from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter

    converter: Any = DocumentConverter  # typed at run time only
    value: dict[str, Any] = converter().convert(model.document(created))
    return value


class _Model:
    """One inventory on its way into the model of spdx-tools."""

    def __init__(self, inventory: Inventory) -> None:
        try:
            from spdx_tools.spdx import model
        except ImportError as error:
            raise ExtraMissing(
                "SPDX needs the library spdx-tools, which is not installed",
                hint="pip install 'repro-toolchain[spdx]'",
            ) from error
        from license_expression import get_spdx_licensing

        require_sound(inventory)
        self.model: Any = model
        self.parse = get_spdx_licensing().parse
        self.inventory = inventory
        self.parts = (inventory.target, *sorted(inventory.components, key=lambda each: each.ref))
        self.ids = {part.ref: _id(part) for part in self.parts}
        self.words: dict[str, str] = {}

    def document(self, created: str) -> Any:  # noqa: ANN401 - the library types its models at run time
        model = self.model
        packages = [self.package(part) for part in self.parts]
        name = self.inventory.target.name
        return model.Document(
            creation_info=model.CreationInfo(
                spdx_version="SPDX-2.3",
                spdx_id="SPDXRef-DOCUMENT",
                name=name,
                document_namespace=NAMESPACE,
                creators=[model.Actor(model.ActorType.TOOL, f"repro-{__version__}")],
                created=datetime.fromisoformat(created),
                document_comment="\n".join(self.remarks()) or None,
            ),
            packages=packages,
            relationships=list(self.relationships()),
            extracted_licensing_info=[
                model.ExtractedLicensingInfo(license_id=ref, extracted_text=text, license_name=text)
                for ref, text in sorted(self.words.items())
            ],
        )

    def remarks(self) -> Iterator[str]:
        yield from (f"{name}: {value}" for name, value in sorted(set(self.inventory.properties)))
        yield from (f"{FINDING}: {each.where}: {each.what}" for each in self.inventory.findings)

    def package(self, part: Component) -> Any:  # noqa: ANN401 - see document
        model = self.model
        urls = {each.kind: each.url for each in reversed(part.references)}
        location = urls.get("distribution") or urls.get("source-distribution") or urls.get("vcs") or ""
        return model.Package(
            spdx_id=self.ids[part.ref],
            name=part.name,
            version=part.version or None,
            download_location=location if _LOCATION.fullmatch(location) else model.SpdxNoAssertion(),
            homepage=urls["website"] if _LOCATION.fullmatch(urls.get("website", "")) else None,
            files_analyzed=False,
            checksums=[
                model.Checksum(model.ChecksumAlgorithm[digest.algorithm.upper()], digest.hex)
                for digest in sorted(set(part.digests))
                if digest.algorithm.upper() in model.ChecksumAlgorithm.__members__
            ],
            license_concluded=model.SpdxNoAssertion(),
            license_declared=self.licence(part.licences),
            copyright_text=model.SpdxNoAssertion(),
            description=part.description or None,
            comment="\n".join(_remarks(part)) or None,
            external_references=list(self.references(part)),
            primary_package_purpose=model.PackagePurpose[PURPOSES.get(part.kind, part.kind.upper())],
        )

    def references(self, part: Component) -> Iterator[Any]:
        model = self.model
        kinds = model.ExternalPackageRefCategory
        if part.purl:
            yield model.ExternalPackageRef(kinds.PACKAGE_MANAGER, "purl", part.purl)
        if part.cpe:
            kind = "cpe23Type" if part.cpe.startswith("cpe:2.3:") else "cpe22Type"
            yield model.ExternalPackageRef(kinds.SECURITY, kind, part.cpe)
        for name, value in sorted(set(part.properties)):
            if name in CONTENT_HASHES:
                yield model.ExternalPackageRef(kinds.OTHER, name.replace(":", "-"), value)
        for algorithm, values in sorted(distributions(part).items()):
            for value in sorted(values):
                yield model.ExternalPackageRef(kinds.OTHER, DISTRIBUTION, f"{algorithm}:{value}")

    def licence(self, licences: tuple[Licence, ...]) -> Any:  # noqa: ANN401 - an expression or no assertion
        """All statements joined by AND; words that are no expression become LicenseRefs with those words."""
        stated = sorted({self.expression(each) for each in licences if each.expression or each.name})
        if not stated:
            return self.model.SpdxNoAssertion()
        return self.parse(" AND ".join(f"({each})" if " " in each else each for each in stated))

    def expression(self, licence: Licence) -> str:
        if licence.expression:
            for ref in re.findall(r"LicenseRef-[A-Za-z0-9.-]+", licence.expression):
                self.words.setdefault(ref, ref)
            return licence.expression
        ref = f"LicenseRef-{of_bytes(licence.name.encode(errors='surrogateescape')).short}"
        self.words[ref] = licence.name
        return ref

    def relationships(self) -> Iterator[Any]:
        model, kinds = self.model, self.model.RelationshipType
        target = self.ids[self.inventory.target.ref]
        yield model.Relationship("SPDXRef-DOCUMENT", kinds.DESCRIBES, target)
        for part in self.parts:
            own = self.ids[part.ref]
            needed = sorted({self.ids[ref] for ref in self.inventory.needs.get(part.ref, ())})
            for other in needed:
                yield model.Relationship(own, kinds.DEPENDS_ON, other)
            if not needed:  # a leaf says so
                yield model.Relationship(own, kinds.DEPENDS_ON, model.SpdxNone())
            if part.inside:
                yield model.Relationship(self.ids[part.inside], kinds.CONTAINS, own)


def _id(part: Component) -> str:
    """Letters, digits, `.` and `-` (SPDX 2.3, section 7.2); what tells references apart stays in a digest."""
    words = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{part.name}-{part.version}").strip("-")[:80]
    return f"SPDXRef-{words}-{of_bytes(part.ref.encode(errors='surrogateescape')).hex[:16]}"


def _remarks(part: Component) -> Iterator[str]:
    if part.author:
        yield f"author: {part.author}"
    for patch in part.patches:
        resolved = ", ".join(sorted(set(patch.resolves)))
        yield f"patch: {patch.name}" + (f" resolves {resolved}" if resolved else "")
    for name, value in sorted(set(part.properties)):
        if name not in CONTENT_HASHES:
            yield f"{name}: {value}"
