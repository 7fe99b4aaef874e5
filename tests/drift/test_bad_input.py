"""The rows of bad input that no reader's own tests hold: size, and names made to deceive."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from repro.core.errors import FormatError
from repro.core.verdict import Verdict
from repro.drift.compare import compare
from repro.drift.readers.choose import read
from repro.drift.rules import Rules
from repro.render.drift_text import drift_text

if TYPE_CHECKING:
    from pathlib import Path

    from repro.drift.report import DriftReport

TODAY = date(2030, 6, 1)


def compared(tmp_path: Path, one: bytes, other: bytes, name: str = "a.json") -> DriftReport:
    for folder, data in (("a", one), ("b", other)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(data)
    return compare(tmp_path / "a", tmp_path / "b", Rules(), today=TODAY)


def test_a_million_paths_are_compared(tmp_path: Path) -> None:
    """A document of a million keys is compared whole, and its report stays short."""
    one = {f"k{n}": 1.5 for n in range(1_000_000)}
    other = dict.fromkeys(one, 1.75)
    report = compared(tmp_path, json.dumps(one).encode(), json.dumps(other).encode())
    assert report.counts["drifted"] == 1_000_000
    assert len(report.outputs[0].findings) + report.outputs[0].left_out == 1_000_000
    assert len(drift_text(report)) < 20_000


NAMES = ["\x1b[31mred\x1b[0m", "<script>alert(1)</script>", "\u202eevil", "a\nb", "\x9b31m", "\u0000"]


@pytest.mark.parametrize("name", NAMES)
def test_names_steer_no_terminal(tmp_path: Path, name: str) -> None:
    """Keys with escapes, line breaks and marks of direction are shown as escapes, in paths and values."""
    pair = (json.dumps({name: [1.0, name]}), json.dumps({name: [2.0, name + "x"]}))
    report = compared(tmp_path, pair[0].encode(), pair[1].encode())
    text = drift_text(report)
    assert report.verdict is Verdict.DRIFT
    assert all(char.isprintable() or char == "\n" for char in text)
    assert text.count("\n") < 30


@pytest.mark.parametrize("name", ["\x1b[31m.json", "a\nb.json", "\u202e.json"])
def test_file_names_steer_no_terminal(tmp_path: Path, name: str) -> None:
    """Names of files are shown as escapes too."""
    text = drift_text(compared(tmp_path, b"[1.0]", b"[2.0]", name))
    assert all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize("suffix", ["json", "yaml", "toml"])
def test_depth_and_digits_are_capped_everywhere(suffix: str) -> None:
    """A hundred thousand levels and five thousand digits are a FormatError in every nested format."""
    opening = b"a = " if suffix == "toml" else b""
    for data in (b"[" * 100_000 + b"]" * 100_000, b"[" + b"9" * 5000 + b"]"):
        with pytest.raises(FormatError):
            read(opening + data, name=f"a.{suffix}")
