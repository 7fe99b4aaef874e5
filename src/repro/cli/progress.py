"""Long work shown while it goes on: bars on a terminal, plain lines with `-v`, otherwise only notes."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from repro.core.events import Event, Kind, silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

    from repro.cli.context import Settings
    from repro.core.events import Listener


@contextmanager
def listening(settings: Settings, doing: str = "replay") -> Iterator[Listener]:
    """A listener for one piece of work; on a terminal its display, named `doing`, is gone when it ends."""
    if settings.quiet:
        yield silent
    elif sys.stderr.isatty():
        bars = _Bars(doing)
        try:
            yield bars.hear
        finally:
            bars.close()
    else:
        yield _Lines(verbose=settings.verbose).hear


class _Lines:
    """Plain lines: notes, and with `verbose` every stage."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose

    def hear(self, event: Event) -> None:
        if event.kind is Kind.NOTE:
            sys.stderr.write(f"{event.text}\n")
        elif self._verbose and event.kind in {Kind.STAGE, Kind.DONE}:
            sys.stderr.write(f"{event.run}: {event.text}\n")


class _Bars:
    """One bar over all runs, which names the runs under way and their stages; started by the first stage."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._lock = threading.Lock()
        self._under_way: dict[str, str] = {}
        self._total = self._done = 0
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def hear(self, event: Event) -> None:
        with self._lock:
            if event.kind is Kind.PLAN:
                self._total += event.count
            elif event.kind is Kind.DONE:
                self._done += 1
                self._under_way.pop(event.run, None)
            elif event.kind is Kind.STAGE:
                self._under_way[event.run] = event.text
            if event.kind is Kind.STAGE or event.kind is Kind.NOTE or self._progress is not None:
                self._show(event.text if event.kind is Kind.NOTE else "")

    def _show(self, note: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        if self._progress is None:
            self._progress = Progress(
                TextColumn(self._doing),
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}", markup=False),
                console=Console(stderr=True),
                transient=True,
            )
            self._progress.start()
        progress = self._progress
        if self._task is None:
            self._task = progress.add_task("", total=self._total or None)
        stages = ", ".join(f"{run}: {stage}" for run, stage in list(self._under_way.items())[:2])
        progress.update(
            self._task, completed=self._done, total=self._total or None, description=note or stages
        )

    def close(self) -> None:
        with self._lock:
            if self._progress is not None:
                self._progress.stop()
