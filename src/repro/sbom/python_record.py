"""RECORD: the files that a package claims, and whether they are what it says.

Source: PyPA "Recording installed projects", "Binary distribution format".
"""

from __future__ import annotations

import base64
import csv
import io
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repro.core.digest import Digest, of_bytes
from repro.core.errors import FormatError
from repro.sbom.component import Finding
from repro.sbom.python_metadata import MAX_METADATA, plain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from repro.sbom.python_metadata import Package
    from repro.sbom.tree import Tree

MAX_RECORD = 64 << 20
"""Cap on a RECORD, in bytes: half a million files."""

MAX_SCRIPT = 1 << 20
"""Cap on a script whose first line is looked at, in bytes; larger ones are programs."""

NAMED = 5
"""Files of one package that are named for one and the same defect; the others are counted."""

WORKERS = 4
"""Threads that hash: hashlib lets others run meanwhile, and a disk answers several at once."""

SHA256 = "sha256="
SHA256_LENGTH = len(SHA256) + 43
"""Characters of a hash in RECORD: 32 bytes in Base64 for URLs, without padding."""

PLACE = frozenset(
    {"RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
)
"""Files of `.dist-info` that tell how and where a package was installed, not what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Files that a package claims, by path in the tree, with RECORD's word for each SHA-256 ("" for none).

    `missing` are claimed and not there; `outside` leads out of the tree; `stated` is whether there is a list.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    stated: bool = True
    wrong: tuple[str, ...] = ()

    def findings(self, package: Package) -> Iterator[Finding]:
        """What is wrong with the list, before any file is read."""
        for names, what in (
            (self.missing, "is in RECORD, and not there as a file"),
            (self.outside, "is in RECORD, and leads out of the environment"),
            (self.other, "has a hash in RECORD that is no SHA-256, and was not compared"),
        ):
            yield from few(package, names, what)
        for what in self.wrong:
            yield Finding(where=plain(package.folder), what=plain(what))


def record_of(tree: Tree, package: Package, listed: Collection[str]) -> Record:
    """The files that a package claims; of an `.egg-info` those that are listed, or below its modules."""
    if "RECORD" in package.files:
        return _recorded(tree, package, listed)
    if package.folder.endswith(".dist-info"):
        return Record(files=_own(package), stated=False, wrong=("there is no RECORD",))
    return _egg_files(package, listed)


def few(package: Package, paths: Iterable[str], what: str) -> Iterator[Finding]:
    """One finding for each of the first paths, and one that counts the others."""
    names = sorted(paths)
    for path in names[:NAMED]:
        yield Finding(where=plain(path), what=f"{what} ({package.name})")
    if len(names) > NAMED:
        yield Finding(where=plain(package.folder), what=f"{len(names) - NAMED} more files: {what}")


def hashed(tree: Tree, paths: Collection[str]) -> dict[str, Digest]:
    """The SHA-256 of each file, by several threads at once."""
    from concurrent.futures import ThreadPoolExecutor

    ordered = sorted(paths)

    def some(start: int) -> dict[str, Digest]:
        return {path: tree.sha256(path) for path in ordered[start::WORKERS]}

    found: dict[str, Digest] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        for part in pool.map(some, range(WORKERS)):
            found.update(part)
    return found


def lies(record: Record, digests: Mapping[str, Digest]) -> list[str]:
    """The files whose bytes are not those that RECORD states."""
    return [path for path, stated in record.files.items() if stated and _encoded(digests[path]) != stated]


def contents(
    tree: Tree, package: Package, record: Record, digests: Mapping[str, Digest], *, editable: bool
) -> dict[str, Digest]:
    """The files that make a package what it is on every machine, relative to its site folder.

    Without compiled files, notes of the installer, and, of an editable one, the `.pth` that names a folder.
    A script's first line names the interpreter's place, and counts as `#!python`, as wheels have it.
    """
    start = f"{package.site}/" if package.site else ""
    notes = {f"{package.folder}/{name}" for name in PLACE}
    found = {}
    for path in record.files:
        if path.endswith(".pyc") or (editable and path.endswith(".pth")) or path in notes:
            continue
        if path.startswith(start):
            found[path[len(start) :]] = digests[path]
        else:
            found[posixpath.relpath(path, package.site)] = _script(tree, path) or digests[path]
    return found


def _script(tree: Tree, path: str) -> Digest | None:
    """The digest of a script with its first line as wheels have it; None for other files."""
    try:
        data = tree.read(path, MAX_SCRIPT)
    except FormatError:  # too large for a script
        return None
    if not data.startswith(b"#!"):
        return None
    line, _, rest = data.partition(b"\n")
    if line == b"#!/bin/sh" and rest.startswith(b"'''exec'"):  # a place too long for a first line (distlib)
        rest = rest.split(b"\n", 2)[-1]
    return of_bytes(b"#!python\n" + rest)


def _recorded(tree: Tree, package: Package, listed: Collection[str]) -> Record:
    path = f"{package.folder}/RECORD"
    try:
        text = tree.read(path, MAX_RECORD).decode(errors="surrogateescape")
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except (FormatError, csv.Error) as error:
        return Record(files=_own(package), stated=False, wrong=(f"RECORD cannot be read: {error}",))
    files, missing, outside, other, wrong = _own(package), [], [], [], []
    seen: set[str] = set()
    site = package.site
    for row in filter(None, rows):
        place = _place(site, row[0])
        if not place:
            outside.append(row[0])
        elif place not in listed:
            if not place.endswith(".pyc"):  # written and removed as programs run
                missing.append(place)
        else:
            stated = row[1].rstrip("=") if len(row) > 1 else ""
            if stated and not (stated.startswith(SHA256) and len(stated) == SHA256_LENGTH):
                other.append(place)
                stated = ""
            if place in seen and stated != files[place]:
                wrong.append(f"RECORD states two hashes for {place}")
            files[place] = stated
            seen.add(place)
    return Record(
        files=files, missing=tuple(missing), outside=tuple(outside), other=tuple(other), wrong=tuple(wrong)
    )


def _own(package: Package) -> dict[str, str]:
    """A package's own metadata is its, listed or not."""
    if not package.files or package.files == {"PKG-INFO"}:
        return {}
    return {f"{package.folder}/{name}": "" for name in package.files}


def _place(site: str, path: str) -> str:
    """A path of RECORD in the tree, "" where it leads out; RECORD's paths are relative to the site folder."""
    if ".." not in path and "//" not in path and "./" not in path and not path.startswith("/"):
        return f"{site}/{path}" if site else path
    place = posixpath.normpath(posixpath.join(site, path))
    return "" if place.startswith(("/", "..")) else place


def _encoded(digest: Digest) -> str:
    """A digest as RECORD writes it."""
    return SHA256 + base64.urlsafe_b64encode(bytes.fromhex(digest.hex)).rstrip(b"=").decode()


def _egg_files(package: Package, listed: Collection[str]) -> Record:
    """What an `.egg-info` claims: its list of installed files, else everything below its top modules."""
    files = dict.fromkeys(_own(package) or {package.folder: ""}, "")
    listing = package.distribution.read_text("installed-files.txt")
    if listing is not None:
        places = [
            _place(package.folder, line.strip())
            for line in listing[:MAX_METADATA].splitlines()
            if line.strip()
        ]
        files.update((place, "") for place in places if place in listed)
        return Record(files=files, missing=tuple(p for p in places if p and p not in listed))
    modules = {line.strip() for line in (package.distribution.read_text("top_level.txt") or "").splitlines()}
    start = f"{package.site}/" if package.site else ""
    tops = tuple(f"{start}{module}/" for module in modules if module)
    single = {f"{start}{module}.py" for module in modules}
    files.update((path, "") for path in listed if path in single or (tops and path.startswith(tops)))
    return Record(files=files, stated=False)
