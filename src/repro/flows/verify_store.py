"""Store paths as artifacts: by the hash of their NAR, as it lies there, not as a database says."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from repro.core.errors import ReproError
from repro.core.subject import NAR
from repro.flows.verify_targets import Item
from repro.tools.files import disk_errors
from repro.tools.nar_writing import nar_sha256
from repro.verify.artifact import Artifact, artifact_of, open_artifact

if TYPE_CHECKING:
    from pathlib import Path

PARTS = 4
"""`/`, `nix`, `store` and the name: a store path itself, and no file inside of one."""


def item_of(path: Path) -> Item:
    """A store path by its NAR, and as a file too where it is one; a file inside of one as any file."""
    if len(path.parts) != PARTS:
        from repro.flows.verify_targets import of_file
        from repro.verify.discovery import Listings

        return of_file(path, str(path), Listings())
    return Item(name=str(path), open=partial(_open, path), path=path)


def _open(path: Path) -> Artifact:
    if not path.exists():
        raise ReproError(f"{path}: is not in the store", hint="build it, or copy it there")
    digests = {NAR: ""}
    content = None
    with disk_errors(f"reading {path}"):
        if path.is_file():
            file = open_artifact(path)
            digests, content = dict(file.digests), file.content
        digests[NAR] = nar_sha256(path)
    known = artifact_of(str(path), digests)
    return Artifact(name=known.name, digests=known.digests, content=content)
