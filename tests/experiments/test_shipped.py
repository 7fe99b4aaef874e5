"""The shipped experiments, replayed for real from a clone, wherever BLAS kernels and threads differ."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
SELECTION = ["branin", "noise[sigma=0.5,seed=7]", "policy-gradient", "nist", "lorenz", "linalg"]
KERNELS = ["Nehalem", "Haswell", "SkylakeX"]

pytestmark = pytest.mark.slow


def replay(project: Path, *arguments: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """`repro replay … --json` in a project; the exit code and the document."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", "-C", str(project), "replay", *arguments, "--json"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped") / "project"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


def pinned(project: Path, **variables: str) -> None:
    """Change what the project pins, in the clone alone."""
    file = project / "repro.toml"
    text = file.read_text(encoding="utf-8")
    for name, value in variables.items():
        text, count = re.subn(rf'(?m)^{name} = ".*"$', f'{name} = "{value}"', text)
        assert count == 1, f"{name} is pinned once"
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_shipped_experiments_match_under_every_kernel_and_thread_count(
    project: Path, kernel: str, threads: str
) -> None:
    """Every shipped experiment matches its baseline within its declared rules under other BLAS settings."""
    if kernel == "SkylakeX" and "avx512f" not in Path("/proc/cpuinfo").read_text(encoding="utf-8"):
        pytest.skip("this processor has no AVX-512, which the SkylakeX kernel needs")
    pinned(project, OPENBLAS_CORETYPE=kernel, OPENBLAS_NUM_THREADS=threads)
    code, document = replay(project, *SELECTION)
    verdicts = {result["run"]: result["verdict"] for result in document["results"]}
    assert verdicts == dict.fromkeys(SELECTION, "match")
    assert code == 0


def test_what_the_host_exports_does_not_reach_an_experiment(project: Path) -> None:
    """A host that exports other BLAS settings changes no byte: the record holds the pinned ones."""
    pinned(project, OPENBLAS_CORETYPE="Nehalem", OPENBLAS_NUM_THREADS="1")
    exported = {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "7", "PYTHONHASHSEED": "99"}
    code, document = replay(project, "linalg", "--no-cache", **exported)
    assert code == 0
    (result,) = document["results"]
    record = json.loads((project / ".repro/runs" / result["run_id"] / "record.json").read_text())
    variables = record["command"]["variables"]
    assert variables["OPENBLAS_CORETYPE"] == "Nehalem"
    assert variables["PYTHONHASHSEED"] == "0"
    (blas,) = [
        library
        for library in record["conditions"]["platform"]["numerics"]["libraries"]
        if library["user_api"] == "blas"
    ]
    assert (blas["architecture"], blas["num_threads"]) == ("Nehalem", 1)


def test_a_changed_constant_is_a_drift_that_names_its_paths(project: Path) -> None:
    """Changing one constant of branin.py makes its replay exit 1 and name the paths that drifted."""
    script = project / "experiments/branin.py"
    text = script.read_text(encoding="utf-8")
    changed = text.replace("TRIALS = 5", "TRIALS = 4")
    assert changed != text
    script.write_text(changed, encoding="utf-8")
    try:
        code, document = replay(project, "branin")
    finally:
        script.write_text(text, encoding="utf-8")
    assert code == 1
    (result,) = document["results"]
    (output,) = result["report"]["outputs"]
    assert {finding["path"] for finding in output["findings"]} == {"gp_ucb", "random_search"}


def test_nothing_runs_the_second_time(project: Path) -> None:
    """A replay of what was just replayed runs nothing, and shows the same runs."""
    _, first = replay(project, "branin", "lorenz")
    code, second = replay(project, "branin", "lorenz")
    assert code == 0
    assert [result["state"] for result in second["results"]] == ["cached", "cached"]
    ids = [[result["run_id"] for result in document["results"]] for document in (first, second)]
    assert ids[0] == ids[1]
