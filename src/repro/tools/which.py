"""Whether programs are there, as whoever starts one would find them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def missing(programs: Iterable[str], environment: Mapping[str, str], folder: Path) -> tuple[str, ...]:
    """Those that are not on PATH of `environment` or, where they have a slash, not there in `folder`."""
    path = environment.get("PATH", "")
    return tuple(
        name
        for name in dict.fromkeys(programs)
        if shutil.which(str(folder / name) if "/" in name else name, path=path) is None
    )
