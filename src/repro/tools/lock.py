"""Lock files: pinned, hashed requirements and nothing else, checked before any tool reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.digest import Digest, of_value
from repro.core.errors import ConfigError
from repro.tools.files import read_capped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 16 << 20
"""Cap on a lock file, in bytes."""

COMPILE = "write it with: uv pip compile --generate-hashes --universal requirements.in -o requirements.lock"

# Name, extras, one exact version, and a marker, after PEP 508 and PEP 440; `==1.*` is not exact.
PINNED = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?P<extras>\[[A-Za-z0-9._,\s-]*\])?"
    r"\s*==\s*(?P<version>[A-Za-z0-9.!+_-]+)\s*(?P<marker>;[^\\]+)?"
)
HASH = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One pinned package: as written without its hashes (`text`), its normalised name, its sorted hashes."""

    name: str
    version: str
    text: str
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The meaning of a lock file; comments, order and layout are no part of it."""

    requirements: tuple[Requirement, ...]

    @property
    def digest(self) -> Digest:
        """The digest of the meaning."""
        return of_value([[entry.text, *entry.hashes] for entry in self.requirements])

    def to_bytes(self) -> bytes:
        """A lock file of this meaning, for the installer."""
        lines = (
            " ".join((entry.text, *(f"--hash={value}" for value in entry.hashes)))
            for entry in self.requirements
        )
        return "".join(f"{line}\n" for line in lines).encode()


def read_lock(path: Path) -> Lock:
    """The lock in a file; ConfigError where it is missing or not a hashed lock."""
    try:
        data = read_capped(path, MAX_BYTES)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint=COMPILE) from error
    return parse_lock(data, name=str(path))


def parse_lock(data: bytes, *, name: str) -> Lock:
    """The lock in `data`; errors call the file `name` and give the line.

    Refused with ConfigError: a requirement without an exact version or without a sha256; and every option,
    URL or path, for it would name files outside the lock or an address that is the caller's choice.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: not UTF-8", hint=COMPILE) from error
    found = [_requirement(line, f"{name}, line {number}") for number, line in _logical_lines(text)]
    return Lock(requirements=tuple(sorted(found, key=lambda entry: (entry.text, entry.hashes))))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines joined at a closing backslash, without comments, each with the number of its first line."""
    joined, start = "", 1
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        start = start if joined else number
        if line.endswith("\\"):
            joined += line[:-1].strip() + " "
            continue
        if joined + line:
            yield start, (joined + line).strip()
        joined = ""
    if joined.strip():
        yield start, joined.strip()


def _requirement(line: str, where: str) -> Requirement:
    head, *parts = re.split(r"\s+--hash[=\s]\s*", line)
    if head.startswith("-"):
        raise ConfigError(
            f"{where}: {head.split()[0]} is an option; a lock holds names, versions and hashes only",
            hint="remove the line; the index is the caller's choice (UV_DEFAULT_INDEX)",
        )
    if not (match := PINNED.fullmatch(head.strip())):
        raise ConfigError(f"{where}: {head.strip()[:80]!r} is not of the form name==version", hint=COMPILE)
    for part in parts:
        if not HASH.fullmatch(part.strip()):
            raise ConfigError(f"{where}: {part.strip()[:80]!r} is not a sha256 hash", hint=COMPILE)
    hashes = tuple(sorted({part.strip() for part in parts}))
    if not any(value.startswith("sha256:") for value in hashes):
        raise ConfigError(f"{where}: {head.strip()[:80]!r} has no --hash=sha256:…", hint=COMPILE)
    return Requirement(
        name=normalised(match["name"]),
        version=match["version"],
        text=" ".join(head.split()),
        hashes=hashes,
    )


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()
