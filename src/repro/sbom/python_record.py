"""RECORD: the files that a package claims, their digests as it states them, and whether they are so.

Source: PyPA "Recording installed projects", "Binary distribution format".
"""

from __future__ import annotations

import hashlib
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.sbom.component import Finding, recorded
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

COLUMNS = 3

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

    `sizes` are its words for their sizes, `bad` is what is wrong with its lines, `wrong` what is wrong with
    the list itself.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, str] = field(default_factory=dict)
    bad: _Bad = field(default_factory=_Bad)
    wrong: str = ""

    def findings(self, package: Package) -> Iterator[Finding]:
        """What is wrong with the list, before any file is read."""
        yield from few(package, self.bad.missing, "is in RECORD, and not there as a file", belies=True)
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


def few(package: Package, paths: Collection[str], what: str, *, belies: bool = False) -> Iterator[Finding]:
    """One finding for each of the first paths, and one that counts the others."""
    if not paths:
        return
    names = sorted(paths)
    for path in names[:NAMED]:
        yield Finding(where=plain(path), what=f"{what} ({package.name})", belies=belies)
    if len(names) > NAMED:
        more = f"{len(names) - NAMED} more files: {what}"
        yield Finding(where=plain(package.folder), what=more, belies=belies)


def hashed(tree: Tree, paths: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of each file, which is read, as RECORD writes it."""
    ordered = sorted(paths)
    if isinstance(tree, Hashing):
        return {path: recorded(digest) for path, digest in tree.digests(ordered).items()}
    return {path: recorded(bytes.fromhex(tree.sha256(path).hex)) for path in ordered}


def lies(package: Package, record: Record, digests: Mapping[str, str]) -> Iterator[Finding]:
    """The files, of those that were read, whose bytes are not those that RECORD states."""
    read = record.files.keys() & digests.keys()
    wrong = [path for path in read if record.files[path] not in {"", digests[path]}]
    return few(package, wrong, "is not what RECORD states", belies=True)


def contents(
    tree: Tree, package: Package, record: Record, digests: Mapping[str, str], *, editable: bool
) -> dict[str, str]:
    """The files that make a package what it is on every machine, relative to its site folder.

    A file that was not read has the digest that RECORD states. Without compiled files, notes of the
    installer, and, of an editable one, the `.pth` that names a folder.
    A script's first line names the interpreter's place, and counts as `#!python`, as wheels have it.
    """
    start = f"{package.site}/" if package.site else ""
    left = (".pyc", ".pth") if editable else ".pyc"
    words = {path: word for path, word in record.files.items() if not path.endswith(left)}
    words.update((path, digests[path]) for path in words.keys() & digests.keys())
    for path in notes_of(package):
        words.pop(path, None)
    skipped = len(start)
    found = {path[skipped:]: word for path, word in words.items() if path.startswith(start)}
    if len(found) < len(words):
        for path, word in words.items():
            if not path.startswith(start):
                found[posixpath.relpath(path, package.site)] = _script(tree, path) or word
    return found


def notes_of(package: Package) -> set[str]:
    """The files, there or not, that tell how a package was installed, and are no part of it."""
    return {f"{package.folder}/{name}" for name in PLACE}


def _script(tree: Tree, path: str) -> str | None:
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
    return recorded(hashlib.sha256(b"#!python\n" + rest).digest())


def _recorded(tree: Tree, package: Package, listed: Collection[str]) -> Record:
    path = f"{package.folder}/RECORD"
    own = _own(package)
    try:
        rows = rows_of(tree.read(path, MAX_RECORD).decode(errors="surrogateescape"))
    except FormatError as error:
        return Record(files=own, wrong=f"RECORD cannot be read: {error}")
    start = f"{package.site}/" if package.site else ""
    files: dict[str, str] = {}
    sizes: dict[str, str] = {}
    bad = _Bad()
    for name, word, size in rows:
        place = start + name
        if place not in listed and (place := _place(package.site, name)) not in listed:
            bad.absent(place, name)
            continue
        stated = word
        if word and not (len(word) == SHA256_LENGTH and word.startswith(SHA256)):
            stated = word.rstrip("=")
            if not (len(stated) == SHA256_LENGTH and stated.startswith(SHA256)):
                bad.other.append(place)
                stated = ""
        if place in files and stated != files[place]:
            bad.twice.append(place)
        files[place] = stated
        sizes[place] = size
    return Record(files={**own, **files}, sizes=sizes, bad=bad)


def rows_of(text: str) -> list[list[str]]:
    """Path, hash and size of each line of a RECORD, "" for what a line lacks; FormatError where it is none.

    Most are plain lines; what is quoted, or ends otherwise, is for the library.
    """
    if '"' not in text and "\r" not in text:
        rows = [line.split(",") for line in text.split("\n") if line]
    else:
        import csv
        import io

        try:
            rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
        except csv.Error as error:
            raise FormatError(str(error)) from error
    return [row if len(row) == COLUMNS else [*row, "", ""][:COLUMNS] for row in rows]


def _own(package: Package) -> dict[str, str]:
    """A package's own metadata is its, listed or not."""
    if not package.files or package.files == {"PKG-INFO"}:
        return {}
    return {f"{package.folder}/{name}": "" for name in package.files}


def _place(site: str, path: str) -> str:
    """A path of RECORD in the tree, "" where it leads out; RECORD's paths are relative to the site folder."""
    place = posixpath.normpath(posixpath.join(site, path))
    return "" if place.startswith(("/", "..")) else place


def _egg_files(package: Package, listed: Collection[str]) -> Record:
    """What an `.egg-info` claims: its list of installed files, else everything below its top modules."""
    files = dict.fromkeys(_own(package) or {package.folder: ""}, "")
    if "installed-files.txt" in package.files:
        listing = package.metadata.text("installed-files.txt")
        places = [
            _place(package.folder, line.strip())
            for line in listing[:MAX_METADATA].splitlines()
            if line.strip()
        ]
        files.update((place, "") for place in places if place in listed)
        bad = _Bad()
        bad.missing += [place for place in places if place and place not in listed]
        return Record(files=files, bad=bad)
    modules = {line.strip() for line in package.metadata.text("top_level.txt").splitlines()}
    start = f"{package.site}/" if package.site else ""
    tops = tuple(f"{start}{module}/" for module in modules if module)
    single = {f"{start}{module}.py" for module in modules}
    files.update((path, "") for path in listed if path in single or (tops and path.startswith(tops)))
    return Record(files=files)
