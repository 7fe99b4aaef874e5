"""The rows of bad input that no reader's own tests hold: size, and names made to deceive."""

from __future__ import annotations

import json
import re
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
        (tmp_path / folder).mkdir(parents=True)
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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "[NaN, Infinity, -Infinity]"),
        ("a.jsonl", "NaN\nInfinity\n-Infinity\n"),
        ("a.toml", "x = [nan, inf, -inf]\n"),
        ("a.yaml", "[.nan, .inf, -.inf]\n"),
        ("a.csv", "x\nnan\ninf\n-inf\n"),
        ("a.txt", "nan inf -inf\n"),
    ],
)
def test_nan_as_each_format_writes_it_is_a_number_of_its_own(tmp_path: Path, name: str, text: str) -> None:
    """NaN and infinity in a format's own spelling are equal to themselves, and a pattern beside a number."""
    report = compared(tmp_path, text.encode(), text.encode(), name)
    assert report.verdict is Verdict.MATCH
    number = re.sub(r"\.?(?i:nan)", "1.5", text)
    again = compared(tmp_path / "again", text.encode(), number.encode(), name)
    assert again.verdict is Verdict.PATTERN


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(
            (name, token)
            for name in ("a.json", "a.jsonl")
            for token in ("nan", "NAN", "-NaN", "inf", "+Infinity")
        ),
        *(("a.toml", f"x = {token}\n") for token in ("NaN", "NAN", "Infinity", ".nan")),
    ],
)
def test_other_spellings_of_nan_are_refused(name: str, text: str) -> None:
    """A token that the format does not have for NaN or infinity is a FormatError, not a guess."""
    with pytest.raises(FormatError):
        read(text.encode(), name=name)


@pytest.mark.parametrize(("name", "text"), [("a.yaml", "x: {}\n"), ("a.csv", "x\n1.5\n{}\n")])
@pytest.mark.parametrize("token", ["NaNs", "1.#QNAN", "-1.#IND"])
def test_what_only_looks_like_nan_is_text(name: str, text: str, token: str) -> None:
    """Where a format has bare words, a token that is no number of it stays a word."""
    assert token in read(text.format(token).encode(), name=name).values()
