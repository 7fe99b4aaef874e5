"""`repro drift`: any two files or folders, with tolerances and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Project

RULES = '[[rules]]\npath = "b"\natol = 1\nreason = "b is noisy"\n'


@pytest.fixture
def pair(project: Project) -> Project:
    """A project with files that differ a little."""
    project.write("a.json", '{"a": 1.0, "b": 2.0}')
    project.write("near.json", '{"a": 1.0000001, "b": 2.0}')
    project.write("far.json", '{"a": 1.0, "b": 2.5}')
    project.write("bad.json", '{"a": 1.0, ')
    project.write("empty/.keep/x", "")
    project.write("rules.toml", RULES)
    project.write("wrong.toml", '[[rules]]\npath = "b"\natol = 1\n')
    for folder in ("none", "nil"):
        (project.root / folder).mkdir()
    return project


@pytest.mark.parametrize(
    ("arguments", "code", "verdict"),
    [
        (["a.json", "a.json"], 0, "match"),
        (["a.json", "near.json"], 1, "drift"),
        (["a.json", "near.json", "--rtol", "1e-6"], 0, "match"),
        (["a.json", "near.json", "--atol", "1e-6"], 0, "match"),
        (["a.json", "near.json", "--srtol", "1e-6"], 0, "match"),
        (["a.json", "far.json", "--rules", "rules.toml"], 0, "match"),
        (["a.json", "near.json", "--rules", "rules.toml"], 1, "drift"),
        (["a.json", "near.json", "--rules", "rules.toml", "--rtol", "1e-6"], 0, "match"),
        (["a.json", "bad.json"], 1, "structure"),
        (["none", "nil"], 3, "not measured"),
        (["none", "a.json"], 1, "structure"),
    ],
)
def test_two_paths_are_compared(pair: Project, arguments: list[str], code: int, verdict: str) -> None:
    """The verdict decides the exit code; tolerances hold for all, rules of a file after them."""
    answer = pair("drift", *arguments, "--json")
    assert (answer.code, answer.document["verdict"]) == (code, verdict)
    text = pair("drift", *arguments)
    assert text.code == code
    assert text.out.splitlines()[-1].startswith(f"{verdict}: ")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["bad.json", "a.json"], 1, "not JSON"),
        (["a.json", "absent.json"], 3, "absent.json: does not exist"),
        (["absent.json", "a.json"], 3, "absent.json: does not exist"),
        (["a.json", "a.json", "--rules", "absent.toml"], 2, "absent.toml"),
        (["a.json", "a.json", "--rules", "wrong.toml"], 2, "without a reason"),
        (["a.json", "a.json", "--rules", "a.json"], 2, "not TOML"),
        (["a.json", "a.json", "--rtol", "-1"], 2, "--rtol"),
        (["a.json", "a.json", "--rtol", "nan"], 2, "rtol"),
        (["a.json"], 2, "Missing argument 'B'"),
    ],
)
def test_what_cannot_be_compared_is_said(pair: Project, arguments: list[str], code: int, said: str) -> None:
    """An unreadable reference is 1, a missing path 3, and rules or tolerances that make no sense are 2."""
    answer = pair("drift", *arguments)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err


def test_paths_are_relative_to_the_folder_of_minus_c(pair: Project) -> None:
    """-C moves A, B and the rules alike."""
    call = ("drift", "a.json", "far.json", "--rules", "rules.toml", "-C", str(pair.root))
    assert pair("-C", "/", *call).code == 0
