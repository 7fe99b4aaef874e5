"""How one run is isolated: what it may see and reach, and the measured proof of what isolation held.

Two programs of their own do it: the launcher (`launch.py`) that encloses the command, and the measuring
program (`measure.py`) that the launcher starts exactly as it starts the command afterwards.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from repro.conditions.enclosure import Enclosure, Method, base_variables, places, render
from repro.conditions.launching import GRACE_SECONDS, launch
from repro.core.check import Check, Status
from repro.core.errors import ConfigError, ReproError
from repro.tools.clock import Usage
from repro.tools.files import disk_errors
from repro.tools.process import Ended, Supervisor

__all__ = [
    "Enclosure",
    "IsolatedRun",
    "Method",
    "available",
    "base_variables",
    "places",
    "render",
    "run_isolated",
]

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in the unit of ru_maxrss (getrusage(2))."""

NOTHING = Usage(wall_seconds=0.0, cpu_seconds=0.0, peak_bytes=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class IsolatedRun:
    """How a command ended, under which method, and what isolation was measured around it before it began.

    `ended.code` is the command's own, negative for a signal. `usage` counts the command and its descendants;
    when the launcher was killed with them it is the launcher's. `failed_to_start` says why a command could
    not be executed at all (its code is then 127, or 126 for one that exists), and is empty otherwise.
    """

    ended: Ended
    method: Method
    checks: tuple[Check, ...]
    usage: Usage
    failed_to_start: str = ""


@cache
def available() -> Method:
    """The best method that works on this machine, found by trying; asked once per process."""
    if sys.platform == "linux":
        for method in (Method.BUBBLEWRAP, Method.NAMESPACES):
            if _works(method):
                return method
    return Method.PLAIN


def _works(method: Method) -> bool:
    with tempfile.TemporaryDirectory(prefix="repro-") as name:
        code, out, scratch = (Path(name) / part for part in ("code", "out", "scratch"))
        for folder in (code, out, scratch):
            folder.mkdir()
        nothing = Enclosure(
            argv=(), code=code, out=out, scratch=scratch, visible=(), search_path=(), variables={}
        )
        logs = {"stdout": Path(name) / "stdout", "stderr": Path(name) / "stderr"}
        try:
            launch(nothing, method, Supervisor(), **logs, timeout_seconds=GRACE_SECONDS)
        except ReproError:
            return False
    return True


def run_isolated(
    enclosure: Enclosure,
    *,
    method: Method,
    supervisor: Supervisor,
    stdout: Path,
    stderr: Path,
    timeout_seconds: float,
) -> IsolatedRun:
    """Run a command in its enclosure to its end, its output in two files.

    Raises ToolFailed when the enclosure cannot be set up or measured: the command has not been started then.
    """
    if not enclosure.argv:
        raise ConfigError(
            "the command is empty", hint="give the command as a list of a program and arguments"
        )
    if method is Method.PLAIN:
        _take_write_permission(enclosure.code)
    report, launcher = launch(
        enclosure, method, supervisor, stdout=stdout, stderr=stderr, timeout_seconds=timeout_seconds
    )
    ended = _ended(report.get("ended"), launcher)
    refusal = report.get("ended", {}).get("refused")
    return IsolatedRun(
        ended=ended,
        method=method,
        checks=tuple(
            Check(name=check["name"], status=Status(check["status"]), reason=check["reason"])
            for check in report.get("checks", [])
        ),
        usage=ended.usage,
        failed_to_start="" if refusal is None else _refusal(enclosure.argv[0], refusal),
    )


def _ended(command: dict[str, int | float] | None, launcher: Ended) -> Ended:
    """How the command ended by the launcher's report; without one both were killed."""
    if command is None:
        return launcher
    if "refused" in command:
        return Ended(code=127 if command["refused"] == errno.ENOENT else 126, timed_out=False, usage=NOTHING)
    usage = Usage(
        wall_seconds=command["wall"],
        cpu_seconds=command["cpu"],
        peak_bytes=int(command["peak"]) * PEAK_UNIT,
    )
    return Ended(code=int(command["code"]), timed_out=bool(command["timed_out"]), usage=usage)


def _refusal(command: str, number: int) -> str:
    if number == errno.ENOENT:
        return f"{command}: command not found (or the interpreter that its first line names)"
    return f"{command}: not executable: {os.strerror(number)}"


def _take_write_permission(folder: Path) -> None:
    """What can be done without a mount of its own: no write permission on any file or folder."""
    with disk_errors("making the code read-only"):
        for path in (*folder.rglob("*"), folder):
            if not path.is_symlink():
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
