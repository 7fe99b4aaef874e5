"""A Python environment: what is installed in it, read from its files; its interpreter is never started.

`.pth` files are files like others here, and PYTHONPATH is not asked.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import ConfigError, DataError
from repro.sbom.component import Component, Finding, Inventory, Kind
from repro.sbom.contents import programs
from repro.sbom.contents_found import joined, ref_in
from repro.sbom.elf import candidates
from repro.sbom.folder import FolderTree
from repro.sbom.python_files import Files, files_of
from repro.sbom.python_graph import graph, markers_of
from repro.sbom.python_interpreter import INTERPRETER, interpreter
from repro.sbom.python_metadata import packages, plain
from repro.sbom.python_parts import part_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from repro.sbom.contents_found import Found
    from repro.sbom.python_files import Locked
    from repro.sbom.python_metadata import Package
    from repro.sbom.python_parts import Part

TARGET = "python-environment"
"""The reference of the environment itself; its folder's name is of no account."""

CONFIG = "pyvenv.cfg"
MAX_CONFIG = 1 << 20
"""Cap on it, in bytes."""

LOCK = "requirements.lock"
"""The lock that is looked for beside an environment's folder."""

SITE = re.compile(r"(?:lib(?:64)?/python(?P<version>[0-9]+(?:\.[0-9]+)?)t?|Lib)/(?:site|dist)-packages")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where an environment's packages stand, and what its configuration says."""

    sites: tuple[str, ...]
    config: Mapping[str, str]

    @property
    def python(self) -> str:
        """The version of its Python, as exact as its files tell; "" where they do not."""
        stated = self.config.get("version") or self.config.get("version_info", "")
        if match := re.match(r"[0-9]+\.[0-9]+(?:\.[0-9]+(?:(?:a|b|rc)[0-9]+)?)?", stated):
            return match[0]
        return next((m["version"] for site in self.sites if (m := SITE.fullmatch(site)) and m["version"]), "")


def environment(folder: Path, *, lock: Path | None = None, measured: bool = False) -> Inventory:
    """The inventory of the virtual environment, or of the folder of packages, at `folder`.

    Each package has one digest over its files (`CONTENT`): over what RECORD states of them, and says so
    (`HASHES`), but for files that are missing or have another size. `measured`: every file is read and
    hashed, and one that is not as RECORD states is a finding; where all are, the inventory is the same.
    Hashes of distributions come from `lock`, or from a requirements.lock beside the folder. Raises DataError
    where no environment is.
    """
    tree = FolderTree(folder)
    known = packages(tree, tree.listed)
    place = _place(tree, known)
    top = [package for package in known if package.site in place.sites]
    parts = _parts(tree, top)
    files = files_of(tree, parts, place.sites, measured=measured)
    allowed, complaints = _locked(folder, lock)
    nested = [package for package in known if package.site not in place.sites]
    found = joined(
        (
            *files.packages(allowed),
            *files.unclaimed(),
            *_vendored(tree, nested, files),
            *(
                each
                for ref, paths in files.by_owner(candidates(tree.listed))
                for each in programs(tree, paths, ref)
            ),
            interpreter(folder, place.python, place.config),
        )
    )
    refs = [part.component.ref for part in parts]
    needs, unmet = graph(list(zip(refs, top, strict=True)), markers_of(place.python, top))
    needs = {ref: tuple(sorted({*needs.get(ref, ()), *inner})) for ref, inner in found.needs.items()}
    return Inventory(
        target=Component(ref=TARGET, name="Python environment", kind=Kind.APPLICATION),
        components=found.components,
        needs={TARGET: _roots(refs, needs), **needs},
        findings=tuple(dict.fromkeys((*complaints, *_doubts(place), *_twice(top), *found.findings, *unmet))),
    )


def _place(tree: FolderTree, known: Iterable[Package]) -> _Place:
    sites = {package.site for package in known if not package.site or SITE.fullmatch(package.site)}
    if not sites and CONFIG not in tree.listed:
        raise DataError(
            f"{tree.root.name}: no Python environment: neither {CONFIG} nor packages",
            hint="name the folder of a virtual environment, or one that holds .dist-info folders",
        )
    sites = sites or {m[0] for path in tree.listed if (m := SITE.match(path))}
    text = tree.read(CONFIG, MAX_CONFIG).decode(errors="replace") if CONFIG in tree.listed else ""
    pairs = (line.partition("=") for line in text.splitlines())
    return _Place(
        sites=tuple(sorted(sites)), config={key.strip().lower(): value.strip() for key, _, value in pairs}
    )


def _parts(tree: FolderTree, top: Iterable[Package]) -> list[Part]:
    """Each package under its package URL; a second of the same name and version, under its folder too."""
    parts: list[Part] = []
    taken: set[str] = set()
    for package in top:
        part = part_of(tree, package)
        if part.component.ref in taken:
            part = part_of(tree, package, ref_in(part.component.ref, package.folder))
        taken.add(part.component.ref)
        parts.append(part)
    return parts


def _vendored(tree: FolderTree, nested: Iterable[Package], files: Files) -> Iterator[Found]:
    """Packages inside others (setuptools brings a dozen), by whose files they stand among."""
    for package in nested:
        owner = files.owner(package)
        yield part_of(tree, package, ref_in(owner or TARGET, package.folder), owner).found


def _locked(folder: Path, lock: Path | None) -> tuple[Locked, list[Finding]]:
    """What the lock allows that is given, or the one beside the folder, which may be bad or not there."""
    beside = folder.absolute().parent / LOCK
    if lock is None and not beside.is_file():
        return {}, []
    from repro.sbom.lockfile import locked

    if lock is not None:
        return locked(lock), []
    try:
        return locked(beside), []
    except ConfigError as error:
        what = plain(error.message.removeprefix(str(beside)).lstrip(":, "))
        return {}, [Finding(where=LOCK, what=f"is not used for hashes: {what}")]


def _doubts(place: _Place) -> Iterator[Finding]:
    if place.config.get("include-system-site-packages", "").lower() == "true":
        yield Finding(
            where=CONFIG, what="packages of the base interpreter are visible too, and were not read"
        )
    if not place.python:
        yield Finding(where=CONFIG, what="states no version of Python; markers were answered without it")


def _twice(top: Iterable[Package]) -> Iterator[Finding]:
    counts = Counter(package.key for package in top)
    for package in top:
        if counts[package.key] > 1:
            yield Finding(
                where=plain(package.folder), what=f"{package.name} is there {counts[package.key]} times"
            )


def _roots(refs: Sequence[str], needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What the environment itself needs: whatever no package needs, one of each circle, and Python."""
    needed = {other for ref in refs for other in needs[ref]}
    roots = [ref for ref in refs if ref not in needed]
    reached: set[str] = set()
    for start in (*roots, *(ref for ref in sorted(refs) if ref in needed)):
        if start in reached:
            continue
        if start in needed:
            roots.append(start)
        waiting = [start]
        while waiting:
            ref = waiting.pop()
            if ref not in reached:
                reached.add(ref)
                waiting += needs.get(ref, ())
    return tuple(sorted({*roots, *([INTERPRETER] if INTERPRETER in needs else [])}))
