"""An SBOM read, whoever wrote it: CycloneDX as JSON or XML, SPDX as JSON; capped before it is parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.errors import FormatError

if TYPE_CHECKING:
    from repro.sbom.component import Inventory

MAX_BYTES = 512 << 20
"""Cap on a document, in bytes; 100,000 components with hashes and licences take about 100 MB."""

MAX_OBJECTS = 6_000_000
"""Cap on the objects of a document, counted by their brackets before it is parsed."""

MAX_COMPONENTS = 250_000
"""Cap on components, counted by their references before a document is parsed and again after."""

REFERENCES = (b'"bom-ref"', b'"SPDXID"')
"""What stands once in each component, so that it can be counted without parsing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sbom:
    """A document that was read: what it says is there, and its format in words such as `CycloneDX 1.6 JSON`.

    `skipped` counts what was read over because this program has no use for it: hashes by algorithms it
    does not compute, and files of SPDX packages.
    """

    inventory: Inventory
    form: str
    serial: str = ""
    skipped: int = 0


def parse_sbom(data: bytes, *, name: str) -> Sbom:
    """The SBOM in `data`; `name` says in errors which document it was.

    Raises FormatError for what is none: more than the caps, no JSON or XML, a key or a reference given twice,
    a version of a specification that is not known, a value of another kind than the specification says.
    """
    if len(data) > MAX_BYTES:
        raise FormatError(f"{name}: {len(data)} bytes, more than the {MAX_BYTES} that are read")
    if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        from repro.sbom.cyclonedx_xml_reading import parse_xml

        return parse_xml(data, name=name)
    return _parse_json(data, name)


def _parse_json(data: bytes, name: str) -> Sbom:
    references = max(data.count(mark) for mark in REFERENCES)
    if references > MAX_COMPONENTS:
        raise FormatError(
            f"{name}: {references} references of components, more than the {MAX_COMPONENTS} that are read"
        )
    objects = data.count(b"{")
    if objects > MAX_OBJECTS:
        raise FormatError(f"{name}: {objects} objects, more than the {MAX_OBJECTS} that are read")
    value = strictjson.parse(data, name=name, max_bytes=MAX_BYTES)
    if not isinstance(value, dict):
        raise FormatError(f"{name}: no SBOM: a JSON object was expected")
    return _read(value, name)


def _read(value: dict[str, Any], name: str) -> Sbom:
    if value.get("bomFormat") == "CycloneDX":
        from repro.sbom.cyclonedx_reading import read_cyclonedx

        return read_cyclonedx(value, name=name)
    if "spdxVersion" in value:
        from repro.sbom.spdx_reading import read_spdx

        return read_spdx(value, name=name)
    raise FormatError(
        f'{name}: no SBOM that is known: neither bomFormat "CycloneDX" nor an spdxVersion',
        hint="read are CycloneDX 1.2 to 1.7 (JSON, XML) and SPDX 2.2 and 2.3 (JSON)",
    )
