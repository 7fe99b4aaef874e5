"""Steps 9 to 13 of the protocol: what provenance says of builder, build type, parameters, source, materials.

9. (signer, builder.id) is a root of trust of the policy, which alone says its level; 10. the build type;
11. external parameters, where an unknown key fails; 12. source repository, ref and commit as parsed parts, in
the certificate and in the predicate; 13. dependencies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.core.errors import EvidenceError
from repro.verify.artifact import WEAK
from repro.verify.candidate import Candidate, NotAsked, Question
from repro.verify.levels import build_level
from repro.verify.policy import Builder, Provenance
from repro.verify.provenance import SourceClaim
from repro.verify.source import parse_ref, parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repro.verify.policy import SourceRule

IN_GIT = frozenset({"gitCommit", "gitTree", "gitBlob", "gitTag"})
"""Git's own names of objects: by SHA-1 they are weak against who makes both, and yet what git goes by."""


def builders_of(candidate: Candidate) -> tuple[Builder, ...]:
    """The policy's roots of trust that the evidence is from: its signer together with its builder's id."""
    demand, builder = _demand(candidate), candidate.provenance.builder
    return tuple(
        one
        for one in demand.builders
        if builder
        and one.id == builder
        and any(who.made(candidate.signed, candidate.root) for who in one.signers)
    )


def _builder(candidate: Candidate) -> Mapping[str, str]:
    """Step 9."""
    demand, said = _demand(candidate), candidate.provenance.builder
    found = builders_of(candidate)
    if not found:
        raise EvidenceError(f"builder {said[:200]!r} is no root of trust together with this signer")
    level = max(one.level for one in found)
    if level < demand.level:
        raise EvidenceError(f"builder {found[0].name} is trusted for level {level}; {demand.level} is needed")
    return {"builder.id": said, "level": build_level(level)}


def _build_type(candidate: Candidate) -> Mapping[str, str]:
    """Step 10."""
    demand, said = _demand(candidate), candidate.provenance.build_type
    if not demand.build_types:
        raise NotAsked("no build type is named")
    if said not in {one.uri for one in demand.build_types}:
        raise EvidenceError(f"buildType is {said[:200]!r}, which is not allowed")
    return {"buildType": said}


def _parameters(candidate: Candidate) -> Mapping[str, str]:
    """Step 11."""
    demand, view = _demand(candidate), candidate.provenance
    kind = next((one for one in demand.build_types if one.uri == view.build_type), None)
    if kind is None:
        raise NotAsked("no build type is named, and so no parameters")
    if unknown := sorted(view.external.keys() - kind.parameters.keys()):
        raise EvidenceError(f"external parameter {unknown[0][:80]!r} is not allowed")
    for name, parameter in kind.parameters.items():
        if name not in view.external and not parameter.optional:
            raise EvidenceError(f"external parameter {name!r} is missing")
        if name in view.external and not parameter.allows(view.external[name]):
            raise EvidenceError(f"external parameter {name!r} has a value that is not allowed")
    return {"externalParameters": ", ".join(sorted(view.external))}


def _source(candidate: Candidate) -> Mapping[str, str]:
    """Step 12."""
    rule = _demand(candidate).source
    if rule is None:
        raise NotAsked("no source is named")
    said = [one for one in candidate.provenance.sources if one.address]
    if not said:
        raise EvidenceError("the provenance names no source")
    claims = [*said, *_certified(candidate)]
    for claim in candidate.provenance.sources:
        if claim.dirty:
            raise EvidenceError(f"{claim.where}: built from a tree with changes that no commit has")
    for claim in claims:
        _require_source(rule, claim)
    refs, commits = {one.ref for one in claims if one.ref}, _commits(candidate, claims)
    if (rule.ref or rule.tag_pattern) and not refs:
        raise EvidenceError("nothing says from which ref it was built")
    if rule.commit and not commits:
        raise EvidenceError("nothing says from which commit it was built")
    if wrong := commits - {rule.commit} if rule.commit else set():
        raise EvidenceError(f"built from commit {min(wrong)[:80]}, not {rule.commit}")
    return {"source": str(rule.repository), "ref": ", ".join(sorted(refs)), "by": _places(claims)}


def _require_source(rule: SourceRule, claim: SourceClaim) -> None:
    if (found := parse_repository(claim.address)) != rule.repository:
        raise EvidenceError(f"{claim.where}: source is {found}, not {rule.repository}")
    if not claim.ref or not (rule.ref or rule.tag_pattern):
        return
    ref = parse_ref(claim.ref)
    if rule.ref and ref != rule.ref:
        raise EvidenceError(f"{claim.where}: built from {ref}, not from {rule.ref}")
    if rule.tag_pattern and not rule.is_tag(ref):
        raise EvidenceError(f"{claim.where}: built from {ref}, not a tag that {rule.tag_pattern!r} matches")


def _certified(candidate: Candidate) -> Iterator[SourceClaim]:
    """What the certificate says of the source, where it was issued to a build."""
    claims = candidate.signed.signer.claims if candidate.signed.signer else {}
    if "source_repository_uri" in claims:
        yield SourceClaim(
            where="certificate",
            address=claims["source_repository_uri"],
            ref=claims.get("source_repository_ref", ""),
            commit=claims.get("source_repository_digest", ""),
        )


def _commits(candidate: Candidate, claims: list[SourceClaim]) -> set[str]:
    return {one.commit for one in (*claims, *candidate.provenance.sources) if one.commit}


def _places(claims: list[SourceClaim]) -> str:
    return ", ".join(dict.fromkeys(one.where for one in claims))


def _dependencies(candidate: Candidate) -> Mapping[str, str]:
    """Step 13."""
    if not _demand(candidate).pinned:
        raise NotAsked("dependencies need no digests")
    found = candidate.provenance.dependencies
    if not found:
        raise EvidenceError("the provenance names no dependencies")
    for one in found:
        digests = one.get("digest")
        kinds = set(digests) if isinstance(digests, dict) else set()
        if not kinds - WEAK and not kinds & IN_GIT and not _is_commit(one, kinds):
            name = one.get("name") or one.get("uri") or "one without a name"
            raise EvidenceError(f"dependency {str(name)[:200]!r} has no strong digest")
    return {"dependencies": str(len(found))}


def _is_commit(dependency: Mapping[str, Any], kinds: set[str]) -> bool:
    """Whether its `sha1` is a commit: so provenance v0.2, and GitHub's builders in v1 too, write commits."""
    uri = dependency.get("uri")
    return "sha1" in kinds and isinstance(uri, str) and uri.startswith("git+")


def _demand(candidate: Candidate) -> Provenance:
    if not isinstance(candidate.demand, Provenance):
        raise EvidenceError("no demand for provenance")
    return candidate.demand


STEPS = (
    Question(number=9, name="builder", ask=_builder),
    Question(number=10, name="build type", ask=_build_type),
    Question(number=11, name="external parameters", ask=_parameters),
    Question(number=12, name="source", ask=_source),
    Question(number=13, name="dependencies", ask=_dependencies),
)
"""The steps, in their order."""
