"""`repro audit`: hold an SBOM against a vulnerability database on this machine, with what VEX says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from repro.core.errors import DataError, UsageError
from repro.flows import config, sbom, sbom_tables
from repro.sbom.audit import Audit, Left, Vulnerability, audited
from repro.sbom.cvss import Level
from repro.sbom.osv_database import read_database
from repro.sbom.vex_reading import MAX_VEX, parse_vex
from repro.tools import clock
from repro.tools.files import disk_errors, read_capped

if TYPE_CHECKING:
    from pathlib import Path

    from repro.core.exits import Exit
    from repro.flows.tables import AuditTable
    from repro.sbom.component import Inventory
    from repro.sbom.vex import Statement

MAX_AGE_DAYS = 7
"""How old the newest entry of a database may be: exports are made daily."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vex:
    """A VEX document's file, and from when its statements count no longer."""

    file: Path
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for; None and "" stand for what `[audit]` of `repro.toml` says, or the default."""

    database: str = ""
    vex: tuple[Vex, ...] = ()
    severity: Level | None = None
    max_age_days: float | None = None
    vex_max_age_days: float | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """An audit, of which document, when, and from which severity a finding counts."""

    audit: Audit
    sbom: str
    at: datetime
    level: Level
    strict: bool = False

    @property
    def exit(self) -> Exit:
        """As `Audit.exit`."""
        return self.audit.exit(self.level, strict=self.strict)

    @property
    def counting(self) -> tuple[Vulnerability, ...]:
        """The findings that make it exit 1."""
        return self.audit.at_least(self.level)

    def to_dict(self) -> dict[str, Any]:
        """For `--json`; it holds no time of its own, so the same inputs give the same bytes."""
        audit, database = self.audit, self.audit.database
        return {
            "version": 1,
            "exit": int(self.exit),
            "sbom": self.sbom,
            "severity": str(self.level),
            "database": {
                "name": database.name,
                "entries": database.count,
                "newest": {name: moment.isoformat() for name, moment in database.newest.items()},
                "unread": list(database.unread),
                "unread_count": database.unread_count,
            },
            "audited": audit.audited,
            "vulnerabilities": [_vulnerability(each) for each in audit.vulnerabilities],
            "unknown": [{**_left(each), "id": each.id} for each in audit.unknown],
            "not_audited": [_left(each) for each in audit.not_audited],
            "unused_vex": [{"file": file, "vulnerability": name} for file, name in audit.unused],
        }


def _vulnerability(each: Vulnerability) -> dict[str, Any]:
    return {
        "id": each.id,
        "names": list(each.names),
        "component": each.component,
        "ref": each.ref,
        "purl": each.purl,
        "severity": str(each.level),
        "score": each.score,
        "summary": each.summary,
        "fixed": list(each.fixed),
        "status": str(each.fate),
        "why": each.why,
    }


def _left(each: Left) -> dict[str, str]:
    return {"component": each.component, "ref": each.ref, "why": each.why}


def audit(folder: Path, file: Path, wishes: Wishes, *, now: datetime | None = None) -> AuditReport:
    """Audit the SBOM in `file`, seen from `folder`; `now` is the present unless it is given.

    Raises UsageError where no database is named, DataError where there is none or it is too old, FormatError
    for an SBOM, a VEX document or a zip that cannot be read.
    """
    now = now or clock.now()
    wishes = completed(folder, wishes)
    document = sbom.read(folder, file)
    found = audit_inventory(folder, document.inventory, wishes, now=now, serial=document.serial)
    return AuditReport(
        audit=found, sbom=str(file), at=now, level=wishes.severity or Level.LOW, strict=wishes.strict
    )


def audit_inventory(
    folder: Path, inventory: Inventory, wishes: Wishes, *, now: datetime, serial: str = ""
) -> Audit:
    """The same of components, by wishes that are `completed`; `serial` is that of their SBOM."""
    return audited(
        inventory,
        partial(read_database, folder / wishes.database, name=wishes.database),
        [statement for each in wishes.vex for statement in _statements(folder, each, serial)],
        now=now,
        max_age=_days(MAX_AGE_DAYS if wishes.max_age_days is None else wishes.max_age_days),
        vex_max_age=_days(wishes.vex_max_age_days),
    )


def completed(folder: Path, wishes: Wishes) -> Wishes:
    """The wishes, with what `[audit]` of `repro.toml` says in place of what is missing."""
    try:
        root = config.find(folder)
    except UsageError:
        root = None
    table = sbom_tables.tables_of(root).audit if root else None
    if root and table:
        wishes = _joined(root, wishes, table)
    if not wishes.database:
        raise UsageError(
            "no vulnerability database is named",
            hint="name a folder or a zip of OSV entries: --db PATH, or [audit] database in repro.toml",
        )
    return wishes


def _joined(root: Path, wishes: Wishes, table: AuditTable) -> Wishes:
    own = tuple(
        Vex(
            file=root / each.file,
            expires=datetime.combine(each.expires, time(), UTC) if each.expires else None,
        )
        for each in table.vex
    )
    return replace(
        wishes,
        database=wishes.database or (str(root / table.database) if table.database else ""),
        vex=(*own, *wishes.vex),
        severity=wishes.severity or Level(table.severity),
        max_age_days=table.max_age_days if wishes.max_age_days is None else wishes.max_age_days,
        vex_max_age_days=wishes.vex_max_age_days or table.vex_max_age_days,
    )


def _days(count: float | None) -> timedelta | None:
    return None if count is None else timedelta(days=min(count, timedelta.max.days // 2))


def _statements(folder: Path, vex: Vex, serial: str) -> list[Statement]:
    place = folder / vex.file
    if not place.is_file():
        raise DataError(f"no file {vex.file}", hint="name a VEX document: OpenVEX or CycloneDX, as JSON")
    with disk_errors(f"reading {vex.file}"):
        data = read_capped(place, MAX_VEX)
    found = parse_vex(data, name=vex.file.name, serial=serial)
    if vex.expires is None:
        return list(found)
    return [replace(each, expires=min(each.expires or vex.expires, vex.expires)) for each in found]
