"""The shape of `repro.toml`, table by table; its JSON Schema is made from these models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

RESERVED = frozenset({"HOME", "PATH", "TMPDIR"})
"""Variables that isolation itself sets; an experiment must not."""

VariableName = Annotated[StrictStr, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
ExperimentName = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
Text = Annotated[StrictStr, Field(min_length=1)]
AxisText = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_.+-]+$")]
Number = StrictInt | StrictFloat


class Table(BaseModel):
    """A table of the file: unknown keys are refused, values are not coerced, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EnvironmentTable(Table):
    """Where a command runs: packages locked by hash (`venv`), or the caller's interpreter (`host`)."""

    kind: Literal["venv", "host"] = Field(description="How the environment is realised.")
    lock: Text | None = Field(None, description="Hash-locked requirements, relative to this file (venv).")
    python: Annotated[StrictStr, Field(pattern=r"^3\.[0-9]+$")] | None = Field(
        None, description="Exact Python minor version, such as 3.12; the caller's where absent (venv)."
    )


class RangeTable(Table):
    """Consecutive integers of a matrix axis."""

    range: tuple[StrictInt, StrictInt] = Field(description="First value, and the one after the last.")


class RuleTable(Table):
    """A tolerance for the paths that it names; the last rule that matches a path decides."""

    path: Text = Field("**", description="Glob over typed paths, such as trials[*].regret.")
    output: Text = Field("*", description="Glob over output files.")
    rtol: Number | None = Field(None, ge=0, description="Relative tolerance.")
    atol: Number | None = Field(None, ge=0, description="Absolute tolerance, in the value's unit.")
    srtol: Number | None = Field(None, ge=0, description="Tolerance relative to the array's scale.")
    scale: Number | None = Field(None, gt=0, description="Physical scale in place of the largest |value|.")
    printed: StrictBool | None = Field(None, description="Allow half a unit of the last printed digit.")
    strict_zero: StrictBool | None = Field(None, description="Tell -0.0 from 0.0.")
    ignore: StrictBool | None = Field(None, description="Leave these paths out of the comparison.")
    labels: StrictBool | None = Field(None, description="Integers are labels: report mismatches in ppm.")
    reason: Text | None = Field(None, description="Why this is looser than the default.")
    expires: Any = Field(
        None, description="The last day on which the rule applies.", json_schema_extra={"format": "date"}
    )


class ExperimentTable(Table):
    """One command whose outputs are compared with a baseline; a matrix makes many runs of it."""

    command: tuple[Text, ...] = Field(
        min_length=1, description="Program and arguments; {out}, {data}, {seed} and axes are filled in."
    )
    outputs: tuple[Text, ...] = Field(min_length=1, description="Files that the command writes below {out}.")
    description: StrictStr = Field("", description="One line for people.")
    environment: Text | None = Field(None, description="Name of a table under [environments].")
    inputs: tuple[Text, ...] = Field((), description="Data files or folders, under DVC or in git.")
    sources: tuple[Text, ...] = Field(
        ("**",), description="Globs over the repository's files: all the code that the command may see."
    )
    variables: dict[VariableName, StrictStr] = Field({}, description="Environment variables of the command.")
    seed: StrictInt | None = Field(None, description="Value of {seed}.")
    matrix: dict[
        Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_]*$")],
        Annotated[tuple[Number | AxisText, ...], Field(min_length=1)] | RangeTable,
    ] = Field({}, description="Axes; every combination of their values is a run of its own.")
    timeout: Annotated[Number, Field(gt=0)] | None = Field(None, description="Seconds a run may take.")
    network: StrictBool = Field(default=False, description="Let the command use the network.")
    vary_threads: tuple[Annotated[StrictInt, Field(gt=0)], ...] = Field(
        (), description="Thread counts that --repeat may vary."
    )
    rules: tuple[RuleTable, ...] = Field((), description="Tolerances, after those of the whole file.")


class DefaultsTable(Table):
    """What every experiment has where it says nothing else."""

    environment: Text | None = Field(None, description="Name of a table under [environments].")
    variables: dict[VariableName, StrictStr] = Field({}, description="Environment variables, joined by key.")
    timeout: Annotated[Number, Field(gt=0)] = Field(3600, description="Seconds a run may take.")


class ProjectTable(Table):
    """The whole file."""

    version: Literal[1] = Field(description="Version of this format.")
    defaults: DefaultsTable = Field(DefaultsTable(), description="Defaults of every experiment.")
    environments: dict[ExperimentName, EnvironmentTable] = Field({}, description="Environments by name.")
    experiments: dict[ExperimentName, ExperimentTable] = Field({}, description="Experiments by name.")
    rules: tuple[RuleTable, ...] = Field((), description="Tolerances of every experiment.")


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `repro.toml`, for editors."""
    schema = ProjectTable.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "repro.toml",
        **{key: value for key, value in schema.items() if key != "title"},
    }
