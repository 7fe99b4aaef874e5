"""Real runs under every method that this machine allows, and real attempts to get out."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.conditions import isolation, view
from repro.conditions.isolation import (
    Enclosure,
    IsolatedRun,
    Method,
    available,
    base_variables,
    places,
    render,
    run_isolated,
)
from repro.core.check import Status
from repro.core.errors import ConfigError, ReproError, ToolFailed
from repro.tools import process
from repro.tools.files import is_locked, locked
from repro.tools.process import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PYTHON = str(view.interpreter())
ENCLOSING = (Method.BUBBLEWRAP, Method.NAMESPACES)
ITEMS = {
    *("network", "checkout read-only", "private home", "private tmp", "variables", "capabilities"),
    *("no new privileges", "process ids", "dies with parent", "other files hidden"),
}
HOLD = (
    "exec 9>{out}/lock; flock 9; (setsid sh -c 'sleep 60; touch {out}/survived') & echo $$ >{out}/ready; wait"
)
"""A shell whose grandchild, in a session of its own, holds a lock for as long as it lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run and what it wrote."""

    run: IsolatedRun
    stdout: str
    stderr: str
    out: Path

    def status(self, name: str) -> Status:
        """What was measured of one item."""
        return next(check.status for check in self.run.checks if check.name == name)


class Bench:
    """Makes enclosures in a folder of the test, and runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.supervisor = Supervisor()

    def enclosure(self, *argv: str, script: str = "", **more: Any) -> Enclosure:  # noqa: ANN401 - any field
        """An enclosure with `script` as `x.py` in its code; without `argv` that is what it runs."""
        self.count += 1
        base = self.folder / str(self.count)
        for name in ("code", "out", "scratch"):
            (base / name).mkdir(parents=True)
        (base / "code" / "x.py").write_text(script)
        enclosure = Enclosure(
            argv=argv or (PYTHON, "x.py"),
            code=base / "code",
            out=base / "out",
            scratch=base / "scratch",
            visible=(),
            search_path=(),
            variables={},
        )
        return replace(enclosure, **more)

    def run(self, method: Method, enclosure: Enclosure, timeout_seconds: float = 60) -> Ran:
        """Run it and read its logs."""
        stdout, stderr = (enclosure.out.parent / name for name in ("stdout", "stderr"))
        run = run_isolated(
            enclosure,
            method=method,
            supervisor=self.supervisor,
            stdout=stdout,
            stderr=stderr,
            timeout_seconds=timeout_seconds,
        )
        return Ran(run=run, stdout=stdout.read_text(), stderr=stderr.read_text(), out=enclosure.out)


def require(method: Method) -> Method:
    if method is not Method.PLAIN and not isolation._works(method):
        pytest.skip(f"{method} cannot be used on this machine")
    return method


@pytest.fixture(params=list(Method))
def method(request: pytest.FixtureRequest) -> Method:
    return require(request.param)


@pytest.fixture(params=ENCLOSING)
def enclosing(request: pytest.FixtureRequest) -> Method:
    return require(request.param)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_command_runs_in_its_code_and_writes_to_its_output(bench: Bench, method: Method) -> None:
    """A command sees its code as working directory, its placeholders filled, and its output is kept."""
    script = (
        "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(open('x.py').read()); print(sys.argv[2:])"
    )
    enclosure = bench.enclosure(
        PYTHON, "x.py", "{out}/r.json", "{data}", "{seed}", script=script, placeholders={"seed": "7"}
    )
    ran = bench.run(method, enclosure)
    assert ran.stderr == ""
    assert (ran.run.ended.code, ran.run.ended.timed_out, ran.run.failed_to_start) == (0, False, "")
    assert (ran.out / "r.json").read_text() == script
    assert ran.stdout == f"{[places(method, enclosure)['data'], '7']}\n"
    assert ran.run.method is method


def test_every_item_is_measured_and_holds(bench: Bench, enclosing: Method) -> None:
    """An enclosing method passes every item, for the measuring program found it so inside."""
    checks = bench.run(enclosing, bench.enclosure("true")).run.checks
    assert {check.name for check in checks} == ITEMS
    assert [check for check in checks if check.status is not Status.PASS] == []


def test_plain_claims_nothing_that_it_does_not_hold(bench: Bench) -> None:
    """Without namespaces the items that need one fail, each with a reason."""
    ran = bench.run(Method.PLAIN, bench.enclosure("true"))
    assert {check.name for check in ran.run.checks} == ITEMS
    for name in ("network", "checkout read-only", "capabilities", "process ids", "other files hidden"):
        assert ran.status(name) is Status.FAIL
    for name in ("private home", "private tmp", "variables", "dies with parent"):
        assert ran.status(name) is Status.PASS


def test_every_item_can_fail(tmp_path: Path) -> None:
    """The measuring program, started bare and told of other surroundings, finds that nothing holds."""
    question = {
        "folder": str(tmp_path),
        "network": False,
        "folders": {"HOME": [0, 0], "TMPDIR": [0, 0]},
        "namespaces": {kind: Path(f"/proc/self/ns/{kind}").stat().st_ino for kind in ("net", "pid")},
        "hidden": {"/": [Path("/").stat().st_dev, Path("/").stat().st_ino]},
        "homes": [],
        "variables": {"NAMED": "but not given"},
        "tethered": False,
    }
    argv = [PYTHON, "-I", "-S", str(view.scripts() / "measure.py")]
    checks = json.loads(process.run(argv, env={"LEAKED": "1"}, stdin=json.dumps(question).encode()).text)
    failed = {check["name"] for check in checks if check["status"] == "fail"}
    assert failed | {"no new privileges", "capabilities"} == ITEMS
    reasons = {check["name"]: check["reason"] for check in checks}
    assert reasons["variables"] == "LEAKED differs; NAMED differs"


ATTACKS = """
import ctypes, json, os, subprocess, sys
code = os.getcwd()
assert os.stat("/proc/self/ns/mnt").st_ino != int(sys.argv[3]), "these attacks are not for the machine itself"

def shell(text):
    return subprocess.run(["sh", "-c", text], capture_output=True).returncode == 0

def opens(path, flags=os.O_RDWR):
    os.close(os.open(path, flags))
    return True

def attempt(do):
    try:
        return bool(do())
    except OSError:
        return False

def ptrace():
    return ctypes.CDLL(None, use_errno=True).ptrace(16, int(sys.argv[2]), 0, 0) == 0

launcher = f"/proc/{sys.argv[2]}"
attacks = {
    "remount": lambda: shell(f"mount -o remount,rw {code} || mount -o remount,rw,bind {code}"),
    "bind": lambda: shell(f"mount --bind /tmp {code}"),
    "unmount": lambda: shell(f"umount {code} || umount -l {code}"),
    "tmpfs": lambda: shell(f"mount -t tmpfs none {code}"),
    "unshare": lambda: shell(f"unshare -m sh -c 'mount -o remount,rw,bind {code} && touch {code}/new'"),
    "nested": lambda: shell(f"unshare -Urm sh -c 'mount -o remount,rw,bind {code} && touch {code}/new'"),
    "nested umount": lambda: shell(f"unshare -Urm sh -c 'umount {code} && touch {code}/new'"),
    "write": lambda: opens(code + "/x.py"),
    "create": lambda: opens(code + "/new", os.O_CREAT | os.O_WRONLY),
    "chmod": lambda: os.chmod(code + "/x.py", 0o777) is None,
    "rename": lambda: os.rename(code + "/x.py", code + "/y.py") is None,
    "sysctl": lambda: opens("/proc/sys/kernel/core_pattern"),
    "device": lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(254, 0)) is None,
    "launcher's memory": lambda: opens(launcher + "/mem"),
    "launcher's root": lambda: os.listdir(launcher + "/root"),
    "launcher's report": lambda: os.listdir(launcher + "/fd") and opens(launcher + "/fd/4"),
    "ptrace": ptrace,
    "setuid": lambda: shell("su nobody -s /bin/true"),
    "chroot": lambda: os.chroot("/tmp") is None,
    "beside": lambda: opens(sys.argv[1], os.O_RDONLY),
    "shadow": lambda: opens("/etc/shadow", os.O_RDONLY),
}
print(json.dumps([name for name, do in attacks.items() if attempt(do)]))
"""


def test_the_command_cannot_get_out(bench: Bench, enclosing: Method) -> None:
    """No remount, nested namespace, write, device or look at the launcher succeeds, as root neither."""
    beside = bench.folder / "beside"
    beside.write_text("of no concern to the run")
    mounts = Path("/proc/self/ns/mnt").stat().st_ino
    enclosure = bench.enclosure(PYTHON, "x.py", str(beside), "1", str(mounts), script=ATTACKS)
    ran = bench.run(enclosing, enclosure)
    assert ran.stderr == ""
    assert json.loads(ran.stdout) == []
    assert [path.name for path in enclosure.code.iterdir()] == ["x.py"]
    assert (enclosure.code / "x.py").read_text() == ATTACKS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can remount")
def test_a_mount_alone_stops_nobody(tmp_path: Path) -> None:
    """The remount that is tried above succeeds for root in a plain mount namespace."""
    naive = f"""
        mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path} || exit 8
        touch {tmp_path}/early && exit 9
        mount -o remount,rw,bind {tmp_path} && touch {tmp_path}/late
    """
    if process.run(["unshare", "-m", "true"], check=False).code != 0:
        pytest.skip("root may not make a mount namespace here")
    assert process.run(["unshare", "-m", "sh", "-c", naive], check=False).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["late"]


def test_plain_makes_the_code_read_only_for_the_careless(bench: Bench) -> None:
    """Without mounts the code loses its write permission, which its owner can undo: a fail."""
    enclosure = bench.enclosure("sh", "-c", "test -w x.py || echo not writable; chmod +w x.py && echo undone")
    (enclosure.code / "data").mkdir()
    ran = bench.run(Method.PLAIN, enclosure)
    assert "undone" in ran.stdout
    assert ("not writable" in ran.stdout) == (os.geteuid() != 0)
    assert (enclosure.code / "data").stat().st_mode & 0o222 == 0
    assert ran.status("checkout read-only") is Status.FAIL


def test_the_callers_home_is_not_there(bench: Bench, enclosing: Method) -> None:
    """Of the caller's home only the folders that lead to something shown exist, with nothing beside."""
    home = Path.home()
    ran = bench.run(
        enclosing,
        bench.enclosure(
            script=f"import os; p = {str(home)!r}; print(os.listdir(p) if os.path.exists(p) else [])"
        ),
    )
    shown = {Path(sys.base_prefix).resolve(), view.interpreter()}
    leading = {path.relative_to(home).parts[0] for path in shown if path.is_relative_to(home)}
    assert set(json.loads(ran.stdout.replace("'", '"'))) == leading


def test_what_is_shown_is_at_its_own_path(bench: Bench, enclosing: Method, tmp_path: Path) -> None:
    """A visible folder is readable at its path and by a link to it, and cannot be written."""
    real, link = tmp_path / "environment", tmp_path / "link"
    (real / "bin").mkdir(parents=True)
    link.symlink_to(real)
    program = real / "bin" / "hello"
    program.write_text(f"#!/bin/sh\ncat {link}/text; echo no >{real}/text\n")
    program.chmod(0o755)
    (real / "text").write_text("yes\n")
    enclosure = bench.enclosure("hello", visible=(real, link), search_path=(link / "bin",))
    ran = bench.run(enclosing, enclosure)
    assert ran.stdout == "yes\n"
    assert "Read-only file system" in ran.stderr
    assert (real / "text").read_text() == "yes\n"


CONNECT = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20).close()"


def test_the_network_of_the_machine_is_out_of_reach(bench: Bench, enclosing: Method, server: int) -> None:
    """A server on the machine's loopback cannot be reached from inside."""
    ran = bench.run(enclosing, bench.enclosure(PYTHON, "x.py", str(server), script=CONNECT))
    assert ran.run.ended.code == 1
    assert "ConnectionRefusedError" in ran.stderr


def test_network_is_there_when_asked_for(bench: Bench, method: Method, server: int) -> None:
    """An experiment that asks for network has it, and the item is skipped with that reason."""
    ran = bench.run(method, bench.enclosure(PYTHON, "x.py", str(server), script=CONNECT, network=True))
    assert (ran.run.ended.code, ran.stderr) == (0, "")
    assert ran.status("network") is Status.SKIP


def test_loopback_works_inside(bench: Bench, method: Method) -> None:
    """A command may talk to itself over 127.0.0.1."""
    script = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
    )
    ran = bench.run(method, bench.enclosure(script=f"{script}.close(); s.close()"))
    assert (ran.run.ended.code, ran.stderr) == (0, "")


def test_variables_are_exactly_the_named_ones(
    bench: Bench, method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies and credentials of the caller never leak in; the experiment's variables win over the base."""
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@proxy:1")
    monkeypatch.setenv("CLOUD_TOKEN", "secret")
    enclosure = bench.enclosure("env", "-0", variables={"OMP_NUM_THREADS": "2", "ODD": "a b\nü="})
    ran = bench.run(method, enclosure)
    held = dict(entry.split("=", 1) for entry in ran.stdout.split("\0") if entry)
    paths = {name: held.pop(name) for name in ("PATH", "HOME", "TMPDIR")}
    assert held == {**base_variables(), "OMP_NUM_THREADS": "2", "ODD": "a b\nü="}
    assert paths["PATH"] == "/usr/bin:/bin"
    assert ran.status("variables") is Status.PASS


OPEN_DESCRIPTORS = """
import fcntl
def is_open(number):
    try:
        return fcntl.fcntl(number, fcntl.F_GETFD) >= 0
    except OSError:
        return False
print([number for number in range(1024) if is_open(number)])
"""


def test_no_descriptor_but_the_standard_ones(bench: Bench, method: Method) -> None:
    """A command inherits nothing but its three standard descriptors, whatever the caller has open."""
    with (bench.folder / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        ran = bench.run(method, bench.enclosure(script=OPEN_DESCRIPTORS))
    assert (ran.run.ended.code, ran.stdout) == (0, "[0, 1, 2]\n")


def test_home_and_tmp_are_private_and_on_disk(bench: Bench, method: Method) -> None:
    """What a command leaves in HOME and TMPDIR is found in the scratch folder, and nowhere else."""
    enclosure = bench.enclosure("sh", "-c", "echo a >$HOME/h; echo b >$TMPDIR/t; mktemp")
    ran = bench.run(method, enclosure)
    assert ran.stderr == ""
    assert (enclosure.scratch / "home" / "h").read_text() == "a\n"
    assert (enclosure.scratch / "tmp" / "t").read_text() == "b\n"
    assert len(list((enclosure.scratch / "tmp").glob("tmp.*"))) == 1


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("exit 0", 0),
        ("exit 3", 3),
        ("exit 139", 139),
        ("kill -SEGV $$", -11),
        ("kill -KILL $$", -9),
        ("kill -TERM 0", -15),
    ],
)
def test_an_ending_is_told_as_it_was(bench: Bench, method: Method, command: str, code: int) -> None:
    """Exit codes and signals are the command's own, and a signal is not 128 plus its number."""
    ran = bench.run(method, bench.enclosure("sh", "-c", command))
    assert (ran.run.ended.code, ran.run.ended.timed_out, ran.run.failed_to_start) == (code, False, "")


def test_a_command_that_cannot_start_says_why(bench: Bench, method: Method) -> None:
    """A missing program and one that is not executable are told apart, and neither is a plain exit code."""
    missing = bench.run(method, bench.enclosure("no-such-program")).run
    assert (missing.ended.code, missing.failed_to_start.startswith("no-such-program: command not found")) == (
        127,
        True,
    )
    text = bench.run(method, bench.enclosure("./x.py")).run
    assert (text.ended.code, text.failed_to_start) == (126, "./x.py: not executable: Permission denied")
    assert {check.name for check in missing.checks} == ITEMS


def test_an_empty_command_is_refused(bench: Bench) -> None:
    """A command without a program is a mistake of the configuration."""
    with pytest.raises(ConfigError, match="command is empty"):
        bench.run(Method.PLAIN, replace(bench.enclosure("true"), argv=()))


def test_what_cannot_be_enclosed_is_not_run(bench: Bench, enclosing: Method) -> None:
    """When the enclosure fails the command is not run at all, and the error says which method and why."""
    enclosure = bench.enclosure("sh", "-c", "echo ran")
    broken = replace(enclosure, code=enclosure.code / "missing")
    with pytest.raises(ToolFailed, match=rf"isolation by {enclosing} failed(.|\n)*missing") as caught:
        bench.run(enclosing, broken)
    assert caught.value.hint
    assert (enclosure.out.parent / "stdout").read_text() == ""


def test_a_used_scratch_folder_is_refused(bench: Bench, method: Method) -> None:
    """A second run in the same scratch folder would not have a private HOME, so it is refused."""
    enclosure = bench.enclosure("true")
    bench.run(method, enclosure)
    with pytest.raises(ReproError, match="preparing a run: File exists"):
        bench.run(method, enclosure)


def test_the_time_limit_ends_grandchildren_too(bench: Bench, method: Method) -> None:
    """When a run has timed out nothing of it is alive, not even what left its session; its usage is known."""
    enclosure = bench.enclosure("sh", "-c", HOLD)
    ran = bench.run(method, enclosure, timeout_seconds=2)
    assert (ran.out / "ready").exists()
    assert not is_locked(ran.out / "lock")
    assert (ran.run.ended.timed_out, ran.run.ended.code) == (True, -9)
    assert ran.run.usage.peak_bytes > 0


def test_nothing_outlives_its_run(bench: Bench, method: Method) -> None:
    """A process left behind in the background is ended with the command."""
    enclosure = bench.enclosure("sh", "-c", HOLD.removesuffix("; wait"))
    ran = bench.run(method, enclosure)
    assert ran.run.ended.code == 0
    assert not is_locked(ran.out / "lock")


def start(action: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def test_a_stop_ends_everything(bench: Bench, enclosing: Method) -> None:
    """When the supervisor stops, as on Ctrl-C, the run returns only after all its processes are gone."""
    enclosure = bench.enclosure("sh", "-c", HOLD)
    os.mkfifo(enclosure.out / "ready")
    thread = start(lambda: bench.run(enclosing, enclosure))
    (enclosure.out / "ready").read_text()
    bench.supervisor.stop()
    thread.join()
    assert not is_locked(enclosure.out / "lock")


CALLER = """
import sys
from pathlib import Path
from repro.conditions.isolation import Enclosure, Method, run_isolated
from repro.tools.process import Supervisor
base, method, command = Path(sys.argv[1]), Method(sys.argv[2]), sys.argv[3]
enclosure = Enclosure(argv=("sh", "-c", command), code=base / "code", out=base / "out",
                      scratch=base / "scratch", visible=(), search_path=(), variables={})
Path(base / "pid").write_text(str(__import__("os").getpid()))
run_isolated(enclosure, method=method, supervisor=Supervisor(),
             stdout=base / "stdout", stderr=base / "stderr", timeout_seconds=60)
"""


def test_the_command_dies_with_its_caller(bench: Bench, method: Method) -> None:
    """A caller killed with SIGKILL takes the command and its grandchildren with it."""
    enclosure = bench.enclosure("true")
    base = enclosure.out.parent
    os.mkfifo(enclosure.out / "ready")
    thread = start(
        lambda: bench.supervisor.run(
            [sys.executable, "-c", CALLER, str(base), method, HOLD],
            cwd=base,
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=base / "caller-out",
            stderr=base / "caller-err",
            timeout_seconds=120,
        )
    )
    (enclosure.out / "ready").read_text()
    os.kill(int((base / "pid").read_text()), 9)
    thread.join()
    with locked(enclosure.out / "lock"):
        assert not (enclosure.out / "survived").exists()


def test_usage_is_that_of_the_command(bench: Bench, method: Method) -> None:
    """Peak memory and processor time are the command's, however large the caller is."""
    ballast = bytearray(b"x") * (300 << 20)
    large = bench.run(method, bench.enclosure(script="x = bytearray(b'x') * (200 << 20)")).run.usage
    small = bench.run(method, bench.enclosure("true")).run.usage
    busy = bench.run(
        method, bench.enclosure(script="import time\nwhile time.process_time() < 0.3: pass")
    ).run.usage
    assert len(ballast) == 300 << 20
    assert 200 << 20 < large.peak_bytes < 400 << 20
    assert 0 < small.peak_bytes < 60 << 20
    assert small.cpu_seconds < 0.3 <= busy.cpu_seconds


def test_enclosures_run_at_the_same_time(bench: Bench, method: Method) -> None:
    """Runs from several threads do not see or disturb each other."""
    enclosures = [bench.enclosure("sh", "-c", f"echo {n} >{{out}}/n; ls {{out}}") for n in range(6)]
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda enclosure: bench.run(method, enclosure), enclosures))
    assert [(ran.run.ended.code, ran.stdout) for ran in runs] == [(0, "n\n")] * 6
    assert [(ran.out / "n").read_text() for ran in runs] == [f"{n}\n" for n in range(6)]
    assert len({tuple(check.status for check in ran.run.checks) for ran in runs}) == 1


WITHOUT = (
    'echo 0 >/proc/sys/user/max_user_namespaces && exec "$0" -c "$1" "$2" namespaces \'touch new || echo ok\''
)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can do without a user namespace")
def test_root_does_without_user_namespaces(bench: Bench) -> None:
    """Where user namespaces are switched off, root is enclosed without one, with the same result."""
    require(Method.NAMESPACES)
    if process.run(["unshare", "-Urm", "true"], check=False).code != 0:
        pytest.skip("they are switched off here, so the other tests show it")
    enclosure = bench.enclosure("true")
    base = enclosure.out.parent
    process.run(["unshare", "-Urm", "sh", "-c", WITHOUT, sys.executable, CALLER, str(base)])
    assert (base / "stdout").read_text() == "ok\n"
    assert "Read-only file system" in (base / "stderr").read_text()


def test_the_best_method_is_found_by_trying() -> None:
    """What is called available has run before, and is the first in order that does."""
    usable = [method for method in Method if method is Method.PLAIN or isolation._works(method)]
    assert available() is usable[0]


@given(st.text(), st.dictionaries(st.from_regex(r"[a-z_]\w*", fullmatch=True), st.text()))
def test_escaped_text_is_left_alone(text: str, placeholders: dict[str, str]) -> None:
    """Doubled braces stand for single ones, whatever placeholders there are."""
    assert render((text.replace("{", "{{").replace("}", "}}"),), placeholders) == (text,)


def test_placeholders_are_replaced_once() -> None:
    """A value is put in as it is: braces in it are not looked at again, and unknown names stay."""
    assert render(("{a}-{b}", "{unknown}", "{{a}}"), {"a": "{b}", "b": "1"}) == ("{b}-1", "{unknown}", "{a}")
