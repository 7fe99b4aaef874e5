"""A `repro.toml` that was found right is not checked again: the project is kept under its digest.

Checking needs pydantic, which takes longer to load than everything else in a cached replay. What is kept lies
in the user's own cache, never in a repository, so that no repository can pass off a file as checked.
"""

from __future__ import annotations

import dataclasses
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from repro.core import strictjson
from repro.core.canonical import to_bytes
from repro.core.digest import of_bytes, of_value
from repro.core.errors import ReproError
from repro.drift import equivalence
from repro.drift.rules import parse_rules, rule_to_dict
from repro.flows.config import EnvironmentSpec, Experiment, Project
from repro.tools import host
from repro.tools.files import read_capped, write_atomic

VERSION = 2
MAX_BYTES = 16 << 20
"""Cap on a kept project, in bytes."""

CHECKS = (
    "flows/checking.py",
    "flows/config.py",
    "flows/sense.py",
    "flows/tables.py",
    "drift/equivalence.py",
    "drift/pattern.py",
    "drift/rules.py",
)
"""The modules that decide what is right: where one of them is another, everything is checked again."""


def recall(text: bytes, root: Path) -> Project | None:
    """The project that these bytes were found to be, as if it lay in `root`; None where nothing is kept."""
    try:
        file = _file(text)
        value = strictjson.parse(read_capped(file, MAX_BYTES), name=str(file), max_bytes=MAX_BYTES)
        return Project(
            root=root,
            text=text,
            environments={name: EnvironmentSpec(**table) for name, table in value["environments"]},
            experiments={name: _experiment(table) for name, table in value["experiments"]},
        )
    except (OSError, ReproError, KeyError, TypeError, AttributeError, ValueError):
        return None  # not kept, or not whole: checking makes it anew


def remember(project: Project) -> None:
    """Keep a project that was checked; where the cache cannot be written it is checked again next time."""
    if re.search(rb"\bstage\b", project.text):  # it stands for what dvc.yaml says, which changes on its own
        return
    # In pairs, because canonical JSON sorts keys, and the order in the file is the order of the runs.
    value = {
        "environments": [[name, dataclasses.asdict(own)] for name, own in project.environments.items()],
        "experiments": [[name, _table(own)] for name, own in project.experiments.items()],
    }
    with suppress(OSError, ReproError):
        write_atomic(_file(project.text), to_bytes(value))


def _file(text: bytes) -> Path:
    here = Path(__file__).parents[1]
    states = [(here / name).stat() for name in CHECKS]
    key = of_value(
        {
            "version": VERSION,
            "text": str(of_bytes(text)),
            "checks": [[str(state.st_mtime_ns), state.st_size] for state in states],
        }
    )
    return host.cache_folder() / "definitions" / f"{key.hex}.json"


def _table(experiment: Experiment) -> dict[str, Any]:
    fields = {field.name: getattr(experiment, field.name) for field in dataclasses.fields(experiment)}
    axes = [[name, list(values)] for name, values in experiment.axes.items()]
    return {
        **fields,
        "axes": axes,
        "rules": [rule_to_dict(rule) for rule in experiment.rules.rules],
        "equivalence": [equivalence.to_dict(test) for test in experiment.equivalence],
    }


def _experiment(table: dict[str, Any]) -> Experiment:
    lists = ("command", "inputs", "sources", "outputs", "vary_threads")
    return Experiment(
        **{
            **table,
            **{name: tuple(table[name]) for name in lists},
            "axes": {name: tuple(values) for name, values in table["axes"]},
            "rules": parse_rules(table["rules"], where="rules"),
            "equivalence": tuple(
                equivalence.parse_equivalence(test, "equivalence") for test in table["equivalence"]
            ),
        }
    )
