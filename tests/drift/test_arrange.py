from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import ConfigError
from repro.core.verdict import Verdict
from repro.drift import gauge
from repro.drift.match import compare_trees
from repro.drift.readers.choose import read
from repro.drift.resolve import Resolver
from repro.drift.rules import Rule, Rules

if TYPE_CHECKING:
    import random

    from repro.drift.report import OutputReport

TODAY = date(2030, 6, 1)


def judged(baseline: bytes, observed: bytes, name: str, *rules: Rule) -> OutputReport:
    resolver = Resolver(Rules(rules=rules), TODAY).for_output(name)
    return compare_trees(name, read(baseline, name=name), read(observed, name=name), resolver)


def csv(rows: list[tuple[int, str, float]]) -> bytes:
    return "".join(["id,word,x\n", *(f"{i},{word},{x!r}\n" for i, word, x in rows)]).encode()


def records(rows: list[tuple[int, str, float]]) -> bytes:
    return json.dumps([{"id": i, "word": word, "x": x} for i, word, x in rows]).encode()


ROWS = st.lists(
    st.tuples(st.integers(0, 50), st.sampled_from("abc"), st.floats(0.1, 9.5)),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row[0],
)
BY_ID = Rule(path="$", sorted_by=("id",))


@pytest.mark.parametrize(("write", "name"), [(csv, "a.csv"), (records, "a.json")])
@given(rows=ROWS, order=st.randoms(use_true_random=False))
def test_rows_are_paired_by_their_keys(
    write: Any,  # noqa: ANN401 - one of two functions
    name: str,
    rows: list[tuple[int, str, float]],
    order: random.Random,
) -> None:
    """A table whose rows were put in another order matches under `sorted_by`, columns or records alike."""
    mixed = rows.copy()
    order.shuffle(mixed)
    assert judged(write(rows), write(mixed), name, BY_ID).verdict is Verdict.MATCH


@pytest.mark.parametrize(("write", "name"), [(csv, "a.csv"), (records, "a.json")])
def test_a_difference_is_told_in_the_baseline_row(write: Any, name: str) -> None:  # noqa: ANN401
    """What drifts in a paired row is located where the baseline has it."""
    rows = [(3, "a", 1.5), (1, "b", 2.5), (2, "c", 3.5)]
    other = [(1, "b", 2.5), (2, "c", 9.5), (3, "a", 1.5)]
    found = judged(write(rows), write(other), name, BY_ID).findings
    assert len(found) == 1
    worst = found[0].worst["absolute"]
    assert (worst.baseline, worst.observed) == (3.5, 9.5)
    assert worst.index == (2,) or found[0].path == "[2].x"


@pytest.mark.parametrize(("write", "name"), [(csv, "a.csv"), (records, "a.json")])
def test_rows_of_one_side_are_named_and_the_others_compared(write: Any, name: str) -> None:  # noqa: ANN401
    """Missing and extra keys are a structure, and do not keep the common rows from being compared."""
    rows = [(1, "a", 1.5), (2, "b", 2.5), (3, "c", 3.5)]
    other = [(4, "a", 1.5), (3, "c", 9.5), (1, "a", 1.5)]
    report = judged(write(rows), write(other), name, BY_ID)
    assert report.findings[0].verdict is Verdict.STRUCTURE
    assert "1 rows missing (id = 2), 1 rows extra (id = 4)" in report.findings[0].reason
    assert report.findings[1].verdict is Verdict.DRIFT
    assert report.findings[1].worst["absolute"].index == (2,) or report.findings[1].path == "[2].x"


def test_a_key_that_stands_twice_pairs_nothing() -> None:
    """Rows with one key cannot be told apart: the report says so."""
    rows = csv([(1, "a", 1.5), (1, "b", 2.5)])
    report = judged(rows, rows, "a.csv", BY_ID)
    assert "id = 1 stands twice" in report.findings[0].reason


def test_columns_of_another_length_stay_as_they_are() -> None:
    """Only leaves with one entry per row are put in order; nothing is left out."""
    one = {"id": [1, 2], "x": [1.5, 2.5], "notes": ["p", "q", "r"], "deep": {"y": [1.5, 2.5, 3.5]}}
    other = {**one, "id": [2, 1], "x": [2.5, 1.5]}
    report = judged(json.dumps(one).encode(), json.dumps(other).encode(), "a.json", BY_ID)
    assert (report.verdict, report.values) == (Verdict.MATCH, 10)


@given(
    st.lists(st.lists(st.floats(-9, 9), min_size=2, max_size=2), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_a_permutation_of_rows_matches(rows: list[list[float]], order: random.Random) -> None:
    """Rows in another order match under `permutation`; single numbers too."""
    mixed = rows.copy()
    order.shuffle(mixed)
    rule = Rule(path="x", permutation=True, atol=1e-9)
    for one, other in ((rows, mixed), ([row[0] for row in rows], [row[0] for row in mixed])):
        pair = [json.dumps({"x": value}).encode() for value in (one, other)]
        assert judged(pair[0], pair[1], "a.json", rule).verdict is Verdict.MATCH


def test_a_permutation_hides_no_difference() -> None:
    """Pairing rows does not make different values equal."""
    pair = (b'{"x": [1.0, 2.0, 3.0]}', b'{"x": [3.0, 1.0, 2.5]}')
    report = judged(*pair, "a.json", Rule(path="x", permutation=True))
    assert report.over == 1
    assert report.findings[0].worst["absolute"].index == (1,)


def test_more_rows_than_are_paired_are_sorted() -> None:
    """Beyond the cap rows are ordered by their columns."""
    r = np.random.default_rng(0).normal(size=(gauge.MAX_PAIRED + 1, 2))
    assert (gauge.permuted(r, r[::-1]) == r).all()


@given(st.lists(st.sampled_from([-1.0, 1.0]), min_size=3, max_size=3), st.integers(0, 10))
def test_vectors_may_change_their_sign(signs: list[float], seed: int) -> None:
    """Eigenvectors match under `up_to_sign` along the axis that the rule names, and along no other."""
    r = np.random.default_rng(seed).normal(size=(4, 3))
    x = r * np.array(signs)
    assert (gauge.signed(r, x, "columns") == r).all()
    assert (gauge.signed(r.T, x.T, "rows") == r.T).all()
    assert (gauge.signed(r, -r, "whole") == r).all()
    if len(set(signs)) > 1:
        assert not (gauge.signed(r, x, "whole") == r).all()


def test_complex_vectors_may_change_their_phase() -> None:
    """A complex eigenvector is turned to the phase of the baseline."""
    r = np.random.default_rng(1).normal(size=(4, 2)) + 1j
    x = r * np.exp(1j * np.array([0.3, 2.0]))
    assert np.allclose(gauge.signed(r, x, "columns"), r, rtol=1e-14)


def test_gauges_hold_for_whole_arrays_only() -> None:
    """A rule for a part of an array cannot permute it."""
    rule = Rule(path="x[1:]", permutation=True)
    with pytest.raises(ConfigError, match="whole arrays"):
        judged(b'{"x": [1.0, 2.0, 3.0]}', b'{"x": [1.0, 3.0, 2.0]}', "a.json", rule)


@pytest.mark.parametrize(
    ("rule", "observed", "verdict"),
    [
        (Rule(rtol=0.0, ulp=1), 1.0000000000000002, Verdict.MATCH),
        (Rule(rtol=0.0, ulp=1), 1.0000000000000004, Verdict.DRIFT),
        (Rule(rtol=0.0, digits=3), 1.0009, Verdict.MATCH),
        (Rule(rtol=0.0, digits=3), 1.0011, Verdict.DRIFT),
        (Rule(exact=True), 1.0000000000000002, Verdict.DRIFT),
        (Rule(exact=True), 1.0, Verdict.MATCH),
    ],
)
def test_each_way_to_write_a_tolerance(rule: Rule, observed: float, verdict: Verdict) -> None:
    """Units in the last place, digits, and exactness mean what they say, in arrays and in single values."""
    for wrap in (lambda value: {"x": value}, lambda value: {"x": [value]}):
        pair = [json.dumps(wrap(value)).encode() for value in (1.0, observed)]
        assert judged(pair[0], pair[1], "a.json", rule).verdict is verdict


def test_the_rule_for_a_slice_decides_about_the_slice() -> None:
    """`regret[2:]` reaches the tail of an array and leaves its head to other rules."""
    pair = (b'{"regret": [1.0, 1.0, 1.0, 1.0]}', b'{"regret": [1.5, 1.0, 1.5, 1.5]}')
    report = judged(*pair, "a.json", Rule(path="regret[2:]", atol=1.0))
    assert [(found.rule, found.count, found.over) for found in report.findings] == [("default", 2, 1)]
