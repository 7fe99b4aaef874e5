from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import ConfigError
from repro.drift.rules import DEFAULT, Rule, Rules, looser, parse_rules, rule_to_dict

TODAY = date(2030, 6, 1)
TOLERANCES = st.floats(0, 1e300)
TABLES = st.fixed_dictionaries(
    {"path": st.sampled_from(["**", "a[*].b", "x", '["a.b"]']), "reason": st.just("because")},
    optional={
        "output": st.sampled_from(["*", "*.json"]),
        "rtol": TOLERANCES,
        "atol": TOLERANCES,
        "srtol": TOLERANCES,
        "scale": st.floats(1e-300, 1e300),
        "printed": st.booleans(),
        "strict_zero": st.booleans(),
        "ignore": st.booleans(),
        "labels": st.booleans(),
        "ulp": st.integers(0, 100),
        "digits": st.floats(0, 20),
        "sorted_by": st.sampled_from(["id", ["a", "b"]]),
        "up_to_sign": st.sampled_from(["whole", "rows", "columns"]),
        "permutation": st.booleans(),
        "expires": st.dates(),
    },
)


@given(st.lists(TABLES, max_size=4))
def test_rules_survive_being_written(tables: list[dict[str, Any]]) -> None:
    """Rules written as tables and parsed again are the same rules with the same digest."""
    rules = parse_rules(tables, where="rules")
    again = parse_rules([rule_to_dict(rule) for rule in rules.rules], where="rules")
    assert again == rules
    assert again.digest() == rules.digest()


def test_the_digest_depends_on_order() -> None:
    """The last rule wins, so two orders are two sets of rules."""
    one, two = Rule(path="a", strict_zero=True), Rule(path="b", labels=True)
    assert Rules(rules=(one, two)).digest() != Rules(rules=(two, one)).digest()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"path": "a", "rtoll": 1}, r"rules\[0\]\.rtoll: unknown key"),
        ({"path": "a", "rtol": -1e-3, "reason": "r"}, r"rules\[0\]\.rtol"),
        ({"path": "a", "rtol": float("nan"), "reason": "r"}, r"rules\[0\]\.rtol"),
        ({"path": "a", "atol": float("inf"), "reason": "r"}, r"rules\[0\]\.atol"),
        ({"path": "a", "atol": 10**400, "reason": "r"}, r"rules\[0\]\.atol: out of range"),
        ({"path": "a", "atol": True, "reason": "r"}, r"rules\[0\]\.atol: must be a number"),
        ({"path": "a", "atol": "1e-3", "reason": "r"}, r"rules\[0\]\.atol: must be a number"),
        ({"path": "a", "scale": 0, "reason": "r"}, r"rules\[0\]\.scale"),
        ({"path": "a", "printed": 1, "reason": "r"}, r"rules\[0\]\.printed: must be bool"),
        ({"path": 3}, r"rules\[0\]\.path: must be str"),
        ({"path": "a["}, r"rules\[0\]\.path"),
        ({"path": "a", "expires": "soon"}, r"rules\[0\]\.expires: not a date"),
        ({"path": "a", "expires": datetime(2030, 1, 1, tzinfo=UTC)}, r"rules\[0\]\.expires: must be a date"),
        ({"strict_zero": True}, r"rules\[0\]: selects nothing"),
        ([], r"rules\[0\]: must be a table"),
        ({"path": "a", "rtol": 1e-3}, "without a reason"),
        ({"path": "a", "atol": 1e-300, "reason": "  "}, "without a reason"),
        ({"path": "a", "ignore": True}, "without a reason"),
        ({"path": "a", "printed": True}, "without a reason"),
        ({"path": "a", "ulp": 5}, "without a reason"),
        ({"path": "a", "digits": 9}, "without a reason"),
        ({"path": "a", "permutation": True}, "without a reason"),
        ({"path": "a", "up_to_sign": "rows"}, "without a reason"),
        ({"path": "a", "sorted_by": "id"}, "without a reason"),
        ({"path": "a", "ulp": 1.5}, r"rules\[0\]\.ulp: must be an integer"),
        ({"path": "a", "ulp": True}, r"rules\[0\]\.ulp: must be an integer"),
        ({"path": "a", "sorted_by": []}, r"rules\[0\]\.sorted_by"),
        ({"path": "a", "sorted_by": [1]}, r"rules\[0\]\.sorted_by"),
        ({"path": "a", "up_to_sign": True}, r"rules\[0\]\.up_to_sign: must be one of"),
        ({"path": "a", "exact": True, "atol": 1.0, "reason": "r"}, "a tolerance beside it"),
        ({"path": "a[1:2:0]"}, r"rules\[0\]\.path"),
        ({"path": "/a//b"}, r"rules\[0\]\.path"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_key(table: object, message: str) -> None:
    """Every mistake in a rule is a configuration error that names the rule and the key."""
    with pytest.raises(ConfigError, match=message):
        parse_rules([table], where="rules")


def test_rules_that_are_no_list_are_refused() -> None:
    """A table where a list of tables belongs is a configuration error."""
    with pytest.raises(ConfigError, match="list of tables"):
        parse_rules({"path": "a"}, where="rules")


def test_a_typo_is_answered_with_the_near_key() -> None:
    """An unknown key is refused with the key that was probably meant."""
    with pytest.raises(ConfigError) as caught:
        parse_rules([{"path": "a", "strictzero": True}], where="rules")
    assert "strict_zero" in caught.value.hint


def test_a_stricter_rule_needs_no_reason() -> None:
    """Only what is looser than the default must be justified."""
    rules = parse_rules([{"path": "a", "rtol": 0, "strict_zero": True}], where="rules")
    assert rules.rules[0].rtol == 0
    assert not rules.rules[0].loosened


def test_a_rule_applies_through_its_last_day() -> None:
    """A rule expires the day after the date it carries."""
    rules = Rules(rules=(Rule(path="a", expires=TODAY), Rule(path="b")))
    assert rules.expired(TODAY) == ()
    assert rules.expired(date(2030, 6, 2)) == (rules.rules[0],)
    assert rules.active(date(2030, 6, 2)).rules == (rules.rules[1],)


def _rules(*rules: Rule) -> Rules:
    return Rules(rules=rules)


@pytest.mark.parametrize(
    ("rule", "caller", "expected"),
    [
        (Rule(path="a", rtol=1e-3), _rules(), True),
        (Rule(path="a"), _rules(), False),
        (Rule(path="a", rtol=1e-3), _rules(Rule(path="**", rtol=1e-2)), False),
        (Rule(path="a", rtol=1e-3), _rules(Rule(path="**", rtol=1e-2), Rule(path="a")), True),
        (Rule(path="a", rtol=1e-3), _rules(Rule(path="b", rtol=1e-2)), True),
        (Rule(path="a", ignore=True), _rules(Rule(path="a", rtol=1)), True),
        (Rule(path="a", atol=1.0), _rules(Rule(path="a", ignore=True)), False),
        (Rule(path="a"), _rules(Rule(path="a", strict_zero=True)), True),
        (Rule(path="a", srtol=1e-9, scale=5.0), _rules(Rule(path="a", srtol=1e-9, scale=1.0)), True),
        (Rule(path="a", srtol=1e-9, scale=1.0), _rules(Rule(path="a", srtol=1e-9, scale=5.0)), False),
        (Rule(path="a", srtol=1e-9), _rules(Rule(path="a", srtol=1e-9, scale=1.0)), True),
        (Rule(path="a", rtol=1e-3), _rules(Rule(path="a", output="x.json", rtol=1e-2)), True),
        (Rule(path="a", rtol=0.0, digits=9), _rules(), True),
        (Rule(path="a", rtol=0.0, digits=11), _rules(), False),
        (Rule(path="a", ulp=4), _rules(), False),
        (Rule(path="a"), _rules(Rule(path="a", exact=True)), True),
        (Rule(path="a", exact=True), _rules(), False),
        (Rule(path="a[3:5]", rtol=1e-3), _rules(Rule(path="a[2:]", rtol=1e-2)), False),
        (Rule(path="a[1:5]", rtol=1e-3), _rules(Rule(path="a[2:]", rtol=1e-2)), True),
        (
            Rule(path="a", output="x.json", rtol=1e-3),
            _rules(Rule(path="a", output="*.json", rtol=1e-2)),
            False,
        ),
    ],
)
def test_what_is_looser_than_the_caller_grants_is_listed(
    rule: Rule, caller: Rules, *, expected: bool
) -> None:
    """A rule is listed if it grants more than the last rule of the caller that covers it, or the default."""
    assert looser(_rules(rule), caller) == ((rule,) if expected else ())


@given(st.lists(TABLES, max_size=4))
def test_no_rule_is_looser_than_itself(tables: list[dict[str, Any]]) -> None:
    """A rule alone is never looser than the same rule of the caller."""
    for rule in parse_rules(tables, where="rules").rules:
        assert looser(_rules(rule), _rules(rule)) == ()


def test_what_is_written_in_place_of_rtol_replaces_it() -> None:
    """A rule that says `digits`, `ulp` or `exact` does not silently keep the default relative tolerance."""
    for table in ({"digits": 12}, {"ulp": 2}, {"exact": True}):
        assert parse_rules([{"path": "a", **table}], where="rules").rules[0].rtol == 0
    kept = parse_rules([{"path": "a", "ulp": 2, "rtol": 1e-12}], where="rules").rules[0]
    assert (kept.rtol, kept.ulp) == (1e-12, 2)


def test_the_default_grants_a_relative_tolerance_only() -> None:
    """Where no rule speaks, rtol is 1e-10 and nothing else is granted."""
    assert Rule(path="**", output="*", rtol=1e-10, atol=0.0, srtol=0.0) == DEFAULT
    assert not (DEFAULT.printed)
    assert not (DEFAULT.ignore)
    assert not (DEFAULT.strict_zero)
    assert not (DEFAULT.labels)


@pytest.mark.parametrize("module", ["repro.drift.rules", "repro.drift.report", "repro.render.drift_text"])
def test_hot_modules_import_no_numpy(module: str) -> None:
    """Rules, reports and their text are used by cached replays, which must not pay for numpy."""
    code = f"import sys, {module}; sys.exit('numpy' in sys.modules or 'rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
