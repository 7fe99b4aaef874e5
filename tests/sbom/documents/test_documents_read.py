"""SBOMs of strangers: what is none, is too much or contradicts itself is refused; what is other is read."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sbom.inventories import LIBRARY, WHOLE

from repro.core.errors import FormatError
from repro.sbom import reading
from repro.sbom.document import Format, written
from repro.sbom.reading import parse_sbom

HEAD = '{"bomFormat": "CycloneDX", "specVersion": "1.6", '
XML = '<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6">'


def cyclonedx(**fields: Any) -> bytes:  # noqa: ANN401 - JSON
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", **fields}).encode()


def spdx(**fields: Any) -> bytes:  # noqa: ANN401 - JSON
    return json.dumps({"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", **fields}).encode()


MANY = 250_001
PART = {"type": "library", "name": "a", "bom-ref": "a"}
PACKAGE = {"SPDXID": "SPDXRef-a", "name": "a"}

WRONG = {
    "empty": (b"", "not JSON"),
    "no_json": (b"hello", "not JSON"),
    "a_list": (b"[]", "a JSON object was expected"),
    "neither_format": (b"{}", "no SBOM that is known"),
    "byte_order_mark": (b"\xef\xbb\xbf" + cyclonedx(), "byte order mark"),
    "invalid_utf8": (HEAD.encode() + b'"serialNumber": "\xff"}', "utf-8"),
    "utf16": (cyclonedx().decode().encode("utf-16"), "utf-8|not JSON"),
    "duplicate_key": (HEAD.encode() + b'"components": [], "components": []}', "given twice"),
    "nan": (HEAD.encode() + b'"version": NaN}', "NaN"),
    "infinity": (HEAD.encode() + b'"version": 1e999}', "larger than a double"),
    "deep_nesting": (HEAD.encode() + b'"x": ' + b"[" * 5000 + b"]" * 5000 + b"}", "levels deep"),
    "deep_components": (
        HEAD.encode() + b'"components": [{"name": "a", "components": [' * 150 + b"]}]" * 150 + b"}",
        "levels deep|not JSON|given twice",
    ),
    "lone_surrogate": (HEAD.encode() + b'"serialNumber": "\\ud800"}', "surrogate"),
    "old_version": (cyclonedx(specVersion="1.1"), "1.1.*not read"),
    "future_version": (cyclonedx(specVersion="2.0"), "2.0.*not read"),
    "version_is_a_number": (cyclonedx(specVersion=1.6), "1.6.*not read"),
    "duplicate_ref": (cyclonedx(components=[PART, PART]), "'a' is given twice"),
    "duplicate_ref_below": (cyclonedx(components=[{**PART, "components": [PART]}]), "given twice"),
    "duplicate_ref_of_target": (
        cyclonedx(metadata={"component": {**PART, "name": "b"}}, components=[PART]),
        "given twice",
    ),
    "duplicate_dependency": (cyclonedx(dependencies=[{"ref": "a"}, {"ref": "a"}]), "given twice"),
    "no_name": (cyclonedx(components=[{"type": "library"}]), r"components\[0\].name: missing"),
    "name_is_a_number": (cyclonedx(components=[{**PART, "name": 1}]), "must be a string, not a number"),
    "components_are_a_table": (cyclonedx(components={}), "must be a list of objects"),
    "components_are_words": (cyclonedx(components=["a"]), "must be a list of objects"),
    "metadata_is_a_list": (cyclonedx(metadata=[]), "must be an object, not a list"),
    "needs_are_a_word": (cyclonedx(dependencies=[{"ref": "a", "dependsOn": "b"}]), "list of strings"),
    "hash_too_short": (
        cyclonedx(components=[{**PART, "hashes": [{"alg": "SHA-256", "content": "ab"}]}]),
        "not a sha256 digest",
    ),
    "many_references": (HEAD.encode() + b'"x": "' + b'\\"bom-ref\\"' * 2 + b'"bom-ref"' * MANY, "more than"),
    "many_objects": (HEAD.encode() + b"{" * 6_000_001, "more than"),
    "spdx_old": (spdx(spdxVersion="SPDX-2.1"), "SPDX-2.1.*not read"),
    "spdx_3": (spdx(spdxVersion="SPDX-3.0"), "SPDX-3.0.*not read"),
    "spdx_duplicate_id": (spdx(packages=[PACKAGE, PACKAGE]), "given twice"),
    "spdx_no_id": (spdx(packages=[{"name": "a"}]), "SPDXID: missing"),
    "spdx_packages_are_words": (spdx(packages=["a"]), "must be a list of objects"),
    "spdx_wrong_checksum": (
        spdx(packages=[{**PACKAGE, "checksums": [{"algorithm": "SHA1", "checksumValue": "x"}]}]),
        "not a sha1 digest",
    ),
    "spdx_described_is_a_word": (spdx(documentDescribes="a"), "list of strings"),
    "xml_unclosed": (XML.encode(), "not XML"),
    "xml_other_root": (b"<html/>", "no CycloneDX"),
    "xml_other_version": (XML.replace("1.6", "1.0").encode() + b"</bom>", "1.0.*not read"),
    "xml_entities": (
        b'<!DOCTYPE bom [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + XML[21:].encode() + b"&b;</bom>",
        "document type or entities",
    ),
    "xml_external": (
        b'<!DOCTYPE bom SYSTEM "file:///etc/passwd">' + XML[21:].encode() + b"</bom>",
        "document type or entities",
    ),
    "xml_deep": (XML.encode() + b"<components>" * 300 + b"</components>" * 300 + b"</bom>", "levels deep"),
    "xml_invalid_utf8": (XML.encode() + b"<x>\xff</x></bom>", "not XML"),
    "xml_duplicate_ref": (
        XML.encode()
        + b"<components>"
        + b'<component type="library" bom-ref="a"><name>a</name></component>' * 2
        + b"</components></bom>",
        "given twice",
    ),
    "xml_many_components": (XML.encode() + b"<component" * (2 * MANY), "components, more than"),
}


@pytest.mark.parametrize(("data", "what"), WRONG.values(), ids=WRONG)
def test_what_is_no_sbom_is_refused(data: bytes, what: str) -> None:
    """Each defect is unparsable evidence (exit 1), told with the document's name and the place."""
    with pytest.raises(FormatError, match=what) as caught:
        parse_sbom(data, name="sbom.json")
    assert caught.value.message.startswith("sbom.json: ")
    assert caught.value.exit == 1


def test_a_million_components_are_refused_before_they_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document with 1,000,000 components is refused by a count of its bytes; the parser is not called."""
    part = b'{"type":"library","name":"a","bom-ref":"a"},'
    data = HEAD.encode() + b'"components": [' + part * 1_000_000 + b"{}]}"
    monkeypatch.setattr("repro.core.strictjson.parse", None)
    with pytest.raises(FormatError, match="1000000 references of components"):
        parse_sbom(data, name="sbom")


def test_components_without_references_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """References are not needed to be counted: components themselves are, at every depth."""
    monkeypatch.setattr("repro.sbom.cyclonedx_reading.MAX_COMPONENTS", 3)
    part = {"type": "library", "name": "a", "components": [{"type": "file", "name": "b"}]}
    with pytest.raises(FormatError, match=r"components\[1\].components\[0\]: more than the 3"):
        parse_sbom(cyclonedx(components=[part, part]), name="sbom")


def test_a_document_beyond_the_cap_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes are counted first, whatever the format."""
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    for data in (cyclonedx(), XML.encode()):
        with pytest.raises(FormatError, match="more than the 10 that are read"):
            parse_sbom(data, name="sbom")


def test_a_cycle_is_borne() -> None:
    """Components that need each other are no defect: Nix has none, Python packages have some."""
    refs = [{**PART, "bom-ref": ref} for ref in ("a", "b")]
    graph = [{"ref": "a", "dependsOn": ["b"]}, {"ref": "b", "dependsOn": ["a", "b"]}]
    found = parse_sbom(cyclonedx(components=refs, dependencies=graph), name="sbom").inventory
    assert (found.needs["a"], found.needs["b"]) == (("b",), ("a", "b"))


def test_what_others_write_is_read() -> None:
    """Groups, authors, services in the graph, unknown hashes and kinds: read, or read over and counted."""
    part = {
        "type": "machine-learning-model",
        "group": "@scope",
        "name": "model",
        "authors": [{"name": "Ada"}, {"name": "Bo"}],
        "hashes": [{"alg": "BLAKE3", "content": "ab"}, {"alg": "SHA-1", "content": "A" * 40}],
        "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Own"}}],
        "unknown": {"x": [1]},
    }
    found = parse_sbom(cyclonedx(components=[part], dependencies=[{"ref": "service"}]), name="sbom")
    (component,) = found.inventory.components
    assert (component.name, component.author, component.ref) == ("@scope/model", "Ada, Bo", "component 1")
    assert (found.skipped, [str(each) for each in component.digests]) == (1, ["sha1:" + "a" * 40])
    assert [each.expression or each.name for each in component.licences] == ["MIT", "Own"]


def test_spdx_of_ours_is_read_back() -> None:
    """SPDX keeps what a check needs: names, versions, package URLs, hashes of files and contents, needs."""
    found = parse_sbom(written(WHOLE, form=Format.SPDX_JSON), name="sbom").inventory
    library = next(each for each in found.components if each.name == LIBRARY.name)
    data = next(each for each in found.components if each.name == "data")
    assert (library.version, library.purl, library.cpe) == (LIBRARY.version, LIBRARY.purl, LIBRARY.cpe)
    assert set(library.digests) == set(LIBRARY.digests)
    assert set(library.properties) == {each for each in LIBRARY.properties if ":" in each[0]}
    assert found.target.name == "application"
    assert found.needs[found.target.ref] == (library.ref,)
    assert found.needs[library.ref] == (data.ref,)
    assert data.inside == library.ref


WORDS = [
    *("components", "name", "type", "bom-ref", "hashes", "alg", "content", "licenses", "license", "id"),
    *("metadata", "component", "dependencies", "ref", "dependsOn", "pedigree", "patches", "properties"),
    *("packages", "SPDXID", "relationships", "checksums", "externalRefs", "externalReferences"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.booleans())
@settings(max_examples=60)
def test_any_json_is_read_or_refused(value: object, as_spdx: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever stands where, the reader gives an SBOM or a FormatError, never another error."""
    fields = value if isinstance(value, dict) else {"components": value, "packages": value, "metadata": value}
    data = spdx(**fields) if as_spdx else cyclonedx(**fields)
    with suppress(FormatError):
        parse_sbom(data, name="sbom")


@given(st.integers(0, 3000), st.binary(max_size=3), st.sampled_from(Format))
@settings(max_examples=40)
def test_a_damaged_document_is_read_or_refused(place: int, junk: bytes, form: Format) -> None:
    """Bytes replaced anywhere in a document give an SBOM or a FormatError, never another error."""
    data = DOCUMENTS[form]
    place %= len(data)
    with suppress(FormatError):
        parse_sbom(data[:place] + junk + data[place + len(junk) :], name="sbom")


DOCUMENTS = {form: written(WHOLE, form=form) for form in Format}


def test_a_target_that_is_repeated_among_its_components_is_one() -> None:
    """Auditwheel lists its target as a component too: it is the same thing, not a second of its reference."""
    root = {**PART, "version": "1"}
    inner = {"type": "library", "name": "zlib", "bom-ref": "zlib"}
    graph = [{"ref": "a", "dependsOn": ["zlib"]}, {"ref": "zlib"}]
    data = cyclonedx(metadata={"component": root}, components=[root, inner], dependencies=graph)
    inventory = parse_sbom(data, name="sbom").inventory
    assert [each.name for each in inventory.components] == ["zlib"]
    assert inventory.needs == {"a": ("zlib",), "zlib": ()}
