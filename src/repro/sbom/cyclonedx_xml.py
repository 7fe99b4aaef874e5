"""An inventory as CycloneDX XML, by cyclonedx-python-lib's model and serialiser.

The model takes most of a millisecond per component, in linear time: the library's own output classes, which
are quadratic, are left out. Its JSON is the yardstick of `repro.sbom.cyclonedx` in the tests.
"""

from __future__ import annotations

import re
import warnings
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID
from xml.etree import ElementTree as ET

from cyclonedx.model import (
    AttachedText,
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model import component as model
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component_evidence import ComponentEvidence
from cyclonedx.model.contact import OrganizationalContact
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.issue import IssueClassification, IssueType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.schema import SchemaVersion
from cyclonedx.schema.deprecation import BaseSchemaDeprecationWarning
from cyclonedx.schema.schema import SCHEMA_VERSIONS
from packageurl import PackageURL

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold (section 2.2)."""


def xml_bytes(value: Mapping[str, Any]) -> bytes:
    """The document that `repro.sbom.cyclonedx.document` gives, with its serial number, as XML."""
    spec = value["specVersion"]
    namespace = f"http://cyclonedx.org/schema/bom/{spec}"
    view = SCHEMA_VERSIONS[SchemaVersion.from_version(spec)]
    root = bom_of(value).as_xml(view_=view, as_string=False, xmlns=namespace)  # type: ignore[attr-defined]
    if "timestamp" not in value["metadata"]:  # the library knows no document without one
        metadata = root.find(f"{{{namespace}}}metadata")
        metadata.remove(metadata.find(f"{{{namespace}}}timestamp"))
    ET.indent(root, " ")
    text = ET.tostring(root, encoding="unicode", default_namespace=namespace)
    text = _FORBIDDEN.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode() + b"\n"


def bom_of(value: Mapping[str, Any]) -> Bom:
    """The library's model of a document."""
    with warnings.catch_warnings():  # what a later specification has deprecated is right in an earlier one
        warnings.simplefilter("ignore", BaseSchemaDeprecationWarning)
        return _bom(value)


def _bom(value: Mapping[str, Any]) -> Bom:
    metadata = value["metadata"]
    tools = metadata["tools"]
    parts = [_component(each) for each in value.get("components", ())]
    moment = metadata.get("timestamp")
    return Bom(
        serial_number=UUID(value["serialNumber"]),
        metadata=BomMetaData(
            component=_component(metadata["component"]),
            tools=ToolRepository(
                components=[
                    model.Component(
                        type=model.ComponentType.APPLICATION, name=each["name"], version=each["version"]
                    )
                    for each in (tools["components"] if isinstance(tools, dict) else tools)
                ]
            ),
            properties=_properties(metadata),
            timestamp=datetime.fromisoformat(moment) if moment else None,
        ),
        components=parts,
        dependencies=[
            Dependency(
                BomRef(each["ref"]), [Dependency(BomRef(other)) for other in each.get("dependsOn", ())]
            )
            for each in value["dependencies"]
        ],
    )


def _component(value: Mapping[str, Any]) -> model.Component:
    evidence = value.get("evidence")
    pedigree = value.get("pedigree")
    return model.Component(
        type=model.ComponentType(value["type"]),
        bom_ref=value["bom-ref"],
        name=value["name"],
        version=value.get("version"),
        author=value.get("author"),
        authors=[OrganizationalContact(name=each["name"]) for each in value.get("authors", ())],
        description=value.get("description"),
        hashes=_hashes(value),
        licenses=[_licence(each) for each in value.get("licenses", ())],
        cpe=value.get("cpe"),
        purl=PackageURL.from_string(value["purl"]) if "purl" in value else None,
        pedigree=model.Pedigree(patches=[_patch(each) for each in pedigree["patches"]]) if pedigree else None,
        external_references=[
            ExternalReference(
                type=ExternalReferenceType(each["type"]),
                url=XsUri(each["url"]),
                comment=each.get("comment"),
                hashes=_hashes(each),
            )
            for each in value.get("externalReferences", ())
        ],
        properties=_properties(value),
        components=[_component(each) for each in value.get("components", ())],
        evidence=ComponentEvidence(licenses=[_licence(each) for each in evidence["licenses"]])
        if evidence
        else None,
    )


def _hashes(value: Mapping[str, Any]) -> list[HashType]:
    return [
        HashType(alg=HashAlgorithm(each["alg"]), content=each["content"]) for each in value.get("hashes", ())
    ]


def _properties(value: Mapping[str, Any]) -> list[Property]:
    return [Property(name=each["name"], value=each["value"]) for each in value.get("properties", ())]


def _licence(value: Mapping[str, Any]) -> DisjunctiveLicense | LicenseExpression:
    if "expression" in value:
        return LicenseExpression(value["expression"])
    own = value["license"]
    return DisjunctiveLicense(id=own.get("id"), name=own.get("name"), text=_text(own))


def _text(value: Mapping[str, Any]) -> AttachedText | None:
    return AttachedText(content=value["text"]["content"]) if "text" in value else None


def _patch(value: Mapping[str, Any]) -> model.Patch:
    diff = value.get("diff")
    return model.Patch(
        type=model.PatchClassification(value["type"]),
        diff=model.Diff(text=_text(diff), url=XsUri(diff["url"]) if "url" in diff else None)
        if diff
        else None,
        resolves=[
            IssueType(type=IssueClassification(each["type"]), id=each["id"])
            for each in value.get("resolves", ())
        ],
    )
