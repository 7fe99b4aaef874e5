"""What all tests share: how hypothesis searches, here and in CI."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import settings

if TYPE_CHECKING:
    import pytest

# A machine may be busy: no time limit on one example. In CI the same examples every time, so that a failure
# there is one that anybody can repeat; elsewhere new ones, which is how new ones are found.
settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "developer")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests ran on the real signed material that lies beside the repository."""
    counts = {
        outcome: sum("/test_shared_" in one.nodeid for one in terminalreporter.stats.get(outcome, ()))
        for outcome in ("passed", "failed", "skipped")
    }
    if any(counts.values()):
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        terminalreporter.write_line(f"shared signed material: {said}")
