"""`repro.toml` read: tables in, a checked project out, every error with file, line and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from repro.core import toml
from repro.core.errors import ConfigError, ReproError, UsageError
from repro.core.near import did_you_mean
from repro.drift.rules import Rules
from repro.flows import sense
from repro.flows.complaints import explained
from repro.flows.sense import Axis, Place
from repro.flows.tables import ProjectTable
from repro.tools.files import disk_errors, read_capped, require_inside, require_relative

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from repro.drift.rules import Rule
    from repro.flows.tables import EnvironmentTable

FILE = "repro.toml"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A whole `repro.toml`: where it lies, its bytes, and what it names."""

    root: Path
    text: bytes
    environments: Mapping[str, EnvironmentTable]
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
    return parse(text, root=root, shown_as=shown_as)


def parse(text: bytes, *, root: Path, shown_as: str = FILE) -> Project:
    """A project from the bytes of its file. Raises ConfigError."""
    document = toml.parse(text, name=shown_as)
    try:
        table = ProjectTable.model_validate(document.tables)
    except ValidationError as error:
        raise explained(document, error.errors(include_url=False)) from None
    place = Place(document=document)
    _check_environments(place, table)
    sense.variables(place.at("defaults", "variables"), table.defaults.variables)
    common = sense.rules(place.at("rules"), table.rules)
    return Project(
        root=root,
        text=text,
        environments=table.environments,
        experiments={name: _experiment(place, table, name, common) for name in table.experiments},
    )


def _check_environments(place: Place, table: ProjectTable) -> None:
    for name, environment in table.environments.items():
        here = place.at("environments", name)
        if environment.kind == "venv":
            if environment.lock is None:
                raise here.at("lock").wrong("missing", 'write `lock = "requirements.lock"`')
            require_relative(environment.lock, what=str(here.at("lock")))
            continue
        for key in ("lock", "python"):
            if getattr(environment, key) is not None:
                hint = "remove it: the command runs in the caller's interpreter"
                raise here.at(key).wrong("a host environment has none", hint)
    if table.defaults.environment is not None:
        _check_known(place.at("defaults", "environment"), table.defaults.environment, table)


def _check_known(place: Place, environment: str, table: ProjectTable) -> None:
    if environment not in table.environments:
        hint = did_you_mean(environment, table.environments) or f"add a table [environments.{environment}]"
        raise place.wrong(f"no environment {environment!r}", hint)


def _experiment(place: Place, table: ProjectTable, name: str, common: tuple[Rule, ...]) -> Experiment:
    own, defaults, here = table.experiments[name], table.defaults, place.at("experiments", name)
    environment = own.environment or defaults.environment
    if environment is None:
        raise here.at("environment").wrong("missing", "name one here or under [defaults]")
    _check_known(here.at("environment"), environment, table)
    sense.variables(here.at("variables"), own.variables)
    axes = sense.axes(here.at("matrix"), own.matrix)
    sense.command(here, own, axes)
    return Experiment(
        name=name,
        description=own.description,
        command=own.command,
        environment=environment,
        inputs=sense.paths(here.at("inputs"), own.inputs),
        sources=sense.sources(here.at("sources"), own.sources),
        outputs=sense.outputs(here.at("outputs"), own.outputs),
        variables={**defaults.variables, **own.variables},
        seed=own.seed,
        axes=axes,
        timeout_seconds=float(own.timeout or defaults.timeout),
        network=own.network,
        vary_threads=own.vary_threads,
        rules=Rules(rules=(*common, *sense.rules(here.at("rules"), own.rules))),
    )
