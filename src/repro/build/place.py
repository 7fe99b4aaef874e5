"""A folder to work in, which is gone afterwards; what a killed call left is removed by the next one."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from repro.tools import files

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def working_folder(base: Path) -> Iterator[Path]:
    """A new folder in `base`, held by a lock as long as this process lives."""
    base.mkdir(parents=True, exist_ok=True)
    with files.locked(base / ".lock"):
        _sweep(base)
        folder = Path(tempfile.mkdtemp(prefix="build-", dir=base))
        lock = files.locked(folder.with_suffix(".lock"))
        lock.__enter__()
    try:
        yield folder
    finally:
        files.remove_tree(folder)
        folder.with_suffix(".lock").unlink(missing_ok=True)
        lock.__exit__(None, None, None)


def _sweep(base: Path) -> None:
    for folder in base.glob("build-*"):
        lock = folder.with_suffix(".lock")
        if folder.is_dir() and not files.is_locked(lock):
            files.remove_tree(folder)
            lock.unlink(missing_ok=True)
