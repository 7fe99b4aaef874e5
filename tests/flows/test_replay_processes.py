from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repro.core.exits import Exit
from repro.tools.files import is_locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.flows.conftest import Lab

DEADLINE = 30.0
BLOCK = """\
import os, pathlib, sys
out = pathlib.Path(sys.argv[2])
os.mkfifo(out / "gate")
print("at the gate", flush=True)
open(out / "gate").read()
os.unlink(out / "gate")
"""
"""The beginning of a script that waits until somebody writes into the pipe that it makes in its folder."""

RUN_STAGES = ["checkout, data", "environment", "run", "collect", "compare", "record"]


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Look until a condition holds; fail at the deadline. It is a state outside, of which no event tells."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, what
        os.sched_yield()


def gates(lab: Lab) -> list[Path]:
    """The pipes at which commands wait."""
    return sorted(lab.store.runs.glob("*/out/gate"))


def open_gate(gate: Path) -> None:
    """Let the command go on: opening waits until it has opened the other end."""
    gate.write_text("")


def gone(path: Path) -> bool:
    """Whether there is no such file."""
    return not path.exists()


def scratch(lab: Lab) -> list[str]:
    """What calls left behind in the scratch area."""
    return sorted(path.name for path in (lab.store.folder / "tmp").iterdir() if path.is_dir())


def released(lab: Lab) -> bool:
    """Whether no process holds the scratch of a call any more.

    A child that was forked when its parent was killed shares its locks until it executes its own program.
    """
    return not any(is_locked(lock) for lock in (lab.root / ".repro/tmp").glob("*.lock"))


def living(needle: str) -> list[int]:
    """The processes, other than this one, whose command line or environment names the lab."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            zombie = ") Z" in (entry / "stat").read_text(errors="replace")
        except OSError:
            continue
        if needle.encode() in said and not zombie:
            found.append(int(entry.name))
    return found


@pytest.fixture
def blocking(lab: Lab) -> Lab:
    """The lab, whose command waits at a gate before it does its work."""
    body = (lab.root / "src/mean.py").read_text()
    lab.script(BLOCK + body)
    return lab


def test_two_calls_run_one_experiment_once(blocking: Lab) -> None:
    """The second call says that it waits, then takes the first one's run; both end with 0."""
    first = blocking.start("replay", "mean")
    wait_for(lambda: gates(blocking), "the first call's command")
    second = blocking.start("replay", "mean")
    second.until("waiting for another call")
    open_gate(gates(blocking)[0])
    assert first.ended()[0] == 0, first.heard
    code, printed = second.ended()
    assert code == 0, second.heard
    assert "cached" in printed
    assert len(blocking.store.ids()) == 1


def test_two_calls_of_different_experiments_do_not_wait(blocking: Lab) -> None:
    """A call that runs something else neither waits nor is hindered."""
    blocking.define("other", command=["python", "-c", "open('/dev/null')"], inputs=[], outputs=["none"])
    first = blocking.start("replay", "mean")
    wait_for(lambda: gates(blocking), "the first call's command")
    code, printed = blocking.start("replay", "other").ended()
    assert code == int(Exit.WRONG), printed
    open_gate(gates(blocking)[0])
    assert first.ended()[0] == 0


def test_a_matrix_runs_as_many_at_once_as_it_may(blocking: Lab) -> None:
    """With `--jobs 2` two commands wait at their gates together, never three, and all complete."""
    blocking.define(command=["python", "src/mean.py", "{data}", "{out}", "{n}"], matrix={"n": [1, 2, 3, 4]})
    call = blocking.start("replay", "mean", "--jobs", "2")
    for _ in range(2):
        wait_for(lambda: len(gates(blocking)) == 2, "two commands at once")
        assert len(list(blocking.store.runs.iterdir())) - len(blocking.store.ids()) == 2
        for gate in gates(blocking):
            open_gate(gate)
            wait_for(partial(gone, gate), "the command's going on")
    assert call.ended()[0] == int(Exit.NOT_CHECKED)
    assert len(blocking.store.ids()) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_the_command_too(blocking: Lab, number: int) -> None:
    """Ctrl-C and SIGTERM are exit 130; after any of them no child lives and the next call succeeds."""
    call = blocking.start("replay", "mean")
    wait_for(lambda: gates(blocking), "the command")
    call.signal(number)
    code, _ = call.ended()
    assert code == (130 if number in {signal.SIGINT, signal.SIGTERM} else -number), call.heard
    wait_for(lambda: not living(str(blocking.root)), "the end of all children")
    wait_for(lambda: released(blocking), "the end of the call's locks")
    if code == 130:
        assert any("interrupted" in line for line in call.heard)
        assert scratch(blocking) == []
        (kept,) = blocking.store.all()
        assert (kept.outcome["state"], kept.outcome["reason"]) == (
            "failed",
            "the command failed: interrupted",
        )
    left = len(gates(blocking))
    again = blocking.start("replay", "mean")
    wait_for(lambda: len(gates(blocking)) > left, "the second call's command")
    open_gate(gates(blocking)[-1])
    assert again.ended()[0] == 0, again.heard
    assert scratch(blocking) == []


def test_a_signal_while_waiting_for_another_call(blocking: Lab) -> None:
    """A call that waits for another one can be interrupted at once; the other is not disturbed."""
    first = blocking.start("replay", "mean")
    wait_for(lambda: gates(blocking), "the first call's command")
    second = blocking.start("replay", "mean")
    second.until("waiting for another call")
    second.signal(signal.SIGINT)
    assert second.ended()[0] == 130, second.heard
    open_gate(gates(blocking)[0])
    assert first.ended()[0] == 0


@pytest.mark.parametrize("stage", RUN_STAGES)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_kill_in_any_stage_loses_only_the_run_in_flight(lab: Lab, stage: str, number: int) -> None:
    """Whatever stage the second of three runs is in: the next call keeps the first and does the rest."""
    lab.define(command=["python", "src/mean.py", "{data}", "{out}", "{n}"], matrix={"n": [1, 2, 3]})
    second = "mean[n=1]" if stage == "checkout, data" else "mean[n=2]"
    lab.commit()
    call = lab.start("-v", "replay", "mean", "--jobs", "1", "--at", "HEAD")
    call.until(f"{second}: {stage}")
    call.signal(number)
    code, _ = call.ended()
    assert code in {-number, 130, int(Exit.NOT_CHECKED)}, call.heard
    wait_for(lambda: not living(str(lab.root)), "the end of all children")
    wait_for(lambda: released(lab), "the end of the call's locks")
    complete = {record.run: record.id for record in lab.store.all() if record.completed}
    assert "mean[n=1]" in complete or stage == "checkout, data"  # it may end before the signal comes
    results = lab.replay("mean", revision="HEAD").results
    assert [result.state in {"ran", "cached"} for result in results] == [True] * 3
    for result in results:
        if result.run in complete:
            assert (result.state, result.run_id) == ("cached", complete[result.run])
    assert scratch(lab) == []


@pytest.fixture
def gated_git(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str], tuple[Path, Path]]:
    """Put a `git` before the real one that stops where its arguments contain some words."""

    def make(words: str) -> tuple[Path, Path]:
        folder, reached, gate = (tmp_path / name for name in ("bin", "reached", "gate"))
        folder.mkdir()
        os.mkfifo(gate)
        real = shutil.which("git")
        script = folder / "git"
        script.write_text(
            f'#!/bin/sh\ncase "$*" in *"{words}"*) : > {reached}; read line < {gate};; esac\n'
            f'exec {real} "$@"\n'
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return reached, gate

    return make


@pytest.mark.parametrize("words", ["status --porcelain", "ls-files", "rev-parse --verify", "worktree add"])
def test_a_kill_while_git_works(
    lab: Lab,
    gated_git: Callable[[str], tuple[Path, Path]],
    monkeypatch: pytest.MonkeyPatch,
    words: str,
) -> None:
    """Resolving and checking out can be killed as well; the next call succeeds and git is left clean."""
    path = os.environ["PATH"]
    reached, gate = gated_git(words)
    call = lab.start("replay", "mean", *([] if words == "status --porcelain" else ["--at", "v1"]))
    wait_for(reached.exists, "git's being called")
    call.signal(signal.SIGKILL)
    assert call.ended()[0] == -signal.SIGKILL
    gate.write_text("go on\n")
    wait_for(lambda: not living(str(gate)), "git's end")
    wait_for(lambda: released(lab), "the end of the call's locks")
    monkeypatch.setenv("PATH", path)
    assert lab.one(revision="v1").exit is Exit.GOOD
    assert scratch(lab) == []


class Silent:
    """A server that takes calls and never answers; it says when the first has come."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.called = threading.Event()
        self._held: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                self._held.append(self._socket.accept()[0])
            except OSError:
                return
            self.called.set()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
        for each in self._held:
            each.close()


@pytest.fixture
def silent_server() -> Iterator[Silent]:
    server = Silent()
    yield server
    server.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_environment_is_built(
    lab: Lab, silent_server: Silent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    """An installer that waits for its index ends with the call; with a good lock the next call succeeds.

    A killed call leaves it behind until the index hangs up; it holds the lock of its environment, no other.
    """
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{silent_server.address}/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("REPRO_CACHE_DIR", str(tmp_path / "environments"))
    lab.write("requirements.lock", f"tiny==1.0 --hash=sha256:{'0' * 64}\n")
    lab.environments["locked"] = {"kind": "venv", "lock": "requirements.lock"}
    lab.define(environment="locked")
    call = lab.start("replay", "mean")
    assert silent_server.called.wait(DEADLINE)
    call.signal(number)
    assert call.ended()[0] == (-number if number == signal.SIGKILL else 130), call.heard
    silent_server.close()
    wait_for(lambda: not living(str(tmp_path)), "the end of the installer")
    lab.write("requirements.lock", "# nothing\n")
    assert lab.one().exit is Exit.GOOD
    assert not is_locked(lab.store.folder / "tmp/lock")
    assert scratch(lab) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_signal_while_data_is_fetched(lab: Lab, silent_server: Silent, number: int) -> None:
    """A remote that does not answer does not keep the call; with a good remote the next call succeeds."""
    config = lab.root / ".dvc/config"
    good = config.read_text()
    config.write_text(f"[core]\n    remote = far\n['remote \"far\"']\n    url = {silent_server.address}\n")
    call = lab.start("replay", "mean")
    assert silent_server.called.wait(DEADLINE)
    call.signal(number)
    assert call.ended()[0] == (-number if number == signal.SIGKILL else 130), call.heard
    config.write_text(good)
    assert lab.one().exit is Exit.GOOD
    assert scratch(lab) == []
