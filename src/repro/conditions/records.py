"""What the RECORD files of installed distributions say, compared with what lies there."""

from __future__ import annotations

import base64
import csv
import hashlib
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import TamperError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SHOWN = 5
"""Names that a message lists at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The installed packages with their versions, and the files by class.

    `recorded` stand in a RECORD with a hash; `bytecode` was compiled here; `skeleton` belongs to the virtual
    environment itself; `unrecorded` are the names of all others.
    """

    packages: Mapping[str, str]
    recorded: int
    bytecode: int
    skeleton: int
    unrecorded: tuple[str, ...]


def verify_records(root: Path, contents: Mapping[str, str], skeleton: Mapping[str, str]) -> Inventory:
    """Compare every row of every RECORD below `root` with `contents` (of `manifest.whole`).

    `skeleton` are the contents of the virtual environment before anything was installed. Raises TamperError
    where a recorded file is missing, lies outside `root` or has another content, and where something has
    replaced a part of the skeleton, such as the link to the interpreter. Source: "Recording installed
    projects", a specification of the Python Packaging Authority.
    """
    if replaced := sorted(name for name, entry in skeleton.items() if contents.get(name) != entry):
        raise TamperError(
            f"a package replaces parts of the environment itself: {', '.join(replaced[:SHOWN])}",
            hint="do not use this package",
        )
    packages, listed, hashed, wrong = {}, set(), 0, []
    for record in sorted(name for name in contents if name.endswith(".dist-info/RECORD")):
        metadata = record.removesuffix("RECORD") + "METADATA"
        for name in (record, metadata):  # a link could lead to any file of this machine
            if not contents.get(name, "").startswith("file "):
                raise TamperError(f"{name}: not a file")
        name, version = _identity(root / metadata)
        packages[name] = version
        for path, expected in _rows(root, record):
            listed.add(path)
            hashed += bool(expected)
            if not _holds(root, path, expected, contents):
                wrong.append(path)
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise TamperError(
            f"installed files are not what their RECORD says: {', '.join(wrong[:SHOWN])}{more}",
            hint="a wheel or uv's cache is damaged: run `uv cache clean`, then the same command again",
        )
    rest = [name for name, entry in contents.items() if not entry.startswith("folder") and name not in listed]
    bytecode = {name for name in rest if name.endswith(".pyc")}
    unrecorded = sorted(name for name in rest if name not in bytecode and name not in skeleton)
    return Inventory(
        packages=dict(sorted(packages.items())),
        recorded=hashed,
        bytecode=len(bytecode),
        skeleton=len(rest) - len(bytecode) - len(unrecorded),
        unrecorded=tuple(unrecorded),
    )


def _identity(metadata: Path) -> tuple[str, str]:
    head = metadata.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    fields = dict(line.partition(": ")[::2] for line in reversed(head.splitlines()))
    return fields.get("Name", ""), fields.get("Version", "")


def _rows(root: Path, record: str) -> Iterator[tuple[str, str]]:
    """Path relative to `root` and the recorded hash ("" for none) of each row."""
    base = posixpath.dirname(posixpath.dirname(record))
    with (root / record).open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            if row:
                yield posixpath.normpath(posixpath.join(base, row[0])), row[1] if len(row) > 1 else ""


def _holds(root: Path, path: str, expected: str, contents: Mapping[str, str]) -> bool:
    kind, _, rest = contents.get(path, "").partition(" ")
    if kind != "file":
        return False
    if not expected:
        return True
    algorithm, _, encoded = expected.partition("=")
    if algorithm == "sha256":
        return _urlsafe(bytes.fromhex(rest.split(" ")[1])) == encoded
    if algorithm not in {"sha384", "sha512"}:
        return False
    with (root / path).open("rb") as file:
        return _urlsafe(hashlib.file_digest(file, algorithm).digest()) == encoded


def _urlsafe(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
