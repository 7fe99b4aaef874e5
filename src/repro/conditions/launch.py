"""The launcher: encloses one command, has its enclosure measured, runs it, and reports. A script of its own.

Started as `python -I -S launch.py SPEC REPORT LIFELINE` with the numbers of three inherited descriptors: a
file with the specification (made in `launching.py`), a file for the report, and the reading end of a pipe
whose other end closes when the caller ends. It imports nothing of this package but the file beside it, for it
is to start in milliseconds and stay small: the peak memory of a command starts at that of its parent.

The report is one JSON object per step: `{"init": pid}`, then `{"failed": why}` and nothing more, or
`{"checks": …}` followed by `{"ended": …}`. A launcher that was killed leaves it unfinished.

Steps, numbered in the code: 1. namespaces; 2. a root file system that holds only what the command may see;
3. no privileges; 4. a measuring program, started exactly as the command will be; 5. the command.
"""
# pathlib is slow to import, and this starts once per run
# ruff: noqa: PTH100, PTH120, PTH123

from __future__ import annotations

import _thread
import codecs
import errno
import json
import os
import resource
import select
import signal
import sys
import time
from importlib import import_module
from typing import Any, NoReturn

# An isolated interpreter does not look beside its script; last in the list, this hides no standard module.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))
kernel = import_module("kernel")
for codec in (
    "ascii",
    "latin-1",
    "unicode_escape",
):  # loaded at their first use, when they may be out of sight
    codecs.lookup(codec)

MAX_MILLISECONDS = 2**31 - 1
MAX_DESCRIPTORS = 4096
"""Beyond any that a launcher was given or opened."""
LINUX = sys.platform == "linux"


class Report:
    """The report file: one JSON object after another."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def add(self, **entry: object) -> None:
        """Append one object."""
        os.write(self._descriptor, json.dumps(entry).encode() + b"\n")


class Refused(Exception):
    """The kernel refused to execute a file."""

    def __init__(self, program: str, number: int) -> None:
        super().__init__(f"{program}: {os.strerror(number)}")
        self.number = number


def start(argv: list[str], spec: dict[str, Any], *standard: int) -> int:
    """Fork and execute `argv` in its folder, with its variables and no descriptor but the standard ones.

    `standard` may hold other descriptors for its input and output.
    """
    reading, writing = os.pipe()
    launcher = os.getpid()
    pid = os.fork()
    if pid == 0:
        execute(argv, spec, standard, (launcher, writing))
    os.close(writing)
    refusal = os.read(reading, 16)
    os.close(reading)
    if refusal:
        os.waitpid(pid, 0)
        raise Refused(argv[0], int(refusal))
    return pid


def execute(
    argv: list[str], spec: dict[str, Any], standard: tuple[int, ...], launcher: tuple[int, int]
) -> NoReturn:
    """The forked half of `start`, which knows its parent by number and by a pipe: never returns."""
    parent, writing = launcher
    try:
        if LINUX:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it ended before the kernel knew what to do then
                os._exit(127)
        if spec["enclosed"]:
            os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        for place, descriptor in enumerate(standard):
            os.dup2(descriptor, place)
        os.umask(0o022)
        os.chdir(spec["folder"])
        os.closerange(3, writing)
        os.closerange(writing + 1, MAX_DESCRIPTORS)
        os.execvpe(argv[0], argv, spec["variables"])  # noqa: S606 - no shell is the point
    except (OSError, kernel.StepError, ValueError) as error:
        os.write(writing, b"%d" % (getattr(error, "errno", None) or errno.EINVAL))
    finally:
        os._exit(127)


def measure(spec: dict[str, Any], lifeline: int) -> list[dict[str, str]]:
    """4. What a program started exactly as the command finds around itself."""
    alive = not select.select([lifeline], [], [], 0)[0]
    question, answer = os.pipe(), os.pipe()
    pid = start(spec["measurer"], spec, question[0], answer[1])
    os.close(question[0])
    os.close(answer[1])
    with open(question[1], "w", encoding="utf-8") as pipe:
        json.dump({**spec["measure"], "variables": spec["variables"], "tethered": alive}, pipe)
    with open(answer[0], "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    if status:
        raise kernel.StepError(f"measuring the isolation: exit status {os.waitstatus_to_exitcode(status)}")
    checks: list[dict[str, str]] = json.loads(said)
    return checks


def children() -> list[int]:
    """The processes whose parent is this one, orphans included; none where /proc has no list."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def kill_all(command: int = 0) -> None:
    """Kill the command, where it still runs, and what it started, as far as it can be seen now."""
    for pid in [-1] if os.getpid() == 1 else children() or ([command] if command else []):
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


class Watch:
    """Ends the command at its time limit, and everything when the caller has ended; a thread of its own."""

    def __init__(self, lifeline: int, seconds: float) -> None:
        self.timed_out = False
        self.command = 0
        self._lifeline = lifeline
        self._milliseconds = min(int(seconds * 1000), MAX_MILLISECONDS)

    def over(self, command: int) -> None:
        """Start to watch."""
        self.command = command
        _thread.start_new_thread(self._run, ())

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._lifeline, select.POLLIN)
        if not poll.poll(self._milliseconds):
            if self.command:
                self.timed_out = True
                kill_all(self.command)
            poll.poll()
        kill_all(self.command)
        while os.getpid() != 1 and children():  # what a killed process started becomes a child of this one
            kill_all()
        os.killpg(0, signal.SIGKILL)  # where orphans cannot be seen, the group is what can be reached
        os._exit(1)


def run_command(spec: dict[str, Any], lifeline: int) -> dict[str, object]:
    """5. Run the command to its end, then end what it left behind; usage counts all of them."""
    watch = Watch(lifeline, spec["timeout_seconds"])
    started = time.monotonic()
    try:
        command = start(spec["argv"], spec)
    except Refused as error:
        return {"refused": error.number}
    watch.over(command)
    code, wall, cpu, peak = 0, 0.0, 0.0, 0
    while True:
        try:
            pid, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            break
        cpu += usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss)
        if pid == command:
            watch.command = 0
            code, wall = os.waitstatus_to_exitcode(status), time.monotonic() - started
        if not watch.command:
            kill_all()
    return {"code": code, "timed_out": watch.timed_out, "wall": wall, "cpu": cpu, "peak": peak}


def main(spec_file: int, report_file: int, lifeline: int) -> int:
    """All steps in order; 0 when the command was started or refused, 1 when the enclosure failed."""
    for descriptor in (spec_file, report_file, lifeline):
        os.set_inheritable(descriptor, False)
    with open(spec_file, encoding="utf-8") as file:
        spec = json.load(file)
    report = Report(report_file)
    try:
        if spec["namespaces"]:
            kernel.enter_namespaces(network=spec["network"], report=lambda init: report.add(init=init))  # 1.
            kernel.build_root(spec["root"], spec["view"])  # 2.
            kernel.drop_privileges()  # 3.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if LINUX:
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
            # or the command could reach the report through /proc/PID/fd
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a command may signal its own process group
        report.add(checks=measure(spec, lifeline))
    except (kernel.StepError, Refused, OSError, ValueError) as error:
        report.add(failed=str(error))
        return 1
    if spec["argv"]:
        report.add(ended=run_command(spec, lifeline))
    return 0


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:4])))
