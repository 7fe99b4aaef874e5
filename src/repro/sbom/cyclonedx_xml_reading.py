"""CycloneDX XML turned into the values that its JSON has, so that both are read by the same code."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from repro.core.errors import FormatError
from repro.core.strictjson import MAX_DEPTH
from repro.sbom.cyclonedx_reading import read_cyclonedx
from repro.sbom.reading import MAX_COMPONENTS, MAX_OBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from repro.sbom.reading import Sbom

NAMESPACE = "http://cyclonedx.org/schema/bom/"


def parse_xml(data: bytes, *, name: str) -> Sbom:
    """The SBOM in an XML document; FormatError for a document type, entities, and what exceeds the caps."""
    if data.count(b"<") > 2 * MAX_OBJECTS:
        raise FormatError(f"{name}: more than the {2 * MAX_OBJECTS} tags that are read")
    if (count := data.count(b"<component")) > 2 * MAX_COMPONENTS:
        raise FormatError(f"{name}: {count} components, more than the {MAX_COMPONENTS} that are read")
    root = _tree(data, name)
    space, _, tag = root.tag.removeprefix("{").rpartition("}")
    if tag != "bom" or not space.startswith(NAMESPACE):
        raise FormatError(f"{name}: no CycloneDX: the root is {root.tag[:200]!r}")
    metadata = _first(root, "metadata")
    value = {
        "specVersion": space.removeprefix(NAMESPACE),
        "serialNumber": root.get("serialNumber"),
        "metadata": _metadata(metadata) if metadata is not None else None,
        "components": [_component(each) for each in _items(root, "components")],
        "dependencies": [
            {"ref": each.get("ref"), "dependsOn": [other.get("ref") or "" for other in each]}
            for each in _items(root, "dependencies")
        ],
    }
    return read_cyclonedx(value, name=name, encoding="XML")


def _tree(data: bytes, name: str) -> Element:
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    depth = 0
    try:
        events = iterparse(BytesIO(data), events=("start", "end"), forbid_dtd=True)
        for event, _ in events:
            depth += 1 if event == "start" else -1
            if depth > MAX_DEPTH:
                raise FormatError(f"{name}: nested more than {MAX_DEPTH} levels deep")
    except DefusedXmlException as error:
        raise FormatError(f"{name}: holds a document type or entities, which no SBOM needs") from error
    except (ParseError, ValueError, LookupError) as error:
        raise FormatError(f"{name}: not XML: {error}") from error
    found: Element = events.root
    return found


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _first(element: Element, tag: str) -> Element | None:
    return next((child for child in element if _local(child) == tag), None)


def _items(element: Element, tag: str) -> Iterator[Element]:
    """The children of a list's element."""
    holder = _first(element, tag)
    return iter(()) if holder is None else iter(holder)


def _text(element: Element, tag: str) -> str | None:
    child = _first(element, tag)
    return None if child is None else child.text or ""


def _metadata(element: Element) -> dict[str, Any]:
    component = _first(element, "component")
    return {
        "component": None if component is None else _component(component),
        "properties": _properties(element),
    }


def _component(element: Element) -> dict[str, Any]:
    words = ("group", "name", "version", "author", "description", "cpe", "purl")
    pedigree = _first(element, "pedigree")
    return {
        "type": element.get("type"),
        "bom-ref": element.get("bom-ref"),
        **{word: _text(element, word) for word in words},
        "hashes": _hashes(element),
        "licenses": [_licence(each) for each in _items(element, "licenses")],
        "pedigree": None
        if pedigree is None
        else {"patches": [_patch(each) for each in _items(pedigree, "patches")]},
        "externalReferences": [
            {
                "type": each.get("type"),
                "url": _text(each, "url"),
                "comment": _text(each, "comment"),
                "hashes": _hashes(each),
            }
            for each in _items(element, "externalReferences")
        ],
        "authors": [{"name": _text(each, "name")} for each in _items(element, "authors")],
        "properties": _properties(element),
        "components": [_component(each) for each in _items(element, "components")],
    }


def _hashes(element: Element) -> list[dict[str, Any]]:
    return [
        {"alg": each.get("alg"), "content": (each.text or "").strip()} for each in _items(element, "hashes")
    ]


def _properties(element: Element) -> list[dict[str, Any]]:
    return [{"name": each.get("name"), "value": each.text or ""} for each in _items(element, "properties")]


def _licence(element: Element) -> dict[str, Any]:
    if _local(element) == "expression":
        return {"expression": element.text or ""}
    if _local(element) == "expression-detailed":  # 1.7
        return {"expression": element.get("expression")}
    return {"license": {"id": _text(element, "id"), "name": _text(element, "name")}}


def _patch(element: Element) -> dict[str, Any]:
    diff = _first(element, "diff")
    return {
        "diff": None
        if diff is None
        else {"url": _text(diff, "url"), "text": {"content": _text(diff, "text")}},
        "resolves": [{"id": _text(each, "id")} for each in _items(element, "resolves")],
    }
