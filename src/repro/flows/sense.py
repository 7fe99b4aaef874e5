"""Whether the tables of `repro.toml` make sense: paths stay inside, placeholders exist, axes differ."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from repro.core.errors import ConfigError
from repro.core.globs import compile_glob
from repro.core.near import did_you_mean
from repro.drift.equivalence import parse_equivalence
from repro.drift.pattern import parse_pattern
from repro.drift.rules import parse_rule
from repro.flows.tables import RESERVED, RangeTable
from repro.store.baseline import FILE as BASELINE_FILE
from repro.tools.files import require_relative

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from repro.core.toml import Document, Path
    from repro.drift.equivalence import Equivalence
    from repro.drift.rules import Rule
    from repro.flows.config import Axis
    from repro.flows.tables import EquivalenceTable, ExperimentTable, RuleTable

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
"""`{name}`, or a doubled brace for a brace."""

FOLDERS = frozenset({"code", "out", "data"})
"""Placeholders that every command has."""

MAX_RUNS = 100_000
"""Cap on the runs of one matrix."""

MAX_RUN_NAME = 200
"""Cap on the axes in a run's name, in characters: they name a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A key path in a file, from which errors are raised."""

    document: Document
    path: Path = ()

    def at(self, *keys: str | int) -> Place:
        """A place below."""
        return Place(document=self.document, path=(*self.path, *keys))

    def __str__(self) -> str:
        """File, line and key."""
        return self.document.where(self.path)

    def wrong(self, text: str, hint: str = "") -> ConfigError:
        """The error that says what is wrong here."""
        return ConfigError(f"{self}: {text}", hint=hint)


def paths(place: Place, values: Iterable[str]) -> tuple[str, ...]:
    """Paths inside the folder, normalised."""
    return tuple(
        require_relative(value, what=str(place.at(position))) for position, value in enumerate(values)
    )


def sources(place: Place, values: Iterable[str]) -> tuple[str, ...]:
    """Globs inside the folder."""
    patterns = paths(place, values)
    for position, pattern in enumerate(patterns):
        try:
            compile_glob(pattern)
        except ConfigError as error:
            raise place.at(position).wrong(error.message, error.hint) from None
    return patterns


def outputs(place: Place, values: Iterable[str]) -> tuple[str, ...]:
    """Paths of files, none of which is another one's folder or a name that a baseline needs itself."""
    names = paths(place, values)
    for position, name in enumerate(names):
        if name.split("/")[0] == BASELINE_FILE:
            raise place.at(position).wrong(f"{BASELINE_FILE!r} is reserved", "name the file otherwise")
    positions = sorted(range(len(names)), key=lambda position: [*names[position].split("/")])
    for before, after in pairwise(positions):
        if names[after] == names[before]:
            raise place.at(max(before, after)).wrong(f"{names[after]!r} is named twice", "remove one")
        if names[after].startswith(names[before] + "/"):
            raise place.at(after).wrong(
                f"{names[after]!r} lies in {names[before]!r}, another output",
                "name the files that the command writes, not their folder",
            )
    return names


def variables(place: Place, table: Mapping[str, str]) -> None:
    """Refuse variables that isolation sets."""
    for name in sorted(RESERVED.intersection(table)):
        raise place.at(name).wrong("set by isolation, not here", "remove it")


def axes(place: Place, matrix: Mapping[str, Axis | RangeTable]) -> dict[str, Axis]:
    """The values of each axis; every combination must make a run of its own, with a bearable name."""
    found = {name: _axis(place.at(name), values) for name, values in matrix.items()}
    runs = math.prod(len(values) for values in found.values())
    if runs > MAX_RUNS:
        raise place.wrong(f"{runs} runs, more than the {MAX_RUNS} that are allowed", "split the experiment")
    longest = sum(len(name) + 2 + max(len(str(value)) for value in values) for name, values in found.items())
    if longest > MAX_RUN_NAME:
        raise place.wrong(
            f"names of runs would be {longest} characters long, more than {MAX_RUN_NAME}",
            "use shorter axes and values",
        )
    return found


def _axis(place: Place, values: Axis | RangeTable) -> Axis:
    if place.path[-1] in FOLDERS:
        raise place.wrong(f"{{{place.path[-1]}}} has a meaning already", "call the axis otherwise")
    if isinstance(values, RangeTable):
        first, end = values.range
        if not first < end:
            raise place.at("range").wrong("no values", "the second number is the one after the last value")
        if end - first > MAX_RUNS:
            raise place.at("range").wrong(f"more than the {MAX_RUNS} values that are allowed")
        return tuple(range(first, end))
    seen: set[int | float | str] = set()
    for position, value in enumerate(values):
        # 0, 0.0 and "0" would be three names of one run
        if value in seen or str(value) in seen:
            raise place.at(position).wrong(f"{value} is there already", "give each value once")
        seen |= {value, str(value)}
    return values


def command(place: Place, own: ExperimentTable, found: Mapping[str, Axis]) -> None:
    """Check that the command uses the placeholders that there are, and all that tell runs apart."""
    if own.seed is not None and "seed" in found:
        raise place.at("seed").wrong("also an axis of the matrix", "keep one of the two")
    own_names = {*found, *(["seed"] if own.seed is not None else [])}
    used: set[str] = set()
    for position, argument in enumerate(own.command):
        here = place.at("command", position)
        if re.search(r"[{}]", PLACEHOLDER.sub("", argument)):
            raise here.wrong("a brace without its partner", "write {{ and }} for braces")
        names = {match[1] for match in PLACEHOLDER.finditer(argument) if match[1] is not None}
        for name in sorted(names - FOLDERS - own_names):
            raise here.wrong(f"unknown placeholder {{{name}}}", _unknown(name, FOLDERS | own_names))
        used |= names
    for name in sorted(own_names - used):
        where = place.at("matrix", name) if name in found else place.at(name)
        raise where.wrong(
            f"the command does not use {{{name}}}", f"put {{{name}}} into the command, or remove the key"
        )


def _unknown(name: str, known: Iterable[str]) -> str:
    if name == "seed":
        return "give the experiment a `seed`, or its matrix an axis `seed`"
    return f"{did_you_mean(name, known)}; write {{{{ and }}}} for braces"


def rules(place: Place, tables: Iterable[RuleTable]) -> tuple[Rule, ...]:
    """Rules in their order."""
    found = []
    for position, table in enumerate(tables):
        here = place.at(position)
        parse_pattern(table.path, where=str(here.at("path")))
        found.append(parse_rule(table.model_dump(exclude_unset=True), str(here)))
    return tuple(found)


def equivalence(
    place: Place, tables: Iterable[EquivalenceTable], found: Mapping[str, Axis]
) -> tuple[Equivalence, ...]:
    """Equivalence tests in their order, all over one axis of the matrix."""
    tests: list[Equivalence] = []
    for position, table in enumerate(tables):
        here = place.at(position)
        test = parse_equivalence(table.model_dump(exclude_unset=True), str(here))
        if test.over not in found:
            hint = did_you_mean(test.over, found) or "give the experiment a matrix with that axis"
            raise here.at("over").wrong(f"no axis {test.over!r} in the matrix", hint)
        if tests and test.over != tests[0].over:
            text = f"{test.over!r}, and {tests[0].over!r} before it"
            raise here.at("over").wrong(text, "an experiment has one axis that is random")
        tests.append(test)
    return tuple(tests)
