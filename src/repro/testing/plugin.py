"""The pytest plugin: an option and a fixture, whose bodies are loaded when a test uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from repro.testing.fixture import Drift

ACCEPTED: Final = "drift_accepted"
"""The property of a test under which its report carries what was accepted, also between processes."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--drift-accept`."""
    group = parser.getgroup("drift", "numbers compared with references")
    group.addoption(
        "--drift-accept",
        action="store_true",
        help="take the present values as references, and say in the summary which changed and how",
    )


@pytest.fixture
def drift(request: pytest.FixtureRequest) -> Drift:
    """Compare values with the reference of this test: `drift.check({"loss": array, …}, rules=[…])`."""
    from repro.testing.fixture import of_request

    return of_request(request)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which references were accepted, and what changed in them."""
    said = {
        (report.nodeid, text): None
        for reports in terminalreporter.stats.values()
        for report in reports
        for key, text in getattr(report, "user_properties", ())
        if key == ACCEPTED
    }
    if said:
        terminalreporter.section("references accepted")
        for nodeid, text in said:
            terminalreporter.line(nodeid)
            terminalreporter.line(str(text))
