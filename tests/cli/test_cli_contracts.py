"""What holds for every verb: exit codes, streams, JSON, interrupts, and what is loaded."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Project

HEAVY = ("pydantic", "numpy", "dvc", "rich", "sqlalchemy")

EMPTY = 'version = 1\n[environments.here]\nkind = "host"\n'

WAITING = """\
version = 1

[environments.here]
kind = "host"

[experiments.waiting]
command = ["python", "-c", "import sys, time; print('begun', file=sys.stderr, flush=True); time.sleep(60)"]
environment = "here"
outputs = ["r.json"]
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["replay", "sums"], 0),
        (["replay", "sums", "grid"], 0),
        (["replay", "--all"], 3),
        (["replay", "broken"], 3),
        (["replay"], 2),
        (["replay", "sums", "--all"], 2),
        (["replay", "sum"], 2),
        (["replay", "grid[a=3]"], 2),
        (["replay", "sums", "--at", "nowhere"], 2),
        (["replay", "sums", "--against", "nothing"], 2),
        (["replay", "sums", "--rules", "none"], 2),
        (["replay", "sums", "--env", "there"], 2),
        (["replay", "sums", "--repeat", "0"], 2),
        (["replay", "sums", "--jobs", "many"], 2),
        (["status"], 0),
        (["status", "nothing"], 2),
        (["baseline", "list"], 0),
        (["baseline", "show", "sums"], 0),
        (["baseline", "show", "broken"], 3),
        (["baseline", "diff", "sums"], 0),
        (["baseline", "diff", "grid"], 2),
        (["baseline", "record"], 2),
        (["baseline", "accept", "sums"], 2),
        (["baseline", "accept", "sums", "--reason", " "], 2),
        (["runs", "list"], 0),
        (["runs", "show", "nothing"], 2),
        (["runs", "gc", "--older-than", "soon"], 2),
        (["drift", "data.txt", "data.txt"], 0),
        (["drift", "data.txt", "nothing"], 3),
        (["init"], 2),
        ([], 2),
        (["baseline"], 2),
        (["repaly"], 2),
        (["--nonsense"], 2),
        (["--version"], 0),
        (["--help"], 0),
    ],
)
def test_each_verb_exits_with_a_code_of_the_house(recorded: Project, arguments: list[str], code: int) -> None:
    """0 good, 1 wrong, 2 usage, 3 not checked; a result is on stdout, a complaint on stderr, no traceback."""
    answer = recorded(*arguments)
    assert answer.code == code, answer.err
    assert "Traceback" not in answer.err
    assert bool(answer.out) == (code == 0 or (code == 3 and "replay" in arguments))
    if code == 2 and arguments not in ([], ["baseline"]):
        assert answer.err.startswith("error: ")
        assert "\n  -> " in answer.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay", "sums"],
        ["replay", "broken"],
        ["replay", "nothing"],
        ["replay", "sums", "--jobs", "x"],
        ["replay", "sums", "--nonsense"],
        ["status"],
        ["status", "nothing"],
        ["baseline", "list"],
        ["baseline", "show", "sums"],
        ["baseline", "show", "broken"],
        ["baseline", "record", "sums"],
        ["baseline", "accept", "sums"],
        ["baseline", "diff", "sums"],
        ["runs", "list"],
        ["runs", "show", "nothing"],
        ["runs", "gc", "--dry-run"],
        ["drift", "data.txt", "data.txt"],
        ["drift", "data.txt", "nothing"],
        ["init"],
        ["nonsense"],
    ],
)
def test_json_is_one_document_with_a_version_whatever_happens(
    recorded: Project, arguments: list[str]
) -> None:
    """With --json standard output is exactly one JSON document that names its version, also on failure."""
    answer = recorded(*arguments, "--json")
    document = answer.document
    assert document["version"] == 1
    if answer.err.startswith("error: "):
        assert document["exit"] == answer.code != 0
        assert document["error"]["message"]
        assert document["error"]["hint"]


def test_a_configuration_error_is_a_document_too(make_project: Callable[..., Project]) -> None:
    """A typo in repro.toml gives exit 2, with file and line on stderr and in the document."""
    answer = make_project(EMPTY + "[experimets.x]\n")("replay", "--all", "--json")
    assert answer.code == 2
    assert "repro.toml, line 4" in answer.document["error"]["message"]
    assert "did you mean 'experiments'?" in answer.err


def test_nothing_to_replay_is_no_success(make_project: Callable[..., Project]) -> None:
    """A repro.toml without experiments gives exit 3 for what checks, and 0 for an honest empty list."""
    project = make_project(EMPTY)
    codes = {
        verb: project(*verb.split()).code for verb in ("replay --all", "baseline record --all", "status")
    }
    assert set(codes.values()) == {3}, codes
    for verb, text in (("baseline list", "no baselines"), ("runs list", "no runs")):
        answer = project(*verb.split())
        assert (answer.code, answer.out.splitlines()[0]) == (0, text)


def test_without_a_configuration_the_next_step_is_said(project: Project) -> None:
    """Where there is no repro.toml the error says where it was looked for, and how to write one."""
    answer = project("-C", str(project.root.parent), "status")
    assert answer.code == 2
    assert f"no repro.toml in {project.root.parent} or above" in answer.err
    assert "repro init" in answer.err


def test_a_first_configuration_is_written_once(make_project: Callable[..., Project]) -> None:
    """`init` writes a repro.toml that status can read, and refuses to write a second one."""
    project = make_project()
    (project.root / "repro.toml").unlink()
    project.write("requirements.lock", "")
    first = project("init", "--json")
    assert (first.code, first.document["path"]) == (0, str(project.root / "repro.toml"))
    assert project("status").code in {0, 3}
    before = project.tree(".")["repro.toml"]
    second = project("init")
    assert second.code == 2
    assert project.tree(".")["repro.toml"] == before


def test_a_value_that_is_missing_names_the_verb(recorded: Project) -> None:
    """An option without its value is told with the verb whose help lists it."""
    answer = recorded("replay", "sums", "--at")
    assert answer.code == 2
    assert answer.err.startswith("error: repro replay: Option '--at' requires an argument\n")
    assert "see: repro replay --help" in answer.err


@pytest.mark.parametrize("place", ["before", "after"])
def test_global_options_stand_before_or_after_the_verb(recorded: Project, place: str) -> None:
    """-C, -q and -v mean the same on either side of the verb."""
    common, verb = ["-C", str(recorded.root), "-v"], ["replay", "sums"]
    arguments = [*common, *verb] if place == "before" else [*verb, *common]
    answer = recorded("-C", "/", *arguments)
    assert answer.code == 0
    assert "sums: match" in answer.err
    assert "peak memory" in answer.out
    assert recorded(*verb, "-q").err == recorded("-q", *verb).err == ""


def test_a_traceback_is_for_those_who_ask(recorded: Project) -> None:
    """Only -v shows where an error comes from, wherever it stands."""
    assert "Traceback" not in recorded("replay", "nothing").err
    assert "Traceback" in recorded("replay", "nothing", "-v").err
    assert "Traceback" in recorded("-v", "replay", "nothing").err


def test_a_crash_is_said_in_one_line_and_is_not_success(recorded: Project) -> None:
    """An exception of no known kind ends with a message, exit 3 and no traceback."""
    code = (
        "import repro.flows.status as s; s.status = lambda *a: 1 / 0; from repro.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "status", "--json"],
        cwd=recorded.root,
        env=recorded.env,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 3
    assert done.stderr.splitlines()[0] == "error: internal error: ZeroDivisionError: division by zero"
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["exit"] == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_130_and_a_document(
    make_project: Callable[..., Project], number: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM during a run end it, with exit 130, one line on stderr and a JSON document."""
    project = make_project(WAITING)
    command = [*project.command, "replay", "--all", "--json", "-v"]
    with subprocess.Popen(
        command, cwd=project.root, env=project.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        for line in process.stderr:
            if line == b"waiting: run\n":
                break
        process.send_signal(number)
        out, err = process.stdout.read(), process.stderr.read().decode()
    assert process.returncode == 130
    assert "error: interrupted" in err
    assert "Traceback" not in err
    assert json.loads(out)["exit"] == 130


def test_a_reader_that_goes_away_is_no_error(recorded: Project) -> None:
    """Where the reader of a pipe has gone nothing is complained about; the exit code is the verdict's."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*recorded.command, "runs", "list"],
        cwd=recorded.root,
        env=recorded.env,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_result_that_cannot_be_written_is_no_success(recorded: Project) -> None:
    """A full disk under standard output is exit 3, with a hint."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [*recorded.command, "status"],
            cwd=recorded.root,
            env=recorded.env,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr.startswith(b"error: standard output: No space left on device")


def test_closed_streams_change_no_exit_code(recorded: Project) -> None:
    """A caller that closes standard output and error gets the verdict nevertheless."""
    script = 'exec >&- 2>&-; exec "$@"'
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *recorded.command, "replay", "sums"],
        cwd=recorded.root,
        env=recorded.env,
        check=False,
    )
    assert done.returncode == 0


def on_terminal(project: Project, *arguments: str, env: dict[str, str] | None = None) -> str:
    """What a call writes to a terminal that is both of its streams."""
    control, terminal = pty.openpty()
    with subprocess.Popen(
        [*project.command, *arguments],
        cwd=project.root,
        env=project.env | {"TERM": "xterm"} | (env or {}),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    ):
        os.close(terminal)
        text = b""
        while select.select([control], [], [], 60)[0]:
            try:
                text += os.read(control, 65536)
            except OSError:  # the last writer has closed it
                break
    os.close(control)
    return text.decode()


def test_colours_are_for_terminals_that_want_them(recorded: Project) -> None:
    """Colours appear on a terminal, and neither with NO_COLOR, on a dumb one, nor in a pipe."""
    painted = on_terminal(recorded, "status", "sums")
    assert "\x1b[32mfresh" in painted
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b[" not in on_terminal(recorded, "status", "sums", env=env)
    assert "\x1b[" not in recorded("status", "sums").out


def test_progress_is_for_terminals(recorded: Project) -> None:
    """A bar counts the runs on a terminal, and is neither there with -q nor in a pipe."""
    call = ("replay", "sums", "--no-cache")
    assert "0/1" in on_terminal(recorded, *call)
    assert "0/1" not in on_terminal(recorded, *call, "-q")
    assert recorded(*call).err == ""


def loaded(project: Project, *arguments: str) -> tuple[int, set[str]]:
    """The exit code of a call, and which of the heavy libraries it loaded."""
    code = (
        "import sys; from repro.cli.main import run; code = run(sys.argv[1:]); "
        f"print(code, *[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=project.root,
        env=project.env,
        capture_output=True,
        text=True,
        check=True,
    )
    number, *names = done.stderr.splitlines()[-1].split()
    return int(number), set(names)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["replay", "--help"], ["drift", "--help"]])
def test_help_loads_no_heavy_library(recorded: Project, arguments: list[str]) -> None:
    """Help is there at once: it loads neither pydantic, numpy, dvc, rich nor sqlalchemy."""
    assert loaded(recorded, *arguments) == (0, set())


@pytest.mark.parametrize("arguments", [["replay", "sums"], ["replay", "sums", "grid"], ["status"]])
def test_what_is_cached_loads_no_heavy_library(recorded: Project, arguments: list[str]) -> None:
    """A replay that is cached loads none of them either, once its repro.toml was found right."""
    recorded(*arguments)
    assert loaded(recorded, *arguments) == (0, set())


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay", "sums", "grid"],
        ["replay", "sums", "--json"],
        ["status", "--json"],
        ["status"],
        ["baseline", "list"],
        ["baseline", "show", "sums", "--json"],
        ["runs", "list", "--json"],
        ["drift", "baselines", "baselines", "--json"],
    ],
)
def test_the_same_question_has_the_same_bytes(recorded: Project, arguments: list[str]) -> None:
    """What a call prints does not depend on the order in which Python keeps its sets."""
    first, second = (recorded(*arguments, env={"PYTHONHASHSEED": seed}).out for seed in ("1", "2"))
    assert first
    assert first == second


def test_reports_have_the_same_bytes(recorded: Project) -> None:
    """JUnit and Markdown of the same replay are the same bytes under two hash seeds."""
    texts, (xml, md) = [], ("../j.xml", "../m.md")
    for seed in ("1", "2"):
        answer = recorded(
            "replay", "sums", "grid", "--junit", xml, "--markdown", md, env={"PYTHONHASHSEED": seed}
        )
        assert f"report: {xml}\nreport: {md}\n" in answer.err
        texts.append([(recorded.root / name).read_bytes() for name in (xml, md)])
    assert texts[0] == texts[1]
