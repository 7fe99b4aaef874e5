"""Statements about replays: what they hold, that they are judged now, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.flows.conftest import Lab, lab, made, private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.attest.conftest import KeyFiles, Said

__all__ = ["lab", "made", "private"]


@pytest.fixture(scope="module")
def replayed(made: Path, private: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after one replay of its experiment, which matches; made once."""
    top = tmp_path_factory.mktemp("replayed") / "lab"
    shutil.copytree(made, top, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in private.items():
            patch.setenv(name, value)
        Lab(root=top / "project", shelf=top / "shelf").replay("mean")
    return top / "project" / ".repro"


@pytest.fixture
def ran(lab: Lab, replayed: Path) -> Lab:
    """A project of its own with that replay."""
    shutil.copytree(replayed, lab.store.folder, symlinks=True)
    return lab


def said_of(answer: Said) -> dict[str, Any]:
    assert answer.code == 0, answer.err
    (line,) = answer.out.splitlines()
    document: dict[str, Any] = json.loads(line)
    return document


def test_provenance_names_everything_that_went_in(repro: Callable[..., Said], ran: Lab) -> None:
    """Commit, code, environment and every data file are dependencies; outputs are subjects."""
    said = said_of(repro(ran.root, "attest", "provenance", "mean"))
    assert said["predicateType"] == "https://slsa.dev/provenance/v1"
    (run_id,) = ran.store.ids()
    output = ran.store.runs / run_id / "out" / "results.json"
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    assert said["subject"] == [{"name": "results.json", "digest": {"sha256": digest}}]
    definition, details = said["predicate"]["buildDefinition"], said["predicate"]["runDetails"]
    assert definition["buildType"] == "urn:repro:build-type:replay:v1"
    assert definition["externalParameters"]["argv"] == ["python", "src/mean.py", "{data}", "{out}"]
    found = {one["name"]: one["digest"] for one in definition["resolvedDependencies"]}
    assert found["source"] == {"gitCommit": ran.git("rev-parse", "HEAD")}
    assert found["data/points.csv"] == {"md5": hashlib.md5(b"1.5\n2.5\n4.25\n").hexdigest()}  # noqa: S324
    assert set(found) == {
        "code",
        "data/offset.txt",
        "data/points.csv",
        "environment here",
        "repro.toml",
        "source",
    }
    assert details["builder"]["id"] == "urn:repro:builder:local"
    for moment in ("startedOn", "finishedOn"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", details["metadata"][moment])
    record = (ran.store.runs / run_id / "record.json").read_bytes()
    byproducts = {one["name"]: one["digest"]["sha256"] for one in details["byproducts"]}
    assert byproducts["record.json"] == hashlib.sha256(record).hexdigest()


def test_a_dirty_tree_is_said(repro: Callable[..., Said], lab: Lab) -> None:
    """What is in no commit is told with the digest of the difference."""
    lab.script("import sys\n" + (lab.root / "src/mean.py").read_text())
    lab.plain()
    said = said_of(repro(lab.root, "attest", "provenance", "mean"))
    (source,) = [
        one for one in said["predicate"]["buildDefinition"]["resolvedDependencies"] if one["name"] == "source"
    ]
    assert source["annotations"]["dirty"] is True
    assert source["annotations"]["changed"] == ["src/mean.py"]


def test_a_match_is_a_passed_test(repro: Callable[..., Said], ran: Lab) -> None:
    """A replay that matches its baseline passed, with verdict, rules, conditions, platform and time."""
    said = said_of(repro(ran.root, "attest", "replay", "mean"))
    assert said["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    predicate = said["predicate"]
    assert (predicate["result"], predicate["passedTests"], predicate["failedTests"]) == (
        "PASSED",
        ["mean"],
        [],
    )
    replay = predicate["repro_replay"]
    assert replay["verdict"] == "match"
    assert replay["conditions"]["commit"] == ran.git("rev-parse", "HEAD")
    assert replay["rules"].startswith("sha256:")
    assert replay["platform"]["class"]
    assert {one["name"] for one in predicate["configuration"]} >= {"repro.toml", "rules"}


def test_a_drift_is_a_failed_test(repro: Callable[..., Said], lab: Lab) -> None:
    """A replay that drifts is attested as what it is: FAILED."""
    lab.write("data/offset.txt", "0.5\n")
    lab.plain()
    predicate = said_of(repro(lab.root, "attest", "replay", "mean"))["predicate"]
    assert (predicate["result"], predicate["failedTests"]) == ("FAILED", ["mean"])
    assert predicate["repro_replay"]["verdict"] == "drift"


def test_the_present_rules_judge(repro: Callable[..., Said], lab: Lab) -> None:
    """Outputs are judged when they are attested, under the rules of now, not by what was found before."""
    lab.write("data/offset.txt", "0.5\n")
    lab.plain()
    before = said_of(repro(lab.root, "attest", "replay", "mean"))["predicate"]
    lab.define(rules=[{"path": "**", "atol": 1.0, "reason": "any will do"}])
    after = said_of(repro(lab.root, "attest", "replay", "mean"))["predicate"]
    assert (before["result"], after["result"]) == ("FAILED", "PASSED")
    assert before["repro_replay"]["rules"] != after["repro_replay"]["rules"]


@pytest.mark.parametrize("verb", ["provenance", "replay"])
def test_an_altered_output_is_not_attested(repro: Callable[..., Said], ran: Lab, verb: str) -> None:
    """An output that is no longer what its record says makes exit 1, and nothing is printed."""
    (run_id,) = ran.store.ids()
    output = ran.store.runs / run_id / "out" / "results.json"
    output.chmod(0o644)
    output.write_bytes(output.read_bytes() + b" ")
    answer = repro(ran.root, "attest", verb, "mean")
    assert (answer.code, answer.out) == (1, "")


def test_what_has_not_run_is_not_attested(repro: Callable[..., Said], lab: Lab) -> None:
    """Without a run there is nothing to vouch for: exit 3 and the command that runs it."""
    answer = repro(lab.root, "attest", "provenance", "mean")
    assert answer.code == 3
    assert "repro replay 'mean'" in answer.err


def test_without_a_baseline_a_replay_shows_nothing(repro: Callable[..., Said], lab: Lab) -> None:
    """A run that is compared with nothing is no test: exit 3."""
    lab.define("other", **lab.experiments["mean"])
    lab.replay("other")
    assert repro(lab.root, "attest", "replay", "other").code == 3


def test_the_verdict_on_an_ensemble_is_not_attested(repro: Callable[..., Said], lab: Lab) -> None:
    """Runs under other seeds are judged together; alone none is a test, by name or by id: exit 3."""
    lab.script(
        "import json, pathlib, sys\n"
        "pathlib.Path(sys.argv[2], 'results.json').write_text(json.dumps({'loss': int(sys.argv[1])}))\n",
        "src/loss.py",
    )
    test = {"path": "loss", "over": "seed", "margin": 1000, "reason": "any will do"}
    table = {
        **lab.experiments["mean"],
        "command": ["python", "src/loss.py", "{seed}", "{out}"],
        "inputs": [],
        "matrix": {"seed": [1, 2]},
        "equivalence": [test],
    }
    lab.define("loss", **table)
    lab.record_baseline("loss")
    lab.replay("loss")
    assert repro(lab.root, "attest", "replay", "loss").code == 0
    before = set(lab.store.ids())
    lab.replay("loss", seeds="8..9")
    for run_id in set(lab.store.ids()) - before:
        answer = repro(lab.root, "attest", "replay", run_id)
        assert answer.code == 3
        assert "no run that repro.toml defines" in answer.err
    lab.define("loss", **table | {"matrix": {"seed": [8, 9]}})
    answer = repro(lab.root, "attest", "replay", "loss")
    assert answer.code == 3
    assert "the verdict on an ensemble is not attested" in answer.err


def test_a_damaged_record_is_refused(repro: Callable[..., Said], ran: Lab) -> None:
    """A record without the sections of this version is refused in words, not with a traceback."""
    (run_id,) = ran.store.ids()
    path = ran.store.runs / run_id / "record.json"
    record = json.loads(path.read_bytes())
    del record["conditions"]["code"]["commit"]
    path.write_text(json.dumps(record))
    answer = repro(ran.root, "attest", "provenance", "mean")
    assert answer.code == 1
    assert "internal error" not in answer.err


def test_the_same_run_gives_the_same_bytes(ran: Lab) -> None:
    """Statements are the same bytes under two hash seeds."""
    made = {
        subprocess.run(
            [sys.executable, "-m", "repro", "attest", "provenance", "mean"],
            cwd=ran.root,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1


def test_attested_and_signed(repro: Callable[..., Said], ran: Lab, key: KeyFiles) -> None:
    """What is attested into a folder is signed as statements into one file of lines."""
    assert repro(ran.root, "attest", "provenance", "mean", "--out", "made/").code == 0
    said = repro(ran.root, "attest", "replay", "mean", "--out", "made/", "--json")
    (file,) = [one["file"] for one in said.document["statements"]]
    assert file.endswith("made/results.json.replay.json")
    names = sorted(str(path) for path in (ran.root / "made").iterdir())
    answer = repro(ran.root, "sign", *names, *key.options, "--out", "results.json.sigstore.jsonl", "--json")
    kinds = [one["kind"] for one in answer.document["signed"]]
    assert kinds == ["https://slsa.dev/provenance/v1", "https://in-toto.io/attestation/test-result/v0.1"]
    assert len((ran.root / "results.json.sigstore.jsonl").read_bytes().splitlines()) == 2
