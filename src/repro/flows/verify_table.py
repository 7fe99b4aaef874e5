"""The table [verify] of `repro.toml`: what is verified, and by which policy, where nobody says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from repro.flows.verify import Wishes


def completed(folder: Path, wishes: Wishes) -> tuple[Path, Wishes]:
    """The wishes with what `repro.toml` says in place of what is missing."""
    raise UsageError("name what to verify, and by which policy or signer", hint="see: repro verify --help")
