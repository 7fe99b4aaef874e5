"""What people say of vulnerabilities in a product (VEX), and whether it counts for a component today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

from repro.sbom.ecosystems import normal_name
from repro.sbom.identity import label_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packageurl import PackageURL

    from repro.sbom.component import Component

SKEW = timedelta(days=1)
"""How far ahead a clock may be before a time counts as one of the future."""


class Status(IntEnum):
    """What is said; of two that contradict each other at one time, the higher counts."""

    FIXED = 1
    NOT_AFFECTED = 2
    IN_TRIAGE = 3
    AFFECTED = 4

    @property
    def silences(self) -> bool:
        """Whether a finding is not reported for it."""
        return self in {Status.FIXED, Status.NOT_AFFECTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A component as a statement names it: any one of these will do.

    `ids` are package URLs and references; `sha256` of its file; `label` is name and version.
    """

    ids: tuple[str, ...] = ()
    sha256: str = ""
    label: str = ""

    def fits(self, component: Component) -> bool:
        """Whether it is this component."""
        if self.label and self.label == label_of(component):
            return True
        if self.sha256 and any(
            (each.algorithm, each.hex) == ("sha256", self.sha256) for each in component.digests
        ):
            return True
        return any(each == component.ref or _fits(each, component.purl) for each in self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a statement is about: a product, or parts of it; `product` None where it is not said of which."""

    product: Named | None
    parts: tuple[Named, ...] = ()

    def covers(self, line: Sequence[Component]) -> bool:
        """Whether it is about the first component of `line`, which the others hold; the target is the last.

        What is said of a part of another product is not said of it here. What is said of a whole product
        counts for all that is in it.
        """
        if self.product is not None and not any(self.product.fits(each) for each in line):
            return False
        return not self.parts or any(part.fits(each) for part in self.parts for each in line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement: of which vulnerability, about what, what it says and why, when, and until when."""

    names: frozenset[str]
    subjects: tuple[Subject, ...]
    status: Status
    reason: str = ""
    at: datetime | None = None
    expires: datetime | None = None
    source: str = ""

    def is_about(self, names: frozenset[str], line: Sequence[Component]) -> bool:
        """Whether it is of one of these vulnerabilities (in lower case) and about this component."""
        return not self.names.isdisjoint(names) and any(each.covers(line) for each in self.subjects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The statement that counts; `why_not` says why it silences nothing."""

    statement: Statement
    why_not: str = ""


def said(statements: Iterable[Statement], *, now: datetime, max_age: timedelta | None) -> Said | None:
    """Which of the statements about one vulnerability of one component counts.

    The latest, as OpenVEX has it (specification 0.2.0, "Timestamps"); at the same time the most severe. One
    without a time is older than all others. One of the future does not count yet.
    """
    oldest = datetime.min.replace(tzinfo=UTC)
    current = [each for each in statements if each.at is None or each.at <= now + SKEW]
    if not current:
        return None
    last = max(current, key=lambda each: (each.at or oldest, each.status, not _ended(each, now, max_age)))
    if not last.status.silences:
        return Said(statement=last, why_not=f"VEX says {last.status.name.lower().replace('_', ' ')}")
    return Said(statement=last, why_not=_ended(last, now, max_age))


def _ended(statement: Statement, now: datetime, max_age: timedelta | None) -> str:
    """Why a statement counts no longer; "" while it does."""
    if statement.expires is not None and now >= statement.expires:
        return f"its VEX statement expired on {statement.expires.date()}"
    if max_age is None:
        return ""
    if statement.at is None:
        return "its VEX statement has no date"
    if now - statement.at > max_age:
        return f"its VEX statement is of {statement.at.date()}, older than {max_age.days} days"
    return ""


def _fits(stated: str, purl: str) -> bool:
    """Whether a stated package URL is this one: what it leaves out (version, qualifiers) may be anything."""
    if stated == purl:
        return bool(purl)
    if not (stated.startswith("pkg:") and purl.startswith("pkg:")):
        return False
    theirs, ours = _url(stated), _url(purl)
    if theirs is None or ours is None or theirs.type != ours.type or theirs.namespace != ours.namespace:
        return False
    ecosystem = "PyPI" if ours.type == "pypi" else ""
    if normal_name(ecosystem, theirs.name) != normal_name(ecosystem, ours.name):
        return False
    wanted: dict[str, str] = dict(theirs.qualifiers or {})
    own: dict[str, str] = dict(ours.qualifiers or {})
    same_place = not theirs.subpath or theirs.subpath == ours.subpath
    return theirs.version in {None, ours.version} and wanted.items() <= own.items() and same_place


def _url(text: str) -> PackageURL | None:
    from packageurl import PackageURL

    try:
        return PackageURL.from_string(text)
    except ValueError:
        return None
