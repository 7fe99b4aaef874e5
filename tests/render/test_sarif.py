from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from repro.core.canonical import to_bytes
from repro.core.errors import MissingBaseline
from repro.core.verdict import Verdict
from repro.flows.attempt import Result
from repro.flows.compare import compare_paths
from repro.flows.replay import Replayed
from repro.render.sarif import RULES, drift_sarif, replay_sarif

SCHEMA = json.loads((Path(__file__).parent / "sarif-essentials.schema.json").read_text(encoding="utf-8"))

Folders = tuple[Path, Path]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Two folders with every sort of difference, and names that no URI or terminal takes as they are."""
    a, b = tmp_path / "a", tmp_path / "b"
    for folder in (a, b):
        folder.mkdir()
        (folder / "same.json").write_text("[1.0]")
    (a / "x y#.json").write_text('{"v": [1.0, 2.0, 3.0], "n": 1.5, "\\u001b[31m": 1}')
    (b / "x y#.json").write_text('{"v": [1.0, 2.5, 3.0], "n": NaN, "\\u001b[31m": 2}')
    (a / "log.txt").write_text("start\nloss 0.5\nend\n")
    (b / "log.txt").write_text("start\nloss 0.75\nend\n")
    (a / "gone.json").write_text("[1.0]")
    return a, b


def _results(document: dict[str, Any]) -> list[dict[str, Any]]:
    jsonschema.validate(document, SCHEMA)
    found: list[dict[str, Any]] = document["runs"][0]["results"]
    return found


def test_every_difference_is_a_result_with_rule_level_and_location(folders: Folders) -> None:
    """Each drifted path is one result under its verdict, at its file and, where that has lines, its line."""
    report = compare_paths(*folders, tolerances={}, rules_file=None)
    results = _results(drift_sarif(report, lambda name: (f"a/{name}", f"b/{name}")))
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        by_rule.setdefault(result["ruleId"], []).append(result)
        assert result["message"]["text"].isprintable()
    assert {rule: len(found) for rule, found in by_rule.items()} == {
        "repro/structure": 1,
        "repro/pattern": 1,
        "repro/drift": 3,
    }
    places = {
        (
            place["physicalLocation"]["artifactLocation"]["uri"],
            place["physicalLocation"]["region"]["startLine"],
        )
        for result in results
        for place in result["locations"]
    }
    assert ("a/x%20y%23.json", 1) in places
    assert ("a/log.txt", 2) in places
    assert any("[1] was 2.0 and is 2.5" in result["message"]["text"] for result in results)
    prints = [result["partialFingerprints"]["reproPath/v1"] for result in results]
    assert len(set(prints)) == len(prints)


def test_a_match_has_no_results(folders: Folders) -> None:
    """What matches is a successful run without results."""
    report = compare_paths(folders[0], folders[0], tolerances={}, rules_file=None)
    document = drift_sarif(report, lambda name: (name, name))
    assert _results(document) == []
    assert document["runs"][0]["invocations"] == [{"executionSuccessful": True, "exitCode": 0}]


def test_the_same_comparison_gives_the_same_bytes(folders: Folders) -> None:
    """The document depends on what was compared alone."""
    documents = {
        to_bytes(
            drift_sarif(compare_paths(*folders, tolerances={}, rules_file=None), lambda name: (name, name))
        )
        for _ in range(2)
    }
    assert len(documents) == 1


def test_a_run_without_a_verdict_is_a_warning_with_its_next_step(tmp_path: Path) -> None:
    """What could not be measured is a result too, and the invocation did not succeed."""
    error = MissingBaseline("sums: no baseline", hint="record one: repro baseline record sums")
    result = Result(run="sums", experiment="sums", state="failed", error=error)
    replayed = Replayed(tree={}, definition={}, results=(result,), notes=())
    document = replay_sarif(replayed, tmp_path)
    (found,) = _results(document)
    assert (found["ruleId"], found["level"]) == ("repro/not-measured", "warning")
    assert "repro baseline record sums" in found["message"]["text"]
    assert document["runs"][0]["invocations"] == [{"executionSuccessful": False, "exitCode": 3}]


def test_every_verdict_but_a_match_has_a_rule() -> None:
    """No verdict can be reported that the rules do not explain."""
    assert {str(verdict).replace(" ", "-") for verdict in Verdict} - {"match"} <= set(RULES)
