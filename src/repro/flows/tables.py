"""The shape of `repro.toml`, table by table; its JSON Schema is made from these models."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    WithJsonSchema,
)

from repro.flows.tables_schema import schema_of

RESERVED = frozenset({"HOME", "PATH", "TMPDIR"})
"""Variables that isolation itself sets; an experiment must not."""

LONGEST_RUN = 366 * 86_400
"""Cap on a time limit, in seconds: a year."""

NO_NUL = r"^[^\x00]*$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
AXIS = r"^[a-z][a-z0-9_]*$"
AXIS_TEXT = r"^[A-Za-z0-9_.+-]+$"
PYTHON = r"^3\.[0-9]{1,2}$"
SHELL = r"^[A-Za-z_][A-Za-z0-9_'-]*$"
WORDS = r"\S"

PATTERNS = {
    NO_NUL: "must not hold a NUL character",
    VARIABLE: "is no name of a variable: letters, digits and _, no digit first",
    NAME: "is no name: letters, digits and . _ - are allowed, a letter or digit comes first",
    AXIS: "is no name of an axis: lower case letters, digits and _, a letter first",
    AXIS_TEXT: "must consist of letters, digits and . _ + -",
    PYTHON: 'must be a minor version such as "3.12"',
    SHELL: "is no name of a shell: letters, digits and _ ' - are allowed, a letter or _ comes first",
    WORDS: "must say something",
}
"""What each pattern asks for, in words."""

DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def _day(value: object) -> object:
    """A day, as TOML's own date or as text."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(DAY, value):
        try:
            return date.fromisoformat(value)
        except ValueError:  # no such day: falls through to the one message
            pass
    raise ValueError("must be a day such as 2030-12-31")


def _integer(value: object) -> object:
    """Refuse true and 1.0, which Python takes for 1."""
    if type(value) is not int:
        raise ValueError("must be 1")
    return value


Text = Annotated[StrictStr, Field(min_length=1, pattern=NO_NUL)]
Name = Annotated[StrictStr, Field(pattern=NAME, max_length=100)]
Tolerance = Annotated[StrictInt, Field(ge=0)] | Annotated[StrictFloat, Field(ge=0)]
Positive = Annotated[StrictInt, Field(gt=0)] | Annotated[StrictFloat, Field(gt=0)]
Seconds = (
    Annotated[StrictInt, Field(gt=0, le=LONGEST_RUN)] | Annotated[StrictFloat, Field(gt=0, le=LONGEST_RUN)]
)
AxisValue = StrictInt | StrictFloat | Annotated[StrictStr, Field(pattern=AXIS_TEXT)]
Variables = Annotated[
    dict[Annotated[StrictStr, Field(pattern=VARIABLE)], Annotated[StrictStr, Field(pattern=NO_NUL)]],
    Field(json_schema_extra={"propertyNames": {"not": {"enum": sorted(RESERVED)}}}),
]
Day = Annotated[
    date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date", "pattern": DAY})
]


class Table(BaseModel):
    """A table of the file: unknown keys are refused, values are not coerced, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


EnvironmentKind = Literal["venv", "nix", "host"]


class EnvironmentTable(Table):
    """Where a command runs: locked packages (`venv`), a flake's shell (`nix`), the caller's own (`host`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": {"properties": {"kind": {"const": "venv"}}},
                    "then": {"required": ["lock"]},
                    "else": {"properties": {"lock": False, "python": False}},
                },
                {
                    "if": {"properties": {"kind": {"const": "nix"}}},
                    "else": {"properties": {"flake": False, "shell": False}},
                },
            ]
        }
    )

    kind: EnvironmentKind = Field(description="How the environment is realised.")
    lock: Text | None = Field(None, description="Hash-locked requirements, relative to this file (venv).")
    python: Annotated[StrictStr, Field(pattern=PYTHON)] | None = Field(
        None, description="Exact Python minor version, such as 3.12; the caller's where absent (venv)."
    )
    flake: Text | None = Field(
        None, description="Folder of the flake, relative to this file; its own where absent (nix)."
    )
    shell: Annotated[StrictStr, Field(pattern=SHELL)] | None = Field(
        None, description="Name of a shell in devShells of the flake; default where absent (nix)."
    )


class RangeTable(Table):
    """Consecutive integers of a matrix axis."""

    range: Annotated[tuple[StrictInt, ...], Field(min_length=2, max_length=2)] = Field(
        description="First value, and the one after the last."
    )


class RuleTable(Table):
    """A tolerance for the paths that it names; the last rule that matches a path decides."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["path"]}, {"required": ["output"]}],
            "not": {
                "required": ["exact"],
                "properties": {"exact": {"const": True}},
                "anyOf": [
                    {"required": ["rtol"], "properties": {"rtol": {"exclusiveMinimum": 0}}},
                    {"required": ["atol"], "properties": {"atol": {"exclusiveMinimum": 0}}},
                    {"required": ["srtol"], "properties": {"srtol": {"exclusiveMinimum": 0}}},
                    {"required": ["ulp"], "properties": {"ulp": {"exclusiveMinimum": 0}}},
                    {"required": ["digits"], "properties": {"digits": {"exclusiveMinimum": 0}}},
                    {"required": ["printed"], "properties": {"printed": {"const": True}}},
                ],
            },
            "if": {
                "anyOf": [
                    {"required": ["rtol"], "properties": {"rtol": {"exclusiveMinimum": 1e-10}}},
                    {"required": ["atol"], "properties": {"atol": {"exclusiveMinimum": 0}}},
                    {"required": ["srtol"], "properties": {"srtol": {"exclusiveMinimum": 0}}},
                    {"required": ["printed"], "properties": {"printed": {"const": True}}},
                    {"required": ["ignore"], "properties": {"ignore": {"const": True}}},
                    {"required": ["permutation"], "properties": {"permutation": {"const": True}}},
                    {"required": ["ulp"], "properties": {"ulp": {"exclusiveMinimum": 4}}},
                    {
                        "required": ["digits"],
                        "properties": {"digits": {"exclusiveMinimum": 0, "exclusiveMaximum": 10}},
                    },
                    {"required": ["up_to_sign"]},
                    {"required": ["sorted_by"]},
                ]
            },
            "then": {"required": ["reason"], "properties": {"reason": {"pattern": "\\S"}}},
        }
    )

    path: Text = Field("**", description="Glob over typed paths, such as trials[*].regret.")
    output: Text = Field("*", description="Glob over output files.")
    rtol: Tolerance | None = Field(None, description="Relative tolerance; 1e-10 where absent.")
    atol: Tolerance | None = Field(None, description="Absolute tolerance, in the value's unit.")
    srtol: Tolerance | None = Field(None, description="Tolerance relative to the array's scale.")
    scale: Positive | None = Field(None, description="Physical scale in place of the largest |value|.")
    ulp: Annotated[StrictInt, Field(ge=0, le=1 << 20)] | None = Field(
        None, description="Units in the last place of the baseline's value; replaces the default rtol."
    )
    digits: Tolerance | None = Field(
        None, description="Decimal digits that must agree; replaces the default rtol."
    )
    exact: StrictBool | None = Field(None, description="Grant nothing, not even rounding.")
    printed: StrictBool | None = Field(None, description="Allow half a unit of the last printed digit.")
    strict_zero: StrictBool | None = Field(None, description="Tell -0.0 from 0.0.")
    ignore: StrictBool | None = Field(None, description="Leave these paths out of the comparison.")
    labels: StrictBool | None = Field(None, description="Integers are labels: report mismatches in ppm.")
    sorted_by: Text | Annotated[tuple[Text, ...], Field(min_length=1)] | None = Field(
        None, description="Columns by which the rows of this table are paired, whatever their order."
    )
    up_to_sign: Literal["columns", "rows", "whole"] | None = Field(
        None, description="What may have the other sign: each column or row (eigenvectors), or the whole."
    )
    permutation: StrictBool | None = Field(None, description="The rows of this array have no order.")
    reason: Text | None = Field(None, description="Why this is looser than the default.")
    expires: Day | None = Field(None, description="The last day on which the rule applies.")


class EquivalenceTable(Table):
    """A test that means over runs with other seeds are equivalent: two one-sided tests with a margin."""

    path: Text = Field(description="Glob over typed paths whose means are tested, such as regret[*].")
    over: Text = Field(description="Axis of the matrix whose runs form the ensemble, such as seed.")
    margin: Positive = Field(description="How far means may be apart and still count as equal.")
    relative_to: Literal["mean", "sd"] | None = Field(
        None,
        description="Unit of the margin: |mean| or standard deviation of the baseline's runs; the value's own"
        " unit where absent.",
    )
    alpha: Annotated[StrictInt, Field(gt=0, lt=1)] | Annotated[StrictFloat, Field(gt=0, lt=0.5)] | None = (
        Field(None, description="Level of each one-sided test; 0.05 where absent.")
    )
    min_runs: Annotated[StrictInt, Field(ge=2, le=100_000)] | None = Field(
        None, description="Runs on each side below which nothing is tested; 2 where absent."
    )
    output: Text = Field("*", description="Glob over output files.")
    reason: Annotated[Text, Field(json_schema_extra={"pattern": "\\S"})] = Field(
        description="Why a difference below the margin does not matter."
    )
    expires: Day | None = Field(None, description="The last day on which the declaration applies.")


def _or_a_stage(schema: dict[str, Any]) -> None:
    """Let a stage stand for the keys that it brings; here they are filled in before anything is checked."""
    keys = schema.pop("required")
    schema["anyOf"] = [{"required": keys}, {"required": ["stage"], "not": {"required": ["command"]}}]


class ExperimentTable(Table):
    """One command whose outputs are compared with a baseline; a matrix makes many runs of it."""

    model_config = ConfigDict(json_schema_extra=_or_a_stage)

    stage: Text | None = Field(
        None, description="Stage of dvc.yaml, or FOLDER/dvc.yaml:STAGE, in place of command and outputs."
    )
    command: tuple[Text, ...] = Field(
        min_length=1,
        description="Program and arguments; {code}, {out}, {data}, {seed} and axes are filled in.",
    )
    outputs: tuple[Text, ...] = Field(min_length=1, description="Files that the command writes below {out}.")
    description: StrictStr = Field("", description="One line for people.")
    environment: Text | None = Field(None, description="Name of a table under [environments].")
    inputs: tuple[Text, ...] = Field((), description="Data files or folders, under DVC or in git.")
    sources: tuple[Text, ...] = Field(
        ("**",),
        min_length=1,
        description="Globs over the repository's files: all the code that the command may see.",
    )
    variables: Variables = Field({}, description="Environment variables of the command.")
    seed: StrictInt | None = Field(None, description="Value of {seed}.")
    matrix: dict[
        Annotated[StrictStr, Field(pattern=AXIS)],
        Annotated[tuple[AxisValue, ...], Field(min_length=1)] | RangeTable,
    ] = Field({}, description="Axes; every combination of their values is a run of its own.")
    timeout: Seconds | None = Field(None, description="Seconds a run may take.")
    network: StrictBool = Field(default=False, description="Let the command use the network.")
    vary_threads: tuple[Annotated[StrictInt, Field(gt=0, le=4096)], ...] = Field(
        (), description="Thread counts that --repeat may vary."
    )
    rules: tuple[RuleTable, ...] = Field((), description="Tolerances, after those of the whole file.")
    equivalence: tuple[EquivalenceTable, ...] = Field(
        (), description="Tests for runs with seeds that have no baseline."
    )


class DefaultsTable(Table):
    """What every experiment has where it says nothing else."""

    environment: Text | None = Field(None, description="Name of a table under [environments].")
    variables: Variables = Field({}, description="Environment variables, joined by key.")
    timeout: Seconds = Field(3600, description="Seconds a run may take.")


class SbomTable(Table):
    """What `repro sbom` makes where no target is named."""

    target: Text = Field(description="What the SBOM is of: as on the command line, relative to this file.")
    format: Literal["cyclonedx-json", "cyclonedx-xml", "spdx-json"] = Field(
        "cyclonedx-json", description="How it is written."
    )
    spec: Literal["1.4", "1.5", "1.6", "1.7"] | None = Field(None, description="Version of CycloneDX.")
    closure: Literal["runtime", "buildtime"] | None = Field(None, description="What of a derivation (Nix).")


class ExceptionTable(Table):
    """A component that is let pass whatever its licence."""

    component: Text = Field(description="Glob over names and package URLs of components.")
    version: Text | None = Field(None, description="Only this version.")
    reason: Annotated[StrictStr, Field(pattern=WORDS)] = Field(description="Why it is let pass.")
    expires: Day | None = Field(None, description="The last day on which it is let pass.")


class LicencesTable(Table):
    """Which licences components may have."""

    allow: tuple[Text, ...] = Field((), description="Globs over SPDX identifiers; all where it is absent.")
    deny: tuple[Text, ...] = Field((), description="Globs over SPDX identifiers that are not allowed.")
    exceptions: tuple[ExceptionTable, ...] = Field((), description="Components that are let pass.")


class VexTable(Table):
    """A VEX document whose statements count in every audit."""

    file: Text = Field(description="The document, relative to this file.")
    expires: Day | None = Field(None, description="The day from which its statements count no longer.")


class AuditTable(Table):
    """What `repro audit` goes by where nobody says otherwise."""

    database: Text | None = Field(None, description="Folder or zip of OSV entries, relative to this file.")
    max_age_days: Positive = Field(7, description="How old its newest entry may be.")
    severity: Literal["low", "medium", "high", "critical"] = Field(
        "low", description="The least severity that is exit code 1; an unknown one always is."
    )
    vex_max_age_days: Positive | None = Field(None, description="How old a VEX statement may be.")
    vex: tuple[VexTable, ...] = Field((), description="VEX documents.")


class VerifyTable(Table):
    """What `repro verify` verifies where no target is named, and by which policy."""

    policy: Text = Field(description="The policy's file, relative to this file.")
    policy_key: Text | None = Field(None, description="Public key that must have signed the policy.")
    targets: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description="Files, folders and globs over files, store paths, oci: images, digests."
    )
    bundles: tuple[Text, ...] = Field((), description="Files and folders of attestations.")
    trusted_root: Text | None = Field(None, description="In place of the public Sigstore's trusted root.")


class GateTable(Table):
    """One check of `repro gate`, which CI calls too."""

    command: tuple[Text, ...] = Field(
        min_length=1, description="Program and arguments, run in this file's folder; exit 0 is a pass."
    )
    stages: tuple[Literal["pull-request", "release", "deploy"], ...] = Field(
        min_length=1, description="When it counts."
    )
    description: StrictStr = Field("", description="One line for people.")
    timeout: Seconds = Field(3600, description="Seconds it may take.")
    tools: tuple[Text, ...] = Field((), description="Programs that it needs beside its own.")


class ProjectTable(Table):
    """The whole file."""

    version: Annotated[Literal[1], BeforeValidator(_integer)] = Field(description="Version of this format.")
    defaults: DefaultsTable = Field(
        default_factory=DefaultsTable, description="Defaults of every experiment."
    )
    environments: dict[Name, EnvironmentTable] = Field({}, description="Environments by name.")
    experiments: dict[Name, ExperimentTable] = Field({}, description="Experiments by name.")
    rules: tuple[RuleTable, ...] = Field((), description="Tolerances of every experiment.")
    sbom: SbomTable | None = Field(None, description="What `repro sbom` makes where no target is named.")
    licences: LicencesTable | None = Field(None, description="Which licences components may have.")
    audit: AuditTable | None = Field(None, description="What `repro audit` goes by.")
    verify: VerifyTable | None = Field(None, description="What `repro verify` verifies, by which policy.")
    gate: dict[Name, GateTable] = Field({}, description="Checks of `repro gate` by name, in their order.")


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `repro.toml`, for editors."""
    return schema_of(ProjectTable, "repro.toml")
