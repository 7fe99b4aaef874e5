"""Patches in the Nix store: their text where it is at hand, and which CVEs they say they resolve."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from repro.sbom.component import Patch
from repro.sbom.nix_names import base, named
from repro.tools.nix_schema import STORE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DIFF = 256 << 10
"""Bytes of a patch that are told; of a larger one the name alone."""

MAX_TOTAL = 64 << 20
"""Bytes of all patches of one inventory together."""

_CVE = re.compile(r"(?<![A-Za-z0-9])CVE[-_](\d{4})[-_](\d{4,19})(?!\d)", re.IGNORECASE)
_REVERT = re.compile(
    r"(?:\A|\n)(?:Subject:\s*(?:\[[^\]\n]*\]\s*)?)?Revert\b|(?:\A|[-_./])revert", re.IGNORECASE
)
_HUNK = re.compile(r"^(?:[ +@\\-]|diff |index |Index: ).*\n?", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def cves_in(name: str, text: str = "") -> tuple[str, ...]:
    """The CVEs that a patch resolves by its name and by the lines of its text that are no diff, sorted.

    A patch that takes another back resolves none, whatever it speaks of.
    """
    words = _HUNK.sub("", text)
    if _REVERT.search(name) or _REVERT.search(words):
        return ()
    return tuple(sorted({f"CVE-{year}-{number}" for year, number in _CVE.findall(f"{name}\n{words}")}))


def patch_of(path: str, content: bytes | None = None) -> Patch:
    """A patch by its store path, or that of a file below one, and by its bytes where they were read."""
    last = base(path)
    name = named(path) if STORE_NAME.fullmatch(last) else last
    if content is None or b"\0" in content:  # compressed, for one
        return Patch(name=name, resolves=cves_in(name))
    text = content.decode(errors="replace")
    return Patch(name=name, diff=_CONTROL.sub("\ufffd", text), resolves=cves_in(name, text))


def read_patches(paths: Iterable[str]) -> dict[str, Patch]:
    """The patches at store paths, with their text where it is there and small enough."""
    left = MAX_TOTAL
    found: dict[str, Patch] = {}
    for path in sorted(set(paths)):
        content = _content(Path(path), min(left, MAX_DIFF))
        left -= len(content or b"")
        found[path] = patch_of(path, content)
    return found


def _content(file: Path, limit: int) -> bytes | None:
    """A regular file's bytes, None where there is none, it is larger than `limit`, or it leads elsewhere."""
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > limit:
            return None
        with file.open("rb") as opened:
            content = opened.read(limit + 1)
    except OSError:
        return None
    return content if len(content) <= limit else None
