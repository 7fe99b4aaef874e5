"""The shape of a policy's file, table by table; its JSON Schema is made from these models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from repro.flows.tables import Day, Name, Positive, Table, Text
from repro.flows.tables_schema import schema_of

Sha256 = Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[StrictStr, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]
"""Texts, one at least: an empty list could be meant as none, where an absent one stands for any."""

Json = StrictBool | StrictInt | StrictFloat | StrictStr | list[Any] | dict[StrictStr, Any]
Count = Annotated[StrictInt, Field(ge=1, le=1000)]

LEVELS = 3
"""The highest level of SLSA's build track."""


def _one(value: object) -> object:
    if type(value) is not int:
        raise ValueError("must be 1")
    return value


class TrustedRootTable(Table):
    """A trusted root of Sigstore."""

    file: Text | None = Field(
        None, description="Its file, relative to the policy; the public good instance's where absent."
    )
    sha256: Sha256 | None = Field(None, description="The digest that the file must have.")


class SignerTable(Table):
    """One who may sign: an identity with its issuer, or a key."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["identity", "issuer"]},
                {"required": ["identity_pattern", "issuer"]},
                {"required": ["key"]},
            ]
        }
    )

    identity: Text | None = Field(None, description="The identity in the certificate, exactly.")
    identity_pattern: Text | None = Field(
        None, description="A regular expression that must match all of the identity."
    )
    issuer: Text | None = Field(None, description="Who vouched for the identity, exactly.")
    key: Text | None = Field(None, description="File of a public key, relative to the policy.")
    root: Name | None = Field(None, description="Name of a table under [roots].")


class BuilderTable(Table):
    """A root of trust: what a build is worth that these signers say this builder made."""

    id: Text = Field(description="builder.id in the provenance, exactly.")
    signers: Names = Field(description="Who may speak for the builder.")
    level: Annotated[StrictInt, Field(ge=0, le=LEVELS)] = Field(description="SLSA build level that it has.")
    operator: Name | None = Field(None, description="Who runs it; for counts of independent builders.")


class ParameterTable(Table):
    """What one external parameter may be; anything, where only `any` is said."""

    equals: Json | None = Field(None, description="Exactly this value.")
    one_of: Annotated[tuple[Json, ...], Field(min_length=1)] | None = Field(
        None, description="One of these values."
    )
    pattern: Text | None = Field(None, description="A regular expression that must match all of the text.")
    any: StrictBool | None = Field(None, description="Any value will do.")
    optional: StrictBool = Field(default=False, description="It may be absent.")


class BuildTypeTable(Table):
    """A build type and the external parameters that it may have; any other is refused."""

    uri: Text = Field(description="buildType in the provenance, exactly.")
    parameters: dict[Text, ParameterTable] = Field({}, description="External parameters by name.")


class _Demand(Table):
    """What all demands have in common."""

    threshold: Count = Field(1, description="How many different signers are needed.")
    max_age_days: Positive | None = Field(
        None, description="Days since it was signed, by a time that a third party signed."
    )
    linked_by: Name | None = Field(
        None, description="Name of a demand of kind release that must link it; it is not about the artifact."
    )


class _Signed(_Demand):
    signers: Names = Field(description="Who may sign it: names under [signers].")


class SignedTable(_Signed):
    """Any statement about the artifact, or a signature over it."""

    kind: Literal["signed"] = Field(description="Any signature.")


class StatementTable(_Signed):
    """A statement of a type that is named."""

    kind: Literal["statement"] = Field(description="A statement by its type.")
    predicate_types: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description="One of these, exactly."
    )


class ReleaseTable(_Signed):
    """A release attestation."""

    kind: Literal["release"] = Field(description="A release.")


class ProvenanceTable(_Demand):
    """SLSA provenance."""

    kind: Literal["provenance"] = Field(description="SLSA provenance, v0.2 or v1.")
    signers: Names = Field((), description="Who may sign it; those of the builders where absent.")
    builders: Names = Field(description="Names under [builders].")
    level: Annotated[StrictInt, Field(ge=0, le=LEVELS)] = Field(0, description="SLSA level that is needed.")
    build_types: Names = Field((), description="Names under [build_types]; any where absent.")
    source: Text | None = Field(None, description="Repository, such as https://github.com/example/lab.")
    branch: Text | None = Field(None, description="Name of the branch, without refs/heads/.")
    tag: Text | None = Field(None, description="Name of the tag, without refs/tags/.")
    tag_pattern: Text | None = Field(
        None, description="A regular expression that must match all of a tag's name."
    )
    commit: Commit | None = Field(None, description="The commit, whole.")
    pinned_dependencies: StrictBool = Field(
        default=False, description="Every dependency must have a strong digest."
    )
    independent: Count = Field(1, description="How many operators must have built the same bytes.")


class SbomDemandTable(_Signed):
    """An SBOM."""

    kind: Literal["sbom"] = Field(description="An SBOM: CycloneDX, SPDX, or a reference to one.")
    matches: StrictBool = Field(default=False, description="It must be that of what is in the artifact.")
    allow_licences: Texts = Field((), description="Globs over SPDX identifiers.")
    deny_licences: Texts = Field((), description="Globs over SPDX identifiers.")
    max_severity: Literal["none", "low", "medium", "high", "critical"] | None = Field(
        None, description="No component may have a known vulnerability above it."
    )


class ReplayTable(_Signed):
    """Replays."""

    kind: Literal["replay"] = Field(description="Results of replays (in-toto test-result).")
    experiments: Texts = Field((), description="Each must have been replayed; any where absent.")
    allow_warnings: StrictBool = Field(default=False, description="A result WARNED will do.")


class VsaTable(_Signed):
    """A verification summary by another verifier."""

    kind: Literal["vsa"] = Field(description="A verification summary (VSA).")
    verifiers: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description="verifier.id in it, exactly one of these."
    )
    resource_uri: Text = Field(description="resourceUri in it; {name} is the artifact's name.")
    levels: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description="Levels that it must state, such as SLSA_BUILD_LEVEL_3."
    )
    policy_sha256: Sha256 | None = Field(None, description="Digest of the policy that it was verified by.")


DemandTable = Annotated[
    SignedTable | StatementTable | ReleaseTable | ProvenanceTable | SbomDemandTable | ReplayTable | VsaTable,
    Field(discriminator="kind"),
]


class RememberTable(Table):
    """What was accepted last is remembered on this machine: nothing older, and nothing with less evidence."""

    order: Literal["time", "version"] = Field(description="By signed time, or by the version of the release.")
    stream: Name | None = Field(
        None, description="Artifacts that follow each other; each name by itself where absent."
    )


class RuleTable(Table):
    """What is demanded of some artifacts."""

    name: Name = Field(description="How the rule is called in reports.")
    match: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description="Globs over names of artifacts; one without / is about the last part of a name."
    )
    demands: Annotated[dict[Name, DemandTable], Field(min_length=1)] = Field(
        description="All that must be there."
    )
    agree: tuple[Annotated[tuple[Text, ...], Field(min_length=2)], ...] = Field(
        (), description="Groups of fields, each DEMAND:/JSON/POINTER, that must have one value."
    )
    remember: RememberTable | None = Field(None, description="Refuse what is older than the last accepted.")
    named: StrictBool = Field(default=False, description="Statements must bear the artifact's name.")
    resource_uri: Text | None = Field(None, description="For --vsa; {name} is the artifact's name.")


class GitHubTable(Table):
    """A repository on GitHub that is asked for attestations by digest."""

    repository: Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?$")] = Field(
        description="OWNER/NAME, or OWNER alone."
    )
    api: Text = Field("https://api.github.com", description="Base of the API.")


class PolicyTable(Table):
    """The whole policy."""

    version: Annotated[Literal[1], BeforeValidator(_one)] = Field(description="Version of this format.")
    name: Text = Field(description="How the policy is called in reports.")
    uri: Text | None = Field(None, description="Where the policy is published; for --vsa.")
    expires: Day | None = Field(None, description="The last day on which the policy holds.")
    roots: dict[Name, TrustedRootTable] = Field({}, description="Trusted roots by name.")
    signers: Annotated[dict[Name, SignerTable], Field(min_length=1)] = Field(description="Signers by name.")
    builders: dict[Name, BuilderTable] = Field({}, description="Roots of trust by name.")
    build_types: dict[Name, BuildTypeTable] = Field({}, description="Build types by name.")
    artifacts: Annotated[tuple[RuleTable, ...], Field(min_length=1)] = Field(
        description="Rules; an artifact must meet every one that is about it."
    )
    github: GitHubTable | None = Field(None, description="Where attestations are asked for by digest.")


KINDS: dict[str, type[Table]] = {
    "signed": SignedTable,
    "statement": StatementTable,
    "release": ReleaseTable,
    "provenance": ProvenanceTable,
    "sbom": SbomDemandTable,
    "replay": ReplayTable,
    "vsa": VsaTable,
}
"""Demands by their kind."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a policy, for editors."""
    return schema_of(PolicyTable, "policy.toml")
