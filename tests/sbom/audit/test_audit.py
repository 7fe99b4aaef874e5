"""Components held against a database: what is found, what does not count, and what cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.sbom.audit.databases import FRESH, NOW, audit_of, entry, folder_of, inventory_of, part

from repro.core.errors import DataError
from repro.core.exits import Exit
from repro.sbom.audit import Audit, Fate
from repro.sbom.component import Patch
from repro.sbom.cvss import Level
from repro.sbom.oci_debian import SOURCE
from repro.sbom.vex import Named, Statement, Status, Subject

if TYPE_CHECKING:
    from pathlib import Path

BIG = 7.5


def open_ids(audit: Audit) -> list[str]:
    return [each.id for each in audit.of(Fate.OPEN)]


@pytest.mark.parametrize(
    ("purl", "ecosystem", "name", "kind"),
    [
        ("pkg:pypi/De.mo_x@1.0", "PyPI", "demo-x", "ECOSYSTEM"),
        ("pkg:cargo/demo@1.0.0", "crates.io", "demo", "SEMVER"),
        ("pkg:golang/github.com/Acme/demo@v1.0.0", "Go", "github.com/acme/demo", "SEMVER"),
        ("pkg:golang/stdlib@go1.22.1", "Go", "stdlib", "SEMVER"),
        ("pkg:npm/%40acme/demo@1.0.0", "npm", "@acme/demo", "SEMVER"),
        ("pkg:deb/debian/demo@1.0-1?distro=debian-12", "Debian:12", "demo", "ECOSYSTEM"),
        ("pkg:deb/ubuntu/demo@1.0-1?distro=ubuntu-22.04", "Ubuntu:22.04:LTS", "demo", "ECOSYSTEM"),
    ],
)
def test_a_package_url_finds_its_ecosystem(
    tmp_path: Path, purl: str, ecosystem: str, name: str, kind: str
) -> None:
    """Each type of package URL is looked up under its ecosystem's name of the package, and in its order."""
    if name == "demo-x":
        purl = purl.replace("De.mo_x", "demo.x")
    fix = {"fixed": "9999.0.0"}
    found = entry(package=name, ecosystem=ecosystem, events=[{"introduced": "0"}, fix], kind=kind)
    audit = audit_of(folder_of(tmp_path, found), purl)
    assert [(each.id, each.fixed, each.score) for each in audit.vulnerabilities] == [
        ("GHSA-1", ("9999.0.0",), BIG)
    ]
    assert audit.exit() is Exit.WRONG


def test_debian_is_asked_by_source_package_and_release(tmp_path: Path) -> None:
    """The source package decides, as `repro sbom` or the qualifier `upstream` states it, in that release."""
    database = folder_of(
        tmp_path,
        entry("D-12", package="openssl", ecosystem="Debian:12"),
        entry("D-11", package="openssl", ecosystem="Debian:11"),
    )
    purl = "pkg:deb/debian/libssl3@1.0?distro=debian-{}"
    ours = part(purl.format(12), properties=((SOURCE, "openssl 1.5-1"),))
    assert open_ids(audit_of(database, ours)) == ["D-12"]
    assert open_ids(audit_of(database, purl.format("11") + "&upstream=openssl")) == ["D-11"]
    left = audit_of(database, purl.format("13"), "pkg:deb/debian/libssl3@1.0?distro=debian-sid")
    assert (left.audited, len(left.not_audited), left.exit()) == (0, 3, Exit.NOT_CHECKED)


def test_names_of_one_vulnerability_are_one_finding(tmp_path: Path) -> None:
    """Entries joined by aliases, at any remove, are one finding, by its CVE, with the worst rating."""
    database = folder_of(
        tmp_path,
        entry("PYSEC-1", aliases=["GHSA-2"], severity=[]),
        entry("GHSA-2", aliases=["CVE-2026-1"], events=[{"introduced": "0"}, {"fixed": "3.0"}]),
        entry("OTHER-1", aliases=["CVE-2026-1"], severity=[], database_specific={"severity": "CRITICAL"}),
        entry("DEBIAN-CVE-2026-2", upstream=["CVE-2026-2"]),
    )
    found = audit_of(database, "pkg:pypi/demo@1.0").vulnerabilities
    assert [each.names for each in found] == [
        ("CVE-2026-1", "GHSA-2", "PYSEC-1", "OTHER-1"),
        ("CVE-2026-2", "DEBIAN-CVE-2026-2"),
    ]
    assert (found[0].level, found[0].score) == (Level.CRITICAL, BIG)
    assert set(found[0].fixed) == {"2.0", "3.0"}


def test_what_a_patch_resolves_is_listed_and_does_not_count(tmp_path: Path) -> None:
    """A CVE that a patch of the component, or of what holds it, resolves is no open finding."""
    database = folder_of(tmp_path, entry("GHSA-1", aliases=["CVE-2026-1"]), entry("GHSA-2"))
    patch = Patch(name="fix.patch", resolves=("cve-2026-1",))
    own = part("pkg:pypi/demo@1.0", patches=(patch,))
    audit = audit_of(database, own)
    assert open_ids(audit) == ["GHSA-2"]
    assert [(each.id, each.why) for each in audit.of(Fate.PATCHED)] == [
        ("CVE-2026-1", "resolved by patch fix.patch")
    ]
    holder = part("pkg:nix/python3-demo@1.0", patches=(patch,))
    held = part("pkg:pypi/demo@1.0", inside=holder.ref)
    assert open_ids(audit_of(database, holder, held)) == ["GHSA-2"]
    beside = part("pkg:pypi/demo@1.0")
    assert open_ids(audit_of(database, holder, beside)) == ["CVE-2026-1", "GHSA-2"]


def test_a_severity_is_a_threshold_and_the_unknown_is_above_it(tmp_path: Path) -> None:
    """Findings below the level do not make the exit code 1; one that nobody rated always does."""
    database = folder_of(tmp_path, entry("A"), entry("B", package="unrated", severity=[]))
    rated = audit_of(database, "pkg:pypi/demo@1.0")
    assert rated.exit(Level.HIGH) is Exit.WRONG
    assert rated.exit(Level.CRITICAL) is Exit.GOOD
    assert audit_of(database, "pkg:pypi/unrated@1.0").exit(Level.CRITICAL) is Exit.WRONG


def test_what_was_not_audited_is_listed_with_its_reason(tmp_path: Path) -> None:
    """Components that no entry could be about are listed; where all are, nothing was checked."""
    database = folder_of(tmp_path, entry())
    parts = (
        part("pkg:nix/demo@1.0"),
        part("pkg:cargo/demo@1.0.0"),
        part("pkg:pypi/demo"),
        part("", ref="nameless", name="nameless"),
        part("%%%", ref="broken", name="broken"),
    )
    audit = audit_of(database, *parts)
    why = {each.ref: each.why for each in audit.not_audited}
    assert why.keys() == {"app", *(each.ref for each in parts)}
    assert "pkg:nix" in why["pkg:nix/demo@1.0"]
    assert "crates.io" in why["pkg:cargo/demo@1.0.0"]
    assert audit.exit() is Exit.NOT_CHECKED
    more = audit_of(database, *parts, "pkg:pypi/demo@2.0")
    assert (more.exit(), more.exit(strict=True)) == (Exit.GOOD, Exit.WRONG)


def test_an_sbom_without_components_is_not_checked(tmp_path: Path) -> None:
    """Nothing to audit is no success."""
    assert audit_of(folder_of(tmp_path, entry())).exit() is Exit.NOT_CHECKED


def test_the_target_itself_is_audited(tmp_path: Path) -> None:
    """A wheel whose SBOM lists what it needs is itself a package of the database."""
    from functools import partial

    from repro.sbom.audit import audited
    from repro.sbom.osv_database import read_database

    database = folder_of(tmp_path, entry())
    audit = audited(inventory_of(target="pkg:pypi/demo@1.0"), partial(read_database, database), now=NOW)
    assert open_ids(audit) == ["GHSA-1"]


@pytest.mark.parametrize(
    ("version", "more"),
    [
        ("2004d_x", {}),
        ("1.0", {"events": [{"introduced": "0"}], "kind": "CALENDAR"}),
        ("1.0", {"events": [{"introduced": "0" * 40}], "kind": "GIT"}),
    ],
)
def test_an_entry_that_cannot_be_judged_is_no_pass(
    tmp_path: Path, version: str, more: dict[str, object]
) -> None:
    """Where version or range cannot be read, the answer is "could not tell", and it names the entry."""
    audit = audit_of(folder_of(tmp_path, entry(**more)), f"pkg:pypi/demo@{version}")  # type: ignore[arg-type]
    assert [each.id for each in audit.unknown] == ["GHSA-1"]
    assert audit.exit() is Exit.NOT_CHECKED


def test_an_entry_that_cannot_be_read_is_no_pass(tmp_path: Path) -> None:
    """A database with a damaged entry may miss what that one says: never exit code 0."""
    path = folder_of(tmp_path, entry())
    (path / "bad.json").write_text("{", encoding="utf-8")
    assert audit_of(path, "pkg:pypi/demo@2.0").exit() is Exit.NOT_CHECKED
    assert audit_of(path, "pkg:pypi/demo@1.0").exit() is Exit.WRONG


def test_an_old_database_and_one_of_the_future_are_refused(tmp_path: Path) -> None:
    """Age is counted per ecosystem that is asked for; a time to come hides the age, so it is refused."""
    from datetime import timedelta

    week = timedelta(days=7)
    mixed = folder_of(
        tmp_path / "mixed",
        entry("A", modified="2026-11-01T00:00:00Z"),
        entry("B", ecosystem="crates.io", modified=FRESH),
    )
    with pytest.raises(DataError, match="PyPI is of 2026-11-01, older than 7 days"):
        audit_of(mixed, "pkg:pypi/demo@1.0", max_age=week)
    assert audit_of(mixed, "pkg:cargo/demo@9.0.0", max_age=week).exit() is Exit.GOOD
    future = folder_of(tmp_path / "future", entry("A", modified="2027-01-01T00:00:00Z"))
    with pytest.raises(DataError, match="to come"):
        audit_of(future, "pkg:pypi/demo@1.0")


def test_findings_come_in_one_order_whatever_the_files_order(tmp_path: Path) -> None:
    """The same entries under other file names give the same audit."""
    entries = [entry(f"GHSA-{n}", aliases=["CVE-1"] if n % 2 else []) for n in range(6)]
    first = audit_of(folder_of(tmp_path / "a", *entries), "pkg:pypi/demo@1.0")
    second = audit_of(folder_of(tmp_path / "b", *entries[::-1]), "pkg:pypi/demo@1.0")
    assert first.vulnerabilities == second.vulnerabilities


def test_statements_about_nothing_are_told(tmp_path: Path) -> None:
    """A VEX statement about another vulnerability or another product silences nothing and is listed."""
    demo = Subject(product=Named(ids=("pkg:pypi/demo",)))
    elsewhere = Subject(product=Named(ids=("pkg:generic/elsewhere",)), parts=(Named(ids=("pkg:pypi/demo",)),))
    vex = [
        Statement(names=frozenset({"cve-9"}), subjects=(demo,), status=Status.NOT_AFFECTED, source="a"),
        Statement(names=frozenset({"ghsa-1"}), subjects=(elsewhere,), status=Status.FIXED, source="b"),
    ]
    audit = audit_of(folder_of(tmp_path, entry()), "pkg:pypi/demo@1.0", vex=vex)
    assert open_ids(audit) == ["GHSA-1"]
    assert audit.unused == (("a", "CVE-9"), ("b", "GHSA-1"))
