"""`repro baseline`: what it writes, refuses and keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Project

LABEL = "here-linux-x86_64"

WRITES = """\
version = 1

[environments.here]
kind = "host"

[experiments.writes]
command = ["python", "writes.py", "{out}"]
environment = "here"
sources = ["writes.py"]
outputs = ["r.json"]
"""


def record_of(project: Project, name: str = "sums") -> dict[str, object]:
    """The record of a baseline, as it lies in the project."""
    [file] = (project.root / "baselines" / name).glob("*/baseline.json")
    found: dict[str, object] = json.loads(file.read_bytes())
    return found


def change(project: Project, factor: str) -> None:
    """Let `sums` write other numbers."""
    text = (project.root / "sums.py").read_text(encoding="utf-8")
    project.write("sums.py", text.replace("sum(values)", f"{factor} * sum(values)"))


def test_a_first_baseline_is_recorded_and_said(project: Project) -> None:
    """`record` writes outputs and record, says so, and notes a dirty tree and its difference's digest."""
    project.write("notes.txt", "not committed\n")
    answer = project("baseline", "record", "sums")
    assert answer.code == 0
    assert f"sums: recorded as {LABEL} from run {project.ids('sums')[0]}\n" in answer.out
    assert "1 run: 1 recorded\n" in answer.out
    assert "git add baselines" in answer.out
    record = record_of(project)
    assert record["reason"] == "first baseline"
    assert record["accepted_by"] == "unknown"
    assert record["history"] == []
    conditions = record["conditions"]
    assert isinstance(conditions, dict)
    assert conditions["dirty"] is True
    assert conditions["difference"].startswith("sha256:")
    assert project("replay", "sums").code == 0


def test_record_overwrites_nothing(project: Project) -> None:
    """With equal outputs a baseline is unchanged; with others `record` is refused, exit 2, naming accept."""
    project("baseline", "record", "sums")
    before = project.tree("baselines")
    again = project("baseline", "record", "sums")
    assert (again.code, "sums: unchanged" in again.out) == (0, True)
    change(project, "2")
    refused = project("baseline", "record", "--all", "--json")
    assert refused.code == 2
    outcomes = {entry["run"]: entry["outcome"] for entry in refused.document["changes"]}
    assert outcomes["sums"] == outcomes["broken"] == "refused"
    assert outcomes["grid[a=1,seed=0]"] == "recorded"
    hint = next(entry for entry in refused.document["changes"] if entry["run"] == "sums")["error"]["hint"]
    assert "repro baseline accept 'sums' --reason" in hint
    after = project.tree("baselines")
    assert {name: after[name] for name in before} == before


def test_accept_replaces_and_keeps_the_history(project: Project) -> None:
    """`accept` replaces a baseline by a run, with the old digests and reasons in order in its history."""
    project("baseline", "record", "sums", "--reason", "one")
    digests = [project("baseline", "accept", "sums", "--reason", "same", "--json").document["changes"][0]]
    assert digests[0]["outcome"] == "unchanged"
    for factor, reason in (("2", "two"), ("3", "three")):
        change(project, factor)
        assert project("replay", "sums").code == 1
        answer = project("baseline", "accept", "sums", "--reason", reason, "--json")
        assert answer.code == 0
        digests += answer.document["changes"]
        assert digests[-1]["outcome"] == "replaced"
        assert project("replay", "sums").code == 0
    record = record_of(project)
    history = record["history"]
    assert isinstance(history, list)
    assert [entry["reason"] for entry in history] == ["one", "two"]
    assert [entry["digest"] for entry in history] == [digests[1]["before"], digests[1]["after"]]
    assert [entry["digest"] for entry in history][1] == digests[2]["before"]
    assert record["reason"] == "three"
    shown = project("baseline", "show", "sums").out
    assert "reason         three" in shown
    assert shown.count("replaced sha256:") == 2


def test_accept_takes_the_run_that_is_named(project: Project) -> None:
    """`accept --run` takes an earlier run without running anything; one of another experiment is refused."""
    project("baseline", "record", "sums")
    [first] = project.ids("sums")
    change(project, "2")
    project("baseline", "accept", "sums", "--reason", "two")
    change(project, "2")
    answer = project("baseline", "accept", "--run", first[:-3], "--reason", "back")
    assert answer.code == 0, answer.err
    assert record_of(project)["run_id"] == first
    assert len(project.ids("sums")) == 2
    other = project("baseline", "accept", "grid", "--run", first, "--reason", "no")
    assert other.code == 2
    assert "repro baseline accept 'sums'" in other.err


def test_accept_wants_a_reason_before_it_runs(project: Project) -> None:
    """Without a reason nothing is run, and the exit code is 2."""
    answer = project("baseline", "accept", "sums")
    assert answer.code == 2
    assert '--reason "' in answer.err
    assert project.ids() == []


def test_a_failed_run_is_no_baseline(project: Project) -> None:
    """A command that fails leaves no baseline, whichever way it is asked for: exit 3."""
    for arguments in (["record", "broken"], ["accept", "broken", "--reason", "why not"]):
        answer = project("baseline", *arguments)
        assert answer.code == 3
        assert "broken: refused: the command failed: exit code 1\n  a bad thing" in answer.out
    run = project("baseline", "accept", "--run", project.ids("broken")[0], "--reason", "why not")
    assert run.code == 3
    assert not (project.root / "baselines").exists()


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("", 1),
        ("(out / 'r.json').write_text('')", 1),
        ("(out / 'r.json').write_text('{\"a\": 1')", 1),
        ("(out / 'r.json').write_text('{\"a\": 1, \"a\": 1}')", 1),
        ("(out / 'r.json').write_text('{}')", 1),
        ("(out / 'r.json').write_text('{\"a\": NaN}')", 0),
    ],
    ids=["missing", "empty", "truncated", "duplicate-key", "no-values", "nan"],
)
def test_what_cannot_be_compared_is_no_baseline(
    make_project: Callable[..., Project], script: str, code: int
) -> None:
    """An output that is missing, not parsable or without values is refused before it becomes a baseline."""
    head = "import pathlib, sys\nout = pathlib.Path(sys.argv[1])\n"
    project = make_project(WRITES, [("writes.py", head + script)])
    answer = project("baseline", "record", "writes")
    assert answer.code == code, answer.out + answer.err
    assert (project.root / "baselines").exists() == (code == 0)


def test_a_baseline_edited_by_hand_is_refused(project: Project) -> None:
    """Where outputs are not those of the record, replay is exit 1 and says how to restore or accept."""
    project("baseline", "record", "sums")
    [file] = (project.root / "baselines").rglob("r.json")
    file.write_text(file.read_text(encoding="utf-8").replace("7.25", "7.26"), encoding="utf-8")
    for arguments in (
        ["replay", "sums"],
        ["baseline", "show", "sums"],
        ["baseline", "list"],
        ["baseline", "diff", "sums"],
    ):
        answer = project(*arguments)
        text = answer.out + answer.err
        assert answer.code == 1, arguments
        assert "not the bytes that were accepted" in text
        assert f"git checkout -- '{file.parent}'" in text
        assert "repro baseline accept 'sums'" in text
    assert "sums: restored as" in project("baseline", "accept", "sums", "--reason", "edited by hand").out
    assert record_of(project)["reason"] == "first baseline"
    assert project("replay", "sums").code == 0


def test_a_matrix_is_recorded_in_one_line_and_accepted_in_part(project: Project) -> None:
    """The runs of a matrix are told together; a part of them can be accepted alone."""
    answer = project("baseline", "record", "grid")
    assert f"grid: 4 runs: recorded as {LABEL}\n" in answer.out
    text = (project.root / "grid.py").read_text(encoding="utf-8")
    project.write("grid.py", text.replace("0.5", "0.25"))
    part = project("baseline", "accept", "grid[a=2]", "--reason", "only these", "--json")
    assert [entry["run"] for entry in part.document["changes"]] == ["grid[a=2,seed=0]", "grid[a=2,seed=1]"]
    replayed = project("replay", "grid", "--json")
    assert replayed.code == 1
    verdicts = [result["verdict"] for result in replayed.document["results"]]
    assert verdicts == ["drift", "drift", "match", "match"]


def test_lists_are_short_for_all_and_whole_for_one(recorded: Project) -> None:
    """Without a name each experiment has a line; with one each run has its own."""
    short = recorded("baseline", "list").out.splitlines()
    assert [line.split()[:2] for line in short[1:]] == [["sums", "1"], ["grid", "4"]]
    whole = recorded("baseline", "list", "grid").out.splitlines()
    assert [line.split()[0] for line in whole[1:]] == [
        f"grid[a={a},seed={s}]" for a in (1, 2) for s in (0, 1)
    ]
    assert len(recorded("baseline", "list", "--json").document["baselines"]) == 5


def test_diff_compares_without_running(project: Project) -> None:
    """`diff` compares the newest or the named run, exits by the verdict, and runs nothing."""
    project("baseline", "record", "sums")
    assert project("baseline", "diff", "sums").code == 0
    change(project, "2")
    project("replay", "sums")
    ids = project.ids()
    answer = project("baseline", "diff", "sums", "--json")
    assert (answer.code, answer.document["verdict"]) == (1, "drift")
    assert project("baseline", "diff", "sums", ids[0]).code == 0
    assert project("baseline", "diff", "grid[a=1,seed=0]", ids[0]).code == 3
    assert project.ids() == ids
