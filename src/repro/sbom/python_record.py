"""RECORD: the files that a package claims, and whether they are what it says.

Source: PyPA "Recording installed projects", "Binary distribution format".
"""

from __future__ import annotations

import csv
import hashlib
import io
import posixpath
from binascii import b2a_base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.sbom.component import Finding
from repro.sbom.python_metadata import MAX_METADATA, plain
from repro.sbom.tree import Hashing

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

SHA256 = "sha256="
SHA256_LENGTH = len(SHA256) + 43
"""Characters of a hash in RECORD: 32 bytes in Base64 for URLs, without padding."""

_FOR_URLS = bytes.maketrans(b"+/", b"-_")

PLACE = frozenset(
    {"RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
)
"""Files of `.dist-info` that tell how and where a package was installed, not what it is."""


class _Bad:
    """Lines of a RECORD that are wrong, by what is wrong with them."""

    def __init__(self) -> None:
        self.missing: list[str] = []
        self.outside: list[str] = []
        self.other: list[str] = []
        self.twice: list[str] = []

    def absent(self, place: str, stated: str) -> None:
        """Note a file that is not there; compiled files are written and removed as programs run."""
        if not place:
            self.outside.append(stated)
        elif not place.endswith(".pyc"):
            self.missing.append(place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Files that a package claims, by path in the tree, with RECORD's word for each SHA-256 ("" for none).

    `bad` is what is wrong with its lines, `wrong` what is wrong with the list itself.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    bad: _Bad = field(default_factory=_Bad)
    wrong: str = ""

    def findings(self, package: Package) -> Iterator[Finding]:
        """What is wrong with the list, before any file is read."""
        yield from few(package, self.bad.missing, "is in RECORD, and not there as a file")
        yield from few(package, self.bad.outside, "is in RECORD, and leads out of the environment")
        yield from few(
            package, self.bad.other, "has a hash in RECORD that is no SHA-256, and was not compared"
        )
        yield from few(package, self.bad.twice, "is in RECORD with two hashes")
        if self.wrong:
            yield Finding(where=plain(package.folder), what=plain(self.wrong))


def record_of(tree: Tree, package: Package, listed: Collection[str]) -> Record:
    """The files that a package claims; of an `.egg-info` those that are listed, or below its modules."""
    if "RECORD" in package.files:
        return _recorded(tree, package, listed)
    if package.folder.endswith(".dist-info"):
        return Record(files=_own(package), wrong="there is no RECORD")
    return _egg_files(package, listed)


def few(package: Package, paths: Iterable[str], what: str) -> Iterator[Finding]:
    """One finding for each of the first paths, and one that counts the others."""
    names = sorted(paths)
    for path in names[:NAMED]:
        yield Finding(where=plain(path), what=f"{what} ({package.name})")
    if len(names) > NAMED:
        yield Finding(where=plain(package.folder), what=f"{len(names) - NAMED} more files: {what}")


def hashed(tree: Tree, paths: Iterable[str]) -> dict[str, bytes]:
    """The SHA-256 of each file."""
    ordered = sorted(paths)
    if isinstance(tree, Hashing):
        return tree.digests(ordered)
    return {path: bytes.fromhex(tree.sha256(path).hex) for path in ordered}


def lies(record: Record, digests: Mapping[str, bytes]) -> list[str]:
    """The files whose bytes are not those that RECORD states."""
    return [path for path, stated in record.files.items() if stated and _encoded(digests[path]) != stated]


def contents(
    tree: Tree, package: Package, record: Record, digests: Mapping[str, bytes], *, editable: bool
) -> dict[str, bytes]:
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


def _script(tree: Tree, path: str) -> bytes | None:
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
    return hashlib.sha256(b"#!python\n" + rest).digest()


def _recorded(tree: Tree, package: Package, listed: Collection[str]) -> Record:
    path = f"{package.folder}/RECORD"
    try:
        text = tree.read(path, MAX_RECORD).decode(errors="surrogateescape")
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except (FormatError, csv.Error) as error:
        return Record(files=_own(package), wrong=f"RECORD cannot be read: {error}")
    start = f"{package.site}/" if package.site else ""
    files, bad = _own(package), _Bad()
    seen: set[str] = set()
    for row in rows:
        if not row:
            continue
        place = start + row[0]
        if place not in listed and (place := _place(package.site, row[0])) not in listed:
            bad.absent(place, row[0])
            continue
        stated = row[1].rstrip("=") if len(row) > 1 else ""
        if stated and not (len(stated) == SHA256_LENGTH and stated.startswith(SHA256)):
            bad.other.append(place)
            stated = ""
        if place in seen and stated != files[place]:
            bad.twice.append(place)
        files[place] = stated
        seen.add(place)
    return Record(files=files, bad=bad)


def _own(package: Package) -> dict[str, str]:
    """A package's own metadata is its, listed or not."""
    if not package.files or package.files == {"PKG-INFO"}:
        return {}
    return {f"{package.folder}/{name}": "" for name in package.files}


def _place(site: str, path: str) -> str:
    """A path of RECORD in the tree, "" where it leads out; RECORD's paths are relative to the site folder."""
    place = posixpath.normpath(posixpath.join(site, path))
    return "" if place.startswith(("/", "..")) else place


def _encoded(digest: bytes) -> str:
    """A digest as RECORD writes it: Base64 for URLs without padding (RFC 4648, section 5)."""
    return SHA256 + b2a_base64(digest, newline=False).translate(_FOR_URLS, b"=").decode()


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
        bad = _Bad()
        bad.missing += [place for place in places if place and place not in listed]
        return Record(files=files, bad=bad)
    modules = {line.strip() for line in (package.distribution.read_text("top_level.txt") or "").splitlines()}
    start = f"{package.site}/" if package.site else ""
    tops = tuple(f"{start}{module}/" for module in modules if module)
    single = {f"{start}{module}.py" for module in modules}
    files.update((path, "") for path in listed if path in single or (tops and path.startswith(tops)))
    return Record(files=files)
