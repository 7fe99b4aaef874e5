"""The door to time: asked at the edge, handed down as values."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from datetime import UTC, datetime


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a piece of work took: wall and CPU seconds, and the peak memory in bytes of one process."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int

    def to_dict(self) -> dict[str, float | int]:
        """For the record; times to the microsecond."""
        return {
            "wall_seconds": round(self.wall_seconds, 6),
            "cpu_seconds": round(self.cpu_seconds, 6),
            "peak_bytes": self.peak_bytes,
        }


class Stopwatch:
    """Measures this thread's work from its creation: `read` says what it took so far."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.thread_time()

    def read(self) -> Usage:
        """The usage so far; the peak is that of the whole process, which is all the kernel tells."""
        return Usage(
            wall_seconds=time.perf_counter() - self._wall,
            cpu_seconds=time.thread_time() - self._cpu,
            peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )


def wait_for(moment: float) -> None:
    """Return when the system's clock shows `moment` (Unix seconds), at once where it already does."""
    while (left := moment - time.time()) > 0:
        time.sleep(left)
