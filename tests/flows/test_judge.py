from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from repro.core.digest import of_bytes
from repro.core.errors import MissingBaseline
from repro.core.verdict import Verdict
from repro.drift.rules import Rule, Rules
from repro.flows import config
from repro.flows.judge import Reference, baseline_reference, judge
from repro.flows.matrix import select
from repro.store import baseline as baselines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.conftest import Lab

    from repro.flows.matrix import Run

TODAY = date(2026, 1, 2)


@pytest.fixture
def run(lab: Lab) -> Run:
    (run,) = select(config.load(lab.root), ("mean",))
    return run


def accept(folder: Path, environment: str, platform_class: str) -> None:
    """A baseline variant of `mean`."""
    outputs = folder / "outputs"
    outputs.mkdir(parents=True, exist_ok=True)
    (outputs / "results.json").write_text("1")
    made = baselines.Baseline(
        run="mean",
        run_id="id",
        environment=environment,
        platform_class=platform_class,
        outputs={"results.json": str(of_bytes(b"1"))},
        accepted_by="A",
        accepted_at="2026-01-01T00:00:00+00:00",
        reason="first",
        conditions={},
    )
    baselines.write(folder / "mean" / made.label, made, outputs)


@pytest.mark.parametrize(
    ("there", "taken", "why"),
    [
        (["lab x", "lab y", "host x"], "lab-x", "same environment and platform class; 2 other variant(s)"),
        (["host x", "lab y"], "host-x", "same platform class, another environment; 1 other variant(s)"),
        (["lab y", "host y"], "lab-y", "same environment, another platform class; 1 other variant(s)"),
        (["host y"], "host-y", "the only kind there is: another environment and platform class"),
    ],
)
def test_the_nearest_variant_is_taken(
    tmp_path: Path, run: Run, there: list[str], taken: str, why: str
) -> None:
    """Environment and platform class decide in a fixed order, and the reference says why it was taken."""
    for entry in there:
        accept(tmp_path / "b", *entry.split())
    found = baseline_reference(tmp_path / "b", run, environment="lab", platform_class="x")
    assert (found.what, found.why) == (f"baseline {taken}", why)


def test_a_variant_can_be_asked_for(tmp_path: Path, run: Run) -> None:
    """The label that is wanted is taken however far it is; one that is not there is missing."""
    accept(tmp_path / "b", "lab", "x")
    accept(tmp_path / "b", "host", "y")
    found = baseline_reference(tmp_path / "b", run, environment="lab", platform_class="x", wanted="host-y")
    assert (found.what, found.why) == ("baseline host-y", "asked for")
    with pytest.raises(MissingBaseline, match="'nix-x'") as caught:
        baseline_reference(tmp_path / "b", run, environment="lab", platform_class="x", wanted="nix-x")
    assert "repro baseline record 'mean'" in caught.value.hint


@pytest.fixture
def compared(tmp_path: Path) -> tuple[Path, dict[str, str | None], Reference]:
    """A run's folder, its outputs, and a reference that differs by one part in a million."""
    reference, folder = tmp_path / "reference", tmp_path / "run"
    (folder / "out").mkdir(parents=True)
    reference.mkdir()
    texts = {reference / "r.json": '{"x": 1.0}', folder / "out/r.json": '{"x": 1.000001}'}
    for path, text in texts.items():
        path.write_text(text)
    digests = [str(of_bytes(text.encode())) for text in texts.values()]
    return (
        folder,
        {"r.json": digests[1]},
        Reference(folder=reference, outputs={"r.json": digests[0]}, what="baseline", why="test"),
    )


def test_an_equal_comparison_is_read_and_not_made(
    compared: tuple[Path, dict[str, str | None], Reference],
) -> None:
    """The second judgement has the first one's verdict and, when asked for, its whole report."""
    first = judge(*compared, Rules(), today=TODAY)
    second = judge(*compared, Rules(), today=TODAY)
    assert (first.verdict, first.report is None) == (Verdict.DRIFT, False)
    assert (second.verdict, second.report, second.file) == (Verdict.DRIFT, None, first.file)
    assert second.loaded() == first.report


def test_each_thing_that_decides_makes_another_comparison(
    compared: tuple[Path, dict[str, str | None], Reference],
) -> None:
    """Outputs, reference, rules and the end of a rule's life each lead to a comparison of their own."""
    folder, outputs, reference = compared
    wide = Rule(path="x", rtol=1e-3, reason="wide", expires=TODAY)
    files = {
        judge(folder, outputs, reference, Rules(), today=TODAY).file: Verdict.DRIFT,
        judge(folder, outputs, reference, Rules(rules=(wide,)), today=TODAY).file: Verdict.MATCH,
        judge(folder, outputs, reference, Rules(rules=(wide,)), today=date(2026, 1, 3)).file: Verdict.DRIFT,
        judge(
            folder, {**outputs, "more.json": None}, reference, Rules(), today=TODAY
        ).file: Verdict.STRUCTURE,
    }
    assert len(files) == 4
    for file, verdict in files.items():
        assert json.loads(file.read_text())["verdict"] == verdict
    another = Reference(
        folder=folder / "out", outputs={"r.json": str(outputs["r.json"])}, what="run", why="test"
    )
    assert judge(folder, outputs, another, Rules(), today=TODAY).verdict is Verdict.MATCH


def test_what_the_reference_has_beyond_the_outputs_is_missing(
    compared: tuple[Path, dict[str, str | None], Reference],
) -> None:
    """An output that only the baseline has is a structure verdict: nothing drops out in silence."""
    folder, _, reference = compared
    assert judge(folder, {}, reference, Rules(), today=TODAY).verdict is Verdict.DRIFT
    (folder / "out/r.json").unlink()
    missing = judge(folder, {"other.json": None}, reference, Rules(), today=TODAY)
    assert missing.verdict is Verdict.STRUCTURE
