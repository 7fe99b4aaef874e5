"""A vulnerability database on disk: OSV entries in a folder, or in the zips that its exports are.

Every entry is read, one at a time, for its id, its age and its packages; kept are those about the packages
that are asked for. Which entry is the newest of its id is settled at the end, so that the order of files
does not matter.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repro.core.errors import DataError, FormatError, ReproError
from repro.sbom.ecosystems import base_of, key_of
from repro.sbom.osv import MAX_ENTRY, Entry, parse_entry
from repro.tools.archive import Caps, Sort
from repro.tools.archive_zip import opened_zip
from repro.tools.files import disk_errors, files_below, read_capped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

CAPS = Caps(total=32 << 30, members=1_000_000)
"""Cap on a zip: the export of all ecosystems has about 10 GB in 700,000 entries."""

MAX_FILES = 1_000_000
"""Entries of a folder."""

MAX_UNREAD = 1000
"""Entries that cannot be read and are named; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """What a database says of the packages that were asked for, and of itself.

    `packages` has the entries by ecosystem and name, withdrawn ones left out. `count` are all entries, and
    `newest` the time of the youngest per ecosystem. `releases` are ecosystems as entries state them, such as
    `Debian:12`. `unread` says which entries are none, and why; `unread_count` counts them all.
    """

    packages: Mapping[tuple[str, str], tuple[Entry, ...]]
    count: int
    newest: Mapping[str, datetime]
    releases: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()
    unread_count: int = 0
    name: str = ""


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    wanted: Collection[tuple[str, str]]
    last: dict[str, datetime] = field(default_factory=dict)
    kept: list[Entry] = field(default_factory=list)
    newest: dict[str, datetime] = field(default_factory=dict)
    releases: Counter[str] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)
    unread_count: int = 0

    def wants(self, ecosystem: str, package: str) -> bool:
        return key_of(ecosystem, package) in self.wanted

    def take(self, data: bytes, name: str) -> None:
        try:
            entry = parse_entry(data, name=name, wanted=self.wants)
        except FormatError as error:
            self.miss(error)
            return
        known = self.last.get(entry.id)
        if known is None or known < entry.modified:
            self.last[entry.id] = entry.modified
        ecosystems = {each.ecosystem for each in entry.affected}
        self.releases.update(ecosystems)
        for base in map(base_of, ecosystems):
            self.newest[base] = max(self.newest.get(base, entry.modified), entry.modified)
        if any(self.wants(each.ecosystem, each.name) for each in entry.affected):
            self.kept.append(entry)

    def miss(self, error: ReproError) -> None:
        self.unread_count += 1
        if len(self.unread) < MAX_UNREAD:
            self.unread.append(error.message)


def read_database(path: Path, wanted: Collection[tuple[str, str]], *, name: str = "") -> Database:
    """What the database at `path` says of packages, each an ecosystem and a name as `key_of` gives them.

    An entry that cannot be read is noted. Raises DataError where there is no database or no entry in it, and
    FormatError for a zip that is damaged or unpacks to too much.
    """
    name = name or path.name
    reading = _Reading(wanted)
    with disk_errors(f"reading {name}"):
        for file, place in _files(path, name):
            if file.suffix == ".zip":
                _take_zip(reading, file, place)
            else:
                _take_file(reading, file, place)
    if not reading.last and not reading.unread:
        raise DataError(
            f"{name}: no entry of a vulnerability database is in it",
            hint="name a folder of OSV entries (.json), or the all.zip of an export of OSV",
        )
    return Database(
        packages=_by_package(reading),
        count=len(reading.last),
        newest=dict(sorted(reading.newest.items())),
        releases=frozenset(reading.releases),
        unread=tuple(reading.unread),
        unread_count=reading.unread_count,
        name=name,
    )


def _by_package(reading: _Reading) -> dict[tuple[str, str], tuple[Entry, ...]]:
    """Entries that are the newest of their id and not withdrawn, under each package they are about."""
    found: dict[tuple[str, str], dict[Entry, None]] = {}
    for entry in sorted(reading.kept, key=lambda each: each.id):
        if entry.withdrawn or entry.modified < reading.last[entry.id]:
            continue
        for each in entry.affected:
            key = key_of(each.ecosystem, each.name)
            if key in reading.wanted:
                found.setdefault(key, {})[entry] = None
    return {key: tuple(entries) for key, entries in found.items()}


def _files(path: Path, name: str) -> Iterator[tuple[Path, str]]:
    if path.is_file():
        yield path, name
        return
    if not path.is_dir():
        raise DataError(f"no vulnerability database at {name}", hint="name a folder or a zip of OSV entries")
    files = [each for each in files_below(path) if each.endswith((".json", ".zip"))]
    if len(files) > MAX_FILES:
        raise FormatError(f"{name}: {len(files)} files, more than the {MAX_FILES} that are read")
    for each in files:
        yield path / each, f"{name}/{each}"


def _take_file(reading: _Reading, file: Path, place: str) -> None:
    try:
        data = read_capped(file, MAX_ENTRY)
    except FormatError as error:
        reading.miss(error)
        return
    reading.take(data, place)


def _take_zip(reading: _Reading, file: Path, place: str) -> None:
    with opened_zip(file, CAPS) as archive:
        for inner, member in archive.members.items():
            if member.sort is not Sort.FILE or not inner.endswith(".json"):
                continue
            if member.size > MAX_ENTRY:
                reading.miss(FormatError(f"{place}: {inner}: {member.size} bytes, more than {MAX_ENTRY}"))
                continue
            reading.take(archive.read(inner, MAX_ENTRY), f"{place}: {inner}")
