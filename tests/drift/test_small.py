from __future__ import annotations

import json
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from repro.drift import small
from repro.drift.match import compare_trees
from repro.drift.readers.choose import read
from repro.drift.report import DriftReport, OutputReport
from repro.drift.resolve import Resolver
from repro.drift.rules import Rule, Rules

VALUES = st.floats(width=16) | st.sampled_from([0.0, -0.0, 1.0, 1.0 + 1e-11, 1e300])
PAIRS = st.lists(
    st.lists(st.tuples(VALUES, VALUES | st.none()), min_size=1, max_size=4), min_size=1, max_size=5
)
RULES = st.lists(
    st.builds(
        Rule,
        path=st.sampled_from(["**", "x[1]", "x[*][1:]"]),
        rtol=st.sampled_from([0.0, 1e-10, 0.5]),
        atol=st.sampled_from([0.0, 1.0]),
        srtol=st.sampled_from([0.0, 0.1]),
        scale=st.sampled_from([None, 2.0]),
        strict_zero=st.booleans(),
    ),
    max_size=2,
)


def judged(pairs: list[list[tuple[float, Any]]], rules: list[Rule]) -> OutputReport:
    sides = [
        {
            "x": [[pair[0] if pair[side] is None else pair[side] for pair in row] for row in pairs]
            + ["no array"]
        }
        for side in (0, 1)
    ]
    trees = [read(json.dumps(side).encode(), name="a.json") for side in sides]
    resolver = Resolver(Rules(rules=tuple(rules)), date(2030, 6, 1)).for_output("a.json")
    return compare_trees("a.json", trees[0], trees[1], resolver)


@given(PAIRS, RULES)
def test_small_arrays_are_judged_as_if_alone(pairs: list[list[tuple[float, Any]]], rules: list[Rule]) -> None:
    """Arrays judged together get the counts, findings and reports that each would get by itself."""
    together = judged(pairs, rules)
    size = small.SMALL
    try:
        small.SMALL = 0  # type: ignore[misc]
        alone = judged(pairs, rules)
    finally:
        small.SMALL = size  # type: ignore[misc]
    one, other = ({"o": DriftReport(verdict=r.verdict, outputs=(r,)).to_dict()} for r in (together, alone))
    found = [report["o"]["outputs"][0] for report in (one, other)]
    for report in found:
        report["findings"].sort(key=lambda item: (item["path"], item["rule"]))
        report["admitted"] = {term: n for term, n in report["admitted"].items() if n}
    assert found[0] == found[1]
