"""The door to other programs, and the only place that imports `subprocess`: argv lists, never a shell."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import ToolFailed, ToolNotFound
from repro.tools.clock import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TAIL = 2000
"""Characters of a failed tool's output that an error carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A short program that ended: its exit code and the bytes it wrote."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text, without the last newline."""
        return self.stdout.decode(errors="surrogateescape").rstrip("\n")


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout_seconds: float = 120,
    check: bool = True,
    hint: str = "",
    pass_fds: Sequence[int] = (),
) -> Completed:
    """Run a short program to its end and keep what it wrote; it inherits the descriptors `pass_fds`.

    Raises ToolNotFound where it is not installed, and ToolFailed on a time-out or, with `check`, on an exit
    code that is not 0; `hint` says what to do then.
    """
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=env,
            input=stdin,
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
            pass_fds=pass_fds,
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise ToolFailed(f"{argv[0]}: the folder {cwd} does not exist") from error
        raise ToolNotFound(f"{argv[0]}: not found", hint=hint or f"install {argv[0]}") from error
    except PermissionError as error:
        raise ToolNotFound(f"{argv[0]}: not executable", hint=hint) from error
    except subprocess.TimeoutExpired as error:
        raise ToolFailed(f"{shlex.join(argv)}: no answer in {timeout_seconds:g} s", hint=hint) from error
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()[-TAIL:]
        raise ToolFailed(f"{shlex.join(argv)}: exit code {done.returncode}\n{said}".rstrip(), hint=hint)
    return Completed(argv=tuple(argv), code=done.returncode, stdout=done.stdout, stderr=done.stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a supervised program ended: `code` is negative for a signal, as in `subprocess`."""

    code: int
    timed_out: bool
    usage: Usage


class Supervisor:
    """Runs long programs in process groups of their own, and can end all of them at once.

    Used from several threads: `stop` makes every program end now and every later call refuse.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: set[int] = set()
        self._stopped = False

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdout: Path,
        stderr: Path,
        timeout_seconds: float,
        pass_fds: Sequence[int] = (),
    ) -> Ended:
        """Run `argv` with its output in files, no input; its whole process group is killed at the time limit.

        Usage is the kernel's account of the process and the descendants that it waited for.
        """
        started = time.perf_counter()
        with stdout.open("wb") as out, stderr.open("wb") as err:
            with self._lock:
                if self._stopped:
                    raise KeyboardInterrupt
                try:
                    process = subprocess.Popen(
                        argv,
                        cwd=cwd,
                        env=env,
                        stdin=subprocess.DEVNULL,
                        stdout=out,
                        stderr=err,
                        start_new_session=True,
                        pass_fds=pass_fds,
                    )
                except FileNotFoundError as error:
                    raise ToolNotFound(f"{argv[0]}: not found") from error
                self._live.add(process.pid)
            return self._wait(process, started, timeout_seconds)

    def _wait(self, process: subprocess.Popen[bytes], started: float, timeout_seconds: float) -> Ended:
        timed_out = threading.Event()

        def expire() -> None:
            timed_out.set()
            _kill_group(process.pid)

        timer = threading.Timer(timeout_seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        finally:
            # Before the process is reaped its number cannot belong to another group; nothing that the
            # program left behind may outlive its run.
            _kill_group(process.pid)
            timer.cancel()
            _, status, rusage = os.wait4(process.pid, 0)
            with self._lock:
                self._live.discard(process.pid)
        process.returncode = os.waitstatus_to_exitcode(status)
        return Ended(
            code=process.returncode,
            timed_out=timed_out.is_set(),
            usage=Usage(
                wall_seconds=time.perf_counter() - started,
                cpu_seconds=rusage.ru_utime + rusage.ru_stime,
                peak_bytes=rusage.ru_maxrss * 1024,
            ),
        )

    def stop(self) -> None:
        """Kill every program that runs now; programs asked for later are refused."""
        with self._lock:
            self._stopped = True
            for pid in self._live:
                _kill_group(pid)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
