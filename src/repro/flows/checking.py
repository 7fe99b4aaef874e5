"""The tables of a `repro.toml` checked and put together: a project, or an error with file, line and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from repro.core import toml
from repro.core.near import did_you_mean
from repro.drift.rules import Rules
from repro.flows import dvcstage, sense
from repro.flows.complaints import explained
from repro.flows.config import EnvironmentSpec, Experiment, Project
from repro.flows.sense import Place
from repro.flows.tables import ProjectTable
from repro.tools.files import require_relative

if TYPE_CHECKING:
    from pathlib import Path

    from repro.drift.rules import Rule
    from repro.flows.tables import EnvironmentTable


KEYS = {"venv": ("lock", "python"), "nix": ("flake", "shell"), "host": ()}
"""The keys that belong to one kind of environment alone."""

WITHOUT = {
    "venv": "remove it: the packages are those of the lock",
    "nix": "remove it: the packages are those of the flake's shell",
    "host": "remove it: the command runs in the caller's interpreter",
}


def project_of(text: bytes, *, root: Path, shown_as: str) -> Project:
    """A project from the bytes of its file. Raises ConfigError."""
    document = toml.parse(text, name=shown_as)
    try:
        table = ProjectTable.model_validate(dvcstage.expanded(document.tables, root))
    except ValidationError as error:
        raise explained(document, error.errors(include_url=False)) from None
    place = Place(document=document)
    _check_environments(place, table)
    sense.variables(place.at("defaults", "variables"), table.defaults.variables)
    common = sense.rules(place.at("rules"), table.rules)
    return Project(
        root=root,
        text=text,
        environments={
            name: EnvironmentSpec(
                kind=own.kind,
                lock=own.lock,
                python=own.python,
                flake=_flake(place.at("environments", name, "flake"), own),
                shell=(own.shell or "default") if own.kind == "nix" else "",
            )
            for name, own in table.environments.items()
        },
        experiments={name: _experiment(place, table, name, common) for name in table.experiments},
    )


def _check_environments(place: Place, table: ProjectTable) -> None:
    for name, environment in table.environments.items():
        here = place.at("environments", name)
        for kind, keys in KEYS.items():
            for key in keys if kind != environment.kind else ():
                if getattr(environment, key) is not None:
                    text = f"a {environment.kind} environment has none"
                    raise here.at(key).wrong(text, WITHOUT[environment.kind])
        if environment.kind == "venv":
            if environment.lock is None:
                raise here.at("lock").wrong("missing", 'write `lock = "requirements.lock"`')
            require_relative(environment.lock, what=str(here.at("lock")))
    if table.defaults.environment is not None:
        _check_known(place.at("defaults", "environment"), table.defaults.environment, table)


def _flake(place: Place, environment: EnvironmentTable) -> str:
    """The folder of a flake, "" for that of the file."""
    if environment.flake in {None, "."}:
        return ""
    return require_relative(environment.flake or "", what=str(place))


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
        equivalence=sense.equivalence(here.at("equivalence"), own.equivalence, axes),
    )
