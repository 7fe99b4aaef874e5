"""Verification summaries (SLSA 1.2, "Verification Summary Attestation" v1): read as evidence, and written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.attest.fields import field, table
from repro.attest.predicates import stamp
from repro.attest.statement import statement
from repro.core.errors import EvidenceError, FormatError
from repro.core.subject import Subject
from repro.verify.ages import SKEW, parse_time
from repro.verify.candidate import Candidate, Question
from repro.verify.levels import FAILED, is_legal, reaches
from repro.verify.policy import VsaDemand

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from repro.attest.statement import Statement
    from repro.verify.artifact import Artifact

TYPE = "https://slsa.dev/verification_summary/v1"
ANY = "https://slsa.dev/verification_summary/"
"""How the types of all versions begin."""

SLSA = "1.2"
PASSED = "PASSED"

_KNOWN = (
    "verifier", "timeVerified", "resourceUri", "policy", "inputAttestations", "verificationResult",
    "verifiedLevels", "dependencyLevels", "slsaVersion",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a summary says: who verified what by which policy, when, with which result and levels."""

    verifier: str
    time: datetime
    resource_uri: str
    policy: Mapping[str, Any]
    result: str
    levels: tuple[str, ...]


def parse_summary(statement: Statement) -> Summary:
    """A statement's predicate as a summary; one without resourceUri or verifiedLevels is none.

    A refusal counts without any level too: some verifiers verify none where they refuse.
    """
    predicate = table(statement.predicate, _KNOWN, "predicate")
    result = field(predicate, "verificationResult", str, "predicate")
    if result not in {PASSED, FAILED}:
        raise FormatError(f"verificationResult is {result[:80]!r}, neither {PASSED} nor {FAILED}")
    levels = field(predicate, "verifiedLevels", list, "predicate")
    if not all(isinstance(one, str) for one in levels) or not (levels or result == FAILED):
        raise FormatError("verifiedLevels: needs at least one level, each as text")
    if not (resource := field(predicate, "resourceUri", str, "predicate")):
        raise FormatError("resourceUri is empty")
    return Summary(
        verifier=field(field(predicate, "verifier", dict, "predicate"), "id", str, "verifier"),
        time=parse_time(predicate.get("timeVerified"), name="timeVerified"),
        resource_uri=resource,
        policy=field(predicate, "policy", dict, "predicate"),
        result=result,
        levels=tuple(levels),
    )


def _verifier(candidate: Candidate) -> Mapping[str, str]:
    """Step 13: one of the verifiers that the policy names for this signer."""
    demand, summary = _demand(candidate), parse_summary(candidate.statement)
    if summary.verifier not in demand.verifiers:
        raise EvidenceError(f"verifier is {summary.verifier[:200]!r}, which the policy does not name")
    if summary.time > candidate.around.now + SKEW:
        raise EvidenceError("timeVerified is in the future")
    return {"verifier": summary.verifier, "timeVerified": stamp(summary.time)}


def _resource(candidate: Candidate) -> Mapping[str, str]:
    """Step 13: about this resource, and not about another that has the same bytes."""
    summary = parse_summary(candidate.statement)
    name = candidate.artifact.name.rpartition("/")[2]
    wanted = _demand(candidate).resource_uri.replace("{name}", name)
    if summary.resource_uri != wanted:
        raise EvidenceError(f"resourceUri is {summary.resource_uri[:200]!r}, not {wanted!r}")
    return {"resourceUri": wanted}


def _policy(candidate: Candidate) -> Mapping[str, str]:
    """Step 13: verified by the policy that is named, by its digest."""
    wanted, said = _demand(candidate).policy_sha256, parse_summary(candidate.statement).policy
    digests = said.get("digest")
    found = digests.get("sha256") if isinstance(digests, dict) else None
    if wanted and found != wanted:
        raise EvidenceError("verified by another policy than the one that is named")
    return {"policy": str(said.get("uri", ""))[:200], "sha256": str(found or "")[:64]}


def _result(candidate: Candidate) -> Mapping[str, str]:
    """Step 13: it passed."""
    if (summary := parse_summary(candidate.statement)).result != PASSED:
        raise EvidenceError("the verifier found that it fails")
    return {"verificationResult": summary.result}


def _levels(candidate: Candidate) -> Mapping[str, str]:
    """Step 13: every demanded level is reached by a stated one; words that are not legal say nothing."""
    stated = [one for one in parse_summary(candidate.statement).levels if is_legal(one)]
    for wanted in _demand(candidate).levels:
        if not any(reaches(one, wanted) for one in stated):
            raise EvidenceError(f"level {wanted} is not among {', '.join(stated)[:200] or 'none'}")
    return {"verifiedLevels": ", ".join(stated)[:200]}


def _demand(candidate: Candidate) -> VsaDemand:
    if not isinstance(candidate.demand, VsaDemand):
        raise EvidenceError("no demand for a summary")
    return candidate.demand


QUESTIONS = (
    Question(number=13, name="verifier", ask=_verifier),
    Question(number=13, name="resource", ask=_resource),
    Question(number=13, name="verifier's policy", ask=_policy),
    Question(number=13, name="result", ask=_result),
    Question(number=13, name="levels", ask=_levels),
)
"""What a verification summary is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Who verifies: an address, and versions of programs by name."""

    id: str
    version: Mapping[str, str]


def summary_of(
    artifact: Artifact,
    *,
    verifier: Verifier,
    at: datetime,
    resource_uri: str,
    policy: Mapping[str, str],
    inputs: Sequence[str],
    passed: bool,
    levels: Sequence[str],
) -> Statement:
    """The summary of one artifact; `policy` is its uri and sha256, `inputs` are SHA-256 of the evidence."""
    descriptor: dict[str, Any] = {"uri": policy["uri"]}
    if policy.get("sha256"):
        descriptor["digest"] = {"sha256": policy["sha256"]}
    predicate = {
        "verifier": {"id": verifier.id, "version": dict(verifier.version)},
        "timeVerified": stamp(at),
        "resourceUri": resource_uri,
        "policy": descriptor,
        "inputAttestations": [{"digest": {"sha256": one}} for one in sorted(set(inputs))],
        "verificationResult": PASSED if passed else FAILED,
        "verifiedLevels": sorted(levels) if passed else [FAILED],
        "slsaVersion": SLSA,
    }
    subject = Subject(name=artifact.name.rpartition("/")[2], digests=artifact.digests)
    return statement([subject], TYPE, predicate)
