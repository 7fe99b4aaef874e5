"""What several runs share is made once, by whichever of them needs it first."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from repro.core.errors import ReproError
from repro.tools.clock import Stopwatch, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made(Generic[T]):
    """A shared thing and what making it took."""

    value: T
    usage: Usage


class Once(Generic[T]):
    """Makes one thing per key, from several threads, and remembers failures as well."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._made: dict[Hashable, Made[T] | ReproError] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> Made[T]:
        """The thing of that key; the error of the first attempt is raised again for everybody."""
        with self._lock:
            own = self._locks.setdefault(key, threading.Lock())
        with own:
            if key not in self._made:
                watch = Stopwatch()
                try:
                    self._made[key] = Made(value=make(), usage=watch.read())
                except ReproError as error:
                    self._made[key] = error
            made = self._made[key]
        if isinstance(made, ReproError):
            raise made
        return made

    def forget(self, key: Hashable) -> None:
        """Let the thing of that key be made anew when it is needed again."""
        with self._lock:
            own = self._locks.setdefault(key, threading.Lock())
        with own:
            self._made.pop(key, None)
