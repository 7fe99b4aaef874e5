"""What stands in the way of a build, and what `repro build` says of it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.build.conftest import Project, Said

pytestmark = pytest.mark.nix

PLAIN = "echo hello > $out"
TOKEN = "tok-Zx81qq-never-to-be-seen"


def whole(said: Said) -> str:
    return said.out + said.err


def test_no_nix(project: Project) -> None:
    """Without Nix: exit 3, and how to get one."""
    said = project.repro("#det", extra={"REPRO_NIX": "/no/such/nix"})
    assert said.code == 3
    assert "error: Nix: /no/such/nix: not found" in said.err
    assert "install Nix" in said.err


def test_a_program_that_is_not_nix(project: Project) -> None:
    """A program of the name that is something else is not taken for Nix."""
    said = project.repro("#det", extra={"REPRO_NIX": "/bin/echo"})
    assert said.code == 3
    assert "not understood" in said.err


def test_an_unknown_attribute_is_answered_with_the_near_one(project: Project) -> None:
    """A misspelt attribute is wrong usage, exit 2, and the near one is named."""
    project.attributes(alpha=PLAIN, omega=PLAIN)
    said = project.repro("#alhpa")
    assert said.code == 2
    assert "has no" in said.err
    assert "did you mean 'alpha'?" in said.err


def test_the_innermost_cause_of_an_evaluation_error_comes_first(project: Project) -> None:
    """The line that says what is wrong stands before the trace that led to it."""
    project.attributes(
        broken='=make { name = "broken"; script = let f = n: if n == 0 then throw "the heart of it" '
        "else f (n - 1); in f 5; }"
    )
    said = project.repro("#broken")
    assert said.code == 3
    first = said.err.splitlines()[0]
    assert first.startswith("error: evaluating")
    assert first.endswith("the heart of it")
    assert "while evaluating" not in first


def test_a_syntax_error_names_its_place(project: Project) -> None:
    """An expression that cannot be parsed is told with file and line."""
    (project.root / "flake.nix").write_text("{ outputs = { self }: { a = ; }; }\n")
    said = project.repro("#a")
    assert said.code == 3
    assert "syntax error" in said.err
    assert "flake.nix:1:" in said.err


def test_a_builder_that_fails_is_told_with_its_last_lines(project: Project) -> None:
    """Of a builder's failure: its last lines, in order, its exit code, and how to see the whole log."""
    lines = "; ".join(f"echo line {number}" for number in range(40))
    project.attributes(fails=f"{lines}; exit 7")
    said = project.repro("#fails")
    assert said.code == 3
    assert "the builder of fails.drv failed with exit code 7" in said.err
    assert [f"> line {number}" for number in range(15, 40)] == [
        line.strip() for line in said.err.splitlines() if line.strip().startswith("> ")
    ]
    assert "nix log /" in said.err


def test_the_failure_of_an_input_is_the_cause(project: Project) -> None:
    """Where an input fails, it is named and not what would have read it."""
    project.attributes(
        low="echo the root of it; exit 3", high='=make { name = "high"; script = "cat ${low} > $out"; }'
    )
    said = project.repro("#high")
    assert said.code == 3
    assert "the builder of low.drv failed with exit code 3" in said.err.splitlines()[0]
    assert "the root of it" in said.err


def test_a_hash_mismatch_shows_both_hashes(project: Project) -> None:
    """A fixed output of another hash: both hashes, and no advice to simply copy the new one."""
    project.attributes(
        fixed='=make { name = "fixed"; script = "printf hello > $out"; outputHashMode = "flat"; '
        'outputHashAlgo = "sha256"; outputHash = "sha256-nquKAXyItnWU7FzXrSZ8HjmAtpSXPeLDtwZtqWfR+3Y="; }'
    )
    said = project.repro("#fixed")
    assert said.code == 3
    assert "declared sha256-nquKAXyItnWU7FzXrSZ8HjmAtpSXPeLDtwZtqWfR+3Y=" in said.err
    assert "got      sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=" in said.err


def test_a_path_that_was_never_built(project: Project) -> None:
    """A store path that was added and not built has no derivation to build again: exit 3, with the reason."""
    project.attributes(det=PLAIN)
    path = project.nix("store", "add-path", str(project.root / "bin")).strip()
    said = project.repro(path)
    assert said.code == 3
    assert "deriver" in said.err


def test_a_derivation_by_its_path(project: Project) -> None:
    """A derivation that was never built is built when it is named by its own path."""
    project.attributes(det=PLAIN)
    drv = project.nix("path-info", "--derivation", f"path:{project.root}#det").strip()
    said = project.repro(drv, "--json")
    assert said.code == 0, said.err
    assert (said.document["derivations"][0]["drv"], said.document["sources"]) == (drv, [])


def test_no_flake_here(project: Project) -> None:
    """In a folder without a flake the next step is named."""
    said = project.repro(extra={"HOME": str(project.root)})
    assert said.code == 3
    assert "repro build FLAKE#ATTRIBUTE" in said.err


def committed(project: Project, **scripts: str) -> None:
    project.attributes(**scripts)
    project.git("init", "--quiet")
    project.git("add", "-A")
    project.git("commit", "--quiet", "-m", "first")


def test_a_file_that_git_does_not_track_is_named(project: Project) -> None:
    """A flake that reads an untracked file fails in Nix; the file and the command that adds it are named."""
    committed(project, det="=import ./more.nix { inherit make; }")
    (project.root / "more.nix").write_text('{ make }: make { name = "det"; script = "echo > $out"; }\n')
    said = project.repro(".#det")
    assert said.code == 3
    assert "git does not track more.nix" in said.err
    assert f"git -C {project.root}" in said.err
    assert "add more.nix" in said.err
    project.git("add", "more.nix")
    assert project.repro(".#det").code == 0


def test_untracked_files_and_a_dirty_tree_are_noted(project: Project) -> None:
    """A build from a tree that is no revision says so, and which files the flake did not see."""
    committed(project, det=PLAIN)
    clean = project.repro(".#det", "--json")
    assert clean.document["notes"] == []
    assert clean.document["sources"][0]["revision"] == project.git("rev-parse", "HEAD").strip()
    project.attributes(det=PLAIN, other=PLAIN)
    (project.root / "notes.txt").write_text("x")
    said = project.repro(".#det", "--json")
    assert said.code == 0
    assert said.document["sources"][0]["dirty"]
    assert any("dirty" in note for note in said.document["notes"])
    assert any("notes.txt" in note and "git add" in note for note in said.document["notes"])


@pytest.mark.parametrize(
    "reference",
    [
        f"git+https://user:{TOKEN}@host.invalid/repo#x",
        f"git+https://{TOKEN}@host.invalid/repo#x",
        f"https://host.invalid/a.tar.gz?access_token={TOKEN}#x",
    ],
)
def test_a_token_in_a_reference_is_never_shown(project: Project, reference: str) -> None:
    """Whatever fails about a reference with credentials, they appear on no stream and in no file of ours."""
    for flags in ((), ("--json",), ("-v",)):
        said = project.repro(
            reference, *flags, extra={"NIX_CONFIG": "connect-timeout = 1\ndownload-attempts = 1"}
        )
        assert said.code == 3
        assert TOKEN not in whole(said)
        assert "host.invalid" in whole(said)
    cache = project.nix.home / "cache"
    assert not [path for path in cache.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_a_token_in_the_configuration_is_never_shown(project: Project) -> None:
    """A token of NIX_CONFIG that a builder's log or an error repeats is taken out."""
    project.attributes(leaks=f"echo {TOKEN}; exit 1")
    said = project.repro("#leaks", extra={"NIX_CONFIG": f"access-tokens = host.invalid={TOKEN}"})
    assert said.code == 3
    assert TOKEN not in whole(said)
    assert "***" in whole(said)


def test_the_daemon_is_gone(project: Project) -> None:
    """Where the daemon does not answer, how to start it."""
    project.attributes(det=PLAIN)
    extra = {"NIX_REMOTE": "daemon", "NIX_DAEMON_SOCKET_PATH": str(project.root / "no-socket")}
    said = project.repro("#det", extra=extra)
    assert said.code == 3
    assert "daemon does not answer" in said.err


def builders(mark: str) -> list[str]:
    """Processes with `mark` in their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("which", ["first build", "rebuild 1"])
def test_an_interrupted_build_leaves_no_builder(project: Project, number: int, which: str) -> None:
    """Ctrl-C and SIGTERM, in the first build or the second: exit 130, no builder, no second store left."""
    mark = f"{os.getpid()}{number}{len(which)}8128"
    waits = f"sleep 1{mark}"
    script = waits if which == "first build" else f"case $PWD in /build) ;; *) {waits};; esac; echo > $out"
    project.attributes(slow=script)
    with subprocess.Popen(
        project.command(f"path:{project.root}#slow", "-v"),
        cwd=project.root,
        env=project.environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(f"slow: {which}: building"):
                break
        while not builders(f"sleep\0001{mark}") and process.poll() is None:
            pass
        process.send_signal(number)
        process.communicate()
    assert process.returncode == 130
    assert any(not builders(f"sleep\0001{mark}") for _ in range(1000))
    left = project.nix.home / "cache" / "builds"
    assert not left.exists() or [path.name for path in left.iterdir()] == [".lock"]


def test_a_killed_call_is_cleared_away_by_the_next(project: Project) -> None:
    """The second store of a call that was killed is removed by the next call."""
    project.attributes(det=PLAIN)
    left = project.nix.home / "cache" / "builds" / "build-old"
    (left / "store" / "nix").mkdir(parents=True)
    (left / "store").chmod(0o500)
    assert project.repro("#det").code == 0
    assert not left.exists()


def test_a_full_disk(project: Project) -> None:
    """A second store for which there is no room is not measured, and says why."""
    project.attributes(det=PLAIN)
    small = project.nix.home / "cache"
    small.mkdir()
    script = f'mount -t tmpfs -o size=1600k tmpfs {small} && exec "$@"'
    ways = (["--mount"], ["--mount", "--user", "--map-root-user"])
    trials = [["unshare", *way, "sh", "-c", script, "sh"] for way in ways]
    trial = next((one for one in trials if subprocess.run([*one, "true"], check=False).returncode == 0), None)
    if trial is None:
        pytest.skip("a small file system cannot be mounted here")
    done = subprocess.run(
        [*trial, *project.command(f"path:{project.root}#det")],
        cwd=project.root,
        env=project.environment | {"NIX_CONFIG": "require-drop-supplementary-groups = false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr + done.stdout
    assert "the disk is full" in done.stdout + done.stderr
    assert "REPRO_CACHE_DIR" in done.stdout + done.stderr
