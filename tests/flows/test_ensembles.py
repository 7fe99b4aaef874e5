"""A stochastic experiment from end to end: recorded seeds, other seeds, and what is no ensemble."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from repro.conditions.enclosure import Method
from repro.core.errors import ConfigError, UsageError
from repro.core.events import silent
from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.flows import baseline, config
from repro.flows.replay import Request
from repro.flows.workshop import Demands
from repro.render.html_report import replay_html
from repro.render.junit import junit
from repro.render.markdown import markdown
from repro.render.replay_json import replay_document
from repro.render.replay_text import replay_text
from repro.render.sarif import replay_sarif
from repro.render.words import Palette

if TYPE_CHECKING:
    from tests.flows.conftest import Lab

    from repro.flows.replay import Replayed

SCRIPT = """\
import json, pathlib, random, sys
draw = random.Random(int(sys.argv[2]))
values = [draw.gauss(float(sys.argv[3]) + SHIFT, 0.1) for _ in range(3)]
if int(sys.argv[2]) == BROKEN:
    sys.exit(1)
pathlib.Path(sys.argv[1], "results.json").write_text(json.dumps({"loss": values, "seed": int(sys.argv[2])}))
"""
PLAIN = Demands(isolation=Method.PLAIN)
"""What is tested here does not depend on isolation."""

TEST = {"path": "loss", "over": "seed", "margin": 0.2, "reason": "less than what is read off"}
REPLAY_SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs/reference/replay.schema.json").read_text(encoding="utf-8")
)


def script(lab: Lab, *, shift: float = 0.0, broken: int = -1) -> None:
    lab.script(SCRIPT.replace("SHIFT", str(shift)).replace("BROKEN", str(broken)), "src/loss.py")


def toml(lab: Lab, seeds: str = "{ range = [0, 8] }", **keys: Any) -> None:  # noqa: ANN401 - any TOML
    """Write a `repro.toml` with a matrix of two levels and these seeds."""
    table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**TEST, **keys}.items())
    lab.write(
        "repro.toml",
        f"""version = 1
[environments.here]
kind = "host"
[experiments.loss]
command = ["python", "src/loss.py", "{{out}}", "{{seed}}", "{{level}}"]
environment = "here"
sources = ["src/**"]
outputs = ["results.json"]
matrix = {{ level = [0, 1], seed = {seeds} }}
[[experiments.loss.equivalence]]
{table}""",
    )


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the baselines lie that the first test of this module records."""
    return tmp_path_factory.mktemp("baselines") / "baselines"


@pytest.fixture
def stochastic(lab: Lab, shelf: Path) -> Lab:
    """Two levels with eight seeds each, all with a baseline."""
    script(lab)
    toml(lab)
    lab.commit("a stochastic experiment")
    if not shelf.exists():
        request = Request(selections=("loss",), jobs=2, demands=PLAIN)
        changes = baseline.record(lab.root, request, "first", silent)
        assert {change.outcome for change in changes} == {"recorded"}
        shutil.copytree(lab.root / "baselines/loss", shelf)
    shutil.copytree(shelf, lab.root / "baselines/loss", dirs_exist_ok=True)
    lab.commit("baselines")
    return lab


def other(lab: Lab, *selections: str, **options: Any) -> Replayed:  # noqa: ANN401 - fields of Request
    return lab.replay(
        *(selections or ("loss",)), **{"seeds": "100..107", "jobs": 2, "demands": PLAIN, **options}
    )


def test_recorded_seeds_are_compared_element_by_element(stochastic: Lab) -> None:
    """With the baseline's seeds the declaration changes nothing: no ensemble, and a tiny shift drifts."""
    replayed = stochastic.replay("loss", demands=PLAIN)
    assert (replayed.exit, replayed.ensembles) == (Exit.GOOD, ())
    script(stochastic, shift=1e-6)
    drifted = stochastic.replay("loss[level=0]", jobs=2, demands=PLAIN)
    assert (drifted.exit, drifted.ensembles) == (Exit.WRONG, ())


def test_other_seeds_match_as_ensembles(stochastic: Lab) -> None:
    """Seeds without a baseline are tested cell by cell, and every report tells it."""
    replayed = other(stochastic)
    assert replayed.exit is Exit.GOOD
    assert [report.name for report in replayed.ensembles] == ["loss[level=0,seed=*]", "loss[level=1,seed=*]"]
    assert all(len(report.baseline) == len(report.observed) == 8 for report in replayed.ensembles)
    text = replay_text(replayed, palette=Palette())
    assert "observed 8 runs, seed 100 to 107; baseline 8 runs, seed 0 to 7" in text
    assert all(len(line) <= 80 for line in text.splitlines())
    document = json.loads(json.dumps(replay_document(replayed), allow_nan=False))
    jsonschema.validate(document, REPLAY_SCHEMA)
    assert {result["ensemble"] for result in document["results"]} == {
        each.name for each in replayed.ensembles
    }
    assert "90 % interval" in markdown(replayed)
    assert "Runs under other seeds" in replay_html(replayed, {})
    assert 'failures="0" errors="0"' in junit(replayed)
    assert replay_sarif(replayed, stochastic.root)["runs"][0]["results"] == []
    assert {result.state for result in other(stochastic).results} == {"cached"}


def test_seeds_of_the_matrix_may_be_others_than_the_baselines(stochastic: Lab) -> None:
    """Other seeds in `repro.toml` are an ensemble too; those with a baseline keep their own verdict."""
    toml(stochastic, "{ range = [6, 20] }")
    replayed = stochastic.replay("loss", jobs=2, demands=PLAIN)
    assert replayed.exit is Exit.GOOD
    assert replayed.ensembles[0].observed == tuple(map(str, range(8, 20)))
    assert sum(result.judgement is not None for result in replayed.results) == 4


def test_a_shift_of_the_code_drifts(stochastic: Lab) -> None:
    """Means beyond the margin end with exit 1, in every cell that moved."""
    script(stochastic, shift=0.5)
    replayed = other(stochastic)
    assert replayed.exit is Exit.WRONG
    assert {report.verdict for report in replayed.ensembles} == {Verdict.DRIFT}
    text = replay_text(replayed, palette=Palette())
    assert text.count("the means differ by more than the margin") == 2
    assert "no baseline" not in text
    assert "the means differ" in json.dumps(replay_sarif(replayed, stochastic.root))


def test_survivors_are_no_fair_sample(stochastic: Lab) -> None:
    """Where a run of the cell failed, the others alone prove nothing."""
    script(stochastic, broken=103)
    toml(stochastic, margin=1)
    replayed = other(stochastic, "loss[level=0]")
    assert replayed.exit is Exit.NOT_CHECKED
    assert "1 of its runs failed" in replayed.ensembles[0].reason


def test_one_seed_is_no_ensemble(stochastic: Lab) -> None:
    """A single run under another seed cannot be judged: exit 3."""
    replayed = other(stochastic, "loss[level=0]", seeds="100..100")
    assert (replayed.exit, replayed.ensembles[0].verdict) == (Exit.NOT_CHECKED, Verdict.NOT_MEASURED)


def test_a_misspelt_path_lets_nothing_pass(stochastic: Lab) -> None:
    """A declaration that selects nothing is not measured."""
    toml(stochastic, path="lost")
    replayed = other(stochastic, "loss[level=0]")
    assert replayed.exit is Exit.NOT_CHECKED
    assert replayed.ensembles[0].reason == "no declared equivalence test selects a value"


def test_without_any_baseline_the_error_says_how_to_record_one(lab: Lab) -> None:
    """An ensemble needs another one: without baselines every run says that it has none."""
    script(lab)
    toml(lab, "[1, 2]")
    replayed = lab.replay("loss", jobs=2, demands=PLAIN)
    assert (replayed.exit, replayed.ensembles) == (Exit.NOT_CHECKED, ())
    assert all(result.error and "baseline record" in result.error.hint for result in replayed.results)


@pytest.mark.parametrize("seeds", ["100", "5..4", "a..b", "0..100000", "1..2..3", "0..99999999999999999999"])
def test_seeds_that_are_no_range_are_refused(lab: Lab, seeds: str) -> None:
    """What is no range of whole numbers is wrong usage."""
    toml(lab)
    with pytest.raises(UsageError, match="--seeds"):
        other(lab, seeds=seeds)


def test_seeds_need_a_declaration(lab: Lab) -> None:
    """An experiment without an equivalence test has no axis for other seeds."""
    lab.define()
    with pytest.raises(UsageError, match="declares no test") as caught:
        lab.replay("mean", seeds="1..5")
    assert "[[experiments.mean.equivalence]]" in caught.value.hint


def test_an_axis_that_the_matrix_lacks_suggests_the_near_one(lab: Lab) -> None:
    """`over` names an axis of the matrix; a typo is refused with the line and the near name."""
    toml(lab, over="seeds")
    with pytest.raises(ConfigError, match=r"line 12: .*over: no axis 'seeds'") as caught:
        config.load(lab.root)
    assert caught.value.hint == "did you mean 'seed'?"


def test_a_revision_whose_declaration_is_not_the_callers_says_so(stochastic: Lab) -> None:
    """A wider margin in a revision is listed, and with --rules present the caller's decides."""
    toml(stochastic, margin=50)
    stochastic.commit("wide", tag="wide")
    toml(stochastic)
    replayed = other(stochastic, "loss[level=0]", revision="wide")
    assert any("equivalence test for 'loss' is not yours (margin = 50" in note for note in replayed.notes)
    present = other(stochastic, "loss[level=0]", revision="wide", rules="present")
    weakest = present.ensembles[0].paths[0].weakest
    assert weakest is not None
    assert weakest.margin == 0.2
