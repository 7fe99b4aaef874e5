"""VEX documents read: OpenVEX 0.2.0 and the vulnerabilities of CycloneDX, both as JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from repro.core import strictjson
from repro.core.errors import CapError, FormatError
from repro.sbom.fields import Fields
from repro.sbom.vex import Named, Statement, Status, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_VEX = 64 << 20
"""Cap on a document, in bytes."""

MAX_STATEMENTS = 100_000
"""Cap on the statements of a document."""

EXPIRES = "repro:expires"
"""Property of a vulnerability in CycloneDX: the day or time from which its statement counts no longer."""

OPENVEX = "https://openvex.dev/ns"
"""How the context of an OpenVEX document begins."""

STATES = {
    "resolved": Status.FIXED,
    "resolved_with_pedigree": Status.FIXED,
    "exploitable": Status.AFFECTED,
    "in_triage": Status.IN_TRIAGE,
    "false_positive": Status.NOT_AFFECTED,
    "not_affected": Status.NOT_AFFECTED,
}
"""What CycloneDX calls them (1.6, vulnerabilities[].analysis.state)."""

STATUSES = {
    "not_affected": Status.NOT_AFFECTED,
    "affected": Status.AFFECTED,
    "fixed": Status.FIXED,
    "under_investigation": Status.IN_TRIAGE,
}
"""What OpenVEX calls them (0.2.0, "Status Labels")."""

_LINK = re.compile(r"urn:cdx:(?P<serial>[0-9a-fA-F-]{36})/[0-9]+#(?P<ref>.+)", re.DOTALL)


def parse_vex(data: bytes, *, name: str, serial: str = "") -> tuple[Statement, ...]:
    """The statements of a document; `serial` is that of the SBOM, which CycloneDX may refer to.

    Raises FormatError for what is no VEX document that is known, or contradicts its specification.
    """
    value = strictjson.parse(data, name=name, max_bytes=MAX_VEX)
    context = value.get("@context") if isinstance(value, dict) else None
    if isinstance(context, str) and context.startswith(OPENVEX):
        return _OpenVex(name).statements(value)
    if isinstance(value, dict) and value.get("bomFormat") == "CycloneDX":
        return _CycloneDx(name, value, serial).statements(value)
    raise FormatError(
        f"{name}: no VEX document that is known", hint="read are OpenVEX and CycloneDX, both as JSON"
    )


class _Vex(Fields):
    """What both formats need."""

    def capped(self, value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        found = self.tables(value, key, "")
        if len(found) > MAX_STATEMENTS:
            raise CapError(f"{self.name}: {len(found)} statements, more than the {MAX_STATEMENTS} read")
        return found

    def time(self, text: str, where: str) -> datetime | None:
        """A time of RFC 3339, or a day, in UTC; None for ""."""
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise self.wrong(where, f"not a time: {text[:80]!r}") from error
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    def first_time(self, *places: tuple[Mapping[str, Any], str], where: str) -> datetime | None:
        """The first of several times that is stated."""
        found = ((table, key) for table, key in places if table.get(key))
        return next((self.time(self.text(table, key, where), where + key) for table, key in found), None)

    def status(self, text: str, known: Mapping[str, Status], where: str) -> Status:
        if text not in known:
            raise self.wrong(where, f"{text[:80]!r} is none of {', '.join(known)}")
        return known[text]


class _OpenVex(_Vex):
    """Takes statements out of an OpenVEX document."""

    def statements(self, value: dict[str, Any]) -> tuple[Statement, ...]:
        found = []
        for position, each in enumerate(self.capped(value, "statements")):
            where = f"statements[{position}]."
            vulnerability = self.table(each, "vulnerability", where)
            names = (self.text(vulnerability, "name", where), self.text(vulnerability, "@id", where))
            aliases = vulnerability.get("aliases") or []
            if not isinstance(aliases, list) or not all(isinstance(one, str) for one in aliases):
                raise self.wrong(where + "vulnerability.aliases", "must be a list of strings")
            status = self.status(self.text(each, "status", where), STATUSES, where + "status")
            reasons = [self.text(each, key, where) for key in ("justification", "impact_statement")]
            if status is Status.NOT_AFFECTED and not any(reasons):
                raise self.wrong(
                    where + "status", "not_affected needs a justification or an impact_statement"
                )
            found.append(
                Statement(
                    names=frozenset(one.lower() for one in (*names, *aliases) if one),
                    subjects=tuple(self.subject(one, where) for one in self.products(each, value, where)),
                    status=status,
                    reason=next(filter(None, (*reasons, self.text(each, "status_notes", where))), ""),
                    at=self.first_time(
                        (each, "last_updated"),
                        (each, "timestamp"),
                        (value, "last_updated"),
                        (value, "timestamp"),
                        where=where,
                    ),
                    source=self.name,
                )
            )
        return tuple(found)

    def products(self, each: dict[str, Any], value: dict[str, Any], where: str) -> list[dict[str, Any]]:
        """Those of the statement, else of the document ("Inheritance Flow")."""
        holder = each if "products" in each else value
        return self.tables(holder, "products", where)

    def subject(self, product: dict[str, Any], where: str) -> Subject:
        parts = self.tables(product, "subcomponents", where + "products.")
        return Subject(
            product=self.named(product, where), parts=tuple(self.named(one, where) for one in parts)
        )

    def named(self, table: dict[str, Any], where: str) -> Named:
        identifiers = self.table(table, "identifiers", where)
        hashes = self.table(table, "hashes", where)
        ids = (self.text(table, "@id", where), self.text(identifiers, "purl", where))
        return Named(ids=tuple(filter(None, ids)), sha256=self.text(hashes, "sha-256", where).lower())


class _CycloneDx(_Vex):
    """Takes analyses out of a CycloneDX document: an SBOM with vulnerabilities, or a VEX beside one."""

    def __init__(self, name: str, value: dict[str, Any], serial: str) -> None:
        super().__init__(name)
        self.serial = serial.lower().removeprefix("urn:uuid:")
        own = self.text(value, "serialNumber", "").lower().removeprefix("urn:uuid:")
        self.is_same = bool(own) and own == self.serial
        self.metadata = self.table(value, "metadata", "")
        self.target = self.table(self.metadata, "component", "metadata.")
        parts = [self.target, *self.tables(value, "components", "")]
        self.parts = {ref: each for each in parts if (ref := self.text(each, "bom-ref", "components."))}

    def statements(self, value: dict[str, Any]) -> tuple[Statement, ...]:
        found = []
        for position, each in enumerate(self.capped(value, "vulnerabilities")):
            where = f"vulnerabilities[{position}]."
            analysis = self.table(each, "analysis", where)
            if "state" not in analysis:
                continue
            state = self.text(analysis, "state", where)
            reasons = [self.text(analysis, key, where) for key in ("detail", "justification")]
            found.append(
                Statement(
                    names=frozenset(self.names(each, where)),
                    subjects=(Subject(product=self.product(), parts=self.affected(each, where)),)
                    if self.affected(each, where)
                    else (),
                    status=self.status(state, STATES, where + "analysis.state"),
                    reason=next(filter(None, reasons), ""),
                    at=self.first_time(
                        (analysis, "lastUpdated"),
                        (analysis, "firstIssued"),
                        (each, "updated"),
                        (self.metadata, "timestamp"),
                        where=where,
                    ),
                    expires=self.expires(each, where),
                    source=self.name,
                )
            )
        return tuple(found)

    def names(self, each: dict[str, Any], where: str) -> list[str]:
        references = self.tables(each, "references", where)
        found = [self.text(one, "id", where) for one in (each, *references)]
        return [one.lower() for one in found if one]

    def expires(self, each: dict[str, Any], where: str) -> datetime | None:
        pairs = self.tables(each, "properties", where)
        stated = (self.text(one, "value", where) for one in pairs if one.get("name") == EXPIRES)
        times = [self.time(text, where + EXPIRES) for text in stated]
        return min((one for one in times if one is not None), default=None)

    def product(self) -> Named | None:
        """The product that the document is about; one without purl is known by its name and version."""
        if not self.target or self.is_same:
            return None
        purl = self.text(self.target, "purl", "metadata.component.")
        return Named(ids=(purl,)) if purl else Named(label=self.label(self.target))

    def label(self, table: dict[str, Any]) -> str:
        where = "metadata.component."
        group, name = self.text(table, "group", where), self.text(table, "name", where)
        full = f"{group}/{name}" if group else name
        return f"{full} {self.text(table, 'version', where)}".rstrip()

    def affected(self, each: dict[str, Any], where: str) -> tuple[Named, ...]:
        """What is affected, or not; ranges of versions are read over, so that they silence nothing."""
        found = []
        for one in self.tables(each, "affects", where):
            if "versions" not in one:
                found.append(self.named(self.text(one, "ref", where + "affects.")))
        return tuple(found)

    def named(self, ref: str) -> Named:
        """By BOM-Link into the SBOM, by a component of this document, or by package URL."""
        link = _LINK.fullmatch(ref)
        if link is not None:
            return Named(ids=(unquote(link["ref"]),) if link["serial"].lower() == self.serial else ())
        if self.is_same:
            return Named(ids=(ref,))
        purl = self.text(self.parts.get(ref, {}), "purl", "components.")
        ids = (purl, ref if ref.startswith("pkg:") else "")
        return Named(ids=tuple(filter(None, ids)))
