"""Files as subjects: which of a folder, and where a checkout says that it comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from repro.core.errors import UsageError
from repro.core.globs import matches
from repro.core.subject import Subject
from repro.sbom.address import public
from repro.tools.files import disk_errors, hash_file
from repro.tools.git import Git

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_FILES = 1000
"""Files of one folder that become subjects unasked; sigstore-go reads 1024 subjects."""


def subject_of(file: Path) -> Subject:
    """A file, called as it would be on disk, by the SHA-256 of its bytes."""
    if not file.is_file():
        raise UsageError(f"{file}: no such file", hint="name files that exist")
    with disk_errors(f"reading {file}"):
        return Subject(name=file.name, digests={"sha256": hash_file(file).hex})


def files_of(folder: Path, patterns: Sequence[str]) -> list[str]:
    """The regular files of a folder that become subjects: those named by a pattern, else all if few.

    Links are left out, for what they lead to has its own place. Raises UsageError where patterns name none.
    """
    found = sorted(
        (Path(place) / name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder)
        for name in names
        if (Path(place) / name).is_file() and not (Path(place) / name).is_symlink()
    )
    if not patterns:
        return found if len(found) <= MAX_FILES else []
    named = [name for name in found if any(matches(name, pattern) for pattern in patterns)]
    if not named:
        raise UsageError(f"{folder}: no file is named by {' '.join(patterns)}", hint="see what is in there")
    return named


def origin_of(folder: Path) -> str:
    """The address that a repository was cloned from, as it may be told; "" where it says none."""
    address = public(Git(folder).origin())
    return f"git+{address}" if "://" in address and not address.startswith("git") else address
