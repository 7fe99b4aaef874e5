from __future__ import annotations

import io
import json
import math
import os
import tomllib
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from repro.core.canonical import to_bytes
from repro.core.errors import FormatError, MissingBaseline, UsageError
from repro.core.verdict import Verdict
from repro.drift.compare import compare, compare_outputs
from repro.drift.match import compare_trees
from repro.drift.readers.choose import read
from repro.drift.report import LISTED, DriftReport, OutputReport
from repro.drift.resolve import Resolver
from repro.drift.rules import Rule, Rules, parse_rules
from repro.render.drift_text import drift_text

if TYPE_CHECKING:
    import random
    from pathlib import Path

TODAY = date(2030, 6, 1)
NONE = Rules()

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.lists(st.floats(), max_size=4)
    ),
    max_leaves=12,
)


def judged(baseline: object, observed: object, *rules: Rule, name: str = "out.json") -> OutputReport:
    """Two JSON values compared."""
    resolver = Resolver(Rules(rules=rules), TODAY).for_output(name)
    trees = [
        read(json.dumps(value).encode(), name=name, printed=resolver.printed)
        for value in (baseline, observed)
    ]
    return compare_trees(name, trees[0], trees[1], resolver)


def shuffled(value: Any, order: random.Random) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


def whole(*outputs: OutputReport) -> DriftReport:
    return DriftReport(verdict=Verdict.DRIFT, outputs=outputs)


def npy(values: Any, dtype: Any = None) -> bytes:  # noqa: ANN401 - anything numpy takes
    file = io.BytesIO()
    np.save(file, np.asarray(values, dtype=dtype))
    return file.getvalue()


@given(JSON)
def test_anything_matches_itself(value: object) -> None:
    """A result compared with itself matches, or holds no value and was not measured."""
    report = judged(value, value)
    assert report.verdict is (Verdict.MATCH if report.values else Verdict.NOT_MEASURED)
    assert report.findings == ()


@given(JSON, JSON, st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_nothing(one: object, other: object, order: random.Random) -> None:
    """The verdict, the counts and the set of drifted paths do not depend on the order of keys."""
    plain, mixed = judged(one, other), judged(shuffled(one, order), shuffled(other, order))
    assert (plain.verdict, plain.values, plain.over, plain.paths) == (
        mixed.verdict,
        mixed.values,
        mixed.over,
        mixed.paths,
    )
    assert {found.path for found in plain.findings} == {found.path for found in mixed.findings}


@given(JSON, JSON)
def test_a_report_survives_being_written(one: object, other: object) -> None:
    """A report becomes canonical JSON and comes back equal, NaN and infinity included."""
    report = whole(judged(one, other))
    again = DriftReport.from_dict(json.loads(to_bytes(report.to_dict())))
    assert to_bytes(again.to_dict()) == to_bytes(report.to_dict())
    assert drift_text(again) == drift_text(report)


@given(JSON, JSON, st.floats(0, 10), st.floats(0, 10))
def test_a_bigger_tolerance_never_turns_match_into_drift(
    one: object, other: object, a: float, b: float
) -> None:
    """What matches under a rule matches under the same rule with a larger tolerance."""
    small, large = sorted((a, b))
    for term in ("rtol", "atol", "srtol"):
        tight, loose = (replace(Rule(), **{term: value}) for value in (small, large))  # type: ignore[arg-type]
        if judged(one, other, tight).verdict is Verdict.MATCH:
            assert judged(one, other, loose).verdict is Verdict.MATCH


@given(JSON, JSON)
def test_different_values_are_not_a_match(one: object, other: object) -> None:
    """Two results match without tolerance only if they are the same JSON, up to the order of keys."""
    if judged(one, other, Rule(rtol=0.0, strict_zero=True)).verdict is Verdict.MATCH:
        assert json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@pytest.mark.parametrize(
    ("baseline", "observed", "verdict", "path"),
    [
        ({"a": 1.0}, {}, Verdict.STRUCTURE, "a"),
        ({"a": 1.0}, {"a": 1.0, "b": 1}, Verdict.STRUCTURE, "b"),
        ([1.0, 2.0], [1.0], Verdict.STRUCTURE, "$"),
        ([[1.0, 2.0]], [1.0, 2.0], Verdict.STRUCTURE, "$"),
        ([1.0], 1.0, Verdict.STRUCTURE, "$"),
        ([1.0], [[1.0]], Verdict.STRUCTURE, "$"),
        ([1, 2], [1.0, 2.0], Verdict.STRUCTURE, "$"),
        ({"a": 1}, {"a": 1.0}, Verdict.STRUCTURE, "a"),
        ({"a": 1}, {"a": True}, Verdict.STRUCTURE, "a"),
        ({"a": 0.0}, {"a": None}, Verdict.STRUCTURE, "a"),
        ([1.0, 2.0], [1.0, None], Verdict.STRUCTURE, "[1]"),
        ([[1.0], [2.0, 3.0]], [[1.0, 0.0], [2.0, 3.0]], Verdict.STRUCTURE, "[0][1]"),
        ({"a": []}, {"a": [1.0]}, Verdict.STRUCTURE, "a"),
        ({"n": 2**53}, {"n": 2**53 + 1}, Verdict.DRIFT, "n"),
        ({"n": [2**53, 1]}, {"n": [2**53 + 1, 1]}, Verdict.DRIFT, "n"),
        ({"n": [0, 2**64 - 1]}, {"n": [0, 2**64 - 2]}, Verdict.DRIFT, "n"),
        ({"n": [2**63, 1]}, {"n": [-(2**63), 1]}, Verdict.DRIFT, "n"),
        ({"n": 10**400}, {"n": 10**400 + 1}, Verdict.DRIFT, "n"),
        ({"b": [True, True]}, {"b": [True, False]}, Verdict.DRIFT, "b"),
        ({"s": "x"}, {"s": "y"}, Verdict.DRIFT, "s"),
        ({"x": 1.0}, {"x": math.nan}, Verdict.PATTERN, "x"),
        ({"x": [1.0, 2.0]}, {"x": [1.0, math.nan]}, Verdict.PATTERN, "x"),
        ({"x": [1.0, math.inf]}, {"x": [1.0, -math.inf]}, Verdict.PATTERN, "x"),
        ({"x": 1.0}, {"x": 1.000001}, Verdict.DRIFT, "x"),
        ({"x": 1e308}, {"x": -1e308}, Verdict.DRIFT, "x"),
        ({"ключ": {"\x1b[31m": 1.0}}, {"ключ": {"\x1b[31m": 2.0}}, Verdict.DRIFT, 'ключ["\\u001b[31m"]'),
    ],
)
def test_each_difference_has_its_verdict(
    baseline: object, observed: object, verdict: Verdict, path: str
) -> None:
    """Structure comes before patterns and patterns before numbers, and the path is named."""
    report = judged(baseline, observed)
    assert report.verdict is verdict
    assert path in [found.path for found in report.findings]


@pytest.mark.parametrize(
    ("baseline", "observed"),
    [
        ([0.0, -0.0], [-0.0, 0.0]),
        ([math.nan, math.inf], [math.nan, math.inf]),
        ({"x": 1.0}, {"x": 1.0 + 1e-11}),
        ({"x": [1.0] * 3}, {"x": [1.0 + 1e-11] * 3}),
        ({"a": 1, "b": "x"}, {"b": "x", "a": 1}),
        ([1, 2.0, "x"], [1, 2.0 + 1e-11, "x"]),
    ],
)
def test_what_is_granted_to_everybody_matches(baseline: object, observed: object) -> None:
    """Signs of zero, equal patterns, order of keys and the default relative tolerance are no drift."""
    assert judged(baseline, observed).verdict is Verdict.MATCH


def test_strict_zero_tells_signs_apart() -> None:
    """A rule may ask for the sign of zero, in arrays and in single values."""
    for baseline, observed in (([0.0], [-0.0]), (0.0, -0.0)):
        assert judged(baseline, observed, Rule(strict_zero=True)).verdict is Verdict.DRIFT


def test_the_last_rule_decides_alone() -> None:
    """A later rule replaces an earlier one whole: what only the earlier granted is not granted any more."""
    first, last = Rule(path="x", atol=1.0), Rule(path="x", rtol=0.1)
    assert judged({"x": 1.0}, {"x": 1.5}, last, first).verdict is Verdict.MATCH
    report = judged({"x": 1.0}, {"x": 1.5}, first, last)
    assert report.verdict is Verdict.DRIFT
    assert report.findings[0].rule == "rule 2 (x)"


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=6), st.integers(0, 5), st.floats(-10, 10))
def test_a_rule_for_an_element_reaches_into_an_array(values: list[float], index: int, new: float) -> None:
    """A rule with an index decides about that element only, whether the list is stored as an array or not."""
    index %= len(values)
    assume(abs(new - values[index]) > 1e-3)
    changed = [*values[:index], new, *values[index + 1 :]]
    for extra in ([], ["not an array"]):
        pair = ({"x": [*values, *extra]}, {"x": [*changed, *extra]})
        assert judged(*pair, Rule(path=f"x[{index}]", atol=100.0)).verdict is Verdict.MATCH
        assert judged(*pair, Rule(atol=100.0), Rule(path=f"x[{index}]")).verdict is Verdict.DRIFT
        assert (
            judged(*pair, Rule(path=f"x[{(index + 1) % len(values)}]", atol=100.0)).verdict is Verdict.DRIFT
        )


def test_a_later_rule_for_all_replaces_one_for_an_element() -> None:
    """The last match wins for every element, also over an earlier rule that named the element."""
    pair = ({"x": [1.0, 1.0]}, {"x": [1.0, 2.0]})
    assert judged(*pair, Rule(path="x[1]", atol=5.0), Rule(path="**")).verdict is Verdict.DRIFT
    assert judged(*pair, Rule(path="x[1]"), Rule(path="**", atol=5.0)).verdict is Verdict.MATCH


def test_a_difference_that_overflows_has_finite_ratios() -> None:
    """Where |x - r| exceeds a double, the relative and scaled errors are still told."""
    worst = judged({"x": [1e308, 1.0]}, {"x": [-1e308, 1.0]}).findings[0].worst
    assert worst["absolute"].error == math.inf
    assert (worst["relative"].error, worst["scaled"].error) == (2.0, 2.0)


def test_printed_is_granted_where_the_rule_says_so() -> None:
    """One path under `printed` gives no floor to its neighbours."""
    pair = ({"x": [0.5], "y": [0.5], "z": 0.5}, {"x": [0.51], "y": [0.51], "z": 0.51})
    found = judged(*pair, Rule(path="x", printed=True)).findings
    assert sorted(item.path for item in found) == ["y", "z"]


def test_parts_of_an_array_are_reported_by_their_rule() -> None:
    """Elements under different rules are counted apart, with the indices they have in the whole array."""
    report = judged({"x": [1.0, 1.0, 1.0]}, {"x": [2.0, 2.0, 2.0]}, Rule(path="x[2]", rtol=0.5))
    assert [(found.rule, found.count, found.over) for found in report.findings] == [
        ("default", 2, 2),
        ("rule 1 (x[2])", 1, 1),
    ]
    assert report.findings[1].worst["absolute"].index == (2,)


def test_the_scale_is_that_of_the_whole_array() -> None:
    """The term `srtol` refers to the largest value of the array, or to the scale that the rule declares."""
    pair = ({"x": [1e6, 1e-9]}, {"x": [1e6, 2e-9]})
    assert judged(*pair, Rule(path="x", srtol=1e-14)).verdict is Verdict.MATCH
    assert judged(*pair, Rule(path="x[1]", srtol=1e-14)).verdict is Verdict.MATCH
    assert judged(*pair, Rule(path="x", srtol=1e-14, scale=1.0)).verdict is Verdict.DRIFT
    single = ({"x": 1e-9}, {"x": 2e-9})
    assert judged(*single, Rule(path="x", srtol=1e-3)).verdict is Verdict.DRIFT
    assert judged(*single, Rule(path="x", srtol=1e-3, scale=1.0)).verdict is Verdict.MATCH


def test_the_scale_ignores_infinity() -> None:
    """An infinite value does not make every difference small."""
    report = judged({"x": [math.inf, 1.0]}, {"x": [math.inf, 2.0]}, Rule(srtol=1e-3))
    assert report.verdict is Verdict.DRIFT


def test_ignored_paths_are_not_compared() -> None:
    """An ignored path may differ, be missing or be new; it is counted as ignored."""
    rule = Rule(path="time.**", ignore=True)
    report = judged({"x": 1.0, "time": {"a": 1.0}}, {"x": 1.0, "time": {"a": 2.0, "b": "new"}}, rule)
    assert (report.verdict, report.ignored, report.values) == (Verdict.MATCH, 2, 1)
    nothing = judged({"time": {"a": 1.0}}, {"time": {"a": 2.0}}, rule)
    assert nothing.verdict is Verdict.NOT_MEASURED


@pytest.mark.parametrize("value", [{}, [], {"a": []}, {"a": {"b": {}}}])
def test_nothing_compared_is_not_a_match(value: object) -> None:
    """A result without values was not measured."""
    assert judged(value, value).verdict is Verdict.NOT_MEASURED


def test_printed_numbers_get_half_a_unit_only_when_asked() -> None:
    """The floor of half a printed unit holds under `printed`, in every format, and for nobody else."""
    rule = Rule(printed=True)
    for name, baseline, inside, outside in (
        ("a.log", b"x 0.50\n", b"x 0.504\n", b"x 0.506\n"),
        ("a.csv", b"x\n0.50\n", b"x\n0.504\n", b"x\n0.506\n"),
        ("a.json", b'{"x": [0.50], "y": 0.50}', b'{"x": [0.504], "y": 0.504}', b'{"x": [0.504], "y": 0.506}'),
    ):
        for rules, data, verdict in (
            ((rule,), inside, Verdict.MATCH),
            ((rule,), outside, Verdict.DRIFT),
            ((), inside, Verdict.DRIFT),
        ):
            resolver = Resolver(Rules(rules=rules), TODAY).for_output(name)
            trees = [read(item, name=name, printed=resolver.printed) for item in (baseline, data)]
            assert compare_trees(name, trees[0], trees[1], resolver).verdict is verdict


@pytest.mark.parametrize(
    ("baseline", "observed", "verdict"),
    [
        ("step 1000000000001 done", "step 1000000000002 done", Verdict.DRIFT),
        ("loss 1000000000001.0", "loss 1000000000002.0", Verdict.MATCH),
        ("loss 0.5", "lass 0.5", Verdict.STRUCTURE),
        ("loss 0.5", "loss 0.5\nmore", Verdict.STRUCTURE),
        ("loss 0.5", "loss nan", Verdict.PATTERN),
        ("loss 1", "loss 1.0", Verdict.MATCH),
        ("loss 0.5", "loss 0.6", Verdict.DRIFT),
    ],
)
def test_text_is_exact_and_its_numbers_are_not(
    tmp_path: Path, baseline: str, observed: str, verdict: Verdict
) -> None:
    """In a log integers are exact, floats have a tolerance, and all other text must be the same."""
    (tmp_path / "a.log").write_text(baseline)
    (tmp_path / "b.log").write_text(observed)
    assert compare(tmp_path / "a.log", tmp_path / "b.log", NONE, today=TODAY).verdict is verdict


def test_a_number_in_a_text_is_located_by_its_line(tmp_path: Path) -> None:
    """The report names the line of the number that drifted."""
    (tmp_path / "a.log").write_text("a\nx 1.5\ny 2.5\n")
    (tmp_path / "b.log").write_text("a\nx 1.5\ny 3.5\n")
    report = compare(tmp_path / "a.log", tmp_path / "b.log", NONE, today=TODAY)
    assert report.outputs[0].findings[0].worst["absolute"].place == "line 3"


def test_statistics_of_a_drifted_array() -> None:
    """Errors, their places and values, digits, bias and first divergence of a small case worked by hand."""
    found = judged({"x": [1.0, 100.0, 4.0, 0.0]}, {"x": [1.0, 101.0, 4.5, 0.001]}).findings[0]
    assert (found.count, found.differing, found.over, found.ppm) == (4, 3, 3, 750_000)
    worst = {
        sort: (item.error, item.index, item.baseline, item.observed) for sort, item in found.worst.items()
    }
    assert worst["absolute"] == (1.0, (1,), 100.0, 101.0)
    assert worst["relative"] == (math.inf, (3,), 0.0, 0.001)
    assert worst["scaled"] == (0.01, (1,), 100.0, 101.0)
    assert worst["ulp"][1] == (3,)
    assert found.digits is not None
    assert found.digits.histogram == (1, 0, 1, 1, *[0] * 13, 1)
    assert found.digits.worst == pytest.approx(-math.log10(0.125))
    assert found.digits.median == pytest.approx(2.5)
    assert (found.bias, found.first_difference, found.first_over) == (1.0, 1, 1)


def test_first_divergence_is_along_the_first_axis() -> None:
    """In a series of vectors the first step that differs, and the first that is over, are named."""
    baseline = [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    found = judged(baseline, [[1.0, 1.0], [1.0, 1.0 + 1e-12], [2.0, 1.0]]).findings[0]
    assert (found.first_difference, found.first_over, found.worst["absolute"].index) == (1, 2, (2, 0))


def test_integers_are_measured_exactly() -> None:
    """The distance of integers is an integer, beyond what 64 bits or a double hold."""
    found = judged({"x": [2**64 - 1, 5]}, {"x": [-(2**63), 5]}).findings
    errors = [item.worst["absolute"].error for item in found if "absolute" in item.worst]
    assert errors == [2**64 - 1 + 2**63]


def test_a_tolerance_for_integers_is_answered() -> None:
    """Integers stay exact under any tolerance, and the report says so to the author of the rule."""
    for pair in (({"x": [1]}, {"x": [2]}), ({"x": 1}, {"x": 2})):
        found = judged(*pair, Rule(path="x", atol=5.0)).findings[0]
        assert found.reason == "integers are exact, whatever the tolerance"


def test_labels_are_counted_and_not_measured() -> None:
    """Under `labels` a mismatch has no size, and is reported in parts per million."""
    found = judged({"x": [1, 2, 3, 4]}, {"x": [1, 2, 3, 9]}, Rule(path="x", labels=True)).findings[0]
    assert (found.ppm, set(found.worst)) == (250_000, {"value"})


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5),
    noise=st.lists(st.floats(-1e-7, 1e-7), min_size=5, max_size=5),
    alone=st.booleans(),
)
def test_advice_when_followed_gives_a_match(values: list[float], noise: list[float], *, alone: bool) -> None:
    """The rule that a report advises admits everything that it was given for."""
    scale = max(abs(value) for value in values)
    changed = [value + scale * step for value, step in zip(values, noise, strict=False)]
    pair = (values[0], changed[0]) if alone else ({"a b": values}, {"a b": changed})
    report = judged(*pair, name="o[1].json")
    advised = [found.advice for found in report.findings if found.advice]
    assume(advised)
    table = tomllib.loads("rule = " + advised[0].partition("admit them: ")[2])["rule"]
    rules = parse_rules([table], where="advice").rules
    assert judged(*pair, *rules, name="o[1].json").verdict is Verdict.MATCH


def test_large_differences_get_no_advice() -> None:
    """A change that is no rounding is not talked away."""
    assert judged({"x": [1.0, 2.0]}, {"x": [1.0, 2.1]}).findings[0].advice == ""
    assert judged({"x": [1.0, 2.0]}, {"x": [1.0 + 1e-9, math.nan]}).findings[0].advice == ""


def test_a_million_matching_paths_make_a_small_report() -> None:
    """Matching paths are counted, drifted ones listed up to a limit, and the number left out is stated."""
    baseline = [{"x": float(n), "y": "s"} for n in range(20_000)]
    assert len(to_bytes(whole(judged(baseline, baseline)).to_dict())) < 1000
    drifted = judged(baseline, [{"x": item["x"] + 1, "y": "s"} for item in baseline])  # type: ignore[operator]
    assert (len(drifted.findings), drifted.left_out, drifted.over) == (LISTED, 20_000 - LISTED, 20_000)
    assert drifted.findings[0].path == "[0].x"


def test_findings_are_listed_worst_first() -> None:
    """Structure precedes patterns, patterns precede numbers, large errors precede small ones."""
    baseline = {"small": 1.0, "large": 1.0, "nan": 1.0, "gone": 1.0}
    observed = {"small": 1.001, "large": 3.0, "nan": math.nan}
    assert [found.path for found in judged(baseline, observed).findings] == ["gone", "nan", "large", "small"]


@pytest.mark.parametrize(
    ("baseline", "observed", "verdict"),
    [
        (npy([1.0], "f4"), npy([1 + 2**-21], "f4"), Verdict.MATCH),
        (npy([1.0], "f4"), npy([1 + 2**-20], "f4"), Verdict.DRIFT),
        (npy([1.0], "f8"), npy([1 + 2**-21], "f8"), Verdict.DRIFT),
        (npy([1.0], "f8"), npy([1.0], "f4"), Verdict.MATCH),
        (npy([1.0]), npy([1]), Verdict.STRUCTURE),
        (npy([1.0, 2.0]), npy([[1.0, 2.0]]), Verdict.STRUCTURE),
        (npy([[1.0], [1.0]]), npy([1.0]), Verdict.STRUCTURE),
        (npy([2**63], "u8"), npy([-(2**63)], "i8"), Verdict.DRIFT),
        (npy([255], "u1"), npy([255], "i4"), Verdict.MATCH),
        (npy([1 + 1e-13j]), npy([1 + 2e-13j]), Verdict.MATCH),
        (npy(["a"]), npy(["b"]), Verdict.DRIFT),
        (npy(2.0), npy(2.0 + 1e-12), Verdict.MATCH),
    ],
)
def test_arrays_are_compared_by_kind_and_shape(
    tmp_path: Path, baseline: bytes, observed: bytes, verdict: Verdict
) -> None:
    """Width and sign of a type do not matter, its kind and the shape do, and nothing is broadcast."""
    (tmp_path / "a.npy").write_bytes(baseline)
    (tmp_path / "b.npy").write_bytes(observed)
    assert compare(tmp_path / "a.npy", tmp_path / "b.npy", NONE, today=TODAY).verdict is verdict


BAD = [b"", b'{"a": 1.', b"hello", b'{"a": 1, "a": 1}', b"[" * 5000 + b"]" * 5000, b"\xff\xfe"]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_output_is_a_verdict_and_a_bad_baseline_an_error(tmp_path: Path, bad: bytes) -> None:
    """An observed file that cannot be read is `structure` with the reason, such a baseline an error."""
    (tmp_path / "good.json").write_text('{"a": 1.5}')
    (tmp_path / "bad.json").write_bytes(bad)
    report = compare(
        tmp_path / "good.json", tmp_path / "bad.json", Rules(rules=(Rule(path="a"),)), today=TODAY
    )
    assert report.verdict is Verdict.STRUCTURE
    assert report.outputs[0].reason.startswith("bad.json: ")
    assert report.warnings == ()
    with pytest.raises(FormatError, match=r"bad\.json"):
        compare(tmp_path / "bad.json", tmp_path / "good.json", NONE, today=TODAY)


def folders(tmp_path: Path, baseline: dict[str, str], observed: dict[str, str]) -> tuple[Path, Path]:
    for side, files in (("a", baseline), ("b", observed)):
        (tmp_path / side).mkdir()
        for name, content in files.items():
            (tmp_path / side / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / side / name).write_text(content)
    return tmp_path / "a", tmp_path / "b"


def test_folders_are_compared_file_by_file(tmp_path: Path) -> None:
    """Every file of either folder is an output of its own; one that is on one side only is `structure`."""
    a, b = folders(
        tmp_path,
        {"x.json": "[1.5]", "sub/y.json": "[1.5]", "gone.json": "1"},
        {"x.json": "[1.5]", "sub/y.json": "[2.5]", "new.json": "1"},
    )
    report = compare(a, b, NONE, today=TODAY)
    assert {output.name: output.verdict for output in report.outputs} == {
        "gone.json": Verdict.STRUCTURE,
        "new.json": Verdict.STRUCTURE,
        "sub/y.json": Verdict.DRIFT,
        "x.json": Verdict.MATCH,
    }
    assert report.verdict is Verdict.STRUCTURE


def test_two_empty_folders_are_not_measured(tmp_path: Path) -> None:
    """Where there is nothing to compare, nothing was measured."""
    report = compare(*folders(tmp_path, {}, {}), NONE, today=TODAY)
    assert (report.verdict, report.outputs) == (Verdict.NOT_MEASURED, ())


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    """A file against a folder is `structure`, and a missing observation too."""
    a, b = folders(tmp_path, {"x.json": "1"}, {})
    assert compare(a / "x.json", b, NONE, today=TODAY).verdict is Verdict.STRUCTURE
    assert compare(a, b / "none", NONE, today=TODAY).verdict is Verdict.STRUCTURE
    assert compare(a / "x.json", b / "none", NONE, today=TODAY).verdict is Verdict.STRUCTURE


def test_a_missing_baseline_is_said_so(tmp_path: Path) -> None:
    """Without a baseline nothing can be compared."""
    with pytest.raises(MissingBaseline, match="none"):
        compare(tmp_path / "none", tmp_path, NONE, today=TODAY)


@pytest.mark.parametrize("target", ["../outside.json", "/etc/hostname", "loop.json", "../outside"])
def test_links_that_leave_the_folder_are_refused(tmp_path: Path, target: str) -> None:
    """A link out of the folder is an error in a baseline and `structure` in an observation."""
    a, b = folders(tmp_path, {"x.json": "1"}, {"x.json": "1"})
    (tmp_path / "outside.json").write_text("1")
    (tmp_path / "outside").mkdir()
    (b / "loop.json").symlink_to(target)
    assert compare(a, b, NONE, today=TODAY).verdict is Verdict.STRUCTURE
    assert compare_outputs(a, b, ["loop.json"], NONE, today=TODAY).verdict is Verdict.STRUCTURE
    with pytest.raises(FormatError, match=r"loop\.json"):
        compare(b, a, NONE, today=TODAY)


def test_a_pipe_is_no_output(tmp_path: Path) -> None:
    """Something that is not a regular file is refused without waiting for it."""
    a, b = folders(tmp_path, {"x.json": "1"}, {})
    os.mkfifo(b / "x.json")
    report = compare(a, b, NONE, today=TODAY)
    assert "not a regular file" in report.outputs[0].reason


def test_named_outputs_are_compared_and_no_others(tmp_path: Path) -> None:
    """One that neither side has is `structure`; what is not named is not looked at."""
    a, b = folders(
        tmp_path,
        {"x.json": "1", "d/y.json": "1", "noise.txt": "a"},
        {"x.json": "1", "d/y.json": "1", "noise.txt": "b"},
    )
    assert compare_outputs(a, b, ["x.json", "d"], NONE, today=TODAY).verdict is Verdict.MATCH
    report = compare_outputs(a, b, ["x.json", "never.json"], NONE, today=TODAY)
    assert [output.verdict for output in report.outputs] == [Verdict.MATCH, Verdict.STRUCTURE]
    assert compare_outputs(a, b, [], NONE, today=TODAY).verdict is Verdict.NOT_MEASURED


@pytest.mark.parametrize("name", ["../x.json", "/etc/passwd", "a/../../x", ".", ""])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    """Outputs are named inside the folder."""
    with pytest.raises(UsageError, match="not inside"):
        compare_outputs(tmp_path, tmp_path, [name], NONE, today=TODAY)


def test_rules_are_chosen_by_output_and_path(tmp_path: Path) -> None:
    """A rule speaks about the files that its output glob names."""
    a, b = folders(tmp_path, {"x.json": "[1.0]", "y.json": "[1.0]"}, {"x.json": "[1.5]", "y.json": "[1.5]"})
    report = compare(a, b, Rules(rules=(Rule(path="**", output="x.*", atol=1.0),)), today=TODAY)
    assert [output.verdict for output in report.outputs] == [Verdict.MATCH, Verdict.DRIFT]


def test_dead_and_expired_rules_are_warnings(tmp_path: Path) -> None:
    """A rule that matches nothing is said so; one that has expired is said so and grants nothing."""
    a, b = folders(tmp_path, {"x.json": '{"x": 1.0}'}, {"x.json": '{"x": 1.5}'})
    rules = Rules(rules=(Rule(path="y"), Rule(path="x", atol=1.0, expires=date(2030, 5, 31)), Rule(path="x")))
    report = compare(a, b, rules, today=TODAY)
    assert report.verdict is Verdict.DRIFT
    assert report.warnings == (
        "rule 1 (y): matched nothing",
        "rule 2 (x): expired on 2030-05-31, no longer applied",
    )
    granted = compare(a, b, Rules(rules=rules.rules[:2]), today=date(2030, 5, 31))
    assert granted.verdict is Verdict.MATCH


def test_an_output_that_rules_ignore_does_not_spoil_the_rest(tmp_path: Path) -> None:
    """A file ignored as a whole may differ or be missing, and the others still match."""
    a, b = folders(tmp_path, {"x.json": "1.5", "t.log": "a 1"}, {"x.json": "1.5"})
    rules = Rules(rules=(Rule(path="**", output="*.log", ignore=True),))
    assert compare(a, b, rules, today=TODAY).verdict is Verdict.MATCH
    (b / "t.log").write_text("b 2")
    assert compare(a, b, rules, today=TODAY).verdict is Verdict.MATCH


def test_bytes_are_compared_as_a_whole(tmp_path: Path) -> None:
    """A binary file of no known format matches only itself."""
    (tmp_path / "a.bin").write_bytes(b"\x00\x01")
    (tmp_path / "b.bin").write_bytes(b"\x00\x02")
    assert compare(tmp_path / "a.bin", tmp_path / "a.bin", NONE, today=TODAY).verdict is Verdict.MATCH
    assert compare(tmp_path / "a.bin", tmp_path / "b.bin", NONE, today=TODAY).verdict is Verdict.DRIFT


@pytest.mark.parametrize(
    "table",
    [
        None,
        [],
        {},
        {"version": 2},
        {"version": 1},
        {"version": 1, "verdict": "fine", "outputs": [], "warnings": []},
    ],
)
def test_what_is_no_report_is_refused(table: Any) -> None:  # noqa: ANN401 - any JSON
    """A report of another version or shape is a FormatError."""
    with pytest.raises(FormatError, match="not a drift report"):
        DriftReport.from_dict(table)
