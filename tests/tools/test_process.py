from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repro.core.errors import ReproError, ToolFailed, ToolNotFound
from repro.tools.process import Ended, Supervisor, run, stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENV = {"PATH": os.environ["PATH"], "NAME": "value"}

FAMILY = """
import os, sys, time
mark = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
pipe = os.pipe()
if os.fork() == 0:
    os.fork()
    os.write(mark, b"here\\n")
    os.write(pipe[1], b".")
    os.close(mark)
    time.sleep(600)
    sys.exit()
os.close(mark)
while len(os.read(pipe[0], 1)) + len(os.read(pipe[0], 1)) < 2: pass
if sys.argv[2] == "stays":
    time.sleep(600)
"""
"""A program whose child and grandchild write a mark and stay for ten minutes; it ends or stays with them."""


def supervise(
    argv: Sequence[str],
    folder: Path,
    *,
    seconds: float = 60,
    supervisor: Supervisor | None = None,
    env: Mapping[str, str] = ENV,
) -> Ended:
    return (supervisor or Supervisor()).run(
        argv, cwd=folder, env=env, stdout=folder / "out", stderr=folder / "err", timeout_seconds=seconds
    )


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def survivors(mark: str) -> list[str]:
    """Programs that run now with `mark` among their arguments, dead ones not yet buried left out."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


def wait_for_none(mark: str) -> bool:
    """A killed process needs a moment to disappear; a thousand looks are far more than that."""
    return any(not survivors(mark) for _ in range(1000))


def test_a_program_that_ends_is_told_whole(tmp_path: Path) -> None:
    """Exit code, both outputs and the arguments come back as they were."""
    code = "import os, sys; os.write(1, os.read(0, 9)[::-1]); os.write(2, b'e'); sys.exit(3)"
    done = run(python(code), stdin=b"\n\xffa", cwd=tmp_path, check=False)
    assert (done.code, done.stdout, done.stderr) == (3, b"a\xff\n", b"e")
    assert done.text == "a\udcff"


def test_a_failure_carries_the_end_of_what_was_said() -> None:
    """With `check`, a bad exit code raises, naming the command, the code, its last words and the hint."""
    with pytest.raises(ToolFailed, match=r"(?s)exit code 7.*the end$") as caught:
        run(
            python("import sys; print('x' * 9000 + 'the end', file=sys.stderr); sys.exit(7)"),
            hint="try again",
        )
    assert caught.value.hint == "try again"
    assert len(caught.value.message) < 3000


@pytest.mark.parametrize(
    ("argv", "kind"),
    [
        (["no-such-program-anywhere"], ToolNotFound),
        (["/etc/passwd"], ToolNotFound),
        (["/etc/passwd/x"], ToolNotFound),
        (["{tmp}/no-shebang"], ToolFailed),
        (["echo", "a\0b"], ToolFailed),
        (["echo", "a\ud800b"], ToolFailed),
        (["echo", "x" * 5_000_000], ToolFailed),
    ],
)
def test_a_program_that_cannot_start_is_an_error_of_ours(
    tmp_path: Path, argv: list[str], kind: type[ReproError]
) -> None:
    """Whatever keeps a program from starting is a ReproError, supervised or not."""
    (tmp_path / "no-shebang").write_bytes(b"\1\2\3")
    (tmp_path / "no-shebang").chmod(0o755)
    argv = [part.replace("{tmp}", str(tmp_path)) for part in argv]
    with pytest.raises(kind):
        run(argv, cwd=tmp_path)
    with pytest.raises(kind):
        supervise(argv, tmp_path)


def test_a_missing_folder_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    """When the working folder is missing, the error names the folder."""
    with pytest.raises(ToolFailed, match="nowhere"):
        run(["true"], cwd=tmp_path / "nowhere")


def test_a_short_program_cannot_hang_us(tmp_path: Path) -> None:
    """At the time limit a program and what it started are killed, though they hold its output open."""
    mark = tmp_path / "mark"
    with pytest.raises(ToolFailed, match="no answer in 3 s"):
        run(python(FAMILY, str(mark), "stays"), timeout_seconds=3)
    assert mark.read_text() == "here\nhere\n"
    assert wait_for_none(str(mark))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import sys; sys.exit(5)", 5),
        ("import os; os.abort()", -6),
        ("import os; os.kill(os.getpid(), 9)", -9),
    ],
)
def test_how_a_supervised_program_ended(tmp_path: Path, code: str, expected: int) -> None:
    """Exit codes come back as they are, deaths by a signal as its negative number."""
    ended = supervise(python(code), tmp_path)
    assert (ended.code, ended.timed_out) == (expected, False)


def test_a_supervised_program_gets_what_was_named_and_nothing_else(tmp_path: Path) -> None:
    """Its environment is exactly the given one, its input is empty, and its output goes to the files."""
    code = "import os, sys; print(sorted(os.environ.items()), sys.stdin.read()); print(2, file=sys.stderr)"
    supervise(python(code), tmp_path, env={"NAME": "value", "LC_ALL": "C.UTF-8"})
    assert (tmp_path / "out").read_text() == "[('LC_ALL', 'C.UTF-8'), ('NAME', 'value')] \n"
    assert (tmp_path / "err").read_text() == "2\n"


def test_usage_counts_work_and_memory(tmp_path: Path) -> None:
    """The account covers the CPU time and peak memory of the program and of children it waited for."""
    code = "import os\nif os.fork() == 0:\n b = b'x' * 200_000_000; sum(range(10**6)); os._exit(0)\nos.wait()"
    usage = supervise(python(code), tmp_path).usage
    assert usage.peak_bytes > 200_000_000
    assert usage.cpu_seconds > 0
    assert usage.wall_seconds > 0


@pytest.mark.parametrize("how", ["stays", "ends"])
def test_nothing_outlives_its_run(tmp_path: Path, how: str) -> None:
    """Child and grandchild are killed at the time limit, and also when the program itself ends well."""
    mark = tmp_path / "mark"
    ended = supervise(python(FAMILY, str(mark), how), tmp_path, seconds=3 if how == "stays" else 60)
    assert mark.read_text() == "here\nhere\n"
    assert ended.timed_out is (how == "stays")
    assert ended.code == (-signal.SIGKILL if how == "stays" else 0)
    assert wait_for_none(str(mark))


def test_a_limit_beyond_all_clocks_is_no_limit(tmp_path: Path) -> None:
    """An infinite time limit lets the program end by itself."""
    assert supervise(["true"], tmp_path, seconds=float("inf")).code == 0


def test_stop_ends_all_and_refuses_more(tmp_path: Path) -> None:
    """`stop`, called from another thread, kills every program that runs, and later calls are refused."""
    supervisor = Supervisor()
    folders = [tmp_path / str(number) for number in range(4)]
    for folder in folders:
        folder.mkdir()
        os.mkfifo(folder / "pipe")
    with ThreadPoolExecutor(4) as pool:
        running = [
            pool.submit(supervise, python(FAMILY, str(f / "pipe"), "stays"), f, supervisor=supervisor)
            for f in folders
        ]
        for folder in folders:  # returns when the program is under way
            (folder / "pipe").read_bytes()
        supervisor.stop()
        assert {ended.result().code for ended in running} == {-signal.SIGKILL}
    assert wait_for_none(str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        supervise(["true"], tmp_path, supervisor=supervisor)


def test_many_programs_at_once_keep_their_own_ends(tmp_path: Path) -> None:
    """Runs in parallel threads each get their own exit code."""
    supervisor = Supervisor()

    def one(number: int) -> int:
        folder = tmp_path / str(number)
        folder.mkdir()
        return supervise(["sh", "-c", f"exit {number}"], folder, supervisor=supervisor).code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(40))) == list(range(40))
    assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]


def test_a_stream_tells_lines_as_they_come() -> None:
    """Each line of standard error is heard alone and in order; standard output is kept whole beside it."""
    code = (
        "import os\nfor n in range(3): os.write(2, b'line %d\\n' % n); os.write(1, b'x' * 70000)\nos._exit(4)"
    )
    heard: list[bytes] = []
    done = stream(python(code), hear=heard.append)
    assert heard == [b"line 0", b"line 1", b"line 2"]
    assert (done.code, len(done.stdout)) == (4, 210_000)


def test_a_stream_that_is_interrupted_lets_the_program_clean_up(tmp_path: Path) -> None:
    """Where the listener raises, the program gets SIGINT and the time to act on it."""
    code = (
        "import os, sys, time\n"
        "try:\n    os.write(2, b'here\\n'); time.sleep(600)\n"
        "except KeyboardInterrupt:\n    open(sys.argv[1], 'w').close(); os.write(2, b'gone\\n' * 30000)"
    )

    def interrupt(_line: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream(python(code, str(tmp_path / "cleaned")), hear=interrupt)
    assert (tmp_path / "cleaned").exists()


def test_a_stream_of_a_program_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that ignores SIGINT is killed with its group when its time is over."""
    monkeypatch.setattr("repro.tools.process.GRACE_SECONDS", 0.1)
    mark = str(tmp_path / "stubborn")
    code = "import os, signal, time\nsignal.signal(2, signal.SIG_IGN)\nos.write(2, b'x\\n'); time.sleep(600)"

    def interrupt(_line: bytes) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        stream(python(code, mark), hear=interrupt)
    assert wait_for_none(mark)


def test_a_stream_of_what_is_not_there_is_an_error_of_ours() -> None:
    """A program that cannot be found is told with the caller's hint."""
    with pytest.raises(ToolNotFound) as error:
        stream(["/no/such/program"], hear=lambda _line: None, hint="get it")
    assert error.value.hint == "get it"
