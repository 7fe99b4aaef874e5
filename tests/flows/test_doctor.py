"""`repro doctor`: what it looks at, what it says, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.check import Status
from repro.core.exits import Exit
from repro.flows.diagnosis import Diagnosis, Finding, failed, passed, skipped
from repro.flows.doctor import doctor, leaks
from repro.flows.doctor_nix import sandbox_finding, trusted_finding, version_finding
from repro.render.doctor_text import doctor_document, doctor_text
from repro.render.words import Palette
from repro.tools.nix_nouns import Version

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.conftest import Lab

FINDINGS = st.lists(st.sampled_from([passed("a", "r"), failed("b", "r", "h"), skipped("c", "r")]))


@given(FINDINGS)
def test_nothing_checked_is_never_success(findings: list[Finding]) -> None:
    """One failure is 1, else one pass is 0, else 3; strictly, what was skipped is a failure."""
    states = {finding.check.status for finding in findings}
    found = Diagnosis(findings=tuple(findings))
    expected = Exit.GOOD if Status.PASS in states else Exit.NOT_CHECKED
    assert found.exit == (Exit.WRONG if Status.FAIL in states else expected)
    strict = found.strictly()
    assert Status.SKIP not in {finding.check.status for finding in strict.findings}
    assert strict.exit == (Exit.WRONG if states & {Status.FAIL, Status.SKIP} else expected)


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ("2.8.0", Status.FAIL),
        ("2.26.3", Status.FAIL),
        ("2.28.6", Status.FAIL),
        ("2.28.7", Status.PASS),
        ("2.29.9", Status.FAIL),
        ("2.30.4", Status.FAIL),
        ("2.30.5", Status.PASS),
        ("2.31.5", Status.PASS),
        ("2.33.9", Status.FAIL),
        ("2.34", Status.FAIL),
        ("2.34.7", Status.PASS),
        ("2.35.0", Status.PASS),
        ("3.0", Status.PASS),
    ],
)
def test_versions_with_known_holes_are_told(numbers: str, status: Status) -> None:
    """A release from before the fixes of its series fails, and so does a series that got none."""
    version = Version(numbers=tuple(map(int, numbers.split("."))), implementation="Nix")
    assert version_finding(version).check.status is status


def test_of_other_implementations_nothing_is_claimed() -> None:
    """For Lix and Determinate Nix no list is kept: skipped, with the reason."""
    check = version_finding(Version(numbers=(2, 94, 0), implementation="Lix")).check
    assert (check.status, "Lix" in check.reason) == (Status.SKIP, True)


def test_settings_of_nix_are_judged() -> None:
    """The sandbox must be on, and nobody but root trusted."""
    assert sandbox_finding({"sandbox": True}).check.status is Status.PASS
    for value in (False, "relaxed", None):
        assert sandbox_finding({"sandbox": value}).check.status is Status.FAIL
    assert trusted_finding({"trusted-users": ["root"]}).check.status is Status.PASS
    assert trusted_finding({}).check.status is Status.PASS
    found = trusted_finding({"trusted-users": ["root", "@wheel", "*"]}).check
    assert (found.status, "@wheel, *" in found.reason) == (Status.FAIL, True)


def test_each_leaking_variable_is_named() -> None:
    """A variable that moves numbers is a failure of its own; others, and empty ones, are none."""
    variables = {"OPENBLAS_CORETYPE": "Haswell", "OMP_NUM_THREADS": "4", "MKL_CBWR": "", "PATH": "/bin"}
    found = list(leaks(variables))
    assert [finding.check.status for finding in found] == [Status.FAIL] * 2
    assert [finding.check.name.rpartition(" ")[2] for finding in found] == [
        "OMP_NUM_THREADS",
        "OPENBLAS_CORETYPE",
    ]
    (clean,) = leaks({"PATH": "/bin"})
    assert clean.check.status is Status.PASS


def statuses(found: Diagnosis) -> dict[str, Status]:
    return {finding.check.name: finding.check.status for finding in found.findings}


def test_outside_a_project_what_belongs_to_one_is_skipped(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a project there is still a diagnosis of the machine, and the rest is skipped with a reason."""
    monkeypatch.setenv("REPRO_NIX", "/nowhere/nix")
    found = statuses(doctor(tmp_path))
    assert found["repro.toml"] is found["DVC remote"] is found["nix"] is found["nix sandbox"] is Status.SKIP
    assert found["uv"] is Status.PASS
    assert any(name.startswith("isolation") for name in found)


def test_what_the_project_needs_is_looked_for(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that an environment asks for, Nix for a shell, and the DVC remote fail where they are not."""
    monkeypatch.setenv("REPRO_NIX", "/nowhere/nix")
    assert statuses(doctor(lab.root))["DVC remote"] is Status.PASS
    lab.environments |= {
        "old": {"kind": "venv", "lock": "l", "python": "3.2"},
        "shell": {"kind": "nix"},
    }
    lab.define()
    lab.shelf.rename(lab.shelf.with_name("elsewhere"))
    found = statuses(doctor(lab.root))
    assert found["Python 3.2"] is found["nix"] is found["DVC remote"] is Status.FAIL


def test_a_broken_project_is_a_finding(lab: Lab) -> None:
    """A `repro.toml` that cannot be read does not stop the rest."""
    lab.write("repro.toml", "version = 2\n")
    found = statuses(doctor(lab.root))
    assert found["repro.toml"] is Status.FAIL
    assert found["uv"] is Status.PASS


def call(lab: Lab, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "repro", "doctor", *arguments],
        cwd=lab.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_the_command_says_the_same_in_both_forms(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text and JSON hold the same checks; a leak is exit 1, and --strict leaves nothing skipped."""
    monkeypatch.setenv("REPRO_NIX", "/nowhere/nix")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    code, text = call(lab)
    assert code == 1
    assert "OMP_NUM_THREADS" in text
    assert "SKIP  nix" in text
    code, printed = call(lab, "--strict", "--json")
    document: dict[str, Any] = json.loads(printed)
    assert (code, document["version"]) == (1, 1)
    assert {check["status"] for check in document["checks"]} == {"pass", "fail"}
    assert text.rstrip().splitlines()[-1].startswith(f"{len(document['checks'])} checks: ")


def test_every_line_fits_and_every_failure_has_a_next_step(lab: Lab) -> None:
    """Lines have at most 80 characters, and what is wrong is never left without a hint."""
    found = doctor(lab.root)
    assert max(map(len, doctor_text(found, Palette()).splitlines())) <= 80
    for check in doctor_document(found)["checks"]:
        assert check["hint"] or check["status"] != "fail", check
