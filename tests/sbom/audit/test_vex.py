"""VEX documents: whom they are about, which statement counts, and how long."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sbom.audit.databases import audit_of, entry, folder_of, part

from repro.core.errors import FormatError
from repro.sbom.audit import Audit, Fate
from repro.sbom.vex import Named
from repro.sbom.vex_reading import EXPIRES, parse_vex

if TYPE_CHECKING:
    from pathlib import Path

SERIAL = "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79"
DEMO = "pkg:pypi/demo@1.0"
EARLY, LATE = "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """One vulnerability of demo, known by two names."""
    return folder_of(tmp_path / "db", entry("GHSA-1", aliases=["CVE-2026-1"]))


def openvex(*statements: dict[str, Any], **more: Any) -> bytes:  # noqa: ANN401 - JSON
    """An OpenVEX document; each statement says not affected of demo, but for what it says itself."""
    plain = {
        "vulnerability": {"name": "CVE-2026-1"},
        "products": [{"@id": DEMO}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_present",
    }
    head = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.org/vex", "author": "A"}
    body = {"timestamp": EARLY, "version": 1, "statements": [{**plain, **each} for each in statements]}
    return json.dumps({**head, **body, **more}).encode()


def cyclonedx(*vulnerabilities: dict[str, Any], **more: Any) -> bytes:  # noqa: ANN401 - JSON
    """A CycloneDX document with vulnerabilities; each is analysed as not affecting demo, but for its own."""
    plain = {"id": "CVE-2026-1", "analysis": {"state": "not_affected"}, "affects": [{"ref": DEMO}]}
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"timestamp": EARLY}}
    return json.dumps(
        {**head, "vulnerabilities": [{**plain, **one} for one in vulnerabilities], **more}
    ).encode()


def audited_with(database: Path, *documents: bytes, **more: Any) -> Audit:  # noqa: ANN401 - see audit_of
    """Audit demo with these documents."""
    vex = [one for data in documents for one in parse_vex(data, name="vex.json", serial=SERIAL)]
    demo = part(DEMO, inside="holder")
    return audit_of(database, part("pkg:nix/demo@1.0?output=out", ref="holder"), demo, vex=vex, **more)


def fate(database: Path, *documents: bytes, **more: Any) -> Fate:  # noqa: ANN401 - see audit_of
    """What became of the one finding."""
    (found,) = audited_with(database, *documents, **more).vulnerabilities
    return found.fate


@pytest.mark.parametrize(
    ("product", "silences"),
    [
        ({"@id": DEMO}, True),
        ({"@id": "pkg:pypi/Demo"}, True),
        ({"@id": "https://example.org/demo", "identifiers": {"purl": DEMO}}, True),
        ({"@id": "pkg:nix/demo"}, True),
        ({"@id": "pkg:generic/app@1"}, True),
        ({"@id": "pkg:generic/app", "subcomponents": [{"@id": DEMO}]}, True),
        ({"@id": "pkg:generic/app", "subcomponents": [{"@id": "pkg:pypi/other"}]}, False),
        ({"@id": "pkg:generic/app@2", "subcomponents": [{"@id": DEMO}]}, False),
        ({"@id": "pkg:generic/elsewhere", "subcomponents": [{"@id": DEMO}]}, False),
        ({"@id": "pkg:pypi/demo@2.0"}, False),
        ({"@id": "pkg:nix/demo?output=dev"}, False),
        ({"@id": "pkg:pypi/demo@1.0?extra=x"}, False),
        ({"@id": "pkg:"}, False),
        ({}, False),
    ],
)
def test_a_statement_is_about_its_product_and_no_other(
    database: Path, product: dict[str, Any], *, silences: bool
) -> None:
    """A statement counts for the component it names, for what that holds, and within the product it names."""
    found = fate(database, openvex({"products": [product]}))
    assert found is (Fate.SILENCED if silences else Fate.OPEN)


def test_a_statement_names_a_file_by_its_hash(database: Path) -> None:
    """A product may be named by SHA-256 alone."""
    digest = "ab" * 32
    named = Named(sha256=digest)
    from repro.core.digest import Digest

    assert named.fits(part(DEMO, digests=(Digest("sha256", digest),)))
    assert not named.fits(part(DEMO))
    assert not Named().fits(part("", ref="x", name=""))
    assert database.is_dir()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("not_affected", Fate.SILENCED),
        ("fixed", Fate.SILENCED),
        ("affected", Fate.OPEN),
        ("under_investigation", Fate.OPEN),
    ],
)
def test_only_two_statuses_silence(database: Path, status: str, expected: Fate) -> None:
    """`not_affected` and `fixed` silence; the others are told beside the finding."""
    audit = audited_with(database, openvex({"status": status}))
    assert audit.vulnerabilities[0].fate is expected
    assert (
        status.replace("under_investigation", "in triage").replace("_", " ") in audit.vulnerabilities[0].why
    )


def test_the_latest_statement_counts_and_of_two_at_once_the_worse(database: Path) -> None:
    """Statements supersede each other by time across documents; a tie is decided for the more severe."""
    safe: dict[str, Any] = {}
    hurt = {"status": "affected", "action_statement": "update"}
    assert fate(database, openvex({**hurt, "timestamp": LATE}), openvex(safe)) is Fate.OPEN
    assert fate(database, openvex(hurt), openvex({**safe, "timestamp": LATE})) is Fate.SILENCED
    assert fate(database, openvex(hurt, safe)) is fate(database, openvex(safe, hurt)) is Fate.OPEN
    undated = cyclonedx({"analysis": {"state": "exploitable"}}, metadata={})
    assert fate(database, openvex(safe), undated) is Fate.SILENCED


def test_a_statement_of_the_future_does_not_count_yet(database: Path) -> None:
    """What is dated after the audit silences nothing, and supersedes nothing."""
    assert fate(database, openvex({"timestamp": "2027-01-01T00:00:00Z"})) is Fate.OPEN


def test_a_statement_that_expired_silences_no_longer_and_is_said(database: Path) -> None:
    """By its property, by its age, or for want of a date where an age is asked for."""
    ended = [{"name": EXPIRES, "value": "2026-11-21"}]
    audit = audited_with(database, cyclonedx({"properties": ended}))
    assert audit.vulnerabilities[0].fate is Fate.OPEN
    assert audit.vulnerabilities[0].why == "its VEX statement expired on 2026-11-21"
    later = [{"name": EXPIRES, "value": "2026-11-22"}]
    assert fate(database, cyclonedx({"properties": later})) is Fate.SILENCED
    month = timedelta(days=30)
    audit = audited_with(database, openvex({}), vex_max_age=month)
    assert audit.vulnerabilities[0].why == "its VEX statement is of 2026-10-01, older than 30 days"
    assert fate(database, openvex({"timestamp": LATE}), vex_max_age=month) is Fate.SILENCED
    audit = audited_with(database, cyclonedx({}, metadata={}), vex_max_age=month)
    assert audit.vulnerabilities[0].why == "its VEX statement has no date"


def test_an_older_statement_does_not_stand_in_for_one_that_expired(database: Path) -> None:
    """The latest counts even where it has ended: what it superseded stays superseded."""
    ended = {
        "properties": [{"name": EXPIRES, "value": "2026-11-02"}],
        "analysis": {"state": "not_affected", "lastUpdated": LATE},
    }
    assert fate(database, openvex({}), cyclonedx(ended)) is Fate.OPEN


@pytest.mark.parametrize(
    ("ref", "more", "silences"),
    [
        (DEMO, {}, True),
        (f"{SERIAL.replace('uuid', 'cdx')}/1#{DEMO.replace('@', '%40')}", {}, True),
        (f"urn:cdx:{'0' * 8}-0000-0000-0000-{'0' * 12}/1#{DEMO}", {}, False),
        ("1", {"components": [{"type": "library", "name": "d", "bom-ref": "1", "purl": DEMO}]}, True),
        ("holder", {"serialNumber": SERIAL}, True),
        ("holder", {}, False),
        (DEMO, {"metadata": {"component": {"type": "application", "name": "app", "version": "1"}}}, True),
        (DEMO, {"metadata": {"component": {"type": "application", "name": "other"}}}, False),
        (DEMO, {"metadata": {"component": {"name": "app", "purl": "pkg:generic/app@2"}}}, False),
    ],
)
def test_cyclonedx_refers_by_link_by_component_or_by_package_url(
    database: Path, ref: str, more: dict[str, Any], *, silences: bool
) -> None:
    """A reference counts where it leads into this SBOM, and a document about another product does not."""
    found = fate(database, cyclonedx({"affects": [{"ref": ref}]}, **more))
    assert found is (Fate.SILENCED if silences else Fate.OPEN)


def test_what_cyclonedx_says_of_some_versions_only_silences_nothing(database: Path) -> None:
    """Ranges of versions in `affects` are not read, so they do not silence."""
    some = [{"ref": DEMO, "versions": [{"version": "1.0", "status": "unaffected"}]}]
    assert fate(database, cyclonedx({"affects": some})) is Fate.OPEN


def test_a_vulnerability_is_known_by_all_its_names(database: Path) -> None:
    """An alias in the statement, in any case, meets an alias in the database."""
    alias = {"vulnerability": {"name": "VENDOR-7", "aliases": ["ghsa-1"]}}
    assert fate(database, openvex(alias)) is Fate.SILENCED
    other = cyclonedx({"id": "VENDOR-7", "references": [{"id": "GHSA-1", "source": {"name": "GitHub"}}]})
    assert fate(database, other) is Fate.SILENCED
    assert fate(database, openvex({"vulnerability": {"name": "CVE-2026-11"}})) is Fate.OPEN


BROKEN = {
    "no_json": b"{",
    "a_list": b"[]",
    "neither": b'{"@context": "https://example.org"}',
    "not_affected_without_a_reason": openvex({"justification": None}),
    "an_unknown_status": openvex({"status": "ignored"}),
    "an_unknown_state": cyclonedx({"analysis": {"state": "wontfix"}}),
    "products_is_a_word": openvex({"products": DEMO}),
    "a_time_that_is_none": openvex({"timestamp": "soon"}),
    "an_expiry_that_is_none": cyclonedx({"properties": [{"name": EXPIRES, "value": "never"}]}),
    "aliases_of_numbers": openvex({"vulnerability": {"name": "CVE-1", "aliases": [1]}}),
}


@pytest.mark.parametrize("defect", BROKEN)
def test_a_document_that_is_none_is_refused(defect: str) -> None:
    """A VEX document that breaks its specification is refused whole, by name."""
    with pytest.raises(FormatError, match=r"vex\.json"):
        parse_vex(BROKEN[defect], name="vex.json")


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["vulnerability", "products", "status", "timestamp", "justification"]),
        st.none()
        | st.booleans()
        | st.text(max_size=4)
        | st.lists(st.dictionaries(st.just("@id"), st.text(max_size=4)), max_size=2),
    )
)
def test_any_statement_is_read_or_a_format_error(fields: dict[str, Any]) -> None:
    """Whatever stands in a statement, it is read or refused in the house's words."""
    try:
        parse_vex(openvex(fields), name="vex.json")
    except FormatError as error:
        assert "vex.json" in error.message  # noqa: PT017 - any of two ends is right


def test_times_without_a_zone_are_utc() -> None:
    """A day alone is its first moment, in UTC."""
    (found,) = parse_vex(cyclonedx({"properties": [{"name": EXPIRES, "value": "2026-11-21"}]}), name="v")
    assert found.expires == datetime(2026, 11, 21, tzinfo=UTC)
