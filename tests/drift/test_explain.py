from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from repro.drift.explain import explain
from repro.drift.rules import Rule, Rules
from repro.render.drift_text import rules_text

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2030, 6, 1)


def test_each_path_names_its_rule_and_those_it_overrules(tmp_path: Path) -> None:
    """Of the rules that match a path or a part of it the last decides; the others are told."""
    (tmp_path / "a.json").write_text('{"x": [1.0, 2.0, 3.0], "y": 1.0, "z": "t"}')
    rules = Rules(
        rules=(
            Rule(rtol=1e-6, reason="BLAS"),
            Rule(path="x[1:]", atol=1.0, rtol=0.0, reason="noise"),
            Rule(path="y", ignore=True, reason="clock"),
            Rule(path="nowhere"),
        )
    )
    explanation = explain(tmp_path / "a.json", rules, today=TODAY)
    assert [(leaf.path, leaf.values, leaf.rule, leaf.over) for leaf in explanation.leaves] == [
        ("x", 1, "rule 1 (**)", ("rule 2 (x[1:])",)),
        ("x", 2, "rule 2 (x[1:])", ("rule 1 (**)",)),
        ("y", 1, "rule 3 (y)", ("rule 1 (**)",)),
        ("z", 1, "rule 1 (**)", ()),
    ]
    assert explanation.warnings == ("rule 4 (nowhere): matched nothing",)
    text = rules_text(explanation)
    assert "grants atol = 1.0: noise" in text
    assert "the last match wins, over rule 1 (**)" in text


def test_folders_are_explained_file_by_file(tmp_path: Path) -> None:
    """The rules of a folder are explained for each file, by the name that rules select it with."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.csv").write_text("v\n1.0\n")
    explanation = explain(tmp_path, Rules(rules=(Rule(output="sub/*.csv", exact=True),)), today=TODAY)
    assert [(leaf.output, leaf.path, leaf.grants) for leaf in explanation.leaves] == [
        ("sub/a.csv", "v", "exact = true")
    ]
