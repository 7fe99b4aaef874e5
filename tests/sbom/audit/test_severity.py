"""Ratings: CVSS vectors whose scores their specifications publish, and the words of databases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.sbom.cvss import Level, base_score, level_of, severity

# FIRST, "CVSS v3.1: Examples", "CVSS v4.0: Examples", and "A Complete Guide to the CVSS 2.0", section 3.3.
PUBLISHED = {
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N": 6.1,
    "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N": 6.4,
    "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N": 3.1,
    "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H": 9.9,
    "CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L": 4.2,
    "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H": 8.8,
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N": 7.5,
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": 9.8,
    "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:C/C:N/I:H/A:N": 6.8,
    "CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": 6.8,
    "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N": 0.0,
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N/E:P/RL:O": 7.5,
    "AV:N/AC:L/Au:N/C:N/I:N/A:C": 7.8,
    "AV:N/AC:L/Au:N/C:C/I:C/A:C": 10.0,
    "(AV:L/AC:H/Au:N/C:C/I:C/A:C)": 6.2,
    "AV:N/AC:L/Au:N/C:N/I:N/A:N": 0.0,
    "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N": 7.3,
    "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N": 7.7,
    "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N/E:A": 8.8,
    "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H": 10.0,
    "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N": 0.0,
}


@pytest.mark.parametrize(("vector", "score"), PUBLISHED.items())
def test_a_vector_has_the_score_that_is_published(vector: str, score: float) -> None:
    """The base score of a vector is the one that the specification's examples give."""
    assert base_score(vector) == score


@pytest.mark.parametrize(
    "vector",
    [
        "",
        "CVSS:3.1",
        "CVSS:3.1/AV:N",
        "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
        "CVSS:3.1/AV:N/AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N",
        "CVSS:4.1/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
        "CVSS:4.0/" + "AV:N/" * 100_000,
        "CVSS:2.0/AV:N/AC:L/Au:N/C:C/I:C/A:C",
        "9.8",
    ],
)
def test_what_is_no_vector_that_is_read_has_no_score(vector: str) -> None:
    """A vector that is cut, repeated, of another version or none is not scored, and not zero."""
    assert base_score(vector) is None


def test_levels_begin_where_the_specification_says() -> None:
    """0, 0.1, 4, 7 and 9 are the first scores of their levels."""
    scores = (0.0, 0.1, 3.9, 4.0, 6.9, 7.0, 8.9, 9.0, 10.0)
    words = [str(level_of(score)) for score in scores]
    assert words == ["none", "low", "low", "medium", "medium", "high", "high", "critical", "critical"]


def test_the_most_severe_rating_counts_and_none_is_unknown() -> None:
    """Of several ratings the most severe counts; what nobody rates is unknown, and that is above all."""
    vector = "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N"
    assert severity([("CVSS_V3", vector), ("words", "MODERATE")]) == (Level.MEDIUM, 3.1)
    assert severity([("CVSS_V4", "CVSS:4.0/AV:N"), ("words", "HIGH")]) == (Level.HIGH, None)
    newest = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
    assert severity([("CVSS_V3", vector), ("CVSS_V4", newest)]) == (Level.CRITICAL, 9.3)
    assert severity([("CVSS_V4", "CVSS:4.0/AV:N")]) == (Level.UNKNOWN, None)
    assert severity([]) == (Level.UNKNOWN, None)
    assert all(Level.UNKNOWN.rank > level.rank for level in Level if level is not Level.UNKNOWN)


@given(st.text(alphabet="CVS:1234.0/AVNLPRUIHEXTM \x00é", max_size=40))
def test_any_text_is_scored_or_not(text: str) -> None:
    """No text stops an audit, whatever version it says it is of."""
    for vector in (text, f"CVSS:4.0/{text}", f"CVSS:3.1/{text}"):
        score = base_score(vector)
        assert score is None or 0 <= score <= 10
