"""A lock file as an inventory, and the hashes that it allows for the packages of an environment."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.sbom.component import Component, Inventory, Kind, Reference
from repro.sbom.python_component import purl_of
from repro.tools.files import hash_file
from repro.tools.lock import read_lock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from repro.tools.lock import Requirement

TARGET = "lock"
"""The reference of the lock itself."""

MARKER = "repro:python:marker"
"""Property: the condition under which the lock installs a package; one for each of its entries."""

EXTRAS = "repro:python:extras"
"""Property: the extras that the lock asks of a package."""

COMMENT = "one of the files that the lock allows"


def lock(path: Path) -> Inventory:
    """The inventory of a hashed lock: each package with the hashes of its distributions.

    A lock says what may be installed, under which conditions, not what needs what: the target needs all.
    Raises ConfigError where it is not a hashed lock.
    """
    entries: defaultdict[tuple[str, str], list[Requirement]] = defaultdict(list)
    for entry in read_lock(path).requirements:
        entries[entry.name, entry.version].append(entry)
    target = Component(
        ref=TARGET,
        name=path.name,
        kind=Kind.FILE,
        digests=(hash_file(path),),
        description="locked requirements",
    )
    components = tuple(_component(*key, group) for key, group in sorted(entries.items()))
    needs: dict[str, tuple[str, ...]] = {each.ref: () for each in components}
    return Inventory(target=target, components=components, needs={TARGET: tuple(sorted(needs)), **needs})


def locked(path: Path) -> dict[tuple[str, str], tuple[Reference, ...]]:
    """The distributions that a lock allows, by the package's name and version.

    Raises ConfigError where it is not a hashed lock.
    """
    found: defaultdict[tuple[str, str], set[Reference]] = defaultdict(set)
    for entry in read_lock(path).requirements:
        found[entry.name, entry.version].update(_references(entry))
    return {key: _sorted(references) for key, references in found.items()}


def _component(name: str, version: str, entries: Iterable[Requirement]) -> Component:
    from packaging.requirements import Requirement as Parsed

    references: set[Reference] = set()
    properties: set[tuple[str, str]] = set()
    for entry in entries:
        references.update(_references(entry))
        parsed = Parsed(entry.text)
        if parsed.marker is not None:
            properties.add((MARKER, str(parsed.marker)))
        if parsed.extras:
            properties.add((EXTRAS, ",".join(sorted(parsed.extras))))
    purl = purl_of(name, version)
    return Component(
        ref=purl,
        name=name,
        version=version,
        purl=purl,
        references=_sorted(references),
        properties=tuple(sorted(properties)),
    )


def _references(entry: Requirement) -> list[Reference]:
    url = purl_of(entry.name, entry.version)
    return [
        Reference(kind="distribution", url=url, digests=(Digest.parse(value),), comment=COMMENT)
        for value in entry.hashes
    ]


def _sorted(references: Iterable[Reference]) -> tuple[Reference, ...]:
    return tuple(sorted(references, key=lambda each: each.digests))
