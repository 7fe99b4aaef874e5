"""Tables that have gained or lost rows or columns, and comments between rows."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from repro.core.errors import FormatError
from repro.core.verdict import Verdict
from repro.drift.compare import compare
from repro.drift.rules import Rules, parse_rule

if TYPE_CHECKING:
    from pathlib import Path

    from repro.drift.report import OutputReport

TABLE = "station;date;temp\nA;01.03.2024;1,5\nB;01.03.2024;NA\nC;02.03.2024;2,5\n"
LONGER = TABLE.replace("C;", "Z;01.03.2024;9,5\nC;")


def compared(folder: Path, texts: tuple[str, str], *rules: dict[str, object]) -> OutputReport:
    """Two tables compared under rules."""
    for name, text in zip("ab", texts, strict=True):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    parsed = Rules(rules=tuple(parse_rule({"reason": "a test", **rule}, "here") for rule in rules))
    return compare(folder / "a.csv", folder / "b.csv", parsed, today=date(2030, 1, 1)).outputs[0]


def test_an_added_row_is_said_first(tmp_path: Path) -> None:
    """The first finding says how many rows became how many, and what would pair them."""
    report = compared(tmp_path, (TABLE, LONGER))
    assert report.verdict is Verdict.STRUCTURE
    assert report.findings[0].reason == "3 rows became 4; rows are paired by their order"
    assert 'sorted_by = "station"' in report.findings[0].advice
    assert [found.path for found in report.findings[1:4]] == ["station", "date", "temp"]


def test_rows_of_ignored_columns_are_not_counted(tmp_path: Path) -> None:
    """What rules ignore in every column is no finding, however many rows there are."""
    report = compared(tmp_path, (TABLE, LONGER), {"path": "**", "ignore": True})
    assert report.findings == ()


def test_cells_of_rows_on_one_side_are_one_finding(tmp_path: Path) -> None:
    """A hundred added rows of words are told once for their column, and ignored where a rule ignores it."""
    longer = TABLE + "".join(f"Z{n};03.03.2024;9,5\n" for n in range(100))
    report = compared(tmp_path, (TABLE, longer))
    assert (len(report.findings), report.findings[1].reason) == (4, "3 cells became 103")
    only = compared(tmp_path, (TABLE, longer), {"path": "temp", "ignore": True})
    assert [found.path for found in only.findings] == ["$", "station", "date"]
    shorter = compared(tmp_path, (longer, TABLE), {"path": "date[*]", "ignore": True})
    assert [found.path for found in shorter.findings] == ["$", "station", "temp"]


def test_measured_numbers_are_no_keys(tmp_path: Path) -> None:
    """Where rows are added and nothing but measured numbers tells them apart, the option is named without."""
    report = compared(tmp_path, ("a,b\n1.5,1\n2.5,1\n", "a,b\n1.25,1\n1.5,1\n2.75,1\n"))
    assert report.findings[0].advice.startswith("--sorted-by COLUMN ")


def test_changed_cells_are_no_change_of_rows(tmp_path: Path) -> None:
    """A table of as many rows as before has findings about its cells alone."""
    report = compared(tmp_path, (TABLE, TABLE.replace("2,5", "2,6")))
    assert [finding.path for finding in report.findings] == ["temp[2]"]


def test_rows_in_another_order_are_said_first(tmp_path: Path) -> None:
    """Reordered rows are told with the rule that pairs them, and that rule makes a match of them."""
    lines = [f"{name},{n},{n * 0.1}" for n, name in enumerate("fghijk")]
    texts = ["name,n,x\n" + "\n".join(rows) + "\n" for rows in (lines, lines[::-1])]
    first = compared(tmp_path, (texts[0], texts[1])).findings[0]
    assert (first.path, first.reason) == ("$", "the rows stand in another order")
    assert first.advice == (
        '--sorted-by name would pair them; as a rule: { path = "$", output = "a.csv", sorted_by = "name" }'
    )
    report = compared(tmp_path, (texts[0], texts[1]), {"path": "$", "output": "a.csv", "sorted_by": "name"})
    assert report.verdict is Verdict.MATCH


def test_keys_of_two_columns_are_found(tmp_path: Path) -> None:
    """Where no column alone tells rows apart, several are named, and drift of others does not hide it."""
    lines = [f"{site},{day},{day * 1.5}" for site in "AB" for day in (1, 2, 3)]
    moved = [*lines[3:], *lines[:2], "A,3,4.75"]
    texts = ["site,day,temp\n" + "\n".join(rows) + "\n" for rows in (lines, moved)]
    report = compared(tmp_path, (texts[0], texts[1]))
    assert 'sorted_by = ["site", "day"]' in report.findings[0].advice


def test_an_order_that_explains_nothing_is_not_told(tmp_path: Path) -> None:
    """A table in whose place every number has moved is no reordered one."""
    report = compared(tmp_path, ("id,x,y\n1,1.5,2.5\n2,3.5,4.5\n", "id,x,y\n2,1.5,2.5\n1,3.5,4.5\n"))
    assert [finding.path for finding in report.findings] == ["id"]


def test_the_verdict_is_that_of_the_values(tmp_path: Path) -> None:
    """To tell the order makes no drift a structure."""
    texts = ("id,x\n1,1.5\n2,3.5\n3,4.5\n", "id,x\n2,3.5\n3,4.5\n1,1.5\n")
    assert compared(tmp_path, texts).verdict is Verdict.DRIFT


def test_a_renamed_column_of_words_is_two_findings(tmp_path: Path) -> None:
    """A column that one table alone has is told once, with all its cells; ignored where a rule says so."""
    texts = (TABLE, TABLE.replace("station", "site"))
    report = compared(tmp_path, texts)
    assert [(found.path, found.reason) for found in report.findings] == [
        ("station", "missing: the baseline has 3 cells"),
        ("site", "extra: the baseline has none, observed 3 cells"),
    ]
    assert report.verdict is Verdict.STRUCTURE
    only = compared(tmp_path, texts, {"path": "site", "ignore": True})
    assert [found.path for found in only.findings] == ["station"]


def test_comments_between_rows_are_compared_as_text(tmp_path: Path) -> None:
    """A line between rows that begins with # is no row and no value; another text there is drift."""
    commented = TABLE.replace("C;", "# a new sensor\nC;")
    assert compared(tmp_path, (commented, commented)).verdict is Verdict.MATCH
    (found,) = compared(tmp_path, (commented, commented.replace("new", "old"))).findings
    assert found.path.startswith('["#"]')
    assert compared(tmp_path, (TABLE, commented)).verdict is Verdict.STRUCTURE
    numbers = ("a,b\n1.5,1\n# second, part, here\n2.5,2\n", "a,b\n1.5,1\n# second, part, here\n2.75,2\n")
    assert [found.path for found in compared(tmp_path, numbers).findings] == ["a"]


def test_a_row_of_another_width_is_no_comment(tmp_path: Path) -> None:
    """Only # makes a comment of what is not as wide as the table: else the file is refused."""
    with pytest.raises(FormatError, match="row 3 has 1 cells where the first has 2"):
        compared(tmp_path, ("a,b\n1,2\n3\n", "a,b\n1,2\n3\n"))
