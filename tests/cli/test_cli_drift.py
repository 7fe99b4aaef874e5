"""`repro drift`: any two files or folders, with tolerances and rules."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from defusedxml import ElementTree

if TYPE_CHECKING:
    from tests.cli.conftest import Project

RULES = '[[rules]]\npath = "b"\natol = 1\nreason = "b is noisy"\n'
OPTION = {"xml": "--junit", "md": "--markdown", "sarif": "--sarif", "html": "--html"}
"""The option that writes a report, by its suffix."""


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


def test_rules_are_explained(pair: Project) -> None:
    """`--explain-rules` names for each path the rule that decides, what it grants and why."""
    asked = ("drift", "a.json", "far.json", "--rules", "rules.toml", "--explain-rules")
    answer = pair(*asked)
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "a.json",
        "  a, 1 value: default",
        "    grants rtol = 1e-10",
        "  b, 1 value: rule 1 (b)",
        "    grants rtol = 1e-10, atol = 1.0: b is noisy",
    ]
    document = pair(*asked, "--json").document
    assert document["version"] == 1
    assert [(leaf["path"], leaf["rule"], leaf["reason"]) for leaf in document["leaves"]] == [
        ("a", "default", ""),
        ("b", "rule 1 (b)", "b is noisy"),
    ]
    assert pair("drift", "gone.json", "far.json", "--explain-rules").code == 3


HOSTILE = "\x1b[31m<script>alert(1)</script>\u202e"


def test_hostile_names_are_shown_as_text_in_every_report(project: Project) -> None:
    """Names of files and keys with terminal escapes and markup stay text on the terminal and in all files."""
    key = json.dumps(HOSTILE)
    name = "\x1b[31m<script>.json"
    for folder, number in (("one", 1.5), ("two", 2.5)):
        project.write(f"{folder}/{name}", f'{{{key}: {number}, "s": {json.dumps(HOSTILE + folder)}}}')
    forms = ("junit.xml", "report.md", "report.sarif", "report.html")
    options = [part for form in forms for part in (OPTION[form.rpartition(".")[2]], form)]
    answers = [project("drift", "one", "two", *more) for more in (options, ["--json"], ["--explain-rules"])]
    assert [answer.code for answer in answers] == [1, 1, 0]
    texts = {form: (project.root / form).read_text(encoding="utf-8") for form in forms}
    shown = [answers[0].out, answers[0].err, answers[1].out, answers[2].out, *texts.values()]
    assert all(char.isprintable() or char == "\n" for text in shown for char in text)
    assert "<script" not in texts["report.html"]
    assert "<script" not in texts["junit.xml"]
    assert [*ElementTree.fromstring(texts["junit.xml"]).iter("testcase")]
    assert json.loads(texts["report.sarif"])["runs"]
    assert not re.search(r"(?<!\\)<script", re.sub(r"(?s)```.*?```|`[^`\n]*`", "", texts["report.md"]))


def test_rows_are_paired_by_an_option(project: Project) -> None:
    """`--sorted-by` pairs rows by the columns that the answer without it has named, tolerances still hold."""
    project.write("a.csv", "site,day,x\nA,1,1.5\nA,2,2.5\nB,1,3.5\n")
    project.write("b.csv", "site,day,x\nB,1,3.50001\nA,1,1.5\nA,2,2.5\n")
    answer = project("drift", "a.csv", "b.csv")
    assert answer.code == 1
    assert "--sorted-by site --sorted-by day" in " ".join(answer.out.split())
    asked = ("drift", "a.csv", "b.csv", "--sorted-by", "site", "--sorted-by", "day")
    assert project(*asked).code == 1
    assert project(*asked, "--rtol", "1e-3").code == 0
