"""What artifacts of one call share: one bundle about a thousand of them is read once, not a thousand times.

Shared is what depends on a piece of evidence, on who may sign, and on the trusted root alone: how it is read,
whether its signature holds, what it states. Verdicts are never shared: each is about an artifact.
"""

from __future__ import annotations

from copy import copy
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from repro.attest.reading import parse_evidence
from repro.core.errors import ReproError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from repro.attest.bundle import Bundle
    from repro.attest.reading import Evidence

Part = TypeVar("Part")

MAX_BYTES = 16 << 20
"""Bytes of evidence that are remembered at most; what is made of them takes about ten times as much."""


class Shared:
    """Answers by their questions, refusals too; all that an answer depends on must be in its question."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[Any, ReproError | None]] = {}
        self._bytes = 0
        self._lock = Lock()

    def once(self, question: Hashable, size: int, answer: Callable[[], Part]) -> Part:
        """The answer, asked for if it is not known; `size` is how many bytes it is made of."""
        with self._lock:  # all of this is work for one processor: waiting costs no time
            known = self._known.get(question)
            if known is None:
                self._make_room(size)
                known = self._known[question] = self._asked(question, answer)
        found, refused = known
        if refused is not None:
            raise copy(refused)
        return found  # type: ignore[no-any-return]

    def read(self, evidence: Evidence) -> Bundle:
        """The bundle in a piece of evidence, as `parse_evidence` reads it."""
        return self.once(("read", evidence), len(evidence.raw), partial(parse_evidence, evidence))

    def _asked(self, question: Hashable, answer: Callable[[], Part]) -> tuple[Part, None]:
        try:
            return answer(), None
        except ReproError as error:
            # a copy, for the error itself holds on to all that its callers had in hand
            self._known[question] = None, copy(error)
            raise

    def _make_room(self, size: int) -> None:
        """Forget everything where there is more than enough: evidence that many artifacts share is small."""
        self._bytes += size
        if self._bytes > MAX_BYTES:
            self._known.clear()
            self._bytes = size
