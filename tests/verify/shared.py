"""Where the real signed material lies: beside the repository, never in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("REPRO_SHARED_FIXTURES", Path(__file__).parents[2] / "../shared/fixtures"))
"""The folder `shared/fixtures` beside the repository, or wherever the variable says."""

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the real signed material (../shared/fixtures) is not on this machine"
)
