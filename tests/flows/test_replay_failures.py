from __future__ import annotations

import os
import resource
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repro.core.digest import Digest
from repro.core.errors import DataError, ReproError, RunError
from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.tools import host, process

if TYPE_CHECKING:
    from tests.flows.conftest import Lab

    from repro.flows.attempt import Result

PARTIAL = """\
import os, pathlib, sys, time
(pathlib.Path(sys.argv[2]) / "results.json").write_text('{"mean": 1')
print("said on stdout")
print("said on stderr", file=sys.stderr, flush=True)
sys.stdout.flush()
"""


def failed(lab: Lab, result: Result, said: str) -> RunError:
    """The law for every command that does not end well: exit 3, logs and outputs kept, never a hit."""
    assert isinstance(result.error, RunError), result
    assert said in result.error.message
    assert (result.state, result.verdict, result.exit) == ("failed", Verdict.NOT_MEASURED, Exit.NOT_CHECKED)
    folder = lab.store.runs / result.run_id
    record = lab.record_of(result)
    assert record.outcome["state"] == "failed"
    assert set(record.logs) == {"stdout.log", "stderr.log"}
    assert (folder / "stdout.log").is_file()
    assert lab.store.find(Digest.parse(record.key)) is None
    assert lab.one().state == "failed"
    assert len(lab.store.ids()) == 2, "the second call ran it again"
    return result.error


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("raise SystemExit(7)", "exit code 7"),
        ("raise SystemExit(-1)", "exit code 255"),
        ("os.kill(os.getpid(), 9)", "killed by signal 9 (SIGKILL)"),
        ("os.kill(os.getpid(), 11)", "killed by signal 11 (SIGSEGV)"),
        ("os.kill(os.getpid(), 40)", "killed by signal 40"),
        ("while True: time.sleep(1)", "no end within 0.5 s"),
    ],
)
def test_a_command_that_does_not_end_well(lab: Lab, ending: str, said: str) -> None:
    """Exit code, signal and time limit are told, with the end of the log; what was written is kept."""
    lab.script(PARTIAL + ending + "\n")
    lab.define(timeout=0.5 if "sleep" in ending else 30)
    result = lab.one()
    error = failed(lab, result, said)
    folder = lab.store.runs / result.run_id
    assert "said on stderr" in error.message
    assert str(folder) in error.hint
    assert (folder / "out/results.json").read_text() == '{"mean": 1'
    assert (folder / "stdout.log").read_text() == "said on stdout\n"
    record = lab.record_of(result)
    assert record.outputs["results.json"]["bytes"] == 10
    assert record.outcome["timed_out"] is ("sleep" in ending)


def test_a_command_that_does_not_exist(lab: Lab) -> None:
    """`command not found` is exit 3 and names the command."""
    lab.define(command=["no-such-program", "{out}"])
    failed(lab, lab.one(), "no-such-program: command not found")


def test_a_command_that_is_no_program(lab: Lab) -> None:
    """A file without permission to execute is told as such."""
    lab.define(command=["./src/mean.py"])
    failed(lab, lab.one(), "not executable")


def test_permission_to_execute_is_part_of_the_code(lab: Lab) -> None:
    """A script that becomes a program is another condition, so the earlier result is no hit."""
    path = lab.root / "src/mean.py"
    path.write_text("#!/usr/bin/env python3\n" + path.read_text())
    first = lab.one()
    path.chmod(0o755)
    lab.define(command=["./src/mean.py", "{data}", "{out}"])
    second = lab.one()
    path.chmod(0o644)
    third = lab.one()
    assert [one.state for one in (first, second, third)] == ["ran", "ran", "failed"]
    assert lab.record_of(second).conditions["code"]["files"]["src/mean.py"].endswith("+x")


def test_a_failed_command_is_told_before_what_it_wrote(lab: Lab) -> None:
    """A command that fails and leaves a link among its outputs is a failed command first."""
    lab.script("import os, sys\nos.symlink('/etc/passwd', sys.argv[2] + '/results.json')\nsys.exit(5)\n")
    failed(lab, lab.one(), "exit code 5")


def test_a_full_disk_under_the_command(lab: Lab) -> None:
    """A command that cannot write its output fails; what it wrote so far is kept."""
    lab.script(
        "import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "open(sys.argv[2] + '/results.json', 'wb').write(b'1' * 10000)\n"
    )
    result = lab.one()
    failed(lab, result, "File too large")
    assert (lab.store.runs / result.run_id / "out/results.json").stat().st_size == 4096


@pytest.fixture
def small_disk(lab: Lab) -> str:
    """The beginning of a shell script in which `.repro` is a file system of one megabyte."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare (util-linux) here")
    mount = f"mount -t tmpfs -o size=1m tmpfs {lab.store.folder}"
    lab.store.folder.mkdir(exist_ok=True)
    done = process.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount], check=False)
    if done.code != 0:
        pytest.skip(f"no file system of one's own: {done.stderr.decode(errors='replace').strip()}")
    return mount


def within(lab: Lab, script: str) -> process.Completed:
    return process.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=lab.root,
        env=host.variables(),
        check=False,
    )


def test_a_full_disk_under_the_store(lab: Lab, small_disk: str) -> None:
    """A disk that is full ends in an error with a next step and exit 3; with space again, all is well."""
    repro = f"{sys.executable} -c 'from repro.cli.main import main; main()' replay mean"
    fill = "head -c 2m /dev/zero > .repro/fill 2>/dev/null"
    done = within(
        lab,
        f"{small_disk} || exit 99; {fill}; {repro} >&2; code=$?; rm .repro/fill; {repro} >&2; echo $code $?",
    )
    said = done.stderr.decode(errors="replace")
    assert done.text.split() == ["3", "0"], said
    assert "No space left on device" in said
    assert "internal error" not in said


def test_a_command_that_fills_the_disk(lab: Lab, small_disk: str) -> None:
    """The run's failure is told though even its record cannot be written, and earlier runs stay."""
    lab.define("big")
    lab.define("big", command=["python", "src/big.py", "{out}"])
    lab.write("src/big.py", "import sys\nopen(sys.argv[1] + '/results.json', 'wb').write(b'1' * (2 << 20))\n")
    repro = f"{sys.executable} -c 'from repro.cli.main import main; main()'"
    done = within(
        lab,
        f"{small_disk} || exit 99; {repro} replay mean >&2; first=$?; {repro} replay big >&2; second=$?;"
        f" {repro} replay mean >&2; echo $first $second $?",
    )
    said = done.stderr.decode(errors="replace")
    assert done.text.split() == ["0", "3", "0"], said
    assert "No space left on device" in said
    assert "internal error" not in said
    assert "cached" in said


@pytest.mark.skipif(os.getuid() == 0, reason="root writes everywhere")
def test_a_store_without_permission(lab: Lab) -> None:
    """A store that cannot be written is an error with a next step."""
    lab.root.chmod(0o555)
    try:
        with pytest.raises(ReproError, match="Permission denied") as caught:
            lab.one()
    finally:
        lab.root.chmod(0o755)
    assert caught.value.hint


def test_data_that_is_nowhere(lab: Lab) -> None:
    """Exit 3; the message has the file, its hash and the remote."""
    md5 = lab.track("data/points.csv", "1\n")
    shutil.rmtree(lab.shelf)
    result = lab.one()
    assert isinstance(result.error, DataError)
    assert result.exit is Exit.NOT_CHECKED
    assert result.error.hint
    for word in ("data/points.csv", md5, "shelf"):
        assert word in result.error.message + result.error.hint, word


def test_data_that_is_corrupt_everywhere(lab: Lab) -> None:
    """A wrong object is never used: exit 3, with file, both hashes and the remote."""
    md5 = lab.track("data/points.csv", "1\n")
    for store in (lab.shelf, lab.root / ".dvc/cache"):
        stored = store / "files/md5" / md5[:2] / md5[2:]
        stored.parent.mkdir(parents=True, exist_ok=True)
        stored.write_text("2\n")
    result = lab.one()
    assert isinstance(result.error, DataError)
    assert result.exit is Exit.NOT_CHECKED
    for word in ("data/points.csv", md5, "shelf"):
        assert word in result.error.message, word
    assert lab.store.ids() == []


def test_data_that_is_corrupt_in_the_cache_alone(lab: Lab) -> None:
    """It is replaced from the remote, and the run matches."""
    assert lab.one().exit is Exit.GOOD
    (stored,) = (path for path in (lab.root / ".dvc/cache/files/md5").rglob("*") if path.is_file())
    stored.chmod(0o644)
    stored.write_text("2\n")
    assert lab.one(use_cache=False).verdict is Verdict.MATCH


def test_data_of_one_experiment_does_not_stop_another(lab: Lab) -> None:
    """What is missing for one run fails that run; the others are measured."""
    lab.define("other", inputs=["data/missing.csv"])
    replayed = lab.replay()
    assert {result.run: result.exit for result in replayed.results} == {
        "mean": Exit.GOOD,
        "other": Exit.NOT_CHECKED,
    }
    assert replayed.exit is Exit.NOT_CHECKED


def test_a_missing_baseline_names_the_command_that_records_one(lab: Lab) -> None:
    """Exit 3, never a match; the run is kept, and a baseline recorded from it makes it a match."""
    shutil.rmtree(lab.root / "baselines")
    result = lab.one()
    assert (result.state, result.exit) == ("ran", Exit.NOT_CHECKED)
    assert result.error is not None
    assert "repro baseline record 'mean'" in result.error.hint
    assert lab.record_of(result).outcome["state"] == "completed"
    lab.record_baseline("mean")
    again = lab.one()
    assert (again.state, again.verdict) == ("cached", Verdict.MATCH)


def test_limits_of_this_process_are_left_alone(lab: Lab) -> None:
    """A run changes neither limits nor folder of the calling process."""
    before = Path.cwd(), resource.getrlimit(resource.RLIMIT_FSIZE), dict(os.environ)
    lab.one()
    assert (Path.cwd(), resource.getrlimit(resource.RLIMIT_FSIZE), dict(os.environ)) == before
