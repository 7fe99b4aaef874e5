"""The door to other programs, and the only place that imports `subprocess`: argv lists, never a shell."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import ToolFailed, ToolNotFound
from repro.tools.clock import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import IO

TAIL = 2000
"""Characters of a failed tool's output that an error carries."""


_STARTING = threading.Lock()
_UNDER_WAY: dict[int, subprocess.Popen[bytes]] = {}
"""The short programs that run now, by process number: what `Supervisor.stop` ends beside its own."""


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
    with _start_errors(argv, cwd, hint), _STARTING:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=pass_fds,
        )
        _UNDER_WAY[process.pid] = process
    with process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise ToolFailed(f"{shlex.join(argv)}: no answer in {timeout_seconds:g} s", hint=hint) from error
        finally:
            # Before it is reaped its number is its own; a helper that it left holds no pipe open for ever.
            if process.returncode is None:
                _kill_group(process.pid)
            _UNDER_WAY.pop(process.pid, None)
    if check and process.returncode != 0:
        said = (stderr or stdout).decode(errors="replace").strip()[-TAIL:]
        raise ToolFailed(f"{shlex.join(argv)}: exit code {process.returncode}\n{said}".rstrip(), hint=hint)
    return Completed(argv=tuple(argv), code=process.returncode, stdout=stdout, stderr=stderr)


LINE = 1 << 20
"""Bytes of one line of `stream` that are handed on together; a longer one comes in parts."""

GRACE_SECONDS = 20.0
"""How long a program that was told to end may clean up after itself before it is killed."""


def stream(
    argv: Sequence[str],
    *,
    hear: Callable[[bytes], None],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    hint: str = "",
) -> Completed:
    """Run a program of any duration; each line of its standard error goes to `hear` as it comes.

    Standard output is kept whole, standard error is not (`stderr` is empty). Where `hear` raises, or the
    caller is interrupted, the program is asked to end (SIGINT), so that it can stop what it started in
    other sessions, and is killed with its process group only if it does not. No exit code is an error here.
    """
    with _start_errors(argv, cwd, hint):
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101 - as asked for above; mypy cannot know
    assert process.stderr is not None  # noqa: S101
    stdout: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(process.stdout, stdout), daemon=True)
    with process:
        reader.start()
        try:
            while line := process.stderr.readline(LINE):
                hear(line.rstrip(b"\n"))
            reader.join()
            process.wait()
        finally:
            if process.returncode is None:
                _end(process)
            reader.join()
    return Completed(argv=tuple(argv), code=process.returncode, stdout=b"".join(stdout), stderr=b"")


def _drain(pipe: IO[bytes], into: list[bytes]) -> None:
    while chunk := pipe.read(LINE):
        into.append(chunk)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a program to end, and kill its group where it does not; what it still says is read and dropped."""
    process.send_signal(signal.SIGINT)
    dropped = threading.Thread(target=_drain, args=(process.stderr, []), daemon=True)
    dropped.start()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        _kill_group(process.pid)
        process.wait()
    finally:
        if process.returncode is None:  # interrupted once more
            _kill_group(process.pid)
    dropped.join()


def _end_short_programs() -> None:
    """Kill every short program that runs now; whoever waits for one gets ToolFailed."""
    with _STARTING:
        for pid, process in list(_UNDER_WAY.items()):
            if process.returncode is None:
                _kill_group(pid)


@contextmanager
def _start_errors(argv: Sequence[str], cwd: Path | None, hint: str = "") -> Iterator[None]:
    """Turn what stands in the way of starting a program into errors of ours."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        if cwd is not None and not cwd.is_dir():
            raise ToolFailed(f"{argv[0]}: the folder {cwd} does not exist") from error
        raise ToolNotFound(f"{argv[0]}: not found", hint=hint or f"install {argv[0]}") from error
    except PermissionError as error:
        raise ToolNotFound(f"{argv[0]}: not executable", hint=hint or f"run: chmod +x {argv[0]}") from error
    except OSError as error:  # not a program at all, too many arguments, no memory
        raise ToolFailed(f"{argv[0]}: cannot be started: {error.strerror}", hint=hint) from error
    except ValueError as error:  # a NUL or a lone surrogate in an argument or variable
        raise ToolFailed(f"{argv[0]!r}: cannot be started: {error}", hint="correct the command") from error


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
        self._stop = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether everything was told to end."""
        return self._stop.is_set()

    def pause(self, seconds: float) -> None:
        """Wait so long; KeyboardInterrupt as soon as everything is told to end."""
        if self._stop.wait(seconds):
            raise KeyboardInterrupt

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

        Usage is the kernel's account of the process and the descendants that it waited for. Linux counts
        the memory of a process from before it became `argv`, so the peak is at least that of the caller.
        """
        started = time.perf_counter()
        with stdout.open("wb") as out, stderr.open("wb") as err:
            with self._lock:
                if self.stopped:
                    raise KeyboardInterrupt
                with _start_errors(argv, cwd):
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
                self._live.add(process.pid)
            return self._wait(process, started, timeout_seconds)

    def _wait(self, process: subprocess.Popen[bytes], started: float, timeout_seconds: float) -> Ended:
        timed_out = threading.Event()

        def expire() -> None:
            timed_out.set()
            _kill_group(process.pid)

        timer = threading.Timer(min(timeout_seconds, threading.TIMEOUT_MAX), expire)
        timer.daemon = True
        timer.start()
        try:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        finally:
            # Before the process is reaped its number cannot belong to another group; nothing that the
            # program left behind may outlive its run.
            _kill_group(process.pid)
            timer.cancel()
            timer.join()
            with self._lock:
                _, status, rusage = os.wait4(process.pid, 0)
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
        """Kill every program that runs now, those of `run` too; long ones asked for later are refused."""
        with self._lock:
            self._stop.set()
            for pid in self._live:
                _kill_group(pid)
        _end_short_programs()


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
