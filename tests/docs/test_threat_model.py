"""The threat model tells nothing that is not tested: what it names exists, and is stopped where it says."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from tests.sigstore.defects.table import DEFECTS
from tests.verify.cases import BAD

from repro.verify.protocol import STEPS as FIRST
from repro.verify.steps import STEPS as LATER

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/threat-model.md").read_text(encoding="utf-8")


def section(title: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    body = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def known_tests() -> frozenset[str]:
    """The names of all tests that there are."""
    sources = ROOT.glob("tests/**/test_*.py")
    return frozenset(re.findall(r"^def (test_\w+)\(", "\n".join(map(Path.read_text, sources)), re.MULTILINE))


ROWS = section("Attacks")
DEFECT = {name: one.step for name, one in DEFECTS.items()}
CASES = {one.name: one.refused_by for one in BAD}


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:40] for row in ROWS])
def test_every_attack_is_shown_by_tests(row: list[str]) -> None:
    """What a row names is a defect, a case or a test that there is, and a defect's step is the row's."""
    _, stopped, shown = row
    names = re.findall(r"`([^`]+)`", shown)
    assert names
    for name in names:
        assert name in DEFECT or name in CASES or name in known_tests(), name
    found = re.search(r"steps? ([\d, to]+)", stopped)
    if found:
        numbers = [int(number) for number in re.findall(r"\d+", found[1])]
        allowed = set(range(numbers[0], numbers[-1] + 1)) if " to " in found[1] else set(numbers)
        for name in names:
            assert DEFECT.get(name) is None or DEFECT[name] in allowed, name


def test_the_steps_are_those_of_the_protocol() -> None:
    """The table of steps has the numbers and names of the code, in its order."""
    assert [row[0] for row in section("The numbered steps")] == [
        f"{one.number} {one.name}" for one in (*FIRST, *LATER)
    ]


def test_what_the_text_names_is_there() -> None:
    """Tests that are named outside the table exist too."""
    assert set(re.findall(r"`(test_\w+)`", PAGE)) <= known_tests()
