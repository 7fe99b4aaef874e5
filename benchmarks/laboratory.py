"""A temporary clone of this repository with caches of its own, in which everything is measured."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stopwatch import measure, process

if TYPE_CHECKING:
    from collections.abc import Callable

    from stopwatch import Sample

SOURCE = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).absolute().parent


class Laboratory:
    """The clone at `folder/clone`, its variables, and the commands that are measured in it.

    Caches and the configuration of git and DVC are the laboratory's own; the caller's are not touched.
    """

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "clone"
        self.cache = folder / "cache"
        self.env = dict(os.environ) | {
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "REPRO_CACHE_DIR": str(self.cache),
            "DVC_NO_ANALYTICS": "1",
            "DVC_GLOBAL_CONFIG_DIR": str(folder / "dvc"),
            "DVC_SYSTEM_CONFIG_DIR": str(folder / "dvc"),
            "DVC_SITE_CACHE_DIR": str(folder / "dvc"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
        }
        # Warm means compiled: who forbids Python to keep bytecode measures the compiler.
        self.env.pop("PYTHONDONTWRITEBYTECODE", None)
        clone = ["git", "clone", "--quiet", "--no-hardlinks", str(SOURCE), str(self.clone)]
        measure(clone, cwd=folder, env=self.env)
        self.run("dvc", "config", "--local", "core.check_update", "false")()
        self.run("dvc", "pull", "--quiet")()

    def run(self, *argv: str) -> Callable[[], Sample]:
        """Work: a program of the virtual environment, or git, in the clone."""
        program = BIN / argv[0]
        found = str(program) if program.exists() else argv[0]
        return process([found, *argv[1:]], cwd=self.clone, env=self.env)

    def replay(self, *arguments: str) -> Callable[[], Sample]:
        """Work: `repro replay` with these arguments."""
        return self.run("repro", "replay", *arguments)

    def bare(self, experiment: str) -> Callable[[], Sample]:
        """Work: the command of a recorded run alone, in its environment, under its recorded variables."""
        argv, variables = self._command(experiment)
        return process(argv, cwd=self.clone, env={**self.env, **variables})

    def _command(self, experiment: str) -> tuple[list[str], dict[str, str]]:
        path = max((self.clone / ".repro" / "runs").glob(f"*-{experiment}-*/record.json"))
        command: dict[str, Any] = json.loads(path.read_bytes())["command"]
        (python,) = self.cache.glob("environments/*/venv/bin/python")
        out = self.clone / ".repro" / "bare"
        out.mkdir(exist_ok=True)
        places = {"{data}": "data", "{out}": f".repro/bare/{experiment}"}
        (self.clone / places["{out}"]).mkdir(exist_ok=True)
        argv = [str(python), *command["argv"][1:]]
        for sign, place in places.items():
            argv = [part.replace(sign, place) for part in argv]
        return argv, command["variables"]

    def pipeline(self, experiment: str, deps: list[str]) -> None:
        """Give the clone a `dvc.yaml` with the same experiment, run it once, and commit it: a clean tree."""
        argv, variables = self._command(experiment)
        cmd = shlex.join(["env", *(f"{name}={value}" for name, value in variables.items()), *argv])
        cmd = cmd.replace(f".repro/bare/{experiment}", "pipeline")
        stage = {"cmd": f"mkdir -p pipeline && {cmd}", "deps": deps, "outs": ["pipeline/results.json"]}
        # JSON is YAML.
        (self.clone / "dvc.yaml").write_text(json.dumps({"stages": {experiment: stage}}))
        self.run("dvc", "repro", experiment)()
        self.run("git", "add", "--all")()
        author = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
        self.run("git", *author, "commit", "--quiet", "--message", "A pipeline of the same experiment")()
