"""The door to the caller's surroundings: environment variables and the folders that follow from them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def variables() -> Mapping[str, str]:
    """A copy of the caller's environment variables."""
    return dict(os.environ)


def cache_folder() -> Path:
    """Where environments are kept: `REPRO_CACHE_DIR`, else `repro` in the XDG cache folder."""
    if chosen := os.environ.get("REPRO_CACHE_DIR"):
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "repro"


def state_folder() -> Path:
    """Where what must outlive caches is kept: `REPRO_STATE_DIR`, else `repro` in the XDG state folder."""
    if chosen := os.environ.get("REPRO_STATE_DIR"):
        return Path(chosen).absolute()
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base).absolute() / "repro"


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def boot() -> str:
    """What tells this start of the machine from every other (proc(5), `boot_id`); "" where nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
