"""`repro gate`: the table decides, the worst counts, and each planted fault is found."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.exits import Exit, worst
from repro.flows.gate_report import GateReport, GateRow
from repro.flows.gate_table import STAGES, GateCheck
from repro.render.gate_text import gate_text, listing
from repro.render.words import Palette

REPRO = (sys.executable, "-c", "from repro.cli.main import main; main()")
TOOLS = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call printed, and its exit code."""

    code: int
    out: str
    err: str


def repro(folder: Path, *arguments: str) -> Answer:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, "PYTHONPATH": str(Path(__file__).parents[2] / "src"), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [*REPRO, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return Answer(code=done.returncode, out=done.stdout, err=done.stderr)


def table(folder: Path, **commands: str) -> Path:
    """A project with these checks at every stage; a value is the rest of the check's table."""
    text = "version = 1\n"
    for name, rest in commands.items():
        stages = "" if "stages" in rest else f"stages = {json.dumps(STAGES)}\n"
        text += f"\n[gate.{name}]\n{rest}\n{stages}"
    (folder / "repro.toml").write_text(text, encoding="utf-8")
    return folder


def exits(code: int) -> str:
    return f'command = ["sh", "-c", "exit {code}"]'


@pytest.mark.parametrize(
    ("ended", "status", "code"),
    [
        (0, "pass", 0),
        (1, "fail", 1),
        (2, "fail", 1),
        (3, "not checked", 3),
        (9, "fail", 1),
        (126, "not checked", 3),
        (127, "not checked", 3),
    ],
)
def test_what_an_exit_code_says(tmp_path: Path, ended: int, status: str, code: int) -> None:
    """0 is a pass; 3, and what a shell says of a missing program, is not checked; all else is a failure."""
    answer = repro(table(tmp_path, one=exits(ended)), "gate", "--json")
    document = json.loads(answer.out)
    assert (answer.code, document["exit"]) == (code, code)
    assert [check["status"] for check in document["checks"]] == [status]


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ('command = ["no-such-tool"]', "not found: no-such-tool"),
        ('command = ["./no-such-script.sh"]', "not found: ./no-such-script.sh"),
        ('command = ["true"]\ntools = ["sh", "no-such-tool"]', "not found: no-such-tool"),
        ('command = ["sh", "-c", "kill -9 $$"]', "ended by signal 9"),
        ('command = ["sleep", "60"]\ntimeout = 0.1', "no end within 0.1 s"),
    ],
    ids=["command", "script", "tool", "signal", "time"],
)
def test_what_could_not_be_checked_is_no_pass(tmp_path: Path, rest: str, reason: str) -> None:
    """A tool that is missing, a signal and the time limit are exit 3 with the reason, never a skip."""
    answer = repro(table(tmp_path, good=exits(0), one=rest), "gate", "--json")
    assert answer.code == 3
    assert json.loads(answer.out)["checks"][1]["reason"] == reason


def test_wrong_usage_of_our_own_is_2(tmp_path: Path) -> None:
    """A `repro` command in the table that is used wrongly is exit 2, which counts more than a failure."""
    answer = repro(table(tmp_path, bad=exits(1), own='command = ["repro", "replay"]'), "gate", "--json")
    assert answer.code == 2
    assert [check["status"] for check in json.loads(answer.out)["checks"]] == ["fail", "misuse"]


def test_all_run_and_the_worst_counts(tmp_path: Path) -> None:
    """Checks after a failed one run too; what failing ones wrote is shown, what passing ones wrote is not."""
    say = 'command = ["sh", "-c", "echo said-{0} >&2; touch ran-{0}; exit {1}"]'
    folder = table(tmp_path, a=say.format("a", 0), b=say.format("b", 1), c=say.format("c", 3))
    answer = repro(folder, "gate")
    assert answer.code == 1
    assert all((folder / f"ran-{name}").exists() for name in "abc")
    assert "said-a" not in answer.out
    assert "said-b" in answer.out
    assert "said-c" in answer.out
    assert "1 pass, 1 fail, 1 not checked" in answer.out
    assert (folder / ".repro/gate/a.err").read_text() == "said-a\n"


def test_what_is_left_out_is_shown(tmp_path: Path) -> None:
    """A check runs unless the caller leaves it out, and then table and JSON say that it did not."""
    folder = table(tmp_path, here=exits(0), far='command = ["sh", "-c", "touch ran; exit 3"]')
    assert repro(folder, "gate").code == 3
    (folder / "ran").unlink()
    answer = repro(folder, "gate", "--without", "far")
    assert answer.code == 0
    assert "left out" in answer.out
    assert "did not run, for --without far was said" in answer.out
    assert "2 checks: 1 pass, 1 left out" in answer.out
    document = json.loads(repro(folder, "gate", "--without", "far", "--json").out)
    assert document["left_out"] == ["far"]
    assert [(check["status"], check["exit"]) for check in document["checks"]] == [
        ("pass", 0),
        ("left out", None),
    ]
    assert not (folder / "ran").exists()


def test_leaving_everything_out_is_no_pass(tmp_path: Path) -> None:
    """Where every check is left out nothing was checked; unknown names, and --only beside it, are refused."""
    folder = table(tmp_path, one=exits(0), two=exits(0))
    assert repro(folder, "gate", "--without", "one", "--without", "two").code == 3
    assert repro(folder, "gate", "--without", "tow").code == 2
    assert repro(folder, "gate", "--without", "one", "--only", "two").code == 2


def test_a_gate_leaves_the_tree_clean(tmp_path: Path) -> None:
    """What a gate keeps is invisible to git: the commit that was gated is still the tree that is there."""
    folder = table(tmp_path, a=exits(1))
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    assert repro(folder, "gate").code == 1
    assert (folder / ".repro/gate/a.out").exists()
    asked = ["git", "status", "--short"]
    shown = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["??", "repro.toml"]


def test_stages_choose(tmp_path: Path) -> None:
    """Only the checks of a stage run, in the table's order; a stage without checks is wrong usage."""
    folder = table(tmp_path, z=exits(0), a=exits(0) + '\nstages = ["release"]')
    listed = json.loads(repro(folder, "gate", "--stage", "release", "--list", "--json").out)
    assert [check["name"] for check in listed["checks"]] == ["z", "a"]
    assert [c["name"] for c in json.loads(repro(folder, "gate", "--json").out)["checks"]] == ["z"]
    table(tmp_path, a=exits(0) + '\nstages = ["release"]')
    refused = repro(folder, "gate")
    assert refused.code == 2
    line = refused.err.partition("write one: ")[2].splitlines()[0]
    assert tomllib.loads(line)["gate"]["lint"]["stages"] == ["pull-request"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 2),
        ('[gate.x]\ncommand = []\nstages = ["release"]\n', 2),
        ('[gate.x]\ncommand = ["true"]\nstages = []\n', 2),
        ('[gate.x]\ncommand = ["true"]\nstages = ["realese"]\n', 2),
        ('[gate.x]\ncommand = "true"\nstages = ["release"]\n', 2),
        ('[gate."../x"]\ncommand = ["true"]\nstages = ["release"]\n', 2),
        ('[gate.x]\ncommand = ["true"]\nstages = ["release"]\nallow_failure = true\n', 2),
        ('[gate.x]\ncommand = ["true"]\nstages = ["release"]\nelsewhere = "in CI"\n', 2),
    ],
    ids=["no-table", "no-command", "no-stage", "misspelt", "shell", "path", "unknown", "elsewhere"],
)
def test_wrong_tables_are_refused(tmp_path: Path, text: str, code: int) -> None:
    """A table that says nothing, something unknown, or a name that leaves the folder is exit 2."""
    (tmp_path / "repro.toml").write_text(f"version = 1\n{text}", encoding="utf-8")
    assert repro(tmp_path, "gate", "--stage", "release").code == code


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    """A misspelt check is exit 2 with the near name, and nothing runs."""
    folder = table(tmp_path, types='command = ["touch", "ran"]')
    answer = repro(folder, "gate", "--only", "typse")
    assert answer.code == 2
    assert "did you mean 'types'" in answer.err
    assert not (folder / "ran").exists()


def test_output_cannot_steer_a_terminal(tmp_path: Path) -> None:
    """Escapes in what a check wrote are shown, not sent; of much output the end is shown."""
    command = r"""command = ["sh", "-c", "yes line | head -n 100000; printf '\\033[31mred\\n'; exit 1"]"""
    answer = repro(table(tmp_path, one=command), "gate")
    assert answer.code == 1
    assert "\x1b" not in answer.out
    assert r"\x1b[31mred" in answer.out
    assert len(answer.out) < 6000


CHECKS = st.builds(
    GateCheck,
    name=st.text("abz-._", min_size=1, max_size=100),
    command=st.lists(st.text(max_size=60), min_size=1, max_size=5).map(tuple),
    stages=st.just(("release",)),
    description=st.text(max_size=200),
    timeout_seconds=st.just(1.0),
    tools=st.just(()),
)


@given(
    st.lists(
        st.builds(
            GateRow,
            check=CHECKS,
            exit=st.sampled_from([Exit.GOOD, Exit.WRONG, Exit.USAGE, Exit.NOT_CHECKED]),
            seconds=st.floats(0, 1e6),
            reason=st.text(max_size=300),
            left_out=st.booleans(),
        ),
        max_size=8,
    )
)
def test_the_table_fits_and_the_worst_counts(rows: list[GateRow]) -> None:
    """No line has more than 80 columns; the exit is the worst of what ran, and 3 where nothing did."""
    report = GateReport(stage="release", rows=tuple(rows))
    text = gate_text(report, Palette())
    assert max(map(len, text.splitlines()), default=0) <= 80
    assert max(map(len, listing([row.check for row in rows]).splitlines()), default=0) <= 80
    assert report.exit == worst(row.exit for row in rows if not row.left_out)


PROJECT = """\
version = 1

[environments.here]
kind = "host"

[defaults]
environment = "here"

[experiments.sums]
command = ["python", "sums.py", "{out}/r.json"]
sources = ["sums.py"]
inputs = ["numbers.csv"]
outputs = ["r.json"]

[audit]
max_age_days = 100000

[licences]
allow = ["MIT"]

[verify]
policy = "policy.toml"
targets = ["artifact.bin"]

[gate.lint]
command = ["ruff", "check", "--isolated", "--no-cache", "sums.py"]
stages = ["pull-request", "release"]

[gate.types]
command = ["mypy", "--strict", "--config-file=", "--cache-dir=/dev/null", "sums.py"]
stages = ["pull-request", "release"]

[gate.test]
command = ["python", "-m", "unittest", "-q", "test_sums"]
stages = ["pull-request", "release"]

[gate.workflows]
command = ["zizmor", "--quiet", "--offline", ".github"]
stages = ["pull-request", "release"]

[gate.objects]
command = ["repro", "data", "verify"]
stages = ["pull-request", "release"]

[gate.replay]
command = ["repro", "replay", "--all"]
stages = ["pull-request", "release"]

[gate.build]
command = ["sh", "-c", "python build.py one && python build.py two && cmp one two"]
stages = ["release"]

[gate.sbom]
command = ["repro", "sbom", "check", "sbom.json", "requirements.lock"]
stages = ["release"]

[gate.licences]
command = ["repro", "sbom", "licences", "parts.json"]
stages = ["release"]

[gate.audit]
command = ["repro", "audit", "parts.json", "--db", "advisories"]
stages = ["release"]

[gate.policy]
command = ["repro", "policy", "check", "policy.toml"]
stages = ["release"]

[gate.verify]
command = ["repro", "verify"]
stages = ["release"]
"""

SUMS = """\
import json
import sys
from pathlib import Path

Path(sys.argv[1]).write_text(json.dumps({"sum": sum(range(10))}))
"""
TEST = (
    "import unittest\n\n\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(1, 1)\n"
)
BUILD = "import sys\nopen(sys.argv[1], 'w').write('built')\n"
LOCK = "packaging==25.0 --hash=sha256:29572ef2b1f17581046b3a2227d5c611fb25ec70ca1ba8554b24b0e69331a484\n"
WORKFLOW = """\
name: ci
on: push
permissions: {}
concurrency:
  group: ci
  cancel-in-progress: true
jobs:
  one:
    name: one
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
"""
PARTS = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [
        {
            "type": "library",
            "name": "demo",
            "version": "2.0",
            "purl": "pkg:pypi/demo@2.0",
            "licenses": [{"license": {"id": "MIT"}}],
        }
    ],
}
ADVISORY = {
    "id": "PYSEC-1",
    "modified": "2026-11-20T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "demo"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }
    ],
}
NUMBERS = "1\n2\n"
MD5 = hashlib.md5(NUMBERS.encode(), usedforsecurity=False).hexdigest()
OBJECT = f"shelf/files/md5/{MD5[:2]}/{MD5[2:]}"
POLICY = """\
version = 1
name = "small"
expires = 2999-12-31

[signers.us]
key = "repro.pub"

[[artifacts]]
name = "all"
match = ["*.bin"]

[artifacts.demands.signed]
kind = "signed"
signers = ["us"]
"""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project with an experiment, a build, an SBOM, a signed artifact and a policy."""
    absent = [name for name in ("ruff", "mypy", "zizmor") if shutil.which(name, path=TOOLS) is None]
    if absent:
        assert os.environ.get("CI") != "true", absent
        pytest.skip(f"not here, as inside of a Nix build: {', '.join(absent)}")
    place = tmp_path_factory.mktemp("good")
    for name, text in {
        "repro.toml": PROJECT,
        "sums.py": SUMS,
        "test_sums.py": TEST,
        "build.py": BUILD,
        "requirements.lock": LOCK,
        "parts.json": json.dumps(PARTS, indent=1),
        "advisories/0.json": json.dumps(ADVISORY),
        ".dvc/config": "[core]\n    remote = shelf\n['remote \"shelf\"']\n    url = ../shelf\n",
        ".dvc/.gitignore": "/cache\n",
        "numbers.csv.dvc": f"outs:\n- md5: {MD5}\n  size: {len(NUMBERS)}\n  hash: md5\n  path: numbers.csv\n",
        OBJECT: NUMBERS,
        "policy.toml": POLICY,
        ".github/workflows/ci.yml": WORKFLOW,
        "artifact.bin": "trusted",
        "other.bin": "another",
        ".gitignore": ".repro\n",
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    git = "git init -q && git add -A && git -c user.name=a -c user.email=a@example.org commit -qm first"
    subprocess.run(["sh", "-c", git], cwd=place, check=True)
    for words in (
        "baseline record --all --reason first",
        "sbom requirements.lock --out sbom.json",
        "keys generate --no-password",
        "sign artifact.bin other.bin --key repro.key",
    ):
        answer = repro(place, *words.split())
        assert answer.code == 0, answer.err
    return place


FAULTS = {
    "an-unused-import": ("lint", "sums.py", "import json\n", "import json\nimport os\n"),
    "a-wrong-type": ("types", "sums.py", "range(10)", "range('10')"),
    "a-test-that-fails": ("test", "test_sums.py", "(1, 1)", "(1, 2)"),
    "an-action-by-its-tag": (
        "workflows",
        ".github/workflows/ci.yml",
        "3d3c42e5aac5ba805825da76410c181273ba90b1",
        "v7",
    ),
    "an-object-that-is-missing": ("objects", OBJECT, NUMBERS, None),
    "an-object-that-is-corrupt": ("objects", OBJECT, "2", "3"),
    "a-byte-of-a-baseline": ("replay", "baselines/**/r.json", "45", "46"),
    "a-number-that-drifted": ("replay", "sums.py", "range(10)", "range(11)"),
    "an-output-that-is-missing": ("replay", "sums.py", "sys.argv[1]", "'/dev/null'"),
    "a-build-that-differs": ("build", "build.py", "'built'", "sys.argv[1]"),
    "an-sbom-of-another-lock": ("sbom", "requirements.lock", "29572ef2", "00000000"),
    "an-sbom-cut-short": ("sbom", "sbom.json", '"bomFormat"', ""),
    "a-licence-that-is-not-allowed": ("licences", "parts.json", "MIT", "GPL-3.0-only"),
    "a-component-with-a-hole": ("audit", "parts.json", "2.0", "1.9"),
    "a-policy-that-expired": ("policy", "policy.toml", "2999", "2020"),
    "an-artifact-altered": ("verify", "artifact.bin", "trusted", "trusteD"),
    "the-bundle-of-another-artifact": ("verify", "artifact.bin.sigstore.json", "", "other.bin.sigstore.json"),
}
"""For each: the check that must find it, and the edit; None removes the file."""


def test_a_good_project_passes(good: Path, tmp_path: Path) -> None:
    """Every check of the release passes on the project as it is."""
    place = shutil.copytree(good, tmp_path / "copy", symlinks=True)
    answer = repro(place, "gate", "--stage", "release", "--json")
    assert answer.code == 0, answer.out
    assert len(json.loads(answer.out)["checks"]) == 12


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(good: Path, tmp_path: Path, fault: str) -> None:
    """Each fault makes the gate of the release exit 1, by the check that is there for it."""
    check, name, old, new = FAULTS[fault]
    place = shutil.copytree(good, tmp_path / "copy", symlinks=True)
    (path,) = place.glob(name)
    text = path.read_text(encoding="utf-8")
    assert old in text
    if new is None:
        path.unlink()
    else:
        path.write_text(text.replace(old, new) if old else (place / new).read_text(), encoding="utf-8")
    answer = repro(place, "gate", "--stage", "release", "--only", check, "--json")
    assert answer.code == 1, answer.out + answer.err
    (found,) = json.loads(answer.out)["checks"]
    assert found["status"] == "fail"
    assert found["output"]


def test_a_policy_that_cannot_be_read_is_no_pass(good: Path, tmp_path: Path) -> None:
    """Configuration that is cut short is exit 2, which counts more than a failure."""
    place = shutil.copytree(good, tmp_path / "copy", symlinks=True)
    (place / "policy.toml").write_text(POLICY.replace("[signers.us]", "[signers.us"), encoding="utf-8")
    assert repro(place, "gate", "--stage", "release", "--only", "policy", "--only", "verify").code == 2
