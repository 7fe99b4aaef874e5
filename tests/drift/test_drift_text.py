from __future__ import annotations

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.verdict import Verdict
from repro.drift.report import Digits, DriftReport, OutputReport, PathReport, Worst, shown
from repro.render.drift_text import drift_text

NASTY = st.text(max_size=120) | st.sampled_from(
    ["\x1b[31mred", "a\r\nb", "x" * 300, "\u202eabc", "\ud800", "a b " * 40]
)
NUMBERS = st.none() | st.integers() | st.floats() | NASTY
WORST = st.builds(
    Worst,
    error=st.floats(0) | st.integers(0, 2**65),
    index=st.lists(st.integers(0, 10**6), max_size=3).map(tuple),
    baseline=NUMBERS,
    observed=NUMBERS,
    place=st.sampled_from(["", "line 3"]),
)
PATHS = st.builds(
    PathReport,
    path=NASTY,
    output=NASTY,
    verdict=st.sampled_from([Verdict.DRIFT, Verdict.PATTERN, Verdict.STRUCTURE]),
    reason=NASTY,
    count=st.integers(0, 10**9),
    over=st.integers(0, 10**9),
    worst=st.dictionaries(
        st.sampled_from(["absolute", "relative", "scaled", "ulp", "value", "pattern"]), WORST, max_size=6
    ),
    digits=st.none() | st.just(Digits(histogram=tuple(range(18)), worst=0.5, median=8.25)),
    bias=st.none() | st.floats(-1, 1),
    first_difference=st.none() | st.integers(0, 10**9),
    admitted=st.dictionaries(st.sampled_from(["exact", "rtol"]), st.integers(0, 10**9)),
    rule=NASTY,
    advice=NASTY,
)
REPORTS = st.builds(
    DriftReport,
    verdict=st.sampled_from(Verdict),
    outputs=st.lists(
        st.builds(
            OutputReport,
            name=NASTY,
            verdict=st.sampled_from(Verdict),
            reason=NASTY,
            findings=st.lists(PATHS, max_size=4).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    warnings=st.lists(NASTY, max_size=2).map(tuple),
)


@given(REPORTS, st.integers(40, 120))
def test_the_text_fits_and_steers_no_terminal(report: DriftReport, width: int) -> None:
    """Whatever a report holds, no line is longer than the width and no control character is printed."""
    text = drift_text(report, width=width)
    assert text.endswith("\n")
    for line in text.split("\n"):
        assert len(line) <= width
        assert line.isprintable()
    text.encode()


def _report(**changes: object) -> DriftReport:
    at = Worst(error=0.5, index=(3,), baseline=1.0, observed=1.5)
    fields = {
        "path": "trials[*].regret",
        "output": "r.json",
        "verdict": Verdict.DRIFT,
        "count": 100,
        "differing": 40,
        "over": 2,
        "worst": {
            "absolute": at,
            "relative": at,
            "scaled": Worst(error=0.25, index=(3,), baseline=1.0, observed=1.5),
            "ulp": Worst(error=2251799813685248, index=(3,), baseline=1.0, observed=1.5),
        },
        "digits": Digits(histogram=(2, *[0] * 16, 98), worst=0.3, median=17.0),
        "bias": -0.5,
        "first_difference": 1,
        "first_over": 3,
        "admitted": {"exact": 60, "rtol": 38},
        "rule": "rule 2 (trials[*].regret)",
        "advice": "grant more",
        **changes,
    }
    path = PathReport(**fields)  # type: ignore[arg-type]
    output = OutputReport(
        name="r.json", verdict=path.verdict, paths=1, values=100, findings=(path,) * 3, left_out=7
    )
    return DriftReport(verdict=path.verdict, outputs=(output,), warnings=("rule 1 (x): matched nothing",))


def test_everything_is_told_about_a_drifted_path() -> None:
    """Values, errors, digits, counts, ppm, first divergence, terms, rule and advice are in the text."""
    text = drift_text(_report(), limit=1)
    assert text == (
        "r.json: drift\n"
        "  trials[*].regret: drift\n"
        "    2 of 100 values over (20000 ppm), 40 differ, admitted 38 by rtol\n"
        "    [3]: baseline 1.0, observed 1.5\n"
        "      abs 0.5, rel 0.5, scaled 0.25, ulp 2251799813685248\n"
        "    digits of agreement: worst 0.3, median 17.0 (values per digit 0: 2, 17: 98)\n"
        "    differs from [1], over tolerance from [3], bias -0.50\n"
        "    decided by rule 2 (trials[*].regret)\n"
        "    advice: grant more\n"
        "  9 more paths drifted and not shown\n"
        "warning: rule 1 (x): matched nothing\n"
        "drift: 100 values at 1 path of 1 output compared, 10 paths drifted\n"
    )


def test_nan_is_written_as_in_the_file() -> None:
    """A value that is not finite looks like the token that Python's json writes."""
    worst = {"pattern": Worst(error=math.inf, index=(0,), baseline=1.0, observed=math.nan)}
    assert "[0]: baseline 1.0, observed NaN\n" in drift_text(_report(worst=worst, verdict=Verdict.PATTERN))


@given(st.text(string.ascii_letters, min_size=1, max_size=20))
def test_the_same_report_gives_the_same_text(name: str) -> None:
    """Rendering is a function of the report."""
    report = _report(path=name)
    assert drift_text(report) == drift_text(report)
    assert name in drift_text(report)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("México", '"México"'),
        ("数値", '"数値"'),
        ("e\u0301", '"e\\u0301"'),
        ("\u202eabc", '"\\u202eabc"'),
        ("\ud800", '"\\ud800"'),
    ],
    ids=["latin", "chinese", "combining", "direction", "surrogate"],
)
def test_text_of_the_data_is_shown_as_it_is_unless_it_prints_like_another(value: str, text: str) -> None:
    """Letters of any script stand as they are; what steers a terminal or looks like others is escaped."""
    assert shown(value) == text
