from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from repro.core.errors import TamperError
from repro.core.exits import Exit
from repro.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flows.conftest import Lab

CHANGES: dict[str, Callable[[Lab], Any]] = {
    "source": lambda lab: lab.script((lab.root / "src/mean.py").read_text() + "# a comment\n"),
    "new source": lambda lab: lab.write("src/other.py", "pass\n"),
    "data under DVC": lambda lab: lab.track("data/points.csv", "1.5\n2.5\n4.250\n"),
    "data in git": lambda lab: lab.write("data/offset.txt", "0.1250\n"),
    "command": lambda lab: lab.define(command=["python", "src/mean.py", "{data}", "{out}", "more"]),
    "variable": lambda lab: lab.define(variables={"LEVEL": "2"}),
    "seed": lambda lab: lab.define(seed=4, command=["python", "src/mean.py", "{data}", "{out}", "{seed}"]),
    "network": lambda lab: lab.define(network=True),
}
"""Changes after which the outputs are the same but the conditions are not."""


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_condition_runs_again(lab: Lab, change: Callable[[Lab], Any]) -> None:
    """Source, data, variable, command: each change makes another run, and going back finds the first."""
    lab.script((lab.root / "src/mean.py").read_text() + "# more arguments are welcome\n")
    first = lab.one()
    script, definition = (lab.root / "src/mean.py").read_text(), (lab.root / "repro.toml").read_text()
    assert lab.one().state == "cached"
    change(lab)
    second = lab.one()
    assert (second.state, second.exit) == ("ran", Exit.GOOD)
    assert lab.one().run_id == second.run_id
    lab.git("checkout", "--quiet", "--", ".")
    lab.git("clean", "-fdq")
    lab.script(script)
    lab.write("repro.toml", definition)
    again = lab.one()
    assert (again.state, again.run_id) == ("cached", first.run_id)
    assert len(lab.store.ids()) == 2


UNRELATED: dict[str, Callable[[Lab], Any]] = {
    "an undeclared file": lambda lab: lab.write("notes.txt", "changed\n"),
    "the time limit": lambda lab: lab.define(timeout=77),
    "the description": lambda lab: lab.define(description="words"),
    "another experiment": lambda lab: lab.define("other"),
    "a commit": lambda lab: lab.commit(),
}


@pytest.mark.parametrize("change", UNRELATED.values(), ids=UNRELATED)
def test_what_is_no_condition_runs_nothing(lab: Lab, change: Callable[[Lab], Any]) -> None:
    """What the command cannot see does not make it run again."""
    first = lab.one()
    change(lab)
    assert (lab.one().state, lab.one().run_id) == ("cached", first.run_id)
    assert lab.store.ids() == [first.run_id]


def test_another_baseline_is_compared_without_a_run(lab: Lab) -> None:
    """A changed baseline changes the verdict of the run that is there."""
    first = lab.one()
    (variant,) = (lab.root / "baselines/mean").iterdir()
    shutil.rmtree(variant)
    lab.write("data/offset.txt", "0.25\n")
    lab.record_baseline("mean")
    lab.git("checkout", "--quiet", "--", "data")
    result = lab.one()
    assert (result.state, result.run_id, result.verdict) == ("cached", first.run_id, Verdict.DRIFT)
    assert len(list((lab.store.runs / first.run_id).glob("comparison-*.json"))) == 2


def test_other_rules_are_applied_without_a_run(lab: Lab) -> None:
    """A changed rule changes the verdict of the run that is there, in both directions."""
    lab.write("data/offset.txt", "0.25\n")
    first = lab.one()
    assert first.verdict is Verdict.DRIFT
    lab.define(rules=[{"path": "mean", "atol": 0.2, "reason": "wide"}])
    assert (lab.one().state, lab.one().verdict) == ("cached", Verdict.MATCH)
    lab.define(rules=[{"path": "mean", "atol": 0.2, "reason": "wide", "expires": "2001-01-01"}])
    expired = lab.one()
    assert (expired.state, expired.verdict) == ("cached", Verdict.DRIFT)
    assert any("expired" in note for note in expired.notes)
    assert lab.store.ids() == [first.run_id]


def test_no_cache_runs_again(lab: Lab) -> None:
    """`--no-cache` makes a new run, which is the hit from then on."""
    lab.one()
    second = lab.one(use_cache=False)
    assert second.state == "ran"
    assert (lab.one().state, lab.one().run_id) == ("cached", second.run_id)


@pytest.mark.parametrize("spoil", ["changed", "removed", "link", "folder"])
def test_an_altered_output_is_no_evidence(lab: Lab, spoil: str) -> None:
    """A cached run whose output is not what its record says is not believed, but run again."""
    first = lab.one()
    output = lab.store.runs / first.run_id / "out/results.json"
    good = output.read_text()
    output.unlink()
    if spoil == "changed":
        output.write_text(json.dumps({"mean": 99}))
    elif spoil == "link":
        output.with_name("real.json").write_text(good)
        output.symlink_to("real.json")
    elif spoil == "folder":
        output.mkdir()
    second = lab.one()
    assert (second.state, second.exit) == ("ran", Exit.GOOD)
    assert lab.one().run_id == second.run_id
    with pytest.raises(TamperError, match=r"results\.json"):
        lab.one(against=first.run_id)


def test_a_damaged_comparison_is_made_again(lab: Lab) -> None:
    """A stored comparison that cannot be read costs a comparison, not the verdict."""
    first = lab.one()
    (file,) = (lab.store.runs / first.run_id).glob("comparison-*.json")
    for text in ("", "{", "[]", '{"verdict": "splendid", "warnings": []}', '{"version": 1}'):
        file.write_text(text)
        result = lab.one()
        assert (result.state, result.verdict) == ("cached", Verdict.MATCH)


def test_a_lost_index_is_rebuilt(lab: Lab) -> None:
    """The index is made anew from the records, so that nothing runs again."""
    first = lab.one()
    shutil.rmtree(lab.store.folder / "keys")
    assert (lab.one().state, lab.one().run_id) == ("cached", first.run_id)


def test_a_rebuild_that_was_killed_is_finished(lab: Lab) -> None:
    """An index without its last mark counts as unfinished: what it lacks is found."""
    first = lab.one()
    shutil.rmtree(lab.store.folder / "keys")
    (lab.store.folder / "keys/00").mkdir(parents=True)
    assert (lab.one().state, lab.one().run_id) == ("cached", first.run_id)


@pytest.mark.parametrize("text", ["", "../../../etc\n", "no-such-run\n", "\0", "x" * 5000])
def test_a_damaged_index_entry_costs_a_run(lab: Lab, text: str) -> None:
    """An entry that leads nowhere is as good as none."""
    lab.one()
    (entry,) = (path for path in (lab.store.folder / "keys").rglob("*") if len(path.name) == 64)
    entry.write_text(text)
    assert lab.one().exit is Exit.GOOD
    assert len(lab.store.ids()) == 2


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"version": 9}', b"\xff", b'{"version": 1, "id": 3}'])
def test_a_damaged_record_breaks_no_other_run(lab: Lab, text: bytes) -> None:
    """It costs its own run; the others, the index and the next replay go on."""
    lab.define("other", variables={"LEVEL": "2"})
    lab.replay()
    first, other = (lab.one(), lab.replay("other").results[0])
    (lab.store.runs / first.run_id / "record.json").write_bytes(text)
    assert lab.replay("other").results[0].state == "cached"
    assert [lab.one().state, lab.one().state] == ["ran", "cached"]
    shutil.rmtree(lab.store.folder / "keys")
    assert lab.replay("other").results[0].run_id == other.run_id
    assert set(lab.store.damaged()) == {first.run_id}


def test_a_hit_in_one_tree_serves_a_revision(lab: Lab) -> None:
    """The same conditions are the same run, whether they stand in the present tree or in a revision."""
    first = lab.one()
    lab.script("raise SystemExit(1)\n")
    result = lab.one(revision="v1")
    assert (result.state, result.run_id, result.verdict) == ("cached", first.run_id, Verdict.MATCH)


def test_a_failed_run_is_never_a_hit(lab: Lab) -> None:
    """What failed is tried again."""
    lab.script("raise SystemExit(1)\n")
    assert [lab.one().state, lab.one().state] == ["failed", "failed"]
    assert len(lab.store.ids()) == 2


def test_a_matrix_reruns_only_what_changed(lab: Lab) -> None:
    """One more value on an axis is one more run; the rest is cached, in the order of the file."""
    command = ["python", "src/mean.py", "{data}", "{out}", "{n}"]
    lab.define(command=command, matrix={"n": [1, 2, 3]})
    assert [result.state for result in lab.replay("mean", jobs=3).results] == ["ran"] * 3
    lab.define(matrix={"n": [1, 2, 3, 4]})
    replayed = lab.replay("mean", jobs=2)
    assert [result.run for result in replayed.results] == [f"mean[n={n}]" for n in (1, 2, 3, 4)]
    assert [result.state for result in replayed.results] == ["cached"] * 3 + ["ran"]
    assert [result.state for result in lab.replay("mean[n=2]").results] == ["cached"]
    assert lab.replay("mean").exit is Exit.NOT_CHECKED, "no run of the matrix has a baseline"
