"""`repro.toml` read: tables in, a checked project out, every error with file, line and key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from repro.core import toml
from repro.core.errors import ConfigError, UsageError
from repro.core.near import did_you_mean
from repro.drift.rules import Rules, parse_rule
from repro.flows.tables import (
    RESERVED,
    DefaultsTable,
    EnvironmentTable,
    ExperimentTable,
    ProjectTable,
    RuleTable,
    Table,
)
from repro.tools.files import read_capped, require_relative

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

FILE = "repro.toml"

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
"""`{name}`, or a doubled brace for a brace."""

Axis = tuple[int | float | str, ...]


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
            raise UsageError(f"no experiment {name!r} in {FILE}", hint=did_you_mean(name, self.experiments))
        return self.experiments[name]


def find(start: Path) -> Path:
    """The folder at or above `start` that holds a `repro.toml`."""
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise ConfigError(f"no {FILE} in {start} or above", hint="write a first one: repro init")


def load(root: Path, *, shown_as: str = FILE) -> Project:
    """The project whose `repro.toml` lies in `root`; `shown_as` names the file in errors."""
    text = read_capped(root / FILE, toml.MAX_BYTES)
    return parse(text, root=root, shown_as=shown_as)


def parse(text: bytes, *, root: Path, shown_as: str = FILE) -> Project:
    """A project from the bytes of its file. Raises ConfigError."""
    document = toml.parse(text, name=shown_as)
    try:
        table = ProjectTable.model_validate(document.tables)
    except ValidationError as error:
        raise _explained(document, error.errors(include_url=False)) from None
    _check_environments(document, table)
    experiments = {name: _experiment(document, table, name) for name in table.experiments}
    return Project(
        root=root,
        text=text,
        environments=table.environments,
        experiments=experiments,
    )


def _explained(document: toml.Document, errors: list[ErrorDetails]) -> ConfigError:
    """All errors of a file in one, each on a line; the hint belongs to the first unknown key."""
    lines, hint = [], ""
    for error in errors[:8]:
        path = _existing(document.tables, error["loc"])
        if error["type"] == "extra_forbidden":
            lines.append(f"{document.where(path)}: unknown key")
            hint = hint or did_you_mean(str(path[-1]), _fields(path[:-1]))
        elif error["type"] == "missing":
            missing = str(error["loc"][-1])
            lines.append(f"{document.where(path)}: the key {missing!r} is missing")
        else:
            lines.append(f"{document.where(path)}: {error['msg']}, not {error['input']!r:.60}")
    unique = list(dict.fromkeys(lines))
    return ConfigError("\n".join(unique), hint=hint or "see docs/reference/repro-toml.md for every key")


def _existing(tables: dict[str, Any], loc: tuple[str | int, ...]) -> toml.Path:
    """The part of pydantic's location that is in the file: union tags and missing keys are not."""
    node: Any = tables
    path: toml.Path = ()
    for part in loc:
        if isinstance(node, dict):
            inside = part in node
        else:
            inside = isinstance(node, list) and isinstance(part, int) and part < len(node)
        if inside:
            node = node[part]
            path += (part,)
    return path


def _fields(path: toml.Path) -> list[str]:
    """The keys that the table at `path` knows."""
    if "rules" in path:
        return list(RuleTable.model_fields)
    models: dict[str, type[Table]] = {
        "experiments": ExperimentTable,
        "environments": EnvironmentTable,
        "defaults": DefaultsTable,
    }
    model: type[Table] = models.get(str(path[0]), ProjectTable) if path else ProjectTable
    return list(model.model_fields)


def _check_environments(document: toml.Document, table: ProjectTable) -> None:
    for name, environment in table.environments.items():
        where = document.where(("environments", name))
        if environment.kind == "venv":
            if environment.lock is None:
                raise ConfigError(f"{where}: a venv needs the key 'lock'", hint='lock = "requirements.lock"')
            require_relative(environment.lock, what=document.where(("environments", name, "lock")))
        elif environment.lock is not None or environment.python is not None:
            raise ConfigError(f"{where}: a host environment has neither 'lock' nor 'python'")


def _experiment(document: toml.Document, table: ProjectTable, name: str) -> Experiment:
    own, defaults = table.experiments[name], table.defaults
    where = ("experiments", name)
    environment = own.environment or defaults.environment
    if environment is None:
        raise ConfigError(
            f"{document.where(where)}: no environment", hint="name one here or under [defaults]"
        )
    if environment not in table.environments:
        key = (*where, "environment") if own.environment else ("defaults", "environment")
        raise ConfigError(
            f"{document.where(key)}: no environment {environment!r}",
            hint=did_you_mean(environment, table.environments),
        )
    axes = {axis: _axis(values) for axis, values in own.matrix.items()}
    _check_command(document, where, own, axes)
    variables = {**defaults.variables, **own.variables}
    for variable in sorted(RESERVED.intersection(variables)):
        raise ConfigError(f"{document.where((*where, 'variables', variable))}: set by isolation, not here")
    return Experiment(
        name=name,
        description=own.description,
        command=own.command,
        environment=environment,
        inputs=_relative(document, (*where, "inputs"), own.inputs),
        sources=_relative(document, (*where, "sources"), own.sources),
        outputs=_relative(document, (*where, "outputs"), own.outputs),
        variables=variables,
        seed=own.seed,
        axes=axes,
        timeout_seconds=float(own.timeout or defaults.timeout),
        network=own.network,
        vary_threads=own.vary_threads,
        rules=_rules(document, table.rules, own.rules, where),
    )


def _axis(values: Any) -> Axis:  # noqa: ANN401 - a tuple or a RangeTable
    return values if isinstance(values, tuple) else tuple(range(*values.range))


def _relative(document: toml.Document, path: toml.Path, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        require_relative(value, what=document.where((*path, position)))
        for position, value in enumerate(values)
    )


def _check_command(
    document: toml.Document, where: toml.Path, own: ExperimentTable, axes: Mapping[str, Axis]
) -> None:
    known = {"code", "out", "data", *axes, *(["seed"] if own.seed is not None else [])}
    if "seed" in axes and own.seed is not None:
        raise ConfigError(f"{document.where((*where, 'seed'))}: also an axis of the matrix")
    for axis in sorted({"code", "out", "data"}.intersection(axes)):
        raise ConfigError(f"{document.where((*where, 'matrix', axis))}: {{{axis}}} has a meaning already")
    for axis, values in axes.items():
        if not values or len(set(map(str, values))) != len(values):
            raise ConfigError(f"{document.where((*where, 'matrix', axis))}: values must be there and differ")
    used = set(_placeholders(own.command))
    for name in sorted(used - known):
        raise ConfigError(
            f"{document.where((*where, 'command'))}: unknown placeholder {{{name}}}",
            hint=did_you_mean(name, known) + "; write {{ and }} for braces",
        )
    for name in sorted(set(axes) - used):
        raise ConfigError(
            f"{document.where((*where, 'matrix', name))}: the command does not use {{{name}}}",
            hint="every run of the matrix would be the same",
        )


def _placeholders(command: tuple[str, ...]) -> Iterator[str]:
    for argument in command:
        for match in PLACEHOLDER.finditer(argument):
            if match[1] is not None:
                yield match[1]


def _rules(
    document: toml.Document, common: tuple[RuleTable, ...], own: tuple[RuleTable, ...], where: toml.Path
) -> Rules:
    places = [
        *((("rules", position), rule) for position, rule in enumerate(common)),
        *(((*where, "rules", position), rule) for position, rule in enumerate(own)),
    ]
    return Rules(rules=tuple(parse_rule(_raw(rule), document.where(place)) for place, rule in places))


def _raw(rule: RuleTable) -> dict[str, Any]:
    return rule.model_dump(exclude_unset=True)
