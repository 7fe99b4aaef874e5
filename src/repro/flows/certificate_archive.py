"""A folder as a ZIP archive whose bytes follow from its files alone."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from repro.tools.files import files_below

if TYPE_CHECKING:
    from pathlib import Path

FIRST = (1980, 1, 1, 0, 0, 0)
"""The first time that ZIP can write (APPNOTE 6.3.10, section 4.4.6)."""

MODE = 0o644 << 16


def zipped(folder: Path) -> bytes:
    """All files by name, stored as they are: what a compressor makes differs between its versions."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in files_below(folder):
            entry = zipfile.ZipInfo(name, FIRST)
            entry.external_attr = MODE
            entry.create_system = 3  # Unix, on whatever system this runs
            archive.writestr(entry, (folder / name).read_bytes())
    return target.getvalue()
