"""Python packages, crates and Go modules that stand inside paths of the Nix store."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.sbom import contents
from repro.sbom.component import Finding
from repro.sbom.contents_found import Found, joined
from repro.sbom.folder import FolderTree
from repro.sbom.nix_names import base

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING = Found()


def vendored(paths: Iterable[str]) -> Found:
    """What stands inside those of the paths that are folders; each file that may be a program is opened.

    A path that cannot be read, or is not there, is a finding.
    """
    return joined([_inside(path) for path in sorted(paths)])


def _inside(path: str) -> Found:
    ref = base(path)
    try:
        if not S_ISDIR(os.lstat(path).st_mode):
            return NOTHING
        found = contents.found(FolderTree(Path(path)), ref)
    except (OSError, FormatError) as error:
        said = error.message if isinstance(error, FormatError) else str(error.strerror)
        return Found(findings=(Finding(where=ref, what=f"its contents were not read: {said}"),))
    findings = [Finding(where=f"{ref}/{each.where}", what=each.what) for each in found.findings]
    return Found(components=found.components, needs=found.needs, findings=tuple(findings))
