"""What a policy demands, as values: who may sign what, by which builders, from which source, how lately.

Policies are written as TOML (`repro.verify.policy_reading`) or made of one signer on the command line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from repro.core.globs import matches

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from repro.attest.keys import PublicKey
    from repro.attest.signed import Signed
    from repro.sbom.licences import Policy as LicencePolicy
    from repro.verify.signers import Identity
    from repro.verify.source import Ref, Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One who may sign, by an identity or a key; `root` names the trusted root, "" is the default one."""

    name: str
    identity: Identity | None = None
    key: PublicKey | None = None
    root: str = ""

    def made(self, signed: Signed, root: str) -> bool:
        """Whether this is who made a verified signature; `root` is the one it was verified with."""
        if root != self.root:  # a key too: the times of what it signed are the root's
            return False
        if self.identity is not None:
            return signed.signer is not None and self.identity.is_met_by(signed.signer)
        return self.key in signed.keys

    def __str__(self) -> str:
        """For people."""
        return str(self.identity) if self.identity else f"key {self.key.fingerprint if self.key else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A trusted root by name: its file, and the digest that it must have ("" for any)."""

    name: str
    file: Path | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """A root of trust: where one of `signers` says that builder `id` built it, the build has `level`.

    `operator` is who runs the builder: builders of one operator are not independent of each other.
    """

    name: str
    id: str
    signers: tuple[Signer, ...]
    level: int
    operator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What an external parameter may be: one of `values`, text that all of `pattern` matches, or anything.

    `optional`: it may be absent.
    """

    values: tuple[Any, ...] = ()
    pattern: str = ""
    optional: bool = False

    def allows(self, value: object) -> bool:
        """Whether a value may be passed; true is not 1, and 1 is not 1.0."""
        if self.pattern:
            return isinstance(value, str) and re.fullmatch(self.pattern, value) is not None
        return not self.values or any(same(value, one) for one in self.values)


def same(first: object, second: object) -> bool:
    """Whether two JSON values are equal, with their kinds."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and first == second


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildType:
    """A build type, and its external parameters: one that is not named here is refused."""

    name: str
    uri: str
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRule:
    """The repository that something was built from, and if given the ref (whole, or a pattern) and commit."""

    repository: Repository
    ref: Ref | None = None
    tag_pattern: str = ""
    commit: str = ""

    def is_tag(self, ref: Ref) -> bool:
        """Whether a ref is a tag that all of the pattern matches."""
        return ref.kind == "tag" and re.fullmatch(self.tag_pattern, ref.name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Evidence that must be there: a statement of one of the types, by `threshold` different signers.

    Without types any statement will do, and a signature over the artifact itself. `max_age_days` counts from
    the time that a third party signed. With `linked_by` the statement is not about the artifact: the release
    that this other demand asks for names it by its digest.
    """

    name: str
    signers: tuple[Signer, ...]
    threshold: int = 1
    predicate_types: tuple[str, ...] = ()
    max_age_days: float | None = None
    linked_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance(Demand):
    """SLSA provenance (v0.2 or v1): by a known builder of at least `level`, from a source, by build types.

    `independent` counts operators: so many different ones must have built the same bytes.
    """

    builders: tuple[Builder, ...]
    level: int = 0
    build_types: tuple[BuildType, ...] = ()
    source: SourceRule | None = None
    pinned: bool = False
    independent: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SbomDemand(Demand):
    """An SBOM: perhaps that of what is in the artifact, of allowed licences, without known bad holes."""

    complete: bool = False
    licences: LicencePolicy | None = None
    max_severity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDemand(Demand):
    """A replay that passed, of each of `experiments` where any are named."""

    experiments: tuple[str, ...] = ()
    warnings: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VsaDemand(Demand):
    """A verification summary: by one of `verifiers`, about `resource_uri`, with at least `levels`.

    `{name}` in the address stands for the artifact's name.
    """

    verifiers: tuple[str, ...]
    resource_uri: str
    levels: tuple[str, ...]
    policy_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRule:
    """What is not older than what was accepted last: by signed `time`, or by `version`.

    Artifacts of one `stream` follow each other; where it is "" each name is a stream of its own.
    """

    order: str
    stream: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is demanded of the artifacts whose names one of the globs matches.

    `agree` are groups of fields (`DEMAND:/POINTER`) that must have one value across attestations. With
    `named` the statements must bear the artifact's name.
    """

    name: str
    match: tuple[str, ...]
    demands: tuple[Demand, ...]
    agree: tuple[tuple[str, ...], ...] = ()
    memory: MemoryRule | None = None
    named: bool = False
    resource_uri: str = ""

    def is_about(self, artifact: str) -> bool:
        """Whether an artifact of that name falls under this rule; a glob without `/` is for the last part."""
        path = artifact.removeprefix("oci:").strip("/")
        base = path.rpartition("/")[2]
        return any(matches(path if "/" in glob else base, glob) for glob in self.match)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    """Where attestations are asked for by digest: a repository, and the base of the API."""

    repository: str
    api: str = "https://api.github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A whole policy; `sha256` is that of its file, "" where it was made of options."""

    name: str
    rules: tuple[Rule, ...]
    roots: Mapping[str, Root] = field(default_factory=dict)
    uri: str = ""
    sha256: str = ""
    expires: date | None = None
    github: GitHub | None = None

    def rules_for(self, artifact: str) -> tuple[Rule, ...]:
        """All rules about an artifact, each of which it must meet."""
        return tuple(rule for rule in self.rules if rule.is_about(artifact))


def ad_hoc(signers: tuple[Signer, ...]) -> Policy:
    """The policy of the command line: any one of these signers, and nothing else is asked."""
    demand = Demand(name="signed", signers=signers)
    rule = Rule(name="any", match=("**",), demands=(demand,))
    return Policy(name="signers of the command line", rules=(rule,))
