"""Whatever a good signer signs: views give values or errors of the house, and demands give checks."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.verify.cases import VSA_RULE
from tests.verify.laboratory import (
    BUILD,
    PROVENANCE,
    RULE,
    SUMMARY,
    V1,
    VSA,
    Lab,
    by,
    changed,
    statement,
)

from repro.attest.statement import parse_statement
from repro.core.check import Status
from repro.core.errors import FormatError
from repro.core.exits import Exit
from repro.verify.provenance import V02, parse_provenance
from repro.verify.vsa import parse_summary

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

OLD: dict[str, Any] = {
    "builder": {"id": "https://builder.example/one"},
    "buildType": "https://example.org/make/v1",
    "invocation": {
        "configSource": {
            "uri": "git+https://github.com/example/lab@refs/tags/v1",
            "digest": {"sha1": "12" * 20},
            "entryPoint": "build.yml",
        },
        "parameters": {"target": "all"},
        "environment": {"x": 1},
    },
    "metadata": {"buildStartedOn": "2026-01-15T11:00:00Z", "buildFinishedOn": "2026-01-15T11:00:00Z"},
    "materials": [{"uri": "git+https://github.com/example/lab", "digest": {"sha1": "12" * 20}}],
}
GITHUB = changed(
    PROVENANCE,
    "buildDefinition",
    "externalParameters",
    to={
        "workflow": {"repository": "https://github.com/example/lab", "ref": "refs/tags/v1", "path": "x"},
        "source": {"uri": "git+https://github.com/example/lab@refs/tags/v1", "digest": {"gitCommit": "1"}},
    },
)
DOCUMENTS = {"v1": (PROVENANCE, V1), "github": (GITHUB, V1), "v0.2": (OLD, V02), "summary": (SUMMARY, VSA)}

ODD = ("", "\x00", "//", "git+", "git+https://@", "git+https://h/p@", "git+ssh://[::1", "9" * 300)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
WORDS = st.one_of(st.sampled_from(ODD), TEXT, st.sampled_from(("source", "uri", "sha256")))
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, WORDS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=6,
)


def places(node: object, path: Path = ()) -> Iterator[Path]:
    """Every place in a document."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


@st.composite
def predicates(draw: st.DrawFn, name: str) -> object:
    """A good predicate with up to three places replaced by anything, taken out, or joined by another key."""
    document = copy.deepcopy(DOCUMENTS[name][0])
    for _ in range(draw(st.integers(1, 3))):
        known = sorted(places(document), key=repr)
        if not known:
            break
        *path, key = draw(st.sampled_from(known))
        node: Any = document
        for part in path:
            node = node[part]
        how = draw(st.sampled_from(("put", "cut", "add")))
        if how == "cut":
            del node[key]
        else:
            node[draw(WORDS) if how == "add" and isinstance(node, dict) else key] = draw(VALUES)
    return document


def look(name: str, predicate: object) -> None:
    """Take the view of a predicate, and all that it finds when it is asked."""
    document = parse_statement(statement(predicate, DOCUMENTS[name][1]))
    if name == "summary":
        parse_summary(document)
    else:
        tuple(parse_provenance(document).sources)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Keys in a folder, and a root that nobody asks."""
    return Lab.at(tmp_path_factory.mktemp("lab"), b"{}")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_documents_are_good(name: str) -> None:
    """What the mutants are made of is read without an error."""
    look(name, DOCUMENTS[name][0])


@pytest.mark.parametrize("name", DOCUMENTS)
@settings(max_examples=100)
@given(data=st.data())
def test_views_raise_only_errors_of_the_house(name: str, data: st.DataObject) -> None:
    """Whatever stands in a predicate, its view is a value or a FormatError."""
    predicate = data.draw(predicates(name))
    with suppress(FormatError):
        look(name, predicate)


OPEN = BUILD.replace('build_types = ["make"]\n', "")
"""Without build types, so that sources and dependencies are asked whatever the parameters are."""


@pytest.mark.parametrize(
    ("name", "demands"),
    [("v1", BUILD), ("github", OPEN), ("v0.2", OPEN), ("summary", VSA_RULE.removeprefix(RULE))],
)
@settings(max_examples=60)
@given(data=st.data())
def test_demands_leave_only_checks(name: str, demands: str, lab: Lab, data: st.DataObject) -> None:
    """Signed by one who may, whatever it says is a verdict: good, or refused by checks with reasons."""
    predicate = data.draw(predicates(name))
    verdict = lab.judge(RULE + demands, [by("a", statement(predicate, DOCUMENTS[name][1]))])
    (rule,) = verdict.rules
    (demand,) = rule.demands
    checks = [check for one in demand.attempts for check in one.checks]
    failed = [one for one in checks if one.status is Status.FAIL]
    assert all(one.reason for one in failed)
    if verdict.exit is Exit.GOOD:
        look(name, predicate)
        assert not failed
    else:
        assert verdict.exit is Exit.WRONG
        assert failed
