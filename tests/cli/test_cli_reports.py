"""Reports as files: HTML, SARIF, JUnit and Markdown of a replay and of any two files, and `--open`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Project

NUMBERS = [1.5, 2.5, 3.25, 4.0, 5.0, 6.0, 7.0]


@pytest.fixture
def drifted(project: Project) -> Project:
    """A project whose experiment gives other values than its committed baseline, from the fifth on."""
    project.write("data.txt", "".join(f"{number}\n" for number in NUMBERS))
    assert project("baseline", "record", "sums").code == 0
    project.git("add", "-A")
    project.git("commit", "-qm", "baseline")
    moved = [number + (at >= 4) * 1e-6 for at, number in enumerate(NUMBERS)]
    project.write("data.txt", "".join(f"{number!r}\n" for number in moved))
    project.git("commit", "-qam", "other data")
    return project


@pytest.fixture
def browser(tmp_path: Path) -> dict[str, str]:
    """A browser that writes down what it is asked to show."""
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf %s "$1" > "{tmp_path}/shown"\n')
    script.chmod(0o755)
    return {"BROWSER": f"{script} %s"}


def test_a_replay_writes_what_differs_and_under_which_conditions(drifted: Project) -> None:
    """The page has the first divergence and the condition that changed, also of a cached run; exit 1."""
    answer = drifted("replay", "sums", "--html", "out/page.html")
    assert answer.code == 1
    assert "report: out/page.html" in answer.err
    page = (drifted.root / "out/page.html").read_text(encoding="utf-8")
    assert 'class="divergence" data-index="4"' in page
    assert "first over tolerance at [4]" in page
    assert "conditions.data" in page
    assert "conditions.code.commit" in page
    again = drifted("replay", "sums", "--html", "out/again.html")
    assert (again.code, "cached" in again.out) == (1, True)
    assert 'data-index="4"' in (drifted.root / "out/again.html").read_text(encoding="utf-8")


def test_without_the_other_record_the_baseline_tells_its_conditions(drifted: Project) -> None:
    """Where the run behind a baseline lies elsewhere, what the baseline remembers is compared."""
    shutil.rmtree(drifted.root / ".repro")
    assert drifted("replay", "sums", "--html", "page.html").code == 1
    page = (drifted.root / "page.html").read_text(encoding="utf-8")
    assert '<code class="whole">data</code>' in page
    assert 'data-index="4"' in page


def test_the_page_of_an_old_revision_still_has_its_pictures(drifted: Project) -> None:
    """Against a revision, whose checkout is gone when the page is written, series are drawn."""
    assert drifted("replay", "sums", "--against", "HEAD~1", "--html", "page.html").code == 1
    assert 'data-index="4"' in (drifted.root / "page.html").read_text(encoding="utf-8")


def test_open_shows_a_page_below_the_records(
    drifted: Project, browser: dict[str, str], tmp_path: Path
) -> None:
    """`--open` alone writes .repro/report.html and shows that file."""
    assert drifted("replay", "sums", "--open", env=browser).code == 1
    shown = (tmp_path / "shown").read_text()
    assert shown == (drifted.root / ".repro/report.html").as_uri()
    assert Path(shown.removeprefix("file://")).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_replay_writes_sarif_at_the_baseline(drifted: Project) -> None:
    """Each drifted path is a result at the baseline's file, which is in the repository."""
    assert drifted("replay", "sums", "--sarif", "r.sarif").code == 1
    (run,) = json.loads((drifted.root / "r.sarif").read_text(encoding="utf-8"))["runs"]
    places = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]
    }
    assert len(run["results"]) == 2
    (place,) = places
    assert place.startswith("baselines/sums/")
    assert (drifted.root / place).is_file()


def test_any_two_files_have_every_report(project: Project, browser: dict[str, str], tmp_path: Path) -> None:
    """`repro drift` writes all reports beside its text, and they say what it says."""
    project.write("a.json", json.dumps({"x": NUMBERS}))
    project.write("b.json", json.dumps({"x": [*NUMBERS[:-1], 8.0]}))
    files = {name: f"r.{name}" for name in ("html", "sarif", "junit", "markdown")}
    options = [word for name, file in files.items() for word in (f"--{name}", file)]
    answer = project("drift", "a.json", "b.json", *options, "--open", env=browser)
    assert answer.code == 1
    assert (tmp_path / "shown").read_text() == (project.root / "r.html").as_uri()
    texts = {name: (project.root / file).read_text(encoding="utf-8") for name, file in files.items()}
    assert 'data-index="6"' in texts["html"]
    assert json.loads(texts["sarif"])["runs"][0]["results"][0]["ruleId"] == "repro/drift"
    suite = ET.fromstring(texts["junit"]).find("testsuite")  # noqa: S314 - written a moment ago
    assert suite is not None
    assert suite.get("failures") == "1"
    assert "| a.json | drift | 7 | 1 |" in texts["markdown"]
    assert "baseline 7.0, observed 8.0" in texts["markdown"]


def test_a_page_that_is_only_shown_lies_apart(
    project: Project, browser: dict[str, str], tmp_path: Path
) -> None:
    """`repro drift --open` leaves nothing in the working folder."""
    project.write("a.json", "[1.0]")
    before = project.tree(".")
    answer = project("drift", "a.json", "a.json", "--open", env={**browser, "TMPDIR": str(tmp_path)})
    assert answer.code == 0
    assert project.tree(".") == before
    assert (tmp_path / "shown").read_text().startswith(tmp_path.as_uri())


def test_reports_do_not_depend_on_the_hash_seed(project: Project) -> None:
    """HTML and SARIF of one comparison are the same bytes in every process."""
    one = {"x": NUMBERS, "e": [{"r": number, "s": number} for number in NUMBERS], "n": {"b": 1, "a": 2}}
    project.write("a/r.json", json.dumps(one))
    project.write("b/r.json", json.dumps(one).replace("7.0", "8.0").replace("2", "3"))
    for seed in ("0", "1"):
        arguments = ("drift", "a", "b", "--html", f"{seed}.html", "--sarif", f"{seed}.sarif")
        assert project(*arguments, env={"PYTHONHASHSEED": seed}).code == 1
    for kind in ("html", "sarif"):
        first, second = ((project.root / f"{seed}.{kind}").read_bytes() for seed in "01")
        assert first == second
    assert b"e[*].r" in (project.root / "0.html").read_bytes()
