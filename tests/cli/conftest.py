"""A small project of stdlib experiments in the caller's interpreter, and the command line to call on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

REPRO = (sys.executable, "-c", "from repro.cli.main import main; main()")
"""The installed script in other words: it needs no folder of scripts on PATH."""

CONFIG = """\
version = 1

[environments.here]
kind = "host"

[defaults]
environment = "here"

[experiments.sums]
command = ["python", "sums.py", "{out}/r.json"]
sources = ["sums.py"]
inputs = ["data.txt"]
outputs = ["r.json"]
variables = { SCALE = "1" }

[experiments.grid]
command = ["python", "grid.py", "{a}", "{seed}", "{out}/r.json"]
sources = ["grid.py"]
outputs = ["r.json"]
matrix = { a = [1, 2], seed = { range = [0, 2] } }

[experiments.broken]
command = ["python", "-c", "import sys; sys.exit('a bad thing')"]
sources = ["grid.py"]
outputs = ["r.json"]
"""

SUMS = """\
import json, os, sys
values = [float(line) for line in open("data.txt")]
json.dump({"sum": sum(values) * float(os.environ["SCALE"]), "values": values}, open(sys.argv[1], "w"))
"""

GRID = """\
import json, sys
a, seed = map(int, sys.argv[1:3])
json.dump({"value": [a * 10 + seed, 0.5]}, open(sys.argv[3], "w"))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call left: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project's folder and the environment in which it is worked on."""

    root: Path
    env: dict[str, str]
    command: tuple[str, ...] = REPRO

    def __call__(self, *arguments: str, env: dict[str, str] | None = None) -> Answer:
        """Call `repro` in a process of its own, in the project's folder."""
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=self.root,
            env=self.env | (env or {}),
            capture_output=True,
            check=False,
        )
        return Answer(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")

    def git(self, *arguments: str) -> None:
        """Call git in the project."""
        subprocess.run(["git", *arguments], cwd=self.root, env=self.env, check=True, capture_output=True)

    def ids(self, part: str = "") -> list[str]:
        """The ids of all finished runs, oldest first, whose name holds `part`."""
        return sorted(path.parent.name for path in self.root.glob(f".repro/runs/*{part}*/record.json"))

    def tree(self, folder: str) -> dict[str, bytes]:
        """Every file below a folder with its bytes."""
        top = self.root / folder
        return {
            path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()
        }


def make(root: Path, config: str = CONFIG, files: Sequence[tuple[str, str]] = ()) -> Project:
    """A committed project in `root`, with a home and caches beside it."""
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "REPRO_"))},
        "HOME": str(root / "home"),
        "XDG_CACHE_HOME": str(root / "cache"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
        "COLUMNS": "80",
    }
    project = Project(root=root / "project", env=env)
    for name, text in (
        ("repro.toml", config),
        ("sums.py", SUMS),
        ("grid.py", GRID),
        ("data.txt", "1.5\n2.5\n3.25\n"),
        *files,
    ):
        project.write(name, text)
    project.git("init", "-q")
    project.git("add", "-A")
    project.git("commit", "-qm", "first")
    return project


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    """Makes a project of another configuration, with more files as pairs of name and text."""
    return lambda config=CONFIG, files=(): make(tmp_path, config, files)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of its own for a test that changes it."""
    return make(tmp_path)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with baselines of `sums` and `grid`, committed; tests only look at it."""
    project = make(tmp_path_factory.mktemp("recorded"))
    answer = project("baseline", "record", "sums", "grid")
    assert answer.code == 0, answer.err
    project.git("add", "-A")
    project.git("commit", "-qm", "baselines")
    return project
