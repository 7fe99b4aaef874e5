"""The JSON Schema of `repro.toml` against its parser."""

from __future__ import annotations

import json
import math
import re
import tomllib
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from repro.core.canonical import to_pretty_bytes
from repro.core.errors import ConfigError
from repro.flows import config, tables
from repro.flows.tables import (
    AuditTable,
    DefaultsTable,
    EnvironmentTable,
    EquivalenceTable,
    ExceptionTable,
    ExperimentTable,
    GateTable,
    LicencesTable,
    ProjectTable,
    RangeTable,
    RuleTable,
    SbomTable,
    VerifyTable,
    VexTable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parents[2]

# Documents as dictionaries, near enough to right ones that many are right.
WORDS = st.sampled_from(
    ["a", "b", "o.json", "x/y", "{out}", "{s}", "{seed}", "", "..", "HOME", "3.12", "e", "host", "a\n"]
)
SCALARS: st.SearchStrategy[Any] = WORDS | st.sampled_from(
    [0, 1, -1, 0.5, 1e-12, 1e300, True, False, math.inf, 1.0, "2030-12-31", "2030-02-30"]
)
LISTS = st.lists(SCALARS, max_size=3)


def mutated(rightly: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly a right value, sometimes any."""
    return st.integers(0, 15).flatmap(lambda luck: rightly if luck else st.one_of(SCALARS, LISTS))


def table_of(
    required: dict[str, st.SearchStrategy[Any]], optional: dict[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[Any]:
    """Tables with these keys, and now and then one too many or too few."""
    exact = st.fixed_dictionaries(required, optional=optional)
    odd = st.fixed_dictionaries({}, optional={**required, **optional, "unknown": SCALARS})
    return st.integers(0, 15).flatmap(lambda luck: exact if luck else odd)


DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1)) | st.datetimes(datetime(2000, 1, 1))  # noqa: DTZ001 - TOML's own
NUMBERS = st.sampled_from([0, 1, 0.5, 1e-11, 1e-10])
FLAGS = ("exact", "printed", "strict_zero", "ignore", "labels", "permutation")
VARIABLES = mutated(
    st.dictionaries(st.sampled_from(["A", "B_1", "1X", "HOME"]), mutated(st.just("v")), max_size=2)
)
RULES = mutated(
    st.lists(
        table_of(
            {"path": mutated(st.just("a[*].b"))},
            {
                **{key: mutated(NUMBERS) for key in ("rtol", "atol", "srtol", "scale", "digits", "ulp")},
                **{key: mutated(st.booleans()) for key in FLAGS},
                "sorted_by": mutated(st.sampled_from(["id", ["a", "b"], []])),
                "up_to_sign": mutated(st.sampled_from(["rows", "columns", "whole", "both"])),
                "output": mutated(st.just("*.npy")),
                "reason": mutated(st.sampled_from(["why", " "])),
                "expires": mutated(DAYS),
            },
        ),
        max_size=2,
    )
)
AXIS_VALUES = mutated(
    st.lists(st.sampled_from([0, 0.5, 2, "x"]), min_size=1, max_size=3, unique=True)
) | table_of({"range": mutated(st.just([0, 3]))}, {})
EQUIVALENCES = table_of(
    {
        "path": mutated(st.just("a[*]")),
        "over": mutated(st.just("s")),
        "margin": mutated(st.sampled_from([1, 0.5])),
        "reason": mutated(st.just("r")),
    },
    {
        "relative_to": mutated(st.sampled_from(["mean", "sd"])),
        "alpha": mutated(st.just(0.1)),
        "min_runs": mutated(st.just(20)),
        "output": mutated(st.just("o.json")),
        "expires": mutated(DAYS),
    },
)
EXPERIMENTS = table_of(
    {
        "command": mutated(st.just(["p", "{s}"])),
        "outputs": mutated(st.just(["o.json"])),
        "matrix": mutated(st.dictionaries(st.just("s"), AXIS_VALUES, min_size=1)),
    },
    {
        "environment": mutated(st.just("e")),
        "inputs": mutated(st.just(["data"])),
        "sources": mutated(st.just(["**/*.py"])),
        "description": mutated(st.just("d")),
        "variables": VARIABLES,
        "timeout": mutated(st.just(3)),
        "network": mutated(st.booleans()),
        "vary_threads": mutated(st.just([1, 2])),
        "rules": RULES,
        "equivalence": mutated(st.lists(EQUIVALENCES, max_size=2)),
    },
)
SBOM = table_of(
    {"target": mutated(st.just(".venv"))},
    {
        "format": mutated(st.sampled_from(["spdx-json", "cyclonedx"])),
        "spec": mutated(st.just("1.7")),
        "closure": mutated(st.just("buildtime")),
    },
)
LICENCES = table_of(
    {},
    {
        "allow": mutated(st.lists(st.just("MIT"), max_size=1)),
        "deny": mutated(st.lists(st.just("GPL-*"), max_size=1)),
        "exceptions": mutated(
            st.lists(
                table_of(
                    {"component": mutated(st.just("x")), "reason": mutated(st.sampled_from(["why", " "]))},
                    {"version": mutated(st.just("1")), "expires": mutated(DAYS)},
                ),
                max_size=1,
            )
        ),
    },
)
AUDIT = table_of(
    {},
    {
        "database": mutated(st.just("osv")),
        "max_age_days": mutated(st.just(1.5)),
        "severity": mutated(st.just("high")),
        "vex": mutated(
            st.lists(table_of({"file": mutated(st.just("v.json"))}, {"expires": mutated(DAYS)}), max_size=1)
        ),
    },
)
DOCUMENTS = table_of(
    {
        "version": mutated(st.just(1)),
        "environments": mutated(
            st.fixed_dictionaries(
                {
                    "e": table_of({"kind": mutated(st.just("host"))}, {})
                    | table_of(
                        {"kind": st.just("venv"), "lock": mutated(st.just("l"))},
                        {"python": mutated(st.just("3.12"))},
                    )
                    | table_of(
                        {"kind": st.just("nix")},
                        {"flake": mutated(st.just("env")), "shell": mutated(st.just("ci"))},
                    )
                }
            )
        ),
        "defaults": table_of(
            {"environment": st.just("e")}, {"timeout": mutated(st.just(1)), "variables": VARIABLES}
        ),
    },
    {
        "rules": RULES,
        "sbom": mutated(SBOM),
        "licences": mutated(LICENCES),
        "audit": mutated(AUDIT),
        "experiments": mutated(
            st.dictionaries(st.sampled_from(["a", "b-1", "b c"]), EXPERIMENTS, max_size=2)
        ),
    },
)


def as_json(value: Any) -> Any:  # noqa: ANN401
    """What an editor's schema checker sees: TOML's dates are text."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def pattern(
    _checker: object, expression: str, value: object, _schema: object
) -> Iterator[jsonschema.ValidationError]:
    """In ECMA 262, which the standard names, `$` is the end; Python's also stands before a last newline."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", expression), value):
        yield jsonschema.ValidationError(f"{value!r} does not match {expression!r}")


CHECKER = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})(  # type: ignore[no-untyped-call]
    tables.json_schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)

BEYOND_SCHEMA = (
    "is not a path inside the folder",
    "no environment",
    "experiments.a.environment: missing",
    "experiments.b-1.environment: missing",
    "named twice",
    "lies in",
    "is reserved",
    "is no set of characters",
    "unknown placeholder",
    "the command does not use",
    "brace without its partner",
    "is there already",
    "also an axis",
    "has a meaning already",
    "no values",
    "must be 1, not 1.0",
    "must be a whole number, not 1.0",
    "must be a whole number, not 1e+300",
    "must be finite, not",
    "rules[0].path: ",
    "rules[1].path: ",
    "more than",
    "names of runs",
    "in the matrix",
    "equivalence[0].path: ",
    "equivalence[1].path: ",
)
"""What the parser refuses and a JSON Schema cannot say: names that must exist elsewhere in the file,
relations between values, the grammar of paths and globs, and numbers that JSON has not (inf, 1.0)."""


def parse(text: str) -> config.Project:
    return config.parse(text.encode(), root=Path("/nowhere"))


def as_toml(value: Any) -> str:  # noqa: ANN401
    """A value as TOML writes it, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {as_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, str | bool):
        return json.dumps(value)
    return value.isoformat() if isinstance(value, date) else repr(value)


def agree(document: dict[str, Any]) -> str:
    """Check that parser and schema say the same, as far as the schema can; returns what the parser said."""
    by_schema = list(CHECKER.iter_errors(as_json(document)))
    try:
        parse("".join(f"{json.dumps(key)} = {as_toml(value)}\n" for key, value in document.items()))
    except ConfigError as error:
        said = error.message
    else:
        said = ""
    if not said:
        assert not by_schema
    elif not by_schema:
        beyond = [line for line in said.splitlines() if not any(text in line for text in BEYOND_SCHEMA)]
        assert not beyond
    return said


@given(DOCUMENTS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_schema_and_parser_agree_on_generated_documents(document: dict[str, Any]) -> None:
    """The parser accepts nothing that the schema refuses, and refuses more only where no schema can."""
    agree(document)


def test_the_generator_makes_documents_that_are_accepted() -> None:
    """The law above is not empty: among the generated documents are right ones with experiments."""
    document = find(
        DOCUMENTS,
        lambda each: bool(each.get("experiments")) and not agree(each),
        settings=settings(max_examples=5000, derandomize=False, database=None),
        random=Random(1),  # noqa: S311 - the same search every time
    )
    assert parse("\n".join(f"{key} = {as_toml(value)}" for key, value in document.items())).experiments


@pytest.mark.parametrize("text", ["version = 1", (HERE / "repro.toml").read_text()])
def test_schema_and_parser_accept_right_documents(text: str) -> None:
    """Right documents are right for both."""
    assert agree(tomllib.loads(text)) == ""


MISTAKES = tomllib.loads(Path(__file__).with_name("config_mistakes.toml").read_text())["mistake"]


@pytest.mark.parametrize(
    "text", [mistake["text"] for mistake in MISTAKES if "not TOML" not in mistake["message"]]
)
def test_schema_and_parser_agree_on_each_mistake(text: str) -> None:
    """Each mistake of the list is refused by the schema too, or is one that a schema cannot say."""
    assert agree(tomllib.loads(text))


def test_the_shipped_schema_is_that_of_the_parser() -> None:
    """`docs/reference/repro.schema.json` is made from the models, byte for byte."""
    shipped = (HERE / "docs" / "reference" / "repro.schema.json").read_bytes()
    assert shipped == to_pretty_bytes(tables.json_schema())
    jsonschema.Draft202012Validator.check_schema(tables.json_schema())


def test_the_reference_names_every_key() -> None:
    """The reference page lists each key of each table, in a row of its own, and no other."""
    page = (HERE / "docs" / "reference" / "repro-toml.md").read_text()
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE))
    models = (ProjectTable, DefaultsTable, EnvironmentTable, ExperimentTable, RangeTable, RuleTable)
    others = (EquivalenceTable, SbomTable, LicencesTable, ExceptionTable, AuditTable, VexTable)
    gates = (VerifyTable, GateTable)
    assert listed == {key for model in (*models, *others, *gates) for key in model.model_fields}
