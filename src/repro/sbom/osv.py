"""One entry of a vulnerability database in the OSV format (OSV schema 1.7, ossf.github.io/osv-schema).

Only what an audit asks for is read, and of packages that nobody asks for only their names: databases have a
thousand times more entries than an SBOM has findings. What the schema requires and is not there, or is of
another kind, is refused, so that a damaged entry cannot pass for one that is about nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.errors import FormatError
from repro.sbom.fields import Fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Wanted = Callable[[str, str], bool]

MAX_ENTRY = 32 << 20
"""Cap on an entry, in bytes; the longest of the exports have about 10 MB, for lists of versions."""

EVENTS = ("introduced", "fixed", "last_affected", "limit")
"""Kinds of events of a range (OSV schema, affected[].ranges[].events)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Versions between events: pairs of kind and version, in the entry's order; `type` as it is stated."""

    type: str
    events: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """One package of an entry and which of its versions are affected."""

    ecosystem: str
    name: str
    ranges: tuple[Range, ...] = ()
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A vulnerability as one database tells it.

    `ratings` are pairs of kind (`CVSS_V3`, `words`) and value; `same` are other names of it: its aliases, and
    the one vulnerability that a distribution's entry passes on (`upstream`).
    """

    id: str
    modified: datetime
    withdrawn: bool = False
    same: tuple[str, ...] = ()
    summary: str = ""
    ratings: tuple[tuple[str, str], ...] = ()
    affected: tuple[Affected, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names of it, its own first."""
        return (self.id, *self.same)


def parse_entry(data: bytes, *, name: str, wanted: Wanted | None = None) -> Entry:
    """The entry in `data`. Raises FormatError with the place for what is no entry.

    `wanted` tells by ecosystem and name which packages to read whole, all where it is None. An entry about
    none of them has no summary and no ratings.
    """
    value = strictjson.parse(data, name=name, max_bytes=MAX_ENTRY)
    if not isinstance(value, dict):
        raise FormatError(f"{name}: no OSV entry: a JSON object was expected")
    return _Reader(name, wanted).entry(value)


class _Reader(Fields):
    """Takes values out of an OSV entry."""

    def __init__(self, name: str, wanted: Wanted | None) -> None:
        super().__init__(name)
        self.wanted = wanted
        self.kept = 0

    def entry(self, value: dict[str, Any]) -> Entry:
        tables = self.tables(value, "affected", "")
        affected = tuple(
            self.affected(each, f"affected[{position}].")
            for position, each in enumerate(tables)
            if "package" in each
        )
        return Entry(
            id=self.required(value, "id", ""),
            modified=self.time(value, "modified"),
            withdrawn=bool(value.get("withdrawn")) and self.time(value, "withdrawn") is not None,
            same=self.same(value),
            summary=self.summary(value) if self.kept else "",
            ratings=self.ratings(value, tables) if self.kept else (),
            affected=affected,
        )

    def required(self, table: Mapping[str, Any], key: str, where: str) -> str:
        text = self.text(table, key, where)
        if not text:
            raise self.wrong(where + key, "missing")
        return text

    def time(self, table: Mapping[str, Any], key: str) -> datetime:
        """A time of RFC 3339, in UTC (OSV schema, "modified")."""
        text = self.required(table, key, "")
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise self.wrong(key, f"not a time: {text[:80]!r}") from error
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    def same(self, value: Mapping[str, Any]) -> tuple[str, ...]:
        upstream = self.words(value, "upstream", "")
        return (*self.words(value, "aliases", ""), *(upstream if len(upstream) == 1 else ()))

    def summary(self, value: Mapping[str, Any]) -> str:
        """The summary; where there is none, the first line of the details."""
        summary = self.text(value, "summary", "").strip()
        return summary or next(iter(self.text(value, "details", "").strip().splitlines()), "")

    def ratings(
        self, value: Mapping[str, Any], affected: list[dict[str, Any]]
    ) -> tuple[tuple[str, str], ...]:
        """Every rating there is, wherever databases put theirs."""
        found: dict[tuple[str, str], None] = {}
        for holder in (value, *affected):
            for each in self.tables(holder, "severity", ""):
                found[self.text(each, "type", "severity."), self.text(each, "score", "severity.")] = None
            for key in ("database_specific", "ecosystem_specific"):
                inner = holder.get(key)
                words = inner.get("severity") if isinstance(inner, dict) else None
                if isinstance(words, str):
                    found["words", words] = None
        return tuple(found)

    def affected(self, each: dict[str, Any], where: str) -> Affected:
        package = self.table(each, "package", where)
        ecosystem = self.required(package, "ecosystem", where + "package.")
        name = self.required(package, "name", where + "package.")
        if self.wanted is not None and not self.wanted(ecosystem, name):
            return Affected(ecosystem=ecosystem, name=name)
        self.kept += 1
        return Affected(
            ecosystem=ecosystem,
            name=name,
            ranges=tuple(
                Range(
                    type=self.required(one, "type", f"{where}ranges[{position}]."),
                    events=self.events(one, f"{where}ranges[{position}]."),
                )
                for position, one in enumerate(self.tables(each, "ranges", where))
            ),
            versions=self.words(each, "versions", where),
        )

    def events(self, table: Mapping[str, Any], where: str) -> tuple[tuple[str, str], ...]:
        found = []
        for each in self.tables(table, "events", where):
            known = [(kind, self.required(each, kind, where)) for kind in EVENTS if kind in each]
            if len(known) != 1:
                raise self.wrong(where + "events", f"an event is one of {', '.join(EVENTS)}")
            found += known
        if not any(kind == "introduced" for kind, _ in found):
            raise self.wrong(where + "events", "nothing is introduced")
        return tuple(found)

    def words(self, table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        value = table.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not {type(one) for one in value} <= {str}:
            raise self.wrong(where + key, "must be a list of strings")
        return tuple(value)
