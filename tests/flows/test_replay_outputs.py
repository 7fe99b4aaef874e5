from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from repro.core.errors import FormatError
from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.render.replay_text import replay_text
from repro.render.words import Palette

if TYPE_CHECKING:
    from tests.flows.conftest import Lab

    from repro.flows.attempt import Result

NUMBERS = {"mean": 2.875, "values": [1.5, 2.5, 4.25]}


def deep(levels: int) -> str:
    return "[" * levels + "1" + "]" * levels


def written(lab: Lab, text: str | bytes) -> Result:
    """Replay a command that writes exactly `text`."""
    data = text if isinstance(text, bytes) else text.encode()
    lab.script(f"import sys\nopen(sys.argv[2] + '/results.json', 'wb').write({data!r})\n")
    return lab.one()


def shown(lab: Lab) -> str:
    """What a user reads."""
    return replay_text(lab.replay("mean"), palette=Palette())


STRUCTURE = {
    "empty": ("", "results.json"),
    "truncated": (json.dumps(NUMBERS)[:-5], "not JSON"),
    "not JSON": ("mean = 2.875", "not JSON"),
    "not UTF-8": (b'{"mean": "\xff"}', "results.json"),
    "duplicate keys": ('{"mean": 2.875, "mean": 2.875, "values": []}', "'mean' is given twice"),
    "byte order mark": (b"\xef\xbb\xbf{}", "byte order mark"),
    "very deep": (deep(100_000), "levels deep"),
    "deep": (deep(201), "levels deep"),
    "lone surrogate": ('{"mean": "\\ud800"}', "surrogate"),
    "huge integer": ('{"mean": ' + "9" * 5000 + "}", "results.json"),
    "changed shape": (json.dumps({**NUMBERS, "values": [1.5, 2.5]}), "values"),
    "missing key": (json.dumps({"values": NUMBERS["values"]}), "mean"),
    "extra key": (json.dumps({**NUMBERS, "\u00fcber": 1}), "\u00fcber"),
    "another kind": (json.dumps({**NUMBERS, "mean": "2.875"}), "mean"),
    "null": (json.dumps({**NUMBERS, "mean": None}), "mean"),
    "a bool for a number": (json.dumps({**NUMBERS, "mean": True}), "mean"),
}


@pytest.mark.parametrize(("text", "said"), STRUCTURE.values(), ids=STRUCTURE)
def test_an_output_of_another_structure(lab: Lab, text: str | bytes, said: str) -> None:
    """The verdict is `structure`, exit 1, and the message names the output and what is wrong with it."""
    result = written(lab, text)
    assert (result.verdict, result.exit) == (Verdict.STRUCTURE, Exit.WRONG), result.error
    told = shown(lab)
    assert "results.json" in told
    assert said in told


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_not_a_number_where_the_baseline_has_one(lab: Lab, token: str) -> None:
    """NaN and infinities are read as Python writes them, and are a `pattern` verdict at their path."""
    result = written(lab, f'{{"mean": {token}, "values": [1.5, 2.5, 4.25]}}')
    assert (result.verdict, result.exit) == (Verdict.PATTERN, Exit.WRONG)
    assert "mean" in shown(lab)


@pytest.mark.parametrize(
    ("number", "verdict"), [(2.875000001, Verdict.DRIFT), (2.8750000000001, Verdict.MATCH)]
)
def test_a_number_beyond_the_tolerance(lab: Lab, number: float, verdict: Verdict) -> None:
    """A difference beyond 1e-10 relative is drift at its path, one below is a match."""
    result = written(lab, json.dumps({**NUMBERS, "mean": number}))
    assert (result.verdict, result.exit) == (verdict, verdict.exit)
    assert ("results.json" in shown(lab)) is (verdict is Verdict.DRIFT)


def test_integers_beyond_doubles_are_told_apart(lab: Lab) -> None:
    """2^53 and 2^53 + 1 differ, and the same integer of forty digits matches itself."""
    shutil.rmtree(lab.root / "baselines")
    written(lab, f'{{"n": {2**53}, "m": {10**40}}}')
    lab.record_baseline("mean")
    assert lab.one().verdict is Verdict.MATCH
    assert written(lab, f'{{"n": {2**53 + 1}, "m": {10**40}}}').verdict is Verdict.DRIFT
    assert written(lab, f'{{"n": {2**53}, "m": {10**40 + 1}}}').verdict is Verdict.DRIFT


def test_unicode_and_depth_match_themselves(lab: Lab) -> None:
    """Keys and values in any script, and nesting up to the cap, are compared like any other."""
    shutil.rmtree(lab.root / "baselines")
    text = json.dumps({"\u03c3 \U0001f600\u202e\n": "\u4e2d\u6587\u0000", "deep": json.loads(deep(190))})
    written(lab, text)
    lab.record_baseline("mean")
    assert lab.one().verdict is Verdict.MATCH
    changed = written(lab, text.replace("\\u4e2d", "\\u4e2e"))
    assert changed.verdict is Verdict.DRIFT
    told = shown(lab)
    assert "\u202e" not in told
    assert "\x00" not in told


@pytest.mark.parametrize("body", ["", "import os\nos.mkdir(sys.argv[2] + '/results.json')\n"])
def test_a_missing_output(lab: Lab, body: str) -> None:
    """No file, or a folder in its place, is exit 1 and names the output; the run is no hit later."""
    lab.script("import sys\n" + body)
    result = lab.one()
    assert result.exit is Exit.WRONG
    assert result.verdict is Verdict.STRUCTURE
    assert "results.json" in shown(lab)
    assert lab.record_of(result).outcome["state"] == "failed"
    assert lab.one().state == "ran"


def test_a_missing_output_without_a_baseline(lab: Lab) -> None:
    """It is exit 1 and names the output, although there is nothing to compare with."""
    shutil.rmtree(lab.root / "baselines")
    lab.script("")
    result = lab.one()
    assert isinstance(result.error, FormatError)
    assert "results.json" in result.error.message
    assert result.exit is Exit.WRONG


@pytest.mark.parametrize("target", ["/etc/passwd", "real.json", "nothing"])
@pytest.mark.parametrize("name", ["results.json", "other.json"])
def test_an_output_that_is_a_link(lab: Lab, target: str, name: str) -> None:
    """A link among the outputs is refused, wherever it leads: exit 1, and nothing is read through it."""
    body = lab.root.joinpath("src/mean.py").read_text().replace('"results.json"', '"real.json"')
    if name == "other.json":
        body = lab.root.joinpath("src/mean.py").read_text()
    lab.script(f"{body}\nimport os\nos.symlink({target!r}, out / {name!r})\n")
    result = lab.one()
    assert isinstance(result.error, FormatError)
    assert name in result.error.message
    assert (result.state, result.exit) == ("failed", Exit.WRONG)
    assert lab.record_of(result).outcome["state"] == "failed"
    assert (lab.store.runs / result.run_id / "out" / name).is_symlink()


def test_a_folder_of_outputs_that_is_a_link(lab: Lab) -> None:
    """A declared output below a linked folder is not looked for in there."""
    lab.define(outputs=["sub/passwd"])
    lab.script("import os, sys\nos.symlink('/etc', sys.argv[2] + '/sub')\n")
    result = lab.one()
    assert isinstance(result.error, FormatError)
    assert lab.record_of(result).outputs == {"sub/passwd": None}


@pytest.mark.parametrize(
    "special", ["os.mkfifo(out / 'results.json')", "socket.socket(socket.AF_UNIX).bind('s')"]
)
def test_a_special_file_among_the_outputs(lab: Lab, special: str) -> None:
    """A pipe or socket is refused without being opened."""
    lab.script(
        f"import os, pathlib, socket, sys\nout = pathlib.Path(sys.argv[2])\nos.chdir(out)\n{special}\n"
    )
    result = lab.one()
    assert isinstance(result.error, FormatError)
    assert result.exit is Exit.WRONG


def test_undeclared_outputs_are_kept_and_noted(lab: Lab) -> None:
    """They do not change the verdict; the record and the result name them."""
    body = lab.root.joinpath("src/mean.py").read_text()
    lab.script(f"{body}\n(out / 'sub').mkdir()\n(out / 'sub/plot.svg').write_text('<svg/>')\n")
    result = lab.one()
    assert result.verdict is Verdict.MATCH
    assert any("sub/plot.svg" in note for note in result.notes)
    assert lab.record_of(result).outcome["undeclared"] == ["sub/plot.svg"]
    assert (lab.store.runs / result.run_id / "out/sub/plot.svg").read_text() == "<svg/>"
    assert lab.one().state == "cached"


def test_names_that_are_no_text(lab: Lab) -> None:
    """An undeclared output whose name is in no encoding is kept, and the record can still be read."""
    body = lab.root.joinpath("src/mean.py").read_text()
    lab.script(f"{body}\nopen(bytes(out) + b'/\\xff\\n.bin', 'wb').close()\n")
    result = lab.one()
    assert result.verdict is Verdict.MATCH
    assert lab.record_of(result).outcome["undeclared"] == ["\\udcff\n.bin"]
    assert lab.one().state == "cached"


def test_outputs_of_several_kinds(lab: Lab) -> None:
    """Every declared output is compared by the reader of its format; the worst verdict counts."""
    shutil.rmtree(lab.root / "baselines")
    lab.define(outputs=["results.json", "sub/table.csv", "log.txt"])
    body = lab.root.joinpath("src/mean.py").read_text()
    more = "(out / 'sub').mkdir()\n(out / 'sub/table.csv').write_text('x,y\\n1,{0}\\n')\n"
    more += "(out / 'log.txt').write_text('loss 0.5 after 3 steps\\n')\n"
    lab.script(body + more.format(2))
    lab.record_baseline("mean")
    assert lab.one().verdict is Verdict.MATCH
    lab.script(body + more.format(3))
    result = lab.one()
    assert result.verdict is Verdict.DRIFT
    told = shown(lab)
    assert "sub/table.csv: drift" in told
    assert "log.txt: match" in told


def test_outputs_that_nobody_may_read(lab: Lab) -> None:
    """A command that takes its own outputs' permissions away gets a verdict, not a crash."""
    body = lab.root.joinpath("src/mean.py").read_text()
    lab.script(f"{body}\nimport os\nos.chmod(out / 'results.json', 0)\nos.chmod(out, 0)\n")
    result = lab.one()
    assert result.exit in {Exit.GOOD, Exit.NOT_CHECKED}, "root may read them"
    assert result.run_id in lab.store.ids()
