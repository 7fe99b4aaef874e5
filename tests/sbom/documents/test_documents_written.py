"""Documents: the same values as the library's own serialiser gives, valid, and the same bytes always."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from tests.sbom.inventories import FILE, LIBRARY, TARGET, WHOLE, inventories, plain

from repro.core.errors import FormatError, UsageError
from repro.sbom.component import Component, Inventory, Licence, Reference
from repro.sbom.cyclonedx import SPECS
from repro.sbom.cyclonedx_xml import bom_of
from repro.sbom.document import MANY, Format, written
from repro.sbom.reading import parse_sbom
from repro.sbom.validate import validated

ROOT = Path(__file__).parents[3]


def by_library(value: dict[str, Any]) -> dict[str, Any]:
    """The same document by cyclonedx-python-lib's model and its own output."""
    version = SchemaVersion.from_version(value["specVersion"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a complete graph
        text = make_outputter(bom_of(value), OutputFormat.JSON, version).output_as_string()
    found: dict[str, Any] = json.loads(text)
    return found


def unordered(value: Any) -> Any:  # noqa: ANN401 - JSON
    """A value whose lists are sorted: both writers sort sets, each in its own order."""
    if isinstance(value, dict):
        return {key: unordered(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted(map(unordered, value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


@pytest.mark.parametrize("spec", SPECS)
def test_a_document_with_everything_is_the_library_s_own(spec: str) -> None:
    """For each version of the specification, every field has the value that the library gives it."""
    value = json.loads(written(WHOLE, spec=spec, epoch="1700000000"))
    assert unordered(value) == unordered(by_library(value))


@given(inventories())
@settings(max_examples=8)
def test_any_document_is_the_library_s_own(inventory: Inventory) -> None:
    """Our writer and the library's serialiser give the same values for any inventory, in each version."""
    for spec in SPECS:
        value = json.loads(written(inventory, spec=spec, epoch="0"))
        assert unordered(value) == unordered(by_library(value))


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("form", [Format.CYCLONEDX_JSON, Format.CYCLONEDX_XML])
def test_the_official_schemas_accept_what_is_written(spec: str, form: Format) -> None:
    """CycloneDX's own schemas accept ours, with and without a time, for each version and both formats."""
    for inventory in (WHOLE, plain(3), replace(WHOLE, components=(), needs={})):
        for epoch in ("", "1700000000"):
            data = written(inventory, form=form, spec=spec, epoch=epoch)
            assert validated(data, name="sbom").violations == ()


@given(inventories())
@settings(max_examples=6)
def test_the_official_schemas_accept_any_inventory(inventory: Inventory) -> None:
    """Whatever words metadata holds, the documents are valid: addresses are made references first."""
    for form in (Format.CYCLONEDX_JSON, Format.CYCLONEDX_XML):
        assert validated(written(inventory, form=form), name="sbom").violations == ()


def test_spdx_tools_accepts_what_is_written() -> None:
    """SPDX's own validation accepts ours, with a time or with the first of 1970."""
    for inventory in (WHOLE, plain(3)):
        for epoch in ("", "1700000000"):
            data = written(inventory, form=Format.SPDX_JSON, epoch=epoch)
            assert validated(data, name="sbom").violations == ()


@given(inventories())
@settings(max_examples=8)
def test_what_is_written_is_read_back(inventory: Inventory) -> None:
    """JSON and XML say the same of every component: hashes, licences, patches, properties, graph, holders."""
    by_json = parse_sbom(written(inventory), name="json").inventory
    by_xml = parse_sbom(written(inventory, form=Format.CYCLONEDX_XML), name="xml").inventory
    stated = {each.ref: as_sets(each) for each in (inventory.target, *inventory.components)}
    for found in (by_json, by_xml):
        read = {each.ref: as_sets(each) for each in (found.target, *found.components)}
        assert {ref: set(needs) for ref, needs in found.needs.items()} == {
            ref: set(needs) for ref, needs in inventory.needs.items()
        }
        assert found.findings == inventory.findings
        assert read == stated


def as_sets(component: Component) -> dict[str, object]:
    """A component's fields, lists without order and repetition; licences and addresses change their form."""
    found: dict[str, object] = {}
    for field in fields(component):
        value = getattr(component, field.name)
        found[field.name] = set(value) if isinstance(value, tuple) else value
    found["references"] = len({(each.comment, frozenset(each.digests)) for each in component.references})
    found["licences"] = bool(component.licences)
    return found


@pytest.mark.parametrize("form", Format)
def test_order_of_components_changes_no_byte(form: Format) -> None:
    """The same inventory in another order, of components and of all lists in them, gives the same bytes."""
    library = replace(
        LIBRARY,
        licences=LIBRARY.licences[::-1],
        digests=LIBRARY.digests[::-1],
        references=LIBRARY.references[::-1],
        properties=LIBRARY.properties[::-1],
    )
    other = replace(WHOLE, components=(FILE, library), needs=dict(reversed(list(WHOLE.needs.items()))))
    assert written(other, form=form) == written(WHOLE, form=form)


@pytest.mark.parametrize("form", Format)
def test_the_surroundings_change_no_byte(form: Format, tmp_path: Path) -> None:
    """Two hash seeds, homes, folders, user names, time zones and languages give the same bytes."""
    code = (
        "import sys; from tests.sbom.inventories import WHOLE; from repro.sbom.document import *;"
        f"sys.stdout.buffer.write(written(WHOLE, form=Format({str(form)!r})))"
    )
    found = set()
    for seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland")):
        home = tmp_path / seed
        home.mkdir()
        env = {**os.environ, "PYTHONHASHSEED": seed, "HOME": str(home), "USER": seed, "TZ": zone}
        env["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "src")])
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, cwd=home, check=True, capture_output=True
        )
        found.add(done.stdout)
    assert found == {written(WHOLE, form=form)}


def test_the_serial_number_follows_from_the_content() -> None:
    """Another content has another serial number; the same has the same, in JSON and in XML."""
    first = parse_sbom(written(WHOLE), name="first").serial
    assert first.startswith("urn:uuid:")
    assert parse_sbom(written(WHOLE, form=Format.CYCLONEDX_XML), name="xml").serial == first
    other = replace(WHOLE, target=replace(TARGET, version="2"))
    assert parse_sbom(written(other), name="other").serial != first
    assert parse_sbom(written(WHOLE, epoch="1"), name="later").serial != first


@pytest.mark.parametrize("form", Format)
def test_the_only_time_is_that_of_source_date_epoch(form: Format) -> None:
    """SOURCE_DATE_EPOCH is written as it is; without it there is no year of today in the document."""
    assert b"2023-11-14T22:13:20" in written(WHOLE, form=form, epoch="1700000000")
    assert (b"1970-01-01" if form is Format.SPDX_JSON else b"") in written(WHOLE, form=form)
    assert b"timestamp" not in written(WHOLE, form=form)


@pytest.mark.parametrize("epoch", ["soon", "-1", "1.5", "1e9", "999999999999", " 1"])
def test_a_wrong_source_date_epoch_is_wrong_usage(epoch: str) -> None:
    """What is no number of seconds, or beyond the year 9999, is refused."""
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        written(WHOLE, epoch=epoch)


@pytest.mark.parametrize("form", Format)
def test_control_characters_stay_text(form: Format) -> None:
    """An escape sequence, a NUL or a byte in no encoding in a name leaves the document readable and valid."""
    evil = Component(ref="evil", name="ev\x1b[31mil\x00\udcff", description="a\x07b")
    data = written(Inventory(target=TARGET, components=(evil,), needs={}), form=form)
    assert validated(data, name="sbom").violations == ()
    assert b"\x1b" not in data
    assert b"\x00" not in data
    assert parse_sbom(data, name="sbom").inventory.components[0].name.startswith("ev")


@pytest.mark.parametrize("name", ["plain \x00\x1f\x7f\u2028 \U0001f600", "lone \udcff"])
@pytest.mark.parametrize("spec", SPECS)
def test_among_many_a_component_is_written_as_among_few(spec: str, name: str) -> None:
    """The encoder for long lists gives each component and its needs the very line that the other gives."""
    few = replace(WHOLE, components=(*WHOLE.components, Component(ref="~", name=name, description=name)))
    more = plain(MANY).components
    many = replace(few, components=(*few.components, *more), needs=few.needs)
    lines = [line.rstrip(b",") for line in written(few, spec=spec).splitlines()]
    other = {line.rstrip(b",") for line in written(many, spec=spec).splitlines()}
    assert [line for line in lines if line not in other and b"serialNumber" not in line] == []


@pytest.mark.parametrize(
    ("inventory", "what"),
    [
        (Inventory(target=TARGET, components=(TARGET,), needs={}), "same reference"),
        (Inventory(target=TARGET, components=(), needs={TARGET.ref: ("x",)}), "no component"),
        (Inventory(target=TARGET, components=(replace(FILE, inside="x"),), needs={}), "inside x"),
        (Inventory(target=TARGET, components=(replace(FILE, inside=FILE.ref),), needs={}), "inside"),
    ],
)
@pytest.mark.parametrize("form", Format)
def test_an_unsound_inventory_is_refused(inventory: Inventory, what: str, form: Format) -> None:
    """References that name two components or none, and components inside themselves, are not written."""
    with pytest.raises(FormatError, match=what):
        written(inventory, form=form)


def test_a_leaf_is_declared_empty() -> None:
    """Every component has its entry in the graph, also one that needs nothing."""
    value = json.loads(written(WHOLE))
    assert {"ref": FILE.ref} in value["dependencies"]
    assert {each["ref"] for each in value["dependencies"]} == {TARGET.ref, LIBRARY.ref, FILE.ref}


def test_licences_are_one_expression_where_all_are() -> None:
    """Several statements hold together; words that are no expression stand beside identifiers."""
    found = {each["bom-ref"]: each["licenses"] for each in components_of(written(WHOLE))}
    assert found[LIBRARY.ref] == [{"expression": "BSD-3-Clause AND (MIT OR Apache-2.0)"}]
    assert found[FILE.ref] == [{"license": {"id": "MIT"}}, {"license": {"name": "as the author says"}}]


def test_a_hash_of_a_nar_is_no_sha256() -> None:
    """NAR hashes are properties under their own name, never hashes of a file."""
    component = Component(ref="x", name="x", properties=(("repro:nix:narHash", "sha256-AAAA"),))
    (found,) = components_of(written(Inventory(target=TARGET, components=(component,), needs={})))
    assert "hashes" not in found
    assert found["properties"] == [{"name": "repro:nix:narHash", "value": "sha256-AAAA"}]


def test_kinds_of_references_that_a_version_has_not_are_other() -> None:
    """A kind that came with a later version is `other` in an earlier one."""
    component = Component(ref="x", name="x", references=(Reference(kind="source-distribution", url="x"),))
    inventory = Inventory(target=TARGET, components=(component,), needs={})
    kinds = [
        components_of(written(inventory, spec=spec))[0]["externalReferences"][0]["type"] for spec in SPECS
    ]
    assert kinds == ["other", "other", "source-distribution", "source-distribution"]


def test_texts_of_licences_are_evidence() -> None:
    """The text of a licence is kept, whole, whatever form the licence itself has."""
    component = Component(ref="x", name="x", licences=(Licence(expression="MIT", texts=(("L", "text"),)),))
    (found,) = components_of(written(Inventory(target=TARGET, components=(component,), needs={})))
    assert found["evidence"]["licenses"][0]["license"]["text"]["content"] == "text"


def components_of(data: bytes) -> list[dict[str, Any]]:
    """The components of a document at every depth."""
    left = list(json.loads(data)["components"])
    found = []
    while left:
        each = left.pop(0)
        left += each.get("components", [])
        found.append(each)
    return found


def test_an_address_of_ipv6_keeps_its_brackets() -> None:
    """The one place where RFC 3986 has brackets: around a host; elsewhere they are encoded."""
    url = "https://[::1]:80/a[1]"
    component = Component(ref="x", name="x", references=(Reference(kind="website", url=url),))
    data = written(Inventory(target=TARGET, components=(component,), needs={}))
    assert components_of(data)[0]["externalReferences"][0]["url"] == "https://[::1]:80/a%5B1%5D"


ADDRESSES = (
    *("https://example.org", "https://example.org:8080/a/b?c=d&e=/?#f?g", "pkg:pypi/a@1?b=c%2Fd", "a/b:c"),
    *(
        "https://ada@example.org/",
        "https://[::1]/",
        "git@example.org:a.git",
        "a:b",
        "//host/x",
        "é",
        "",
        "#x",
    ),
    *("https://a:b:c/", "https://a b", "http://[", "%zz", "a%2", "1:b", ":b", "a<b", "\\", "a#b#c"),
)


@pytest.mark.parametrize("url", ADDRESSES)
def test_addresses_are_judged_as_the_library_judges_them(url: str) -> None:
    """The quick answer about an address is that of the library's own check of formats."""
    part = {"type": "library", "name": "a", "externalReferences": [{"type": "other", "url": url}]}
    value = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [part]}
    official = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(value))
    assert bool(validated(json.dumps(value).encode(), name="sbom").violations) == bool(official)
