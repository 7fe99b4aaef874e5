from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path

import pytest

from repro.tools import clock, host


def test_the_environment_is_handed_out_as_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changing what `variables` returned changes nothing outside."""
    monkeypatch.setenv("REPRO_TEST_NAME", "kept")
    dict(host.variables()).pop("REPRO_TEST_NAME")
    found = host.variables()
    assert found["REPRO_TEST_NAME"] == os.environ["REPRO_TEST_NAME"] == "kept"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"REPRO_CACHE_DIR": "/chosen", "XDG_CACHE_HOME": "/xdg", "HOME": "/home/a"}, "/chosen"),
        ({"REPRO_CACHE_DIR": "", "XDG_CACHE_HOME": "/xdg", "HOME": "/home/a"}, "/xdg/repro"),
        ({"REPRO_CACHE_DIR": "", "XDG_CACHE_HOME": "", "HOME": "/home/a"}, "/home/a/.cache/repro"),
        ({"REPRO_CACHE_DIR": "here"}, "{cwd}/here"),
    ],
)
def test_the_cache_folder_follows_the_variables(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    """`REPRO_CACHE_DIR` comes first, then the XDG folder, then `~/.cache`; the answer is absolute."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert host.cache_folder() == Path(expected.replace("{cwd}", str(Path.cwd())))


def test_there_is_at_least_one_processor() -> None:
    """The number of processors is positive and not more than the machine has."""
    assert 1 <= host.processors() <= (os.cpu_count() or 1)


def test_the_present_carries_its_zone() -> None:
    """`now` is in UTC and says so, and does not run backwards."""
    first, second = clock.now(), clock.now()
    assert first.tzinfo is UTC
    assert first <= second


def test_a_stopwatch_never_runs_backwards() -> None:
    """Two readings of one stopwatch grow in wall time, CPU time and peak memory."""
    watch = clock.Stopwatch()
    first = watch.read()
    sum(range(100_000))
    second = watch.read()
    assert 0 <= first.wall_seconds < second.wall_seconds
    assert 0 <= first.cpu_seconds <= second.cpu_seconds
    assert 0 < first.peak_bytes <= second.peak_bytes


def test_usage_is_written_to_the_microsecond() -> None:
    """The record holds seconds rounded to six digits and whole bytes."""
    usage = clock.Usage(wall_seconds=1.23456789, cpu_seconds=0.1 + 0.2, peak_bytes=1024)
    assert usage.to_dict() == {"wall_seconds": 1.234568, "cpu_seconds": 0.3, "peak_bytes": 1024}
