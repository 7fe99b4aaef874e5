"""A replay as text, JSON, JUnit and Markdown, from results with hostile names and every kind of trouble."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import FormatError, MissingBaseline, RunError
from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.drift.report import DriftReport, OutputReport
from repro.flows.attempt import Result
from repro.flows.judge import Judgement, Reference
from repro.flows.repeat import Repetition
from repro.flows.replay import Replayed
from repro.render.junit import junit
from repro.render.markdown import markdown
from repro.render.replay_json import error_document, replay_document
from repro.render.replay_text import replay_text
from repro.render.words import Palette, one_line, printable

if TYPE_CHECKING:
    from repro.core.errors import ReproError

HOSTILE = (
    "<script>alert(1)</script>",
    "]]> & <!-- -->",
    "\x1b[31mred\x1b[0m\x07",
    "a\nb\r\nc\td",
    "| x | `y` | [z](u) |",
    "```\n# h\n````",
    "\u202eabc\u200b\ufeff\u2028",
    "\ud800\udfff\x00\ufffe\uffff",
    "![i](http://x) @all #1",
)

STAGE = {"name": "run", "shared": False, "wall_seconds": 1.5, "cpu_seconds": 1.0, "peak_bytes": 2**20}


def judged(verdict: Verdict, *, text: str = "r.json", what: str = "baseline here") -> Judgement:
    """What a comparison found, with `text` wherever a file can put one."""
    reason = "" if verdict is Verdict.MATCH else text
    output = OutputReport(name=text, verdict=verdict, reason=reason, paths=1, values=1)
    report = DriftReport(verdict=verdict, outputs=(output,), warnings=())
    reference = Reference(folder=Path("/b"), outputs={}, what=what, why="same environment", run_id="old")
    return Judgement(verdict=verdict, warnings=(), reference=reference, file=Path("/c.json"), report=report)


def result(name: str, verdict: Verdict | None = Verdict.MATCH, **fields: Any) -> Result:  # noqa: ANN401
    """A result of the run `name`; without a verdict only what `fields` say."""
    judgement = None if verdict is None else judged(verdict)
    common: dict[str, Any] = {
        "run": name,
        "experiment": name.partition("[")[0],
        "state": "ran",
        "run_id": f"20261120T000000417Z-{name}",
        "verdict": verdict or Verdict.NOT_MEASURED,
        "judgement": judgement,
        "stages": (STAGE,),
    }
    return Result(**(common | fields))


def replayed(*results: Result, notes: tuple[str, ...] = ()) -> Replayed:
    """A whole replay of the present tree."""
    tree = {"revision": "", "commit": "a" * 40, "dirty": False, "changed": [], "difference": None}
    definition = {"source": "present tree", "digest": "sha256:" + "0" * 64, "rules": "present tree"}
    return Replayed(tree=tree, definition=definition, results=results, notes=notes)


def failed(name: str, error: ReproError) -> Result:
    """A run without a verdict."""
    return result(name, None, state="failed", error=error)


def text_of(whole: Replayed, **options: Any) -> str:  # noqa: ANN401
    """The text without colours."""
    return replay_text(whole, palette=Palette(), **options)


MIXED = replayed(
    result("good", state="cached"),
    result("noise[seed=0]"),
    result("late", Verdict.DRIFT),
    result("noise[seed=1]", Verdict.DRIFT),
    result("noise[seed=2]", Verdict.PATTERN, state="cached"),
    failed("none", MissingBaseline("none: no baseline", hint="repro baseline record none")),
    failed("dead", RunError("the command failed: exit code 1\nits last words", hint="see the log")),
    failed("odd", FormatError("odd: the command wrote no r.json")),
)


def test_an_experiment_has_one_row_wherever_its_runs_stand() -> None:
    """The runs of a matrix are one row with the worst verdict counted; cached runs took no time."""
    lines = text_of(MIXED).splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:] if re.match(r"\w+ +\d+  ", line)}
    assert rows["noise"] == ["3", "1", "pattern", "2", "ran,", "1", "cached", "3.00", "s", "here"]
    assert rows["good"][:4] == ["1", "match", "cached", "-"]
    assert rows["none"][-1] == "-"
    assert sum(line.startswith("noise ") for line in lines) == 1
    assert lines[-1] == "8 runs: 2 match, 2 drift, 1 pattern, 3 not measured"


def test_lines_fit_a_terminal() -> None:
    """No line but a command to copy is longer than 80 columns."""
    long = "e" * 60
    whole = replayed(
        result(long, Verdict.DRIFT),
        result(f"m[{long}=1]"),
        failed("x", RunError("word " * 40)),
        notes=("note " * 30,),
    )
    for line in text_of(whole, details=True).splitlines():
        assert len(line) <= 80 or line.lstrip().startswith(("->", "run ", "20261120")) or "e" * 30 in line, (
            line
        )


def test_the_first_troubled_runs_are_told_and_the_rest_counted() -> None:
    """Of many drifted runs ten are told in full, the others are counted, and --json is named."""
    text = text_of(replayed(*(result(f"n[seed={number}]", Verdict.DRIFT) for number in range(30))))
    assert text.count("repro baseline accept") == 10
    assert "and 20 runs more like these; all of them: --json" in text
    assert "30  drift" in text


def test_a_drift_names_the_next_commands() -> None:
    """The outputs, the comparison of conditions where that run is here, and how to accept are named."""
    whole = replayed(result("noise[seed=1]", Verdict.DRIFT))
    text = text_of(whole, known={"old"})
    assert "-> the outputs are kept: .repro/runs/20261120T000000417Z-noise[seed=1]/out" in text
    assert "repro runs diff old" in text
    assert "repro baseline accept 'noise[seed=1]' --reason" in text
    assert "repro runs diff" not in text_of(whole)
    against_run = judged(Verdict.DRIFT, what="run 2026")
    assert "accept" not in text_of(replayed(result("late", Verdict.DRIFT, judgement=against_run)))


def test_repetitions_are_notes_unless_they_are_unstable() -> None:
    """Bit-identical and within tolerance are notes that name what moves; unstable is a finding and exit 1."""

    def told(outcome: str, *paths: str) -> tuple[str, Exit]:
        repetition = Repetition(
            outcome=outcome, run_ids=("r1", "r2"), varied=({}, {"PYTHONHASHSEED": "1"}), paths=paths
        )
        whole = replayed(result("lorenz", repetition=repetition))
        return re.sub(r"\n +", " ", text_of(whole)), whole.exit

    text, code = told("bit-identical")
    assert (code, "note: lorenz: bit-identical over 2 processes" in text) == (Exit.GOOD, True)
    text, code = told("within tolerance", "r.json: a[3]")
    assert (code, "what moves: r.json: a[3]" in text) == (Exit.GOOD, True)
    assert "warning" not in text
    text, code = told("unstable", "r.json: a[3]")
    assert code is Exit.WRONG
    assert re.search(r"lorenz +1  unstable", text)
    assert "what moves: r.json: a[3] -> " in text
    assert "repro runs diff r1 r2" in text


def test_warnings_and_notes_are_told_once() -> None:
    """A warning that many runs share is one line; what is no warning of the comparison is a note."""
    judgement = judged(Verdict.MATCH)
    warned = Judgement(
        verdict=Verdict.MATCH,
        warnings=("rule 'x' matches nothing",),
        reference=judgement.reference,
        file=judgement.file,
        report=judgement.report,
    )
    notes = ("rule 'x' matches nothing", "undeclared output kept: y")
    runs = [result(f"n[seed={number}]", judgement=warned, notes=notes) for number in range(3)]
    text = text_of(replayed(*runs))
    assert "warning: n[seed=0] (and 2 runs more): rule 'x' matches nothing\n" in text
    assert "note: n[seed=0] (and 2 runs more): undeclared output kept: y\n" in text


def test_json_says_what_the_text_says() -> None:
    """The document survives JSON, and has every run with its exit code, verdict and error."""
    document = json.loads(json.dumps(replay_document(MIXED), allow_nan=False))
    assert (document["version"], document["exit"]) == (1, 1)
    assert [entry["run"] for entry in document["results"]] == [result.run for result in MIXED.results]
    assert [entry["exit"] for entry in document["results"]] == [0, 0, 1, 1, 1, 3, 3, 1]
    assert document["results"][5]["error"]["hint"] == "repro baseline record none"
    assert DriftReport.from_dict(document["results"][2]["report"]).verdict is Verdict.DRIFT
    assert error_document(RunError("x"))["exit"] == 3


def test_junit_counts_failures_and_errors() -> None:
    """A drift is a failure, what could not be measured an error; the counts of suites are those of cases."""
    root = ET.fromstring(junit(MIXED))  # noqa: S314 - our own document
    assert root.tag == "testsuites"
    for group in (root, *root):
        cases = group.findall(".//testcase")
        counts = (len(cases), len(group.findall(".//failure")), len(group.findall(".//error")))
        assert counts == tuple(int(group.attrib[name]) for name in ("tests", "failures", "errors"))
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("8", "4", "2")
    assert [suite.attrib["name"] for suite in root] == ["good", "noise", "late", "none", "dead", "odd"]
    dead = root.find(".//testcase[@name='dead']/error")
    assert dead is not None
    assert dead.text == "the command failed: exit code 1\nits last words\n-> see the log"
    good = root.find(".//testcase[@name='good']")
    assert good is not None
    assert len(good) == 0


def hostile_replay(text: str) -> Replayed:
    """A replay in which `text` stands wherever a file, a name or a tool can put one."""
    repetition = Repetition(outcome="unstable", run_ids=("a", "b"), varied=({}, {}), paths=(text,))
    return replayed(
        result(text, Verdict.DRIFT, judgement=judged(Verdict.DRIFT, text=text, what=text), notes=(text,)),
        result("again", repetition=repetition),
        failed("dead", RunError(text or "x", hint=text)),
        notes=(text,),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_steers_a_terminal(text: str) -> None:
    """What is printed holds no control, format or unpaired character but line ends and tabs."""
    shown = text_of(hostile_replay(text), details=True)
    assert all(char.isprintable() or char in "\n\t" for char in shown)


@given(st.text(st.characters(), max_size=60))
def test_junit_is_always_xml(text: str) -> None:
    """Whatever names and messages hold, the document is XML that has the same cases."""
    document = junit(hostile_replay(text))
    root = ET.fromstring(document.encode())  # noqa: S314 - our own document
    assert [case.attrib["name"] for case in root.iter("testcase")] == [one_line(text), "again", "dead"]
    assert len(root.findall(".//script")) == 0


@given(st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=60)))
def test_markdown_keeps_cells_and_fences_closed(text: str) -> None:
    """A row has six cells, a heading one line, a block ends at its own fence, and no tag is left."""
    outside, fence, blocks = [], "", 0
    for line in markdown(hostile_replay(text)).split("\n"):
        if fence:
            fence = "" if line == fence else fence
        elif opening := re.fullmatch(r"(`{3,})text", line):
            fence, blocks = opening[1], blocks + 1
        else:
            outside.append(line)
    assert (fence, blocks) == ("", 3)
    rows = [line for line in outside if line.startswith("|")]
    assert len(rows) == 2 + 3
    for row in rows:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 7
    assert not any("<" in line or "\x1b" in line for line in outside)
    assert sum(line.startswith("## ") for line in outside) == 3
    assert all(line.startswith(("|", "#", "3 runs")) for line in outside if line)


@given(st.text(st.characters()))
def test_visible_text_is_printable_and_unchanged_where_it_was(text: str) -> None:
    """Escapes leave printable text alone, and leave nothing else."""
    assert one_line(text).isprintable()
    assert all(line.isprintable() for line in printable(text).replace("\t", "").split("\n"))
    if text.isprintable():
        assert one_line(text) == printable(text) == text


def test_colours_change_nothing_but_colours() -> None:
    """The coloured text without its escapes is the plain text."""
    painted = replay_text(MIXED, palette=Palette(on=True), details=True)
    assert re.sub(r"\x1b\[\d+m", "", painted) == text_of(MIXED, details=True)
    assert painted != text_of(MIXED, details=True)
