"""Nix's structured log (`--log-format internal-json`): which builders ran, what was fetched, what went wrong.

The numbers of activities and results are those of Nix's `src/libutil/logging.hh`, the same since 2.2.
"""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

COPY_PATH, BUILD, SUBSTITUTE = 100, 105, 108
LOG_LINE, SET_PHASE = 101, 104
ERROR, WARN = 0, 1

TAIL_LINES = 25
"""Last lines of a builder's output that are kept, each of at most `LINE_CHARACTERS`."""

LINE_CHARACTERS = 2000
MAX_MESSAGES = 1000

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\x1b\][^\x07]*\x07")


@dataclass(slots=True, kw_only=True)
class Builder:
    """One start of a builder: for which derivation, on which `machine` ("" is this one), and its end.

    Times are those of the clock that the log was given; `stopped` is None while it runs.
    """

    drv: str
    machine: str
    started: float
    stopped: float | None = None
    phase: str = ""
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))

    @property
    def name(self) -> str:
        """The derivation's name, without folder and hash."""
        return self.drv.rpartition("/")[2][33:].removesuffix(".drv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that Nix said: `text` whole, `innermost` without the trace that led to it."""

    level: int
    text: str
    innermost: str


class NixLog:
    """A log as it grows: `hear` takes its lines, whole or not of Nix's making, and never fails."""

    def __init__(
        self, clock: Callable[[], float], told: Callable[[Builder], None] = lambda _builder: None
    ) -> None:
        self.builders: list[Builder] = []
        self.substituted: list[str] = []
        self.messages: list[Message] = []
        self._clock, self._told = clock, told
        self._running: dict[int, Builder] = {}

    @property
    def errors(self) -> list[Message]:
        """What Nix called an error, first to last."""
        return [message for message in self.messages if message.level == ERROR]

    def hear(self, line: bytes) -> None:
        """Take one line of standard error."""
        text = line.decode(errors="replace")
        if not text.startswith("@nix "):
            self._keep(Message(level=WARN, text=_plain(text), innermost=_plain(text)))
            return
        try:
            event = json.loads(text[5:])
            self._take(event)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            # A line of a shape that is not known proves nothing: it cannot make a build count as run.
            self._keep(Message(level=WARN, text=_plain(text), innermost=""))

    def _take(self, event: dict[str, Any]) -> None:
        action = event["action"]
        if action == "start":
            self._start(event)
        elif action == "stop":
            self._stop(event["id"])
        elif action == "result":
            self._result(event)
        elif action == "msg":
            whole = _plain(event["msg"])
            inner = _plain(event["raw_msg"]) if "raw_msg" in event else _innermost(whole)
            self._keep(Message(level=event["level"], text=whole, innermost=inner))

    def _start(self, event: dict[str, Any]) -> None:
        fields = event.get("fields", [])
        if event["type"] == BUILD:
            builder = Builder(drv=str(fields[0]), machine=str(fields[1]), started=self._clock())
            self.builders.append(builder)
            self._running[event["id"]] = builder
            self._told(builder)
        elif event["type"] == SUBSTITUTE:
            self.substituted.append(str(fields[0]))

    def _stop(self, number: int) -> None:
        builder = self._running.pop(number, None)
        if builder is not None:
            builder.stopped = self._clock()
            self._told(builder)

    def _result(self, event: dict[str, Any]) -> None:
        builder = self._running.get(event["id"])
        if builder is None:
            return
        if event["type"] == LOG_LINE:
            builder.tail.append(_plain(str(event["fields"][0]))[:LINE_CHARACTERS])
        elif event["type"] == SET_PHASE:
            builder.phase = str(event["fields"][0])
            self._told(builder)

    def _keep(self, message: Message) -> None:
        if len(self.messages) < MAX_MESSAGES:
            self.messages.append(message)


def _plain(text: str) -> str:
    """Text without terminal escapes."""
    return _ANSI.sub("", text)


def _innermost(text: str) -> str:
    """The last thing called an error in a message with a trace, or the first line of the message."""
    parts = re.split(r"(?:^|\n)\s*error:", text)
    said = [part for part in parts[1:] if part.strip() and not part.lstrip(" ").startswith("\n")]
    return (said[-1] if said else text.removeprefix("error:")).strip()
