"""Licences held against a policy: OR, AND and WITH mean what they mean; what is unknown fails."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sbom.inventories import TARGET

from repro.core.check import Status
from repro.core.errors import FormatError
from repro.core.exits import Exit
from repro.sbom.component import Component, Inventory, Licence
from repro.sbom.expression import holds, is_expression, normal, parse_expression
from repro.sbom.licences import Exemption, Judged, Policy, judged

TODAY = date(2026, 11, 21)
ALLOW = Policy(allow=("MIT", "Apache-2.0", "BSD-*"))


def judge(policy: Policy, *licences: Licence, name: str = "a", version: str = "1") -> Judged:
    component = Component(ref="a", name=name, version=version, purl=f"pkg:pypi/{name}@1", licences=licences)
    return judged(Inventory(target=TARGET, components=(component,), needs={}), policy, today=TODAY)


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ("MIT", True),
        ("mit", True),
        ("BSD-3-Clause", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT AND Apache-2.0", True),
        ("(GPL-3.0-only OR MIT) AND (Apache-2.0 OR GPL-2.0-only)", True),
        ("(GPL-3.0-only AND MIT) OR GPL-2.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0", False),
        ("LicenseRef-mine", False),
    ],
)
def test_expressions_are_evaluated(expression: str, passes: bool) -> None:  # noqa: FBT001 - a table
    """OR passes by one side, AND by both, and an exception to a licence only adds permissions."""
    assert judge(ALLOW, Licence(expression=expression)).exit is (Exit.GOOD if passes else Exit.WRONG)


def test_what_is_denied_is_not_allowed() -> None:
    """A denied licence fails though `allow` names it; with an exception it passes where a glob says so."""
    policy = Policy(allow=("*",), deny=("GPL-*",))
    assert judge(policy, Licence(expression="GPL-3.0-only")).exit is Exit.WRONG
    linked = Licence(expression="GPL-2.0-or-later WITH Classpath-exception-2.0")
    assert judge(policy, linked).exit is Exit.WRONG
    named = Policy(allow=("MIT", "GPL-* WITH Classpath-*"), deny=("GPL-*",))
    assert judge(named, linked).exit is Exit.GOOD
    assert judge(Policy(deny=("GPL-*",)), Licence(expression="MIT")).exit is Exit.GOOD


@pytest.mark.parametrize("policy", [Policy(), Policy(allow=("*",)), ALLOW])
@pytest.mark.parametrize(
    "licences", [(), (Licence(),), (Licence(name="see the file"),), (Licence(expression="Copyright me"),)]
)
def test_what_is_unknown_fails(policy: Policy, licences: tuple[Licence, ...]) -> None:
    """No licence, or words that are no expression, fail under every policy, also one that allows all."""
    assert judge(policy, *licences).exit is Exit.WRONG


def test_all_statements_must_hold() -> None:
    """Where a component states several licences, each of them must be allowed."""
    found = judge(ALLOW, Licence(expression="MIT"), Licence(expression="GPL-3.0-only"))
    assert found.checks[0].reason == "GPL-3.0-only: GPL-3.0-only not allowed"


@pytest.mark.parametrize(
    ("exemption", "status"),
    [
        (Exemption(component="a", reason="asked"), Status.SKIP),
        (Exemption(component="pkg:pypi/*", reason="asked"), Status.SKIP),
        (Exemption(component="a", version="1", reason="asked"), Status.SKIP),
        (Exemption(component="a", version="2", reason="asked"), Status.FAIL),
        (Exemption(component="b", reason="asked"), Status.FAIL),
        (Exemption(component="a", reason="asked", expires=TODAY), Status.SKIP),
        (Exemption(component="a", reason="asked", expires=date(2026, 11, 20)), Status.FAIL),
    ],
)
def test_an_exception_skips_with_its_reason(exemption: Exemption, status: Status) -> None:
    """It holds for its component, its version, and to its last day; the reason is told, and so is its end."""
    found = judge(Policy(allow=("MIT",), exceptions=(exemption,)))
    (check,) = found.checks
    assert check.status is status
    assert ("asked" in check.reason) is (status is Status.SKIP)
    assert ("ended on 2026-11-20" in check.reason) is (exemption.expires == date(2026, 11, 20))
    assert found.unused == (
        ("b",) if exemption.component == "b" else ("a",) if exemption.version == "2" else ()
    )


def test_exceptions_alone_are_no_success() -> None:
    """Where the policy itself allows and refuses nothing, nothing was checked; so with no components."""
    policy = Policy(exceptions=(Exemption(component="*", reason="all"),))
    assert judge(policy).exit is Exit.NOT_CHECKED
    empty = Inventory(target=TARGET, components=(), needs={})
    assert judged(empty, policy, today=TODAY).exit is Exit.NOT_CHECKED


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "MIT AND", "AND", "(MIT", "MIT)", "Apache 2.0", "MIT/BSD", "MIT WITH MIT", "x" * 5000),
        *("(" * 100 + "MIT" + ")" * 100, "MIT\x00", "Copyleft", "Classpath-exception-2.0"),
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    """Halves, unknown names, exceptions alone and what would exhaust the parser are no expressions."""
    assert not is_expression(text)


@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from(["MIT", "AND", "OR", "WITH", "(", ")", "Apache-2.0", "+"])).map(" ".join)
)
@settings(max_examples=80)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Any text is an expression, whose normal form is one too, or a FormatError."""
    try:
        tree = parse_expression(text)
    except FormatError:
        return
    assert normal(normal(text)) == normal(text)
    assert holds(tree, lambda _: True)
    assert not holds(tree, lambda _: False)
