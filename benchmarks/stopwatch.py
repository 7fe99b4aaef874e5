"""Times whole processes: wall clock, the CPU of a process and its descendants, and their peak memory."""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in the unit of `ru_maxrss` (getrusage(2) of each system)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement: seconds of wall clock and of CPU (user and system), bytes at the peak."""

    wall: float
    cpu: float
    peak: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Measurements of one thing."""

    samples: tuple[Sample, ...]

    @property
    def wall(self) -> float:
        """The median, in seconds."""
        return statistics.median(sample.wall for sample in self.samples)

    @property
    def least(self) -> float:
        """The smallest wall time, in seconds: what is left when nobody else is busy."""
        return min(sample.wall for sample in self.samples)

    @property
    def cpu(self) -> float:
        """The median of the CPU time, in seconds."""
        return statistics.median(sample.cpu for sample in self.samples)

    @property
    def peak(self) -> int:
        """The largest peak, in bytes."""
        return max(sample.peak for sample in self.samples)


def process(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Callable[[], Sample]:
    """Work that runs a program to its end; RuntimeError with what it said where it fails."""
    return lambda: measure(argv, cwd=cwd, env=env)


def measure(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Sample:
    """Run one program, without input, to its end.

    The peak is that of the largest process of the family, and at least that of this one: Linux counts a
    process from before it became its program. So this process imports nothing large.
    """
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        child = subprocess.Popen(
            argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            said.seek(0)
            text = said.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"exit code {child.returncode}: {shlex.join(argv)}\n{text}")
    return Sample(wall=wall, cpu=usage.ru_utime + usage.ru_stime, peak=usage.ru_maxrss * UNIT)


def alternate(count: int, *works: Callable[[], Sample]) -> tuple[Series, ...]:
    """Do the works in turns, A B A B, `count` times each after one turn that does not count."""
    turns = [[work() for work in works] for _ in range(count + 1)][1:]
    return tuple(Series(samples=column) for column in zip(*turns, strict=True))


def ratio(ours: Series, peer: Series) -> float:
    """The median of the ratios of the pairs, ours over the peer's: what disturbs one disturbs both."""
    pairs = zip(ours.samples, peer.samples, strict=True)
    return statistics.median(mine.wall / other.wall for mine, other in pairs)
