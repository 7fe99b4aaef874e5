"""The workflows and actions of a repository, read strictly: no key is unknown or stands twice."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)

WORKFLOW = {"name", "on", "permissions", "concurrency", "defaults", "jobs"}
JOB = {
    "name", "runs-on", "timeout-minutes", "permissions", "strategy", "steps", "needs", "if", "outputs",
    "environment", "concurrency", "env", "uses",
}  # fmt: skip
STEP = {"name", "id", "if", "uses", "with", "env", "run", "working-directory"}
COMPOSITE_STEP = STEP | {"shell"}


class UnreadableError(Exception):
    """A file that is no workflow, or has keys that these rules do not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, and where it stands."""

    file: str
    job: str
    number: int
    table: dict[str, Any]

    @property
    def where(self) -> str:
        """For messages: the name is what people know it by."""
        return f"{self.file}:{self.job}:{self.table.get('name') or self.table.get('uses')}"

    @property
    def run(self) -> str:
        """Its shell, "" for a step that uses an action."""
        return str(self.table.get("run", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of a workflow."""

    file: str
    name: str
    table: dict[str, Any]

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.file}:{self.name}"

    @property
    def needs(self) -> list[str]:
        """The jobs that are named, be it one or a list."""
        needs = self.table.get("needs", [])
        return [needs] if isinstance(needs, str) else list(needs)

    @property
    def steps(self) -> list[Step]:
        """Its steps; none for a job that calls a workflow."""
        return [
            Step(file=self.file, job=self.name, number=number, table=table)
            for number, table in enumerate(self.table.get("steps", []))
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Everything below .github, and action.yml: tables and texts by their paths."""

    root: Path
    workflows: dict[str, dict[str, Any]]
    actions: dict[str, dict[str, Any]]
    texts: dict[str, str]
    gate: dict[str, dict[str, Any]]

    @property
    def jobs(self) -> list[Job]:
        """Those of all workflows."""
        return [
            Job(file=file, name=name, table=table)
            for file, workflow in self.workflows.items()
            for name, table in workflow["jobs"].items()
        ]

    def job(self, file: str, name: str) -> Job | None:
        """The job of that name, None where it is gone."""
        return next((job for job in self.jobs if (job.file, job.name) == (file, name)), None)

    @property
    def steps(self) -> list[Step]:
        """Those of workflows and of composite actions."""
        inside = [
            Step(file=file, job="", number=number, table=table)
            for file, action in self.actions.items()
            for number, table in enumerate(action["runs"]["steps"])
        ]
        return [step for job in self.jobs for step in job.steps] + inside

    def above(self, job: Job) -> set[str]:
        """All jobs that must have succeeded before this one, directly or not."""
        found: set[str] = set()
        left = job.needs
        while left:
            name = left.pop()
            found.add(name)
            other = self.job(job.file, name)
            left += [] if other is None else [need for need in other.needs if need not in found]
        return found

    def reached(self, shell: str) -> list[str]:
        """A shell, and the scripts that it calls, and those that they call; comments left out."""
        found, left = [], [shell]
        for text in left:
            bare = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
            found.append(bare)
            for name in re.findall(r"([\w-]+\.sh)\b", bare):
                script = self.texts.get(f".github/scripts/{name}")
                if script is not None and script not in left:
                    left.append(script)
        return found


def load(path: Path) -> Any:  # noqa: ANN401 - whatever YAML says
    """One YAML 1.2 document (`on` is a word in it), without tags or a key that stands twice."""
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise UnreadableError(f"{path.name}: {error}") from error


@cache
def _parsed(text: str) -> Any:  # noqa: ANN401 - see load
    return YAML(typ="safe", pure=True).load(text)


def read(root: Path) -> Tree:
    """Everything, or UnreadableError."""
    workflows, actions, texts = {}, {}, {}
    for path in sorted((root / ".github" / "workflows").iterdir()):
        table = load(path)
        workflows[path.name] = table
        texts[path.name] = path.read_text(encoding="utf-8")
        _known(path.name, table, WORKFLOW)
        for name, job in table["jobs"].items():
            _known(f"{path.name}:{name}", job, JOB)
            for step in job.get("steps", []):
                _known(f"{path.name}:{name}", step, STEP)
    paths = [*sorted((root / ".github" / "actions").glob("*/action.yml")), root / "action.yml"]
    for path in filter(lambda path: path.exists(), paths):
        name = path.relative_to(root).as_posix()
        actions[name] = load(path)
        texts[name] = path.read_text(encoding="utf-8")
        for step in actions[name]["runs"]["steps"]:
            _known(name, step, COMPOSITE_STEP)
    for path in sorted((root / ".github" / "scripts").iterdir()):
        texts[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
    gate = tomllib.loads((root / "repro.toml").read_text(encoding="utf-8"))["gate"]
    return Tree(root=root, workflows=workflows, actions=actions, texts=texts, gate=gate)


def _known(where: str, table: object, keys: set[str]) -> None:
    if not isinstance(table, dict):
        raise UnreadableError(f"{where}: no table")
    unknown = set(table) - keys
    if unknown:
        raise UnreadableError(f"{where}: not allowed: {', '.join(sorted(map(str, unknown)))}")


def expanded(job: Job, text: str) -> Iterator[str]:
    """A text with every value that the job's matrix has for the expressions in it."""
    matrix = job.table.get("strategy", {}).get("matrix", {})
    axes = [axis for axis in matrix if f"matrix.{axis}" in text]
    for values in product(*(matrix[axis] for axis in axes)):
        filled = text
        for axis, value in zip(axes, values, strict=True):
            filled = filled.replace("${{ matrix." + axis + " }}", str(value))
        yield filled
