"""The stages of a run: each told while it goes on, and timed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from repro.core.events import Event, Kind
from repro.tools.clock import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repro.core.events import Listener
    from repro.tools.clock import Usage

NAMES = ("resolve", "checkout", "data", "environment", "run", "collect", "compare", "record")
"""All stages, in order."""


class Stages:
    """Collects what each stage of one run took."""

    def __init__(self, run: str, listener: Listener) -> None:
        self._run, self._listener = run, listener
        self._taken: list[dict[str, Any]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Tell that a stage begins, and note what it took, also when it fails."""
        self._listener(Event(kind=Kind.STAGE, run=self._run, text=name))
        watch = Stopwatch()
        try:
            yield
        finally:
            self.note(name, watch.read())

    def note(self, name: str, usage: Usage, *, shared: bool = False) -> None:
        """Note a stage that was measured elsewhere; `shared` where several runs had it in common."""
        self._taken.append({"name": name, "shared": shared, **usage.to_dict()})

    def put(self, entry: Mapping[str, Any]) -> None:
        """Note a stage that was measured once for all runs, as it is."""
        self._taken.append(dict(entry))

    def amend(self, name: str, usage: Usage) -> None:
        """Put what was measured more exactly in place of what was noted for a stage."""
        self._taken = [entry for entry in self._taken if entry["name"] != name]
        self.note(name, usage)

    @property
    def taken(self) -> tuple[dict[str, Any], ...]:
        """What was noted so far, in the order of the stages."""
        return tuple(sorted(self._taken, key=lambda entry: NAMES.index(entry["name"])))
