from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.flows.repeat import IDENTICAL, TOLERATED, UNSTABLE

if TYPE_CHECKING:
    from tests.flows.conftest import Lab

MOVES = """\
import json, os, pathlib, sys
step = int(os.environ["PYTHONHASHSEED"]) * {step}
results = {{"mean": 2.875 * (1 + step), "values": [1.5, 2.5, 4.25]}}
(pathlib.Path(sys.argv[2]) / "results.json").write_text(json.dumps(results))
"""
"""A script whose result depends on the hash seed, as that of summing over a set does."""


def test_a_result_that_does_not_move_is_bit_identical(lab: Lab) -> None:
    """Three fresh processes with three hash seeds write the same bytes."""
    result = lab.one(repeat=3)
    assert (result.exit, result.verdict) == (Exit.GOOD, Verdict.MATCH)
    assert result.repetition is not None
    assert (result.repetition.outcome, result.repetition.paths) == (IDENTICAL, ())
    assert len(set(result.repetition.run_ids)) == 3
    seeds = [lab.store.get(name).command["variables"]["PYTHONHASHSEED"] for name in result.repetition.run_ids]
    assert len(set(seeds)) == 3
    assert lab.one(repeat=2).state == "ran", "a repeat is never taken from the cache"


def test_a_result_that_moves_within_its_tolerance(lab: Lab) -> None:
    """It passes, and the paths that move are named."""
    lab.script(MOVES.format(step=1e-13))
    result = lab.one(repeat=2)
    assert (result.exit, result.verdict) == (Exit.GOOD, Verdict.MATCH)
    assert result.repetition is not None
    assert (result.repetition.outcome, result.repetition.paths) == (TOLERATED, ("results.json: mean",))


def test_a_result_that_moves_beyond_its_tolerance_is_unstable(lab: Lab) -> None:
    """Exit 1, though the first run matches its baseline; the paths that move are named, no others."""
    lab.script(MOVES.format(step=1e-6))
    result = lab.one(repeat=3)
    assert result.exit is Exit.WRONG
    assert result.repetition is not None
    assert (result.repetition.outcome, result.repetition.paths) == (UNSTABLE, ("results.json: mean",))
    assert not result.repetition.stable
    assert lab.one().exit is Exit.GOOD, "the run with the recorded seed is a match"


def test_the_order_of_a_set_is_found_out(lab: Lab) -> None:
    """A command that lists a set of strings moves under hash seeds."""
    lab.script(
        "import json, sys\nnames = {f'name-{n}' for n in range(50)}\n"
        "open(sys.argv[2] + '/results.json', 'w').write(json.dumps({'names': list(names)}))\n"
    )
    result = lab.one(repeat=2)
    assert result.repetition is not None
    assert result.repetition.outcome == UNSTABLE
    assert all(path.startswith("results.json: names") for path in result.repetition.paths)
    assert result.exit is Exit.WRONG


def test_bytes_that_move_without_their_values(lab: Lab) -> None:
    """Another layout of the same values is within tolerance, and the output is named."""
    lab.script(
        "import json, os, sys\nvalues = {'mean': 2.875, 'values': [1.5, 2.5, 4.25]}\n"
        "indent = int(os.environ['PYTHONHASHSEED'])\n"
        "open(sys.argv[2] + '/results.json', 'w').write(json.dumps(values, indent=indent))\n"
    )
    result = lab.one(repeat=2)
    assert result.repetition is not None
    assert (result.repetition.outcome, result.repetition.paths) == (TOLERATED, ("results.json",))


def test_what_rules_ignore_does_not_move(lab: Lab) -> None:
    """An ignored path is neither compared nor named."""
    lab.script(MOVES.format(step=0.5))
    lab.define(rules=[{"path": "mean", "ignore": True, "reason": "a duration"}])
    result = lab.one(repeat=2)
    assert result.repetition is not None
    assert (result.repetition.outcome, result.repetition.paths) == (TOLERATED, ("results.json",))


@pytest.mark.parametrize("text", ["'not JSON' + seed", "'{' + seed", "''"])
def test_outputs_that_cannot_be_read_fail_their_own_run(lab: Lab, text: str) -> None:
    """They are exit 1 for that experiment, and the others of the call are measured."""
    lab.script(
        "import os, sys\nseed = os.environ['PYTHONHASHSEED']\n"
        f"open(sys.argv[2] + '/results.json', 'w').write({text})\n"
    )
    lab.write("good/mean.py", lab.git("show", "HEAD:src/mean.py"))
    lab.define("other", command=["python", "good/mean.py", "{data}", "{out}"], sources=["good/**"])
    results = lab.replay(repeat=2).results
    assert [result.exit for result in results] == [Exit.WRONG, Exit.NOT_CHECKED]


def test_a_run_that_fails_ends_the_repetition(lab: Lab) -> None:
    """The failure of a later run is the result, and what ran before is kept."""
    lab.script(
        (lab.root / "src/mean.py").read_text()
        + "import os\nsys.exit(0 if os.environ['PYTHONHASHSEED'] == '0' else 4)\n"
    )
    result = lab.one(repeat=3)
    assert (result.state, result.exit) == ("failed", Exit.NOT_CHECKED)
    assert len(lab.store.ids()) == 2


def test_thread_counts_vary_where_the_experiment_allows(lab: Lab) -> None:
    """The declared counts are tried in turn; without them threads stay as they are."""
    lab.define(vary_threads=[1, 3])
    result = lab.one(repeat=3)
    assert result.repetition is not None
    counts = [
        lab.store.get(name).command["variables"]["OPENBLAS_NUM_THREADS"] for name in result.repetition.run_ids
    ]
    assert counts == ["1", "3", "1"]
    assert result.repetition.varied[0] == {}
