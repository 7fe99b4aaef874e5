"""Where attestations are found: in named files and folders, and beside an artifact by the ends of names."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from repro.attest.reading import MAX_FILE, is_closed, split_evidence
from repro.core.errors import FormatError, ReproError, UsageError
from repro.tools.files import disk_errors, files_below, read_capped

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from repro.attest.reading import Evidence
    from repro.verify.artifact import Artifact
    from repro.verify.shared import Shared

BESIDE = (
    ".sigstore.json", ".sigstore.jsonl", ".sigstore", ".intoto.jsonl", ".jsonl",
    ".attestation", ".provenance",
)  # fmt: skip
"""How an artifact's name goes on in those of its attestations; PEP 740 has `.publish.attestation`."""

IN_FOLDER = (*BESIDE, ".json", ".intoto")
"""How names end of what is read in a folder of attestations."""

MAX_FILES = 10_000
"""Cap on the files of a folder of attestations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a place holds: evidence, not yet read; files that cannot be; why a place could not be asked."""

    evidence: tuple[Evidence, ...] = ()
    refused: tuple[tuple[str, ReproError], ...] = ()
    unasked: tuple[tuple[str, str], ...] = ()


class Source(Protocol):
    """A place that may hold evidence about an artifact."""

    def of(self, artifact: Artifact) -> Found:
        """What it holds that could be about the artifact; never raises ReproError."""


def joined(parts: Iterable[Found]) -> Found:
    """What several places hold; the same bytes count once."""
    parts = tuple(parts)
    if len(parts) == 1 and len(parts[0].evidence) <= 1:
        return parts[0]
    evidence = {one.raw: one for part in reversed(parts) for one in reversed(part.evidence)}
    return Found(
        evidence=tuple(reversed(evidence.values())),
        refused=tuple(one for part in parts for one in part.refused),
        unasked=tuple(one for part in parts for one in part.unasked),
    )


def of_file(path: Path, name: str) -> Found:
    """All that one file holds; one that cannot be read is told of, and stops nothing."""
    try:
        with disk_errors(f"reading {name}"):
            return Found(evidence=split_evidence(read_evidence(path), name=name))
    except ReproError as error:
        return Found(refused=((name, error),))


def read_evidence(path: Path) -> bytes:
    """The bytes of a file of evidence; for what is no file, such as a pipe, nobody waits."""
    if not path.is_file():
        raise FormatError(f"{path.name}: not a file")
    return read_capped(path, MAX_FILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The same evidence for every artifact: what was read from files that were named."""

    found: Found

    def of(self, artifact: Artifact) -> Found:
        """All of it."""
        del artifact
        return self.found


def named_files(paths: Iterable[tuple[str, Path]]) -> Files:
    """Files and folders by their names and places. Raises UsageError for what is not there."""
    parts = []
    for name, path in paths:
        if path.is_dir():
            parts += [of_file(path / inside, f"{name}/{inside}") for inside in _in_folder(path)]
        elif path.is_file():
            parts.append(of_file(path, name))
        else:
            raise UsageError(f"{name}: no such file or folder", hint="name a bundle, or a folder of them")
    return Files(found=joined(parts))


def _in_folder(folder: Path) -> list[str]:
    with disk_errors(f"reading {folder}"):
        found = [name for name in files_below(folder) if name.endswith(IN_FOLDER)]
    if len(found) > MAX_FILES:
        raise UsageError(f"{folder}: {len(found)} files; {MAX_FILES} are read", hint="name fewer")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The files beside an artifact whose names begin with its own; `listing` is its folder's, sorted."""

    path: Path
    name: str
    listing: list[str] = field(default_factory=list)

    def of(self, artifact: Artifact) -> Found:
        """What they hold."""
        del artifact
        folder = self.name.rpartition("/")[0]
        prefix = f"{folder}/" if folder else ""
        return joined(of_file(self.path.with_name(each), prefix + each) for each in self.names())

    def names(self) -> list[str]:
        """Their names."""
        stem = f"{self.path.name}."
        start = bisect.bisect_left(self.listing, stem)
        found = []
        for name in self.listing[start:]:
            if not name.startswith(stem):
                break
            if is_beside(name, self.path.name):
                found.append(name)
        return found


def is_beside(name: str, artifact: str) -> bool:
    """Whether a file's name says that it is evidence about the file called `artifact`."""
    rest = name.removeprefix(artifact)
    dots = rest.count(".")
    return (
        rest != name
        and rest.endswith(BESIDE)
        and (rest in BESIDE or (rest.endswith(".attestation") and dots == 2))  # noqa: PLR2004 - .publish.attestation
    )


class Listings:
    """The names in folders, sorted, each asked once for all artifacts of one call."""

    def __init__(self) -> None:
        self._known: dict[Path, list[str]] = {}

    def of(self, folder: Path) -> list[str]:
        """The names in a folder; none where it cannot be read."""
        if folder not in self._known:
            try:
                self._known[folder] = sorted(entry.name for entry in folder.iterdir())
            except OSError:
                self._known[folder] = []
        return self._known[folder]


def is_evidence(path: Path, name: str, shared: Shared) -> bool:
    """Whether all of a file is evidence that can be read: neither a name nor one line exempts it."""
    try:
        with disk_errors(f"reading {name}"):
            data = read_evidence(path)
        read = [(one, shared.read(one)) for one in split_evidence(data, name=name)]
    except ReproError:
        return False
    return bool(read) and is_closed(data, read)
