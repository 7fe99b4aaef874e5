"""Which vulnerabilities of a database the components of an SBOM have, and which of them count.

One finding is one vulnerability of one component, however many names and entries it has: entries are one
where one names the other as alias. A finding does not count where a patch in the SBOM resolves it, or where a
VEX statement in force silences it; both are listed. What could not be told is listed too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from repro.core.errors import DataError, FormatError
from repro.core.exits import Exit
from repro.sbom.cvss import Level, severity
from repro.sbom.ecosystems import Package, key_of, package_of
from repro.sbom.identity import label_of
from repro.sbom.ranges import Ruling, ruled
from repro.sbom.vex import SKEW, Said, Statement, said

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from repro.sbom.component import Component, Inventory
    from repro.sbom.osv import Entry
    from repro.sbom.osv_database import Database

    Reader = Callable[[Collection[tuple[str, str]]], Database]
    """Reads of a database what it says of packages: `functools.partial(read_database, path)`."""

FIRST_NAMES = ("CVE-", "GHSA-", "PYSEC-", "RUSTSEC-", "GO-")
"""Whose name a finding goes by, in this order, then any other."""


class Fate(StrEnum):
    """What became of a finding."""

    OPEN = "open"
    PATCHED = "patched"
    SILENCED = "silenced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """One vulnerability of one component: `names` are all its names, the one it goes by first.

    `fixed` are versions that no longer have it. `why` says what resolved or silenced it, or why the VEX
    statement about it does not.
    """

    component: str
    ref: str
    purl: str
    names: tuple[str, ...]
    level: Level
    score: float | None = None
    summary: str = ""
    fixed: tuple[str, ...] = ()
    fate: Fate = Fate.OPEN
    why: str = ""

    @property
    def id(self) -> str:
        """The name it goes by."""
        return self.names[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A component that was not audited, or an entry that could not be judged for it (`id`), and why."""

    component: str
    ref: str
    why: str
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What was found; `audited` counts components that the database could have told of.

    `unused` are VEX statements that are about no finding, by source and vulnerability.
    """

    vulnerabilities: tuple[Vulnerability, ...]
    audited: int
    not_audited: tuple[Left, ...]
    unknown: tuple[Left, ...]
    unused: tuple[tuple[str, str], ...]
    database: Database

    def of(self, fate: Fate) -> tuple[Vulnerability, ...]:
        """The findings of one fate."""
        return tuple(each for each in self.vulnerabilities if each.fate is fate)

    def at_least(self, level: Level) -> tuple[Vulnerability, ...]:
        """What counts: open and at least so severe; an unknown severity is."""
        return tuple(each for each in self.of(Fate.OPEN) if each.level.rank >= level.rank)

    def exit(self, level: Level = Level.NONE, *, strict: bool = False) -> Exit:
        """1 where something counts; else 3 where nothing or not all could be told.

        `strict`: components that are not audited count as wrong.
        """
        if self.at_least(level) or (strict and self.not_audited):
            return Exit.WRONG
        if not self.audited or self.unknown or self.database.unread_count:
            return Exit.NOT_CHECKED
        return Exit.GOOD


def audited(
    inventory: Inventory,
    reader: Reader,
    statements: Sequence[Statement] = (),
    *,
    now: datetime,
    max_age: timedelta | None = None,
    vex_max_age: timedelta | None = None,
) -> Audit:
    """Audit every component, the target included.

    Raises DataError where, of an ecosystem that is asked for, the newest entry is older than `max_age`, or
    where it lies in the future; and what reading the database raises.
    """
    parts = (inventory.target, *inventory.components)
    asked: list[tuple[Component, Package]] = []
    left: list[Left] = []
    for each in parts:
        try:
            asked.append((each, package_of(each)))
        except FormatError as error:
            if each is not inventory.target or each.purl:
                left.append(_left(each, error.message))
    database = reader({package.key for _, package in asked})
    covered = [(each, package) for each, package in asked if _is_covered(package, database)]
    missing = [(each, package) for each, package in asked if not _is_covered(package, database)]
    left += [_left(each, f"the database has nothing of {_place(package)}") for each, package in missing]
    _require_current(database, {package.ecosystem for _, package in covered}, now, max_age)
    work = _Work(
        holders={each.ref: each for each in parts},
        target=inventory.target,
        statements=_by_name(statements),
        now=now,
        vex_max_age=vex_max_age,
    )
    found: list[Vulnerability] = []
    unknown: list[Left] = []
    for component, package in covered:
        entries = database.packages.get(package.key, ())
        mine, unclear = _judged(package, entries)
        found += work.findings(component, mine)
        unknown += [_left(component, why, name) for name, why in unclear]
    return Audit(
        vulnerabilities=tuple(sorted(found, key=_order)),
        audited=len(covered),
        not_audited=tuple(sorted(left, key=lambda each: (each.why, each.component, each.ref))),
        unknown=tuple(sorted(unknown, key=lambda each: (each.component, each.ref, each.id))),
        unused=work.unused(statements),
        database=database,
    )


def _left(component: Component, why: str, name: str = "") -> Left:
    return Left(component=label_of(component) or component.ref, ref=component.ref, why=why, id=name)


def _order(each: Vulnerability) -> tuple[object, ...]:
    return (-each.level.rank, -(each.score or 0.0), each.component, each.id, each.ref)


def _place(package: Package) -> str:
    return f"{package.ecosystem}:{package.release}" if package.release else package.ecosystem


def _is_covered(package: Package, database: Database) -> bool:
    """Whether the database has entries of the package's ecosystem, and of its release where it has one."""
    if package.ecosystem not in database.newest:
        return False
    return not package.release or any(
        key_of(each, "")[0] == package.ecosystem and package.is_of(each) for each in database.releases
    )


def _require_current(
    database: Database, ecosystems: set[str], now: datetime, max_age: timedelta | None
) -> None:
    for ecosystem, newest in database.newest.items():
        if newest > now + SKEW:
            raise DataError(
                f"{database.name}: its newest entry of {ecosystem} is of {newest.date()}, which is to come",
                hint="its age cannot be told: check this machine's clock, or fetch the database again",
            )
        if max_age is not None and ecosystem in ecosystems and now - newest > max_age:
            raise DataError(
                f"{database.name}: its newest entry of {ecosystem} is of {newest.date()},"
                f" older than {max_age.days} days",
                hint="fetch the database again, or say with --max-age DAYS what is old",
            )


def _judged(
    package: Package, entries: Sequence[Entry]
) -> tuple[list[tuple[Entry, tuple[str, ...]]], list[tuple[str, str]]]:
    """The entries that affect a package, each with what fixes it; and ids that cannot be judged, with why."""
    mine: list[tuple[Entry, tuple[str, ...]]] = []
    unclear: list[tuple[str, str]] = []
    for entry in entries:
        rulings = [
            ruled(package.version, each)
            for each in entry.affected
            if key_of(each.ecosystem, each.name) == package.key and package.is_of(each.ecosystem)
        ]
        ruling = _together(rulings)
        if ruling.is_affected:
            mine.append((entry, ruling.fixed))
        elif ruling.unknown:
            unclear.append((entry.id, ruling.unknown))
    return mine, unclear


def _together(rulings: Sequence[Ruling]) -> Ruling:
    return Ruling(
        is_affected=any(each.is_affected for each in rulings),
        fixed=tuple(dict.fromkeys(one for each in rulings for one in each.fixed)),
        unknown=next((each.unknown for each in rulings if each.unknown), ""),
    )


def _by_name(statements: Sequence[Statement]) -> dict[str, list[Statement]]:
    found: dict[str, list[Statement]] = {}
    for each in statements:
        for name in each.names:
            found.setdefault(name, []).append(each)
    return found


@dataclass(slots=True, kw_only=True)
class _Work:
    """What decides the fate of findings; `used` are the statements that were about one."""

    holders: Mapping[str, Component]
    target: Component
    statements: Mapping[str, list[Statement]]
    now: datetime
    vex_max_age: timedelta | None
    used: set[int] = field(default_factory=set)

    def findings(
        self, component: Component, entries: Sequence[tuple[Entry, tuple[str, ...]]]
    ) -> Iterator[Vulnerability]:
        """One for each group of entries that are the same vulnerability."""
        line = self.line(component) if entries else ()
        for group in _groups(entries):
            names = _names([entry for entry, _ in group])
            fate, why = self.fate(names, line)
            level, score = severity(rating for entry, _ in group for rating in entry.ratings)
            yield Vulnerability(
                component=label_of(component) or component.ref,
                ref=component.ref,
                purl=component.purl,
                names=names,
                level=level,
                score=score,
                summary=next((entry.summary for entry, _ in group if entry.summary), ""),
                fixed=tuple(dict.fromkeys(one for _, fixed in group for one in fixed)),
                fate=fate,
                why=why,
            )

    def line(self, component: Component) -> tuple[Component, ...]:
        """The component, what holds it, what holds that, and the target; a cycle ends it."""
        found = {component.ref: component}
        inside = component.inside
        while inside in self.holders and inside not in found:
            found[inside] = self.holders[inside]
            inside = self.holders[inside].inside
        return tuple({**found, self.target.ref: self.target}.values())

    def fate(self, names: tuple[str, ...], line: Sequence[Component]) -> tuple[Fate, str]:
        lower = frozenset(name.lower() for name in names)
        for holder in line:
            for patch in holder.patches:
                if not lower.isdisjoint(one.lower() for one in patch.resolves):
                    return Fate.PATCHED, f"resolved by patch {patch.name or 'without a name'}"
        last = self.last(lower, line)
        if last is None:
            return Fate.OPEN, ""
        if last.why_not:
            return Fate.OPEN, last.why_not
        statement = last.statement
        words = statement.status.name.lower().replace("_", " ")
        because = f": {statement.reason}" if statement.reason else ""
        return Fate.SILENCED, f"{words}{because} ({statement.source})"

    def last(self, names: frozenset[str], line: Sequence[Component]) -> Said | None:
        near = {id(one): one for name in names for one in self.statements.get(name, ())}
        about = [each for each in near.values() if each.is_about(names, line)]
        self.used.update(map(id, about))
        return said(about, now=self.now, max_age=self.vex_max_age)

    def unused(self, statements: Sequence[Statement]) -> tuple[tuple[str, str], ...]:
        """Statements that were about no finding, by source and name."""
        idle = (each for each in statements if id(each) not in self.used)
        return tuple(sorted({(each.source, min(each.names, default="").upper()) for each in idle}))


def _names(entries: Sequence[Entry]) -> tuple[str, ...]:
    """All names of a group, the best known first."""
    names = {name for entry in entries for name in entry.names}

    def place(name: str) -> int:
        return next((n for n, begin in enumerate(FIRST_NAMES) if name.startswith(begin)), len(FIRST_NAMES))

    return tuple(sorted(names, key=lambda name: (place(name), name)))


def _groups(
    entries: Sequence[tuple[Entry, tuple[str, ...]]],
) -> Iterator[list[tuple[Entry, tuple[str, ...]]]]:
    """Entries joined where they share a name, at any remove."""
    groups: list[tuple[set[str], list[tuple[Entry, tuple[str, ...]]]]] = []
    for each in entries:
        names, members = set(each[0].names), [each]
        apart = []
        for other in groups:
            if names.isdisjoint(other[0]):
                apart.append(other)
            else:
                names |= other[0]
                members = [*other[1], *members]
        groups = [*apart, (names, members)]
    yield from (members for _, members in groups)
