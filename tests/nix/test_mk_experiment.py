"""`lib.mkExperiment` as a project without repro.toml uses it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from tests.nix.conftest import ROOT

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.nix.conftest import Nix

pytestmark = pytest.mark.nix

FLAKE = """{
  inputs.repro.url = "path:REPRO";
  inputs.nixpkgs.follows = "repro/nixpkgs";
  outputs =
    { nixpkgs, repro, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      python = pkgs.python3.withPackages (ps: [ ps.numpy ]);
    in
    {
      packages.x86_64-linux.default = repro.lib.mkExperiment ({
        name = "sums";
        src = ./code;
        command = [ "python" "sums.py" "{data}/a b/points.txt" "{out}/it's.json" ];
        data."a b/points.txt" = ./points.txt;
      } // MORE);
    };
}
"""

SCRIPT = """\
import json, os, sys
import numpy
points = numpy.loadtxt(sys.argv[1])
found = {"sum": float(points.sum()), "threads": os.environ["OPENBLAS_NUM_THREADS"], "here": os.listdir(".")}
with open(sys.argv[2], "w") as file:
    json.dump(found, file)
open("left-behind", "w").close()
"""


class Caller:
    """A flake that calls `mkExperiment` with more arguments."""

    def __init__(self, nix: Nix, folder: Path, repro: Path, nixpkgs: Path) -> None:
        self.nix, self.folder, self.repro, self.nixpkgs = nix, folder, repro, nixpkgs
        (folder / "code").mkdir()
        (folder / "code" / "sums.py").write_text(SCRIPT)
        (folder / "points.txt").write_text("1\n2\n0.5\n")

    def build(self, more: str) -> subprocess.CompletedProcess[str]:
        """What `nix build` says with these arguments in addition."""
        flake = FLAKE.replace("REPRO", str(self.repro)).replace("MORE", more)
        (self.folder / "flake.nix").write_text(flake)
        options = ("--no-write-lock-file", "--offline", "--no-link", "--print-out-paths")
        override = ("--override-input", "repro/nixpkgs", f"path:{self.nixpkgs}")
        return self.nix.run("build", *options, *override, f"path:{self.folder}")


@pytest.fixture
def caller(nix: Nix, tree: Path, toolchain: Path, tmp_path: Path) -> Caller:
    """Code, data and the toolchain, no arguments yet."""
    return Caller(nix, tmp_path, tree, toolchain)


def test_without_a_baseline_the_results_are_kept(caller: Caller) -> None:
    """A new experiment has no baseline: its outputs are the result, whatever their names."""
    done = caller.build('{ inherit python; variables.OPENBLAS_NUM_THREADS = "2"; }')
    assert done.returncode == 0, done.stderr
    found = json.loads((type(caller.folder)(done.stdout.strip()) / "it's.json").read_text())
    assert found == {"sum": 3.5, "threads": "2", "here": ["sums.py"]}


def test_packages_may_stand_for_an_interpreter(caller: Caller) -> None:
    """`env` is a list of packages, whose programs the command finds."""
    done = caller.build("{ env = [ python pkgs.coreutils ]; }")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", ["{ }", "{ inherit python; env = [ python ]; }"])
def test_one_of_python_and_env_is_needed(caller: Caller, arguments: str) -> None:
    """None or both of the two is an error that names them and the experiment."""
    done = caller.build(arguments)
    assert done.returncode != 0
    assert "mkExperiment sums: give either python or env" in done.stderr


def test_a_command_that_fails_is_no_result(caller: Caller) -> None:
    """An experiment whose command ends with an error fails, even where it has written its outputs."""
    script = caller.folder / "code" / "sums.py"
    script.write_text(SCRIPT + "sys.exit(4)\n")
    done = caller.build("{ inherit python; }")
    assert done.returncode != 0
    assert "exit code 4" in done.stderr


def test_rules_may_stand_in_a_file(caller: Caller) -> None:
    """A TOML file with rules grants what it says, and nothing else."""
    (caller.folder / "baseline").mkdir()
    numbers = {"sum": 3.51, "threads": "1", "here": ["sums.py"]}
    (caller.folder / "baseline" / "it's.json").write_text(json.dumps(numbers))
    (caller.folder / "rules.toml").write_text('[[rules]]\npath = "sum"\natol = 0.1\nreason = "a test"\n')
    arguments = "{ inherit python; baseline = ./baseline; rules = %s; }"
    assert caller.build(arguments % "./rules.toml").returncode == 0
    assert caller.build(arguments % "[ ]").returncode != 0


def test_the_template_pins_its_actions() -> None:
    """Every action of the template's workflow is named by its commit."""
    workflow = (ROOT / "nix" / "template" / ".github" / "workflows" / "ci.yml").read_text()
    uses = re.findall(r"uses: (\S+)", workflow)
    assert uses
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action) for action in uses)
