"""`repro.toml` read: tables in, a checked project out, every error with file, line and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core import toml
from repro.core.errors import ConfigError, ReproError, UsageError
from repro.core.near import did_you_mean
from repro.tools.files import disk_errors, read_capped, require_inside

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from repro.drift.equivalence import Equivalence
    from repro.drift.rules import Rules

Axis = tuple[int | float | str, ...]

FILE = "repro.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSpec:
    """An environment as it is declared: a `venv` has a lock and perhaps a Python version.

    A `nix` has the folder of its flake ("" is the project's own) and the name of a shell there.
    """

    kind: str
    lock: str | None = None
    python: str | None = None
    flake: str = ""
    shell: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One experiment with its defaults filled in; `axes` is empty where there is no matrix."""

    name: str
    description: str
    command: tuple[str, ...]
    environment: str
    inputs: tuple[str, ...]
    sources: tuple[str, ...]
    outputs: tuple[str, ...]
    variables: Mapping[str, str]
    seed: int | None
    axes: Mapping[str, Axis]
    timeout_seconds: float
    network: bool
    vary_threads: tuple[int, ...]
    rules: Rules
    equivalence: tuple[Equivalence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A whole `repro.toml`: where it lies, its bytes, and what it names."""

    root: Path
    text: bytes
    environments: Mapping[str, EnvironmentSpec]
    experiments: Mapping[str, Experiment]

    def experiment(self, name: str) -> Experiment:
        """The experiment of that name; UsageError with the near one where there is none."""
        if name not in self.experiments:
            raise UsageError(
                f"no experiment {name!r} in {FILE}",
                hint=did_you_mean(name, self.experiments) or f"{FILE} has no experiments yet: add one",
            )
        return self.experiments[name]


def find(start: Path) -> Path:
    """The folder at or above `start` that holds a `repro.toml`."""
    start = start.absolute()
    with disk_errors(f"looking for {FILE}"):
        for folder in (start, *start.parents):
            if (folder / FILE).is_file():
                return folder
    raise ConfigError(f"no {FILE} in {start} or above", hint="write a first one: repro init")


def load(root: Path, *, shown_as: str = FILE) -> Project:
    """The project whose `repro.toml` lies in `root`; `shown_as` names the file in errors."""
    path = require_inside(root, FILE, what=shown_as)
    try:
        text = read_capped(path, toml.MAX_BYTES)
    except FileNotFoundError as error:
        raise ConfigError(f"no {FILE} in {root}", hint="write a first one: repro init") from error
    except OSError as error:
        raise ConfigError(f"{shown_as}: {error.strerror}", hint="make it a readable file") from error
    except ReproError as error:
        raise ConfigError(error.message, hint=error.hint) from error
    from repro.flows import remembered

    project = remembered.recall(text, root)
    if project is None:
        project = parse(text, root=root, shown_as=shown_as)
        remembered.remember(project)
    return project


def parse(text: bytes, *, root: Path, shown_as: str = FILE) -> Project:
    """A project from the bytes of its file. Raises ConfigError."""
    from repro.flows.checking import project_of  # pydantic takes longer to load than a cached replay takes

    return project_of(text, root=root, shown_as=shown_as)
