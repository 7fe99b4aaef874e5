from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from repro.core.errors import DataError, MissingBaseline, UsageError
from repro.core.events import Event, Kind
from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.flows.replay import Request, check_request
from repro.flows.stages import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.flows.conftest import Lab

OTHER = """\
import json, pathlib, sys
(pathlib.Path(sys.argv[2]) / "results.json").write_text(json.dumps({"mean": 0.0, "values": []}))
"""


def spoil(lab: Lab) -> None:
    """Change everything since v1: code, definition, data, and the baseline."""
    lab.script(OTHER)
    lab.write("data/offset.txt", "1000\n")
    lab.track("data/points.csv", "7\n")
    lab.define(command=["python", "src/mean.py", "{data}", "{out}", "--new"])
    for file in (lab.root / "baselines").rglob("results.json"):
        file.write_text("{}")


@pytest.mark.parametrize("name", ["v1", "old", "{commit}", "{commit:.10}", "HEAD~1"])
def test_a_revision_is_replayed_as_it_was(lab: Lab, name: str) -> None:
    """Code, definition, data and baseline are those of the revision, named by tag, branch or commit."""
    commit = lab.git("rev-parse", "HEAD")
    lab.git("branch", "old")
    spoil(lab)
    lab.commit("spoilt")
    revision = name.format(commit=commit)
    result = lab.one(revision=revision)
    assert (result.state, result.verdict) == ("ran", Verdict.MATCH)
    record = lab.record_of(result)
    code = record.conditions["code"]
    assert (code["revision"], code["commit"], code["dirty"]) == (revision, commit, False)
    assert code["definition"]["source"] == "revision"
    assert record.command["argv"][-1] == "{out}"


def test_a_day_means_the_last_commit_of_that_day(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--at 2001-02-03` takes what was committed by the end of that day, and nothing later."""
    dates = {"2001-02-03T12:00:00": "early", "2001-02-05T12:00:00": "late"}
    lab.git("checkout", "--quiet", "--orphan", "dated")
    commits = {}
    for moment, message in dates.items():
        monkeypatch.setenv("GIT_COMMITTER_DATE", moment)
        monkeypatch.setenv("GIT_AUTHOR_DATE", moment)
        commits[message] = lab.commit(message)
    for day, message in {"2001-02-03": "early", "2001-02-04": "early", "2001-02-05": "late"}.items():
        assert lab.replay("mean", revision=day).tree["commit"] == commits[message]


def test_the_users_tree_is_untouched(lab: Lab, tree_of: Callable[[Path], dict[str, object]]) -> None:
    """Not a byte of the work tree, the index or the refs changes, and no worktree is left behind."""
    spoil(lab)
    lab.write("untracked.txt", "mine")
    lab.git("add", "data/offset.txt")
    before = tree_of(lab.root), lab.git("status", "--porcelain"), lab.git("show-ref")
    assert lab.one(revision="v1").exit is Exit.GOOD
    assert (tree_of(lab.root), lab.git("status", "--porcelain"), lab.git("show-ref")) == before
    assert lab.worktrees() == [str(lab.root)]
    assert list((lab.store.folder / "tmp").iterdir()) == [lab.store.folder / "tmp/lock"]


@pytest.mark.parametrize("failure", ["command", "configuration", "data"])
def test_no_worktree_stays_after_a_failure(lab: Lab, failure: str) -> None:
    """Whatever fails in a revision, its worktree and scratch are gone afterwards."""
    if failure == "command":
        lab.script("raise SystemExit(7)\n")
    elif failure == "configuration":
        lab.write("repro.toml", "version = 2\n")
    else:
        lab.write("data/points.csv.dvc", "outs:\n- md5: " + "0" * 32 + "\n  hash: md5\n  path: points.csv\n")
    lab.commit(tag="bad")
    lab.git("checkout", "--quiet", "v1")
    if failure == "configuration":
        with pytest.raises(UsageError, match=r"repro\.toml at bad"):
            lab.one(revision="bad")
    else:
        assert lab.one(revision="bad").exit is Exit.NOT_CHECKED
    assert lab.worktrees() == [str(lab.root)]
    assert list((lab.store.folder / "tmp").iterdir()) == [lab.store.folder / "tmp/lock"]


def test_an_unknown_revision_is_wrong_usage(lab: Lab) -> None:
    """A revision that git does not know is exit 2, with a hint."""
    with pytest.raises(UsageError, match="no-such-tag") as caught:
        lab.one(revision="no-such-tag")
    assert caught.value.exit is Exit.USAGE
    assert caught.value.hint


def test_a_revision_without_a_definition_uses_the_present_one(lab: Lab) -> None:
    """Code and data are still those of the revision, and notes and record say whose definition it was."""
    lab.git("rm", "--quiet", "--cached", "repro.toml")
    lab.git("commit", "--quiet", "-m", "no definition", "--date=now")
    lab.git("tag", "bare")
    lab.define()
    lab.script(OTHER)
    replayed = lab.replay("mean", revision="bare")
    (result,) = replayed.results
    assert result.verdict is Verdict.MATCH
    assert "has no repro.toml" in replayed.notes[0]
    definition = lab.record_of(result).conditions["code"]["definition"]
    assert definition["source"] == "present tree, for the revision has none"


def test_rules_are_those_of_the_revision_unless_the_callers_are_asked_for(lab: Lab) -> None:
    """A looser rule of the revision counts and is listed; `--rules present` takes the caller's instead."""
    loose = {"path": "mean", "rtol": 0.5, "reason": "was loose then"}
    lab.define(rules=[loose])
    lab.write("data/offset.txt", "0.25\n")
    lab.commit(tag="loose")
    lab.define(rules=[])
    replayed = lab.replay("mean", revision="loose")
    assert replayed.exit is Exit.GOOD
    (note,) = replayed.notes
    assert "mean" in note
    assert "rtol = 0.5" in note
    strict = lab.replay("mean", revision="loose", rules="present")
    assert strict.exit is Exit.WRONG
    assert strict.definition["rules"] == "present tree"
    assert strict.notes == ()
    assert strict.results[0].state == "cached"


def test_present_rules_make_no_sense_without_a_revision() -> None:
    """The combination is refused as wrong usage."""
    with pytest.raises(UsageError):
        check_request(Request(rules="present"))


def test_the_baseline_is_that_of_the_revision(lab: Lab) -> None:
    """A baseline accepted later does not judge an old revision, unless it is named by `--against`."""
    lab.write("data/offset.txt", "0.25\n")
    lab.git("rm", "-r", "--quiet", "baselines")
    lab.record_baseline("mean")
    lab.commit("another baseline", tag="v2")
    assert lab.one().verdict is Verdict.MATCH
    assert lab.one(revision="v1").verdict is Verdict.MATCH
    assert lab.one(revision="v1", against="v2").verdict is Verdict.DRIFT
    assert lab.one(against="v1").verdict is Verdict.DRIFT
    assert lab.worktrees() == [str(lab.root)]


def test_against_a_run_or_a_variant(lab: Lab) -> None:
    """`--against` takes a run by the beginning of its id, and a baseline's variant by its label."""
    first = lab.one()
    lab.write("data/offset.txt", "0.25\n")
    second = lab.one(against=first.run_id)
    assert second.verdict is Verdict.DRIFT
    assert second.judgement is not None
    assert second.judgement.reference.what == f"run {first.run_id}"
    assert lab.one(against=second.run_id[:-2]).verdict is Verdict.MATCH
    (label,) = [folder.name for folder in (lab.root / "baselines/mean").iterdir()]
    third = lab.one(against=label)
    assert third.judgement is not None
    assert (third.judgement.reference.what, third.judgement.reference.why) == (
        f"baseline {label}",
        "asked for",
    )


def test_against_nothing_known_is_wrong_usage(lab: Lab) -> None:
    """A word that is no baseline, run or revision is exit 2."""
    with pytest.raises(UsageError, match="--against"):
        lab.one(against="nonsense")


def test_against_a_revision_without_baselines_is_not_checked(lab: Lab) -> None:
    """There is nothing to compare with, which is never a match."""
    result = lab.one(against="v1~1")
    assert isinstance(result.error, MissingBaseline)
    assert result.exit is Exit.NOT_CHECKED
    assert result.state == "ran"


def test_the_remote_is_the_callers_and_never_the_revisions(lab: Lab) -> None:
    """A remote that REV configures is not asked; the caller's own is."""
    config = lab.root / ".dvc/config"
    good = config.read_text()
    config.write_text(good.replace("../../shelf", "../../elsewhere"))
    lab.commit(tag="foreign")
    config.write_text(good)
    assert lab.one(revision="foreign").verdict is Verdict.MATCH
    config.write_text(good.replace("../../shelf", "../../elsewhere"))
    lab.git("checkout", "--quiet", "--force", "v1")
    config.write_text(good.replace("../../shelf", "../../elsewhere"))
    result = lab.one(revision="v1", use_cache=False)
    assert result.exit is Exit.GOOD, "the object is in the caller's cache by now"


def test_a_remote_that_only_the_revision_knows_is_not_asked(lab: Lab) -> None:
    """The caller without a remote gets no data, though REV names one that has it."""
    config = lab.root / ".dvc/config"
    config.write_text("[core]\n    analytics = false\n")
    result = lab.one(revision="v1")
    assert isinstance(result.error, DataError)
    assert result.exit is Exit.NOT_CHECKED


def test_data_of_a_revision_comes_through_its_own_pointers(lab: Lab) -> None:
    """Old and new data are both fetched by hash into the caller's cache."""
    lab.track("data/points.csv", "10\n20\n")
    result = lab.one()
    assert result.verdict is Verdict.STRUCTURE
    old = lab.one(revision="v1")
    assert old.verdict is Verdict.MATCH
    files = [lab.record_of(one).conditions["data"]["files"]["data/points.csv"] for one in (result, old)]
    assert files[0] != files[1]
    for digest in files:
        md5 = digest.removeprefix("md5:")
        assert (lab.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).is_file()


def test_a_project_in_a_folder_of_its_repository(lab: Lab, tmp_path: Path) -> None:
    """A project below the top of its repository is replayed from the same folder of the revision."""
    inner = replace(lab, root=tmp_path / "top/deep/project")
    shutil.copytree(lab.root, inner.root, ignore=shutil.ignore_patterns(".git"))
    shutil.copytree(lab.shelf, inner.root.parent / "shelf")
    for arguments in (["init", "--quiet"], ["add", "-A"], ["commit", "--quiet", "-m", "all"], ["tag", "one"]):
        lab.git("-C", str(tmp_path / "top"), *arguments)
    inner.script(OTHER)
    assert inner.one(revision="one").verdict is Verdict.MATCH
    assert inner.one().verdict is Verdict.STRUCTURE
    assert inner.worktrees() == [str(tmp_path / "top")]


def test_notes_and_events_speak_of_stages_in_order(lab: Lab) -> None:
    """A run tells its stages while it goes on, and the record has them with their times."""
    events: list[Event] = []
    result = lab.one(revision="v1", listener=events.append)
    told = [event.text for event in events if event.kind is Kind.STAGE]
    assert told == ["checkout, data", "environment", "run", "collect", "compare", "record"]
    assert tuple(stage["name"] for stage in result.stages) == NAMES
    recorded = lab.record_of(result).stages
    assert tuple(stage["name"] for stage in recorded) == NAMES[:-1], "a record cannot time its own writing"
    for stage in recorded:
        assert stage["wall_seconds"] >= 0
        assert stage["cpu_seconds"] >= 0
        assert stage["peak_bytes"] > 0
