"""`repro runs` and `repro status`: what there is, why it is stale, and what may go."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from repro.tools.files import locked

if TYPE_CHECKING:
    from tests.cli.conftest import Project


def replace(project: Project, name: str, old: str, new: str) -> None:
    """Change a file of the project."""
    text = (project.root / name).read_text(encoding="utf-8")
    assert old in text
    project.write(name, text.replace(old, new))


def age(project: Project, identity: str, days: int) -> None:
    """Let a run have ended so many days ago."""
    file = project.root / ".repro/runs" / identity / "record.json"
    record = json.loads(file.read_bytes())
    record["ended_at"] = (datetime.now(tz=UTC) - timedelta(days=days)).isoformat()
    file.write_text(json.dumps(record), encoding="utf-8")


def standing(project: Project, name: str = "sums") -> tuple[str, list[str]]:
    """Where a run stands, and why."""
    [entry] = project("status", name, "--json").document["runs"]
    return entry["standing"], entry["reasons"]


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("sums.py", "import json", "import  json", "code: sums.py"),
        ("data.txt", "1.5", "1.25", "data: data.txt"),
        ("repro.toml", 'SCALE = "1"', 'SCALE = "2"', "variables: SCALE"),
        ("repro.toml", '{ SCALE = "1" }', '{ SCALE = "1", NEW = "2" }', "variables: NEW (new)"),
        ("repro.toml", '{ SCALE = "1" }', "{}", "variables: SCALE (gone)"),
        ("repro.toml", '"sums.py", "{out}', '"-B", "sums.py", "{out}', "command: arguments"),
        ("repro.toml", 'sources = ["sums.py"]', 'sources = ["*.py"]', "code: grid.py (new)"),
    ],
)
def test_status_names_the_condition_that_changed(
    project: Project, name: str, old: str, new: str, reason: str
) -> None:
    """A run is never run, fresh, then stale; the reason names the condition and what in it changed."""
    assert standing(project) == ("never run", [])
    project("replay", "sums")
    assert standing(project) == ("fresh", [])
    replace(project, name, old, new)
    assert standing(project) == ("stale", [reason])
    assert reason in project("status", "sums").out


def test_status_tells_environment_and_platform_apart(project: Project) -> None:
    """Where a run was made in another environment or on another platform, both are named."""
    project("replay", "sums")
    [file] = project.root.glob(".repro/runs/*/record.json")
    record = json.loads(file.read_bytes())
    other = "sha256:" + "0" * 64
    record["key"] = record["command"]["parts"]["environment"] = record["command"]["parts"]["platform"] = other
    record["conditions"]["environment"]["name"] = "there"
    record["conditions"]["platform"]["keyed"]["machine"] = "vax"
    file.write_text(json.dumps(record), encoding="utf-8")
    assert standing(project) == ("stale", ["environment: there then, here now", "platform: machine"])


def test_what_does_not_count_leaves_a_run_fresh(project: Project) -> None:
    """Comments in repro.toml, tolerances, other files and time limits make nothing stale."""
    project("replay", "sums")
    replace(
        project,
        "repro.toml",
        'outputs = ["r.json"]\nvariables',
        'outputs = ["r.json"]\ntimeout = 9\nvariables',
    )
    project.write("notes.txt", "x")
    project.write("baselines/sums/notes.txt", "x")
    assert standing(project) == ("fresh", [])


def test_status_forgets_repetitions_and_tells_failures(project: Project) -> None:
    """A repetition under another hash seed is not what staleness is told by; a failed try is no run."""
    project("replay", "sums", "--repeat", "3")
    replace(project, "sums.py", "import json", "import  json")
    assert standing(project) == ("stale", ["code: sums.py"])
    project("replay", "broken")
    word, [reason] = standing(project, "broken")
    assert word == "never run"
    assert reason.startswith("the last try failed: the command failed")


def test_altered_outputs_make_a_run_stale(project: Project) -> None:
    """A run whose outputs are not those of its record is no evidence, and status says so."""
    project("replay", "sums")
    [output] = project.root.glob(".repro/runs/*/out/r.json")
    output.chmod(0o644)
    output.write_text("{}", encoding="utf-8")
    word, [reason] = standing(project)
    assert word == "stale"
    assert "altered" in reason


def test_runs_are_listed_newest_first(recorded: Project) -> None:
    """A list is cut to --limit, says how many there are, and can be of an experiment or part of a matrix."""
    ids = recorded.ids()
    answer = recorded("runs", "list", "--limit", "2", "--json")
    assert [entry["id"] for entry in answer.document["runs"]] == ids[::-1][:2]
    assert answer.document["total"] == len(ids)
    assert f"and {len(ids) - 2} runs more" in recorded("runs", "list", "-n", "2").out
    part = recorded("runs", "list", "grid[a=1]", "--json").document["runs"]
    assert {entry["run"] for entry in part} == {"grid[a=1,seed=0]", "grid[a=1,seed=1]"}
    assert recorded("runs", "list", "nothing").code == 2


def test_a_run_is_shown_by_the_beginning_of_its_id(recorded: Project) -> None:
    """`show` takes an id or its beginning; one that several runs have is refused."""
    identity, *_ = recorded.ids("sums")
    answer = recorded("runs", "show", identity[:-2])
    assert answer.out.startswith(identity)
    for word in ("code", "environment", "platform", "isolation", "stages", "outputs"):
        assert f"\n  {word}" in answer.out
    assert recorded("runs", "show", identity, "--json").document["id"] == identity
    assert recorded("runs", "show", "2").code == 2


def test_two_runs_are_told_apart(project: Project) -> None:
    """`diff` names each condition that differs, once, with both values, and compares the outputs."""
    project("replay", "sums")
    replace(project, "repro.toml", 'SCALE = "1"', 'SCALE = "2"')
    project("replay", "sums")
    first, second = project.ids("sums")
    answer = project("runs", "diff", first, second, "--json")
    assert (answer.code, answer.document["report"]["verdict"]) == (1, "drift")
    found = {entry["name"]: (entry["first"], entry["second"]) for entry in answer.document["conditions"]}
    assert found["command.variables.SCALE"] == ("1", "2")
    assert not any("digest" in name for name in found)
    text = project("runs", "diff", first, second).out
    assert "  command.variables.SCALE: 1  ->  2\n" in text
    assert project("runs", "diff", first, first).code == 0
    project("replay", "broken")
    assert project("runs", "diff", first, project.ids("broken")[0]).code == 3


def test_old_runs_go_and_what_is_needed_stays(project: Project) -> None:
    """Runs older than asked go; accepted ones and the newest of each name stay; a dry run removes nothing."""
    project("baseline", "record", "sums")
    for number in range(3):
        project.write("data.txt", f"{number}\n")
        project("replay", "sums")
    ids = project.ids()
    for identity in ids:
        age(project, identity, days=40)
    dry = project("runs", "gc", "--older-than", "30d", "--dry-run", "--json")
    assert (dry.code, dry.document["removed"], project.ids()) == (0, ids[1:3], ids)
    assert project("runs", "gc", "--older-than", "6w").out.startswith("0 runs removed")
    answer = project("runs", "gc", "--older-than", "30", "--json")
    assert answer.document == dry.document
    assert project.ids() == [ids[0], ids[3]]
    assert standing(project) == ("fresh", [])


def test_the_oldest_runs_go_until_the_rest_fits(project: Project) -> None:
    """--keep-size removes from the oldest on, and no more than needed."""
    for number in range(4):
        project.write("data.txt", f"{number}\n")
        project("replay", "sums")
    ids = project.ids()
    sizes = {e["id"]: e["bytes"] for e in project("runs", "list", "--json").document["runs"]}
    limit = sum(sizes[identity] for identity in ids[2:])
    answer = project("runs", "gc", "--keep-size", str(limit), "--json")
    assert answer.document["removed"] == ids[:2]
    assert answer.document["bytes"] == sizes[ids[0]] + sizes[ids[1]]
    assert project("runs", "gc", "--keep-size", "0", "--json").document["kept"] == 1


def test_what_a_killed_call_left_goes_unless_a_call_is_under_way(project: Project) -> None:
    """A folder without a record is removed, but not while any call holds its scratch folder."""
    project("replay", "sums")
    left = project.root / ".repro/runs/20200101T000000417Z-left-00000000"
    left.mkdir()
    (left / "stdout.log").write_text("x", encoding="utf-8")
    with locked(project.root / ".repro/tmp/replay-0.lock"):
        assert project("runs", "gc", "--json").document["removed"] == []
    assert project("runs", "gc", "--json").document["removed"] == [left.name]
    assert not left.exists()
    assert project.ids("sums")


def test_a_damaged_record_is_named(project: Project) -> None:
    """A record that is no JSON is exit 1, with the file and what to do."""
    project("replay", "sums")
    [file] = project.root.glob(".repro/runs/*/record.json")
    file.write_text("{", encoding="utf-8")
    answer = project("runs", "list")
    assert answer.code == 1
    assert str(file) in answer.err
    assert "remove the run" in answer.err
