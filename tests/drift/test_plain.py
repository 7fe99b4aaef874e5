"""Documents walked in step, against the comparison of their trees."""

from __future__ import annotations

import json
import math
import random
from contextlib import nullcontext
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.core import strictjson
from repro.core.errors import FormatError
from repro.drift.match import compare_trees
from repro.drift.plain import compared
from repro.drift.resolve import OutputRules, Resolver
from repro.drift.rules import Rules, parse_rule
from repro.drift.tree import Plain, tree_of

FLOATS = st.floats(allow_nan=True, allow_infinity=True)
SCALARS = st.none() | st.booleans() | st.integers(-(2**65), 2**65) | FLOATS | st.text(max_size=3)
ROWS = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(FLOATS, min_size=width, max_size=width), max_size=4)
)
DOCUMENTS = st.recursive(
    SCALARS | st.lists(FLOATS, max_size=5) | ROWS | st.lists(st.integers(), max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
    max_leaves=20,
)


def no_rules() -> OutputRules:
    """What decides where nobody has given a rule."""
    return Resolver(Rules(), date(2030, 1, 1)).for_output("f")


def nudged(value: object, factor: float) -> object:
    """The document with every finite float moved by a factor."""
    if isinstance(value, dict):
        return {key: nudged(child, factor) for key, child in reversed(value.items())}
    if isinstance(value, list):
        return [nudged(child, factor) for child in value]
    if isinstance(value, float) and math.isfinite(value) and math.isfinite(value * factor):
        return value * factor
    return value


@given(DOCUMENTS, st.sampled_from([1.0, 1 + 1e-15, 1 + 1e-12, 1 + 1e-9, -1e3]))
def test_the_short_way_reports_what_the_trees_report(document: object, factor: float) -> None:
    """Where values alone differ, the report found in step is the one of the trees, findings and all."""
    r, x = Plain(value=document), Plain(value=nudged(document, factor))
    report = compared("f", r, x, no_rules())
    expected = compare_trees("f", tree_of(r), tree_of(x), no_rules())
    assert repr(report) == repr(expected)  # NaN is not equal to itself


@given(st.integers(0, 10**6), st.sampled_from([1e-300, 1.0, 1e300]))
@settings(max_examples=20)
def test_the_worst_of_many_are_listed_alike(seed: int, size: float) -> None:
    """Of more drifting leaves than a report lists, both ways list the same and count the others."""
    rng = random.Random(seed)  # noqa: S311 - made to be repeated
    floats = [0.0, -0.0, 5e-324, math.nan, math.inf, *(size * rng.gauss(0, 1) for _ in range(9))]
    sorts = (
        lambda: rng.choice(floats),
        lambda: rng.choices(floats, k=rng.randint(1, 3)),
        lambda: rng.randint(0, 9),
        lambda: [rng.choices(floats, k=100)] * 3,
    )
    document = {"t": [float(n) for n in range(9)], "x": [rng.choice(sorts)() for _ in range(400)]}
    r, x = Plain(value=document), Plain(value=nudged(document, rng.choice([1 + 1e-5, 2.0])))
    expected = compare_trees("f", tree_of(r), tree_of(x), no_rules())
    assert repr(compared("f", r, x, no_rules())) == repr(expected)


def test_subnormal_differences_have_a_report() -> None:
    """A distance so small that half of it is zero is told without a rule that would admit it."""
    r, x = Plain(value=[0.0, 1.0]), Plain(value=[5e-324, 1.0])
    report = compared("f", r, x, no_rules())
    assert report is not None
    assert [found.advice for found in report.findings] == [""]


@given(DOCUMENTS, DOCUMENTS)
def test_the_short_way_never_says_what_trees_do_not(one: object, other: object) -> None:
    """Documents of any two structures have one report, if they have one in step."""
    report = compared("f", Plain(value=one), Plain(value=other), no_rules())
    expected = compare_trees("f", tree_of(Plain(value=one)), tree_of(Plain(value=other)), no_rules())
    assert report is None or repr(report) == repr(expected)


@pytest.mark.parametrize("size", [256, 257, 5000])
def test_arrays_of_any_size_are_judged_alike(size: int) -> None:
    """Long arrays, which are not collected with others, are reported as the trees report them."""
    document = {"x": [1.0 + i for i in range(size)], "n": [*range(size)], "b": [True] * size}
    r, x = Plain(value=document), Plain(value=nudged(document, 1 + 1e-12))
    report = compared("f", r, x, no_rules())
    assert report == compare_trees("f", tree_of(r), tree_of(x), no_rules())
    assert report is not None
    assert report.values == 3 * size


def test_rules_take_the_long_way() -> None:
    """Where a rule may decide about a path, the paths are looked at."""
    rule = parse_rule({"path": "a", "atol": 1.0, "reason": "a test"}, "here")
    rules = Resolver(Rules(rules=(rule,)), date(2030, 1, 1)).for_output("f")
    assert compared("f", Plain(value={"a": 1.0}), Plain(value={"a": 1.0}), rules) is None


@given(
    st.lists(st.sampled_from("[{"), min_size=190, max_size=210), st.sampled_from(["x", "[", '"', "\\", "é}"])
)
def test_depth_is_counted_whatever_strings_hold(opened: list[str], text: str) -> None:
    """Two hundred levels of lists and objects are read, one more is refused; brackets in strings are none."""
    inner = json.dumps(text)
    for mark in opened:
        inner = f"[{inner}, 1]" if mark == "[" else f'{{"k": {inner}}}'
    deep = len(opened) > strictjson.MAX_DEPTH
    with pytest.raises(FormatError, match="levels deep") if deep else nullcontext():
        assert strictjson.parse(inner.encode(), name="f")
