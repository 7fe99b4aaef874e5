"""Tables that have gained or lost rows."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

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
    assert report.findings[0].reason.startswith("3 rows became 4; ")
    assert "sorted_by" in report.findings[0].reason


def test_rows_of_ignored_columns_are_not_counted(tmp_path: Path) -> None:
    """What rules ignore in every column is no finding, however many rows there are."""
    report = compared(tmp_path, (TABLE, LONGER), {"path": "**", "ignore": True})
    assert report.findings == ()


def test_changed_cells_are_no_change_of_rows(tmp_path: Path) -> None:
    """A table of as many rows as before has findings about its cells alone."""
    report = compared(tmp_path, (TABLE, TABLE.replace("2,5", "2,6")))
    assert [finding.path for finding in report.findings] == ["temp[2]"]
