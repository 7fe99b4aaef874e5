"""The interpreter that an environment was made for: hashed where it can be read, never started."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

from repro.sbom.component import Component, Kind, Licence
from repro.sbom.contents_found import Found
from repro.tools.files import hash_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from repro.core.digest import Digest

INTERPRETER = "python-interpreter"
"""Its reference."""

LICENCE = "PSF-2.0"
"""What CPython's own SBOM states of it (python/release-tools, sbom.py)."""

PLACES = ("bin/python", "bin/python3", "Scripts/python.exe")
"""Where a virtual environment has it, or a link to it."""

NAME = re.compile(r"python[0-9.]*t?(?:\.exe)?")
PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ", b"#!")
"""How programs begin on Linux, macOS and Windows; a wrapper that is a script counts too."""

MAX_PROGRAM = 1 << 30
"""Bytes of a file that can be an interpreter: the largest known, linked statically, have a tenth."""


def interpreter(folder: Path, version: str, config: Mapping[str, str]) -> Found:
    """The interpreter of a version as `pyvenv.cfg` states it; none where no version is known.

    Its bytes stand outside of the environment, behind a link that anybody may have made: only what is named
    and begins like an interpreter is read.
    """
    if not version:
        return Found()
    ours = config.get("implementation", "cpython").lower() == "cpython"
    component = Component(
        ref=INTERPRETER,
        name="python",
        version=version,
        kind=Kind.APPLICATION,
        purl=f"pkg:generic/python@{version}",
        cpe=f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*",
        licences=(Licence(expression=LICENCE),) if ours else (),
        digests=_digests(folder),
    )
    return Found(components=(component,), needs={INTERPRETER: ()})


def _digests(folder: Path) -> tuple[Digest, ...]:
    """The hash of the first file that is one; none where it cannot be read."""
    for place in PLACES:
        try:
            path = (folder / place).resolve(strict=True)
            if NAME.fullmatch(path.name) and _is_program(path):
                return (hash_file(path),)
        except (OSError, RuntimeError):  # not there, not allowed, or a circle of links
            continue
    return ()


def _is_program(path: Path) -> bool:
    about = path.stat()
    if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_PROGRAM:
        return False
    with path.open("rb") as file:
        return file.read(4).startswith(PROGRAMS)
