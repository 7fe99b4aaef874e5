"""Stages of an unmodified DVC project as experiments, made here by DVC's own command line."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from repro.core.errors import ConfigError
from repro.core.verdict import Verdict
from repro.flows import baseline, config
from repro.flows.replay import Request, replay
from repro.tools import host, process

if TYPE_CHECKING:
    from pathlib import Path

    from repro.flows.attempt import Result

PREPARE = """\
import pathlib, yaml_free
text = pathlib.Path("raw/points.csv").read_text()
pathlib.Path("prepared.txt").write_text(yaml_free.clean(text))
"""
HELP = "def clean(text):\n    return text.replace(',', '\\n')\n"
TRAIN = """\
import json, pathlib, sys
values = [float(v) for v in pathlib.Path("prepared.txt").read_text().split()]
factor = float(sys.argv[1])
pathlib.Path("model.json").write_text(json.dumps({"weights": [v * factor for v in values]}))
pathlib.Path("metrics").mkdir(exist_ok=True)
pathlib.Path("metrics/scores.json").write_text(json.dumps({"mean": sum(values) / len(values)}))
pathlib.Path("loss.csv").write_text("step,loss\\n0,1.5\\n1,0.25\\n")
"""


def dvc(root: Path, *arguments: str) -> None:
    process.run([sys.executable, "-m", "dvc", *arguments], cwd=root, env=host.variables())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, private: dict[str, str]) -> Path:
    """Somebody's project: init, remote, data, two stages, repro, push, commit; nothing of ours in it."""
    top = tmp_path_factory.mktemp("stranger")
    root = top / "project"
    (root / "raw").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in private.items():
            patch.setenv(name, value)
        patch.setenv("PATH", f"{shutil.os.path.dirname(sys.executable)}:{host.variables()['PATH']}")  # type: ignore[attr-defined]
        process.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=root)
        dvc(root, "init", "--quiet")
        dvc(root, "remote", "add", "-d", "shelf", "../shelf")
        (root / "raw/points.csv").write_text("1.5,2.5,4.25\n")
        (root / "prepare.py").write_text(PREPARE)
        (root / "yaml_free.py").write_text(HELP)
        (root / "train.py").write_text(TRAIN)
        (root / "params.yaml").write_text("factor: 2.0\n")
        dvc(root, "add", "--quiet", "raw/points.csv")
        prepare = ("-d", "prepare.py", "-d", "raw/points.csv", "-o", "prepared.txt", "python prepare.py")
        dvc(root, "stage", "add", "-n", "prepare", *prepare)
        written = ("-o", "model.json", "-M", "metrics/scores.json", "--plots-no-cache", "loss.csv")
        needed = ("-d", "train.py", "-d", "prepared.txt", "-p", "factor")
        dvc(root, "stage", "add", "-n", "train", *needed, *written, "python train.py ${factor}")
        dvc(root, "repro", "--quiet")
        dvc(root, "push", "--quiet")
        process.run(["git", "add", "-A"], cwd=root, env=host.variables())
        process.run(["git", "commit", "--quiet", "-m", "theirs"], cwd=root, env=host.variables())
    shutil.rmtree(root / ".dvc/cache")
    for name in ("prepared.txt", "model.json", "raw/points.csv"):
        (root / name).unlink()
    return top


@pytest.fixture
def stranger(made: Path, private: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh clone, without data, to which a `repro.toml` is added and nothing else."""
    for name, value in private.items():
        monkeypatch.setenv(name, value)
    shutil.copytree(made, tmp_path / "work")
    root = tmp_path / "work/project"
    write(root)
    return root


def write(root: Path, *lines: str, stage: str = "train") -> None:
    (root / "repro.toml").write_text(
        f'version = 1\n[environments.here]\nkind = "host"\n[experiments.it]\nenvironment = "here"\n'
        f'stage = "{stage}"\n' + "\n".join(lines) + "\n"
    )


def run(root: Path) -> Result:
    (result,) = replay(root, Request(use_cache=False), lambda _: None).results
    assert result.error is None or result.verdict is not None, result.error
    return result


def test_a_stage_of_a_stranger_replays(stranger: Path) -> None:
    """Outs, metrics and plots of a templated stage are compared, its input fetched by dvc.lock's hash."""
    experiment = config.load(stranger).experiment("it")
    assert sorted(experiment.outputs) == ["loss.csv", "metrics/scores.json", "model.json"]
    assert experiment.inputs == ("prepared.txt",)
    changes = baseline.record(stranger, Request(jobs=1), "first", lambda _: None)
    assert [change.outcome for change in changes] == ["recorded"]
    assert run(stranger).verdict is Verdict.MATCH
    theirs = json.loads((stranger / "metrics/scores.json").read_text())
    (ours,) = stranger.glob("baselines/**/metrics/scores.json")
    assert json.loads(ours.read_text()) == theirs


def test_a_stage_with_a_helper_that_is_no_dependency(stranger: Path) -> None:
    """Code that a stage imports is there though dvc.yaml does not name it, as in DVC's own work tree."""
    write(stranger, stage="prepare")
    baseline.record(stranger, Request(jobs=1), "first", lambda _: None)
    assert run(stranger).verdict is Verdict.MATCH


def test_a_stage_that_drifts_is_found(stranger: Path) -> None:
    """A change of the code behind a stage shows in its metrics."""
    baseline.record(stranger, Request(jobs=1), "first", lambda _: None)
    text = (stranger / "train.py").read_text()
    (stranger / "train.py").write_text(text.replace("len(values)", "(len(values) + 1)"))
    assert run(stranger).verdict is Verdict.DRIFT


def test_a_change_of_dvc_yaml_is_seen(stranger: Path) -> None:
    """The definition is read from dvc.yaml each time: no remembered project hides a change."""
    write(stranger, stage="prepare")
    assert config.load(stranger).experiment("it").outputs == ("prepared.txt",)
    text = (stranger / "dvc.yaml").read_text()
    (stranger / "dvc.yaml").write_text(text.replace("- prepared.txt\n  train", "- other.txt\n  train"))
    assert config.load(stranger).experiment("it").outputs == ("other.txt",)


def test_a_dependency_that_nothing_records_is_no_pass(stranger: Path) -> None:
    """Data of a stage that neither git nor DVC knows stops data and replay; it is not passed over."""
    from repro.core.errors import DataError
    from repro.flows.data import Wish, verify

    write(stranger, stage="prepare")
    (stranger / "raw/points.csv.dvc").unlink()
    assert config.load(stranger).experiment("it").inputs == ("raw/points.csv",)
    with pytest.raises(DataError, match=r"raw/points\.csv': neither a file in this revision nor recorded"):
        verify(stranger, Wish())


def test_own_inputs_are_added(stranger: Path) -> None:
    """`inputs` beside a stage are needed too, each once; those of the stage stay."""
    write(stranger, 'inputs = ["params.yaml", "prepared.txt"]')
    assert config.load(stranger).experiment("it").inputs == ("prepared.txt", "params.yaml")


def test_own_outputs_choose_among_the_files(stranger: Path) -> None:
    """`outputs` beside a stage says which of its files are compared."""
    write(stranger, 'outputs = ["metrics/scores.json"]')
    assert config.load(stranger).experiment("it").outputs == ("metrics/scores.json",)


DEFECTS = {
    "no such stage": ("trian", "", "did you mean"),
    "a command beside": ("train", 'command = ["true"]', "the stage's"),
    "another file": ("none/dvc.yaml:train", "", "none/dvc.yaml"),
    "outside": ("../dvc.yaml:train", "", "not a path inside"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_stage_that_makes_no_sense_is_a_mistake_in_the_file(stranger: Path, defect: str) -> None:
    """What cannot be an experiment is a ConfigError that names the key."""
    stage, line, match = DEFECTS[defect]
    write(stranger, line, stage=stage)
    with pytest.raises(ConfigError) as caught:
        config.load(stranger)
    assert match in caught.value.message + caught.value.hint
    assert "experiments.it.stage" in caught.value.message


@pytest.mark.parametrize(
    ("yaml", "match"),
    [
        ("stages:\n  train:\n    cmd: x\n    outs: [../out]\n", "outside"),
        ("stages:\n  train:\n    cmd: x\n    wdir: /tmp\n    outs: [a]\n", "outside"),
        ("stages:\n  train:\n    cmd: x\n", "no outs"),
        ("stages: [", "not YAML"),
        ("stages:\n  train:\n    cmd: x ${nothing}\n    outs: [a]\n", "templates"),
    ],
)
def test_a_hostile_dvc_yaml_is_refused(stranger: Path, yaml: str, match: str) -> None:
    """Stages that leave the checkout, write nothing or cannot be read are errors of ours."""
    (stranger / "dvc.yaml").write_text(yaml)
    (stranger / "dvc.lock").unlink()
    with pytest.raises(ConfigError, match=match):
        config.load(stranger)
