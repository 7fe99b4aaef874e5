"""From inputs to checked files: fetch what the cache lacks, replace what is corrupt once, copy, compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.errors import DataError
from repro.data.objects import CorruptObject, materialise, missing, places
from repro.data.shelf import NAMED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from repro.core.digest import Digest
    from repro.data.dvc import Remote
    from repro.data.pointers import Object


def provide(root: Path, inputs: Sequence[str], remote: Remote, target: Path) -> dict[str, Digest]:
    """Put the inputs of the checkout `root` below `target`, every file with its recorded hash.

    Returns each file's path and digest, for `objects.verify` after the run. DataError where an object is
    neither in the cache nor in the remote, or is corrupt in both.
    """
    replaced: set[Object] = set()
    while True:
        try:
            fetch_missing(root, inputs, remote)
            return materialise(root, inputs, remote, target)
        except CorruptObject as error:
            if error.object in replaced:
                raise
            replaced.add(error.object)
            _replace(error, remote)


def fetch_missing(root: Path, inputs: Sequence[str], remote: Remote) -> None:
    """Fetch what the cache lacks: first the manifests of folders, then the files that they list."""
    for _ in ("manifests and single files", "files of folders"):
        lacking = missing(root, inputs, remote)
        if not lacking:
            return
        try:
            remote.fetch(lacking)
        except DataError as error:
            named = places(root, inputs, lacking, remote)
            more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
            raise DataError(f"{', '.join(named[:NAMED])}{more}: {error.message}", hint=error.hint) from error


def _replace(corrupt: CorruptObject, remote: Remote) -> None:
    try:
        remote.fetch([corrupt.object])
    except DataError as error:
        raise DataError(f"{corrupt.message}\n{error.message}", hint=error.hint) from error
