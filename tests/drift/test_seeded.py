"""Ensembles of runs in folders: what is tested, what is refused, and what is never passed."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from tests.render.test_drift_schema import SCHEMA

from repro.core.errors import ConfigError, ExtraMissing, FormatError, MissingBaseline, UsageError
from repro.core.verdict import Verdict
from repro.drift.equivalence import parse_equivalence, to_dict
from repro.drift.report import DriftReport
from repro.flows.compare import compare_paths
from repro.render.drift_text import drift_text
from repro.render.html_ensemble import ensembles_html
from repro.render.junit import drift_junit
from repro.render.markdown import drift_markdown
from repro.render.sarif import drift_sarif

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

TEST: dict[str, Any] = {
    "path": "loss",
    "over": "seed",
    "margin": 1.0,
    "reason": "smaller than what is read off",
}
SEEDS = range(100, 130)


def result(seed: int, *, shift: float = 0.0) -> dict[str, Any]:
    """What a run writes: one mean that is stable, and a series."""
    draw = random.Random(seed)  # noqa: S311 - an experiment
    return {"seed": seed, "loss": draw.gauss(shift, 1), "curve": [draw.gauss(shift, 1) for _ in range(3)]}


def write(folder: Path, seeds: Iterable[int], make: Callable[[int], object] = result) -> Path:
    for seed in seeds:
        place = folder / f"sigma=0.5,seed={seed}"
        place.mkdir(parents=True)
        (place / "r.json").write_text(json.dumps(make(seed)))
    return folder


def compared(folder: Path, *tests: dict[str, Any], rules: str = "") -> DriftReport:
    """Compare the folders `a` and `b` under these declarations."""
    text = rules
    for test in tests or (TEST,):
        text += "[[equivalence]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in test.items())
    (folder / "rules.toml").write_text(text)
    return compare_paths(folder / "a", folder / "b", tolerances={}, rules_file=folder / "rules.toml")


def sides(tmp_path: Path, make: Callable[[int], object] = result, seeds: Iterable[int] = SEEDS) -> Path:
    write(tmp_path / "a", range(30))
    write(tmp_path / "b", seeds, make)
    return tmp_path


def test_other_seeds_with_equal_means_match(tmp_path: Path) -> None:
    """Runs under other seeds match where their means are shown to be equivalent, in words and numbers."""
    report = compared(sides(tmp_path))
    (ensemble,) = report.ensembles
    (path,) = ensemble.paths
    assert (report.verdict, path.verdict, path.path) == (Verdict.MATCH, Verdict.MATCH, "loss")
    assert (len(ensemble.baseline), ensemble.observed[0], ensemble.observed[-1]) == (30, "100", "129")
    assert path.weakest is not None
    assert -1 < path.weakest.low < path.weakest.difference < path.weakest.high < 1
    text = drift_text(report)
    assert "90 % interval" in text
    assert "margin 1" in text
    assert "not compared, for no test selects 2" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_shift_beyond_the_margin_drifts(tmp_path: Path) -> None:
    """Means that differ by more than the margin are a drift, and every report says so."""
    report = compared(sides(tmp_path, lambda seed: result(seed, shift=3.0)))
    assert report.verdict is Verdict.DRIFT
    assert report.ensembles[0].paths[0].reason == "the means differ by more than the margin"
    assert 'failures="1"' in drift_junit(report)
    assert "| drift | 1 | 1 |" in drift_markdown(report)
    assert drift_sarif(report, lambda name: (name, name))["runs"][0]["results"][0]["ruleId"] == "repro/drift"
    assert "the means differ" in ensembles_html(report.ensembles, key="k", level=2)


def test_documents_with_ensembles_are_what_the_schema_says(tmp_path: Path) -> None:
    """A report with ensembles survives a round through JSON and fits the schema."""
    report = compared(sides(tmp_path), TEST, {**TEST, "path": "curve", "margin": 0.01})
    document = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    jsonschema.validate(document, SCHEMA)
    assert DriftReport.from_dict(document) == report


def test_too_few_runs_for_the_margin_are_not_measured(tmp_path: Path) -> None:
    """Where the interval cannot fit into the margin, nothing was shown, and the runs needed are stated."""
    report = compared(sides(tmp_path), {**TEST, "margin": 0.05})
    (path,) = report.ensembles[0].paths
    assert report.verdict is Verdict.NOT_MEASURED
    assert path.weakest is not None
    assert path.weakest.needed is not None
    assert path.weakest.needed > 1000
    assert f"about {path.weakest.needed} runs on each side" in " ".join(drift_text(report).split())


@pytest.mark.parametrize(("seeds", "least"), [([100], 2), (range(100, 110), 20)])
def test_one_seed_or_fewer_than_declared_are_not_measured(
    tmp_path: Path, seeds: Iterable[int], least: int
) -> None:
    """One run has no variance, and fewer runs than declared are not tested."""
    report = compared(sides(tmp_path, seeds=seeds), {**TEST, "min_runs": least})
    assert report.verdict is Verdict.NOT_MEASURED
    assert f"at least {least}" in report.ensembles[0].paths[0].reason


def test_a_nan_in_the_ensemble_is_a_pattern(tmp_path: Path) -> None:
    """One run that ended in NaN is neither averaged nor left out: pattern, with the run's seed."""
    report = compared(
        sides(tmp_path, lambda seed: {**result(seed), "loss": float("nan") if seed == 107 else 0.0})
    )
    assert report.verdict is Verdict.PATTERN
    assert report.ensembles[0].paths[0].reason == "nan in observed run 107"


@pytest.mark.parametrize(
    ("make", "verdict"),
    [
        (lambda seed: {"curve": [seed]}, Verdict.STRUCTURE),
        (lambda seed: {**result(seed), "loss": [1.0, 2.0]}, Verdict.STRUCTURE),
        (lambda seed: {**result(seed), "loss": "low"}, Verdict.STRUCTURE),
    ],
    ids=["missing-key", "shape", "kind"],
)
def test_another_structure_is_no_sample(
    tmp_path: Path, make: Callable[[int], object], verdict: Verdict
) -> None:
    """A path that runs lack, or have in another shape or kind, is `structure` before any mean."""
    assert compared(sides(tmp_path, make)).verdict is verdict


def test_a_run_that_is_not_json_is_structure(tmp_path: Path) -> None:
    """An observed file that cannot be read lets nothing pass, and one of the baseline is an error."""
    sides(tmp_path)
    (tmp_path / "b/sigma=0.5,seed=104/r.json").write_text("{")
    assert compared(tmp_path).verdict is Verdict.STRUCTURE
    (tmp_path / "a/sigma=0.5,seed=4/r.json").write_text("{")
    with pytest.raises(FormatError):
        compared(tmp_path)


def test_text_has_no_mean(tmp_path: Path) -> None:
    """A declaration that selects texts cannot be tested: not measured."""
    for side, seeds in (("a", range(5)), ("b", range(100, 105))):
        write(tmp_path / side, seeds, lambda _seed: {"loss": "low"})
    report = compared(tmp_path)
    assert (report.verdict, report.ensembles[0].paths[0].reason) == (
        Verdict.NOT_MEASURED,
        "string: has no mean",
    )


def test_constants_are_compared_exactly(tmp_path: Path) -> None:
    """Where no run varies, equal values match and others drift, without a division by zero."""
    for side, seeds in (("a", range(5)), ("b", range(100, 105))):
        write(tmp_path / side, seeds, lambda _seed: {"loss": 0.1})
    assert compared(tmp_path, {**TEST, "margin": 0.5, "relative_to": "sd"}).verdict is Verdict.MATCH
    write(tmp_path / "b", [200], lambda _seed: {"loss": 7.0})
    assert compared(tmp_path, {**TEST, "margin": 0.5, "relative_to": "sd"}).verdict is Verdict.DRIFT


def test_a_margin_of_zero_decides_nothing(tmp_path: Path) -> None:
    """A margin relative to a mean of zero is none: not measured, and the report says what to declare."""
    write(tmp_path / "a", range(4), lambda seed: {"loss": float(seed % 2) - 0.5})
    write(tmp_path / "b", range(100, 104), lambda seed: {"loss": float(seed % 2) - 0.5})
    report = compared(tmp_path, {**TEST, "relative_to": "mean"})
    assert report.verdict is Verdict.NOT_MEASURED
    assert "declare one in the value's unit" in report.ensembles[0].paths[0].reason


def test_equal_seeds_are_compared_element_by_element(tmp_path: Path) -> None:
    """The same seed has the same numbers: a difference far below the margin is a drift."""
    write(tmp_path / "a", range(30))
    write(tmp_path / "b", range(30), lambda seed: {**result(seed), "loss": result(seed)["loss"] + 1e-3})
    report = compared(tmp_path)
    assert (report.verdict, report.ensembles) == (Verdict.DRIFT, ())


def test_seeds_in_common_stay_out_of_the_sample(tmp_path: Path) -> None:
    """Where some seeds are the baseline's, these are compared one by one and the others as an ensemble."""
    report = compared(sides(tmp_path, seeds=range(20, 60)))
    assert report.verdict is Verdict.MATCH
    assert [output.verdict for output in report.outputs] == [Verdict.MATCH] * 10
    assert report.ensembles[0].observed == tuple(map(str, range(30, 60)))


def test_the_last_declaration_decides(tmp_path: Path) -> None:
    """Of two that select a value the last one counts, element by element."""
    report = compared(
        sides(tmp_path), {**TEST, "path": "**"}, TEST, {**TEST, "path": "curve[1]", "margin": 1e-6}
    )
    found = {(path.path, path.rule.split()[1]): path for path in report.ensembles[0].paths}
    assert found["loss", "2"].verdict is Verdict.MATCH
    assert found["curve", "1"].values == 2
    weakest = found["curve", "3"].weakest
    assert weakest is not None
    assert (found["curve", "3"].values, weakest.index) == (1, (1,))


def test_a_declaration_that_selects_nothing_lets_nothing_pass(tmp_path: Path) -> None:
    """A misspelt path is not measured, though the other declaration holds."""
    report = compared(sides(tmp_path), TEST, {**TEST, "path": "lost"})
    assert report.verdict is Verdict.NOT_MEASURED
    assert report.ensembles[0].warnings == ("equivalence 2 (lost): selects nothing",)
    expired = compared(tmp_path, {**TEST, "expires": "2020-01-01"})
    assert expired.verdict is Verdict.NOT_MEASURED


def test_an_axis_that_no_path_holds_suggests_the_near_one(tmp_path: Path) -> None:
    """No ensemble over that axis: an error with the axis that was probably meant."""
    with pytest.raises(MissingBaseline, match="no ensemble over 'sed'") as caught:
        compared(sides(tmp_path), {**TEST, "over": "sed"})
    assert caught.value.hint == "did you mean 'seed'?"
    with pytest.raises(UsageError, match="not a folder"):
        compare_paths(
            tmp_path / "rules.toml",
            tmp_path / "rules.toml",
            tolerances={},
            rules_file=tmp_path / "rules.toml",
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"margin": 0}, "margin: must be finite and above 0"),
        ({"margin": -1}, "margin: must be finite and above 0"),
        ({"margin": True}, "margin: must be a number"),
        ({"alpha": 0.5}, "alpha: must be above 0 and below 0.5"),
        ({"reason": " "}, "reason: must be a text"),
        ({"reason": None}, "reason: missing"),
        ({"over": None}, "over: missing"),
        ({"margin": None}, "margin: missing"),
        ({"relative_to": "median"}, "relative_to: must be one of mean, sd"),
        ({"min_runs": 1}, "min_runs: must be a whole number from 2"),
        ({"paired": True}, "paired: unknown key"),
        ({"path": "a[b"}, "path"),
        ({"expires": "soon"}, "expires: not a date"),
    ],
)
def test_declarations_that_make_no_sense_are_refused(change: dict[str, Any], message: str) -> None:
    """Each key is checked, and the error names it."""
    table = {key: value for key, value in {**TEST, **change}.items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        parse_equivalence(table, "here")
    assert message in caught.value.message


def test_a_declaration_survives_its_table() -> None:
    """`to_dict` and `parse_equivalence` are inverses."""
    test = parse_equivalence({**TEST, "relative_to": "sd", "expires": "2099-12-31", "min_runs": 5}, "here")
    assert parse_equivalence(to_dict(test), "there") == test


def test_without_scipy_nothing_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that needs scipy and has none ends as not checked."""
    monkeypatch.setitem(__import__("sys").modules, "scipy.special", None)
    with pytest.raises(ExtraMissing):
        compared(sides(tmp_path))
