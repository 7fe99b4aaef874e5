"""What a policy asks of SBOMs and of replays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.attest.predicates import CYCLONEDX, REFERENCE, TEST_RESULT
from repro.core.canonical import to_bytes
from repro.core.errors import EvidenceError, FormatError
from repro.verify.candidate import Candidate, NotAsked, Question
from repro.verify.policy import ReplayDemand, SbomDemand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.sbom.component import Inventory

SPDX = "https://spdx.dev/Document"
SBOMS = (CYCLONEDX, SPDX, REFERENCE)
"""Types of predicates that are an SBOM, or the digest of one."""

REPLAYS = (TEST_RESULT,)

SHOWN = 3
"""How many components a reason names."""


def stated_inventory(candidate: Candidate) -> Inventory:
    """What the SBOM states, which is the predicate or the document that it refers to by digest."""
    from repro.sbom.reading import parse_sbom

    statement = candidate.statement
    if statement.predicate_type != REFERENCE:
        return parse_sbom(to_bytes(statement.predicate), name="the SBOM").inventory
    found = []
    references = statement.predicate.get("references")
    for one in references if isinstance(references, list) else ():
        digests = one.get("digest") if isinstance(one, dict) else None
        if isinstance(digests, dict) and isinstance(digests.get("sha256"), str):
            found.append(digests["sha256"])
    if len(found) != 1:
        raise FormatError(f"refers to {len(found)} documents by their sha256, not to one")
    return parse_sbom(candidate.around.document(found[0]), name="the SBOM that is referred to").inventory


def _readable(candidate: Candidate) -> Mapping[str, str]:
    """The SBOM is one, and names something."""
    inventory = stated_inventory(candidate)
    if not inventory.components:
        raise EvidenceError("the SBOM names no component")
    return {"components": str(len(inventory.components))}


def _complete(candidate: Candidate) -> Mapping[str, str]:
    """The SBOM is that of what is in the artifact, component by component, by hash."""
    from repro.core.exits import Exit
    from repro.sbom.check import checked

    if not _sbom(candidate).complete:
        raise NotAsked("it need not match what is there")
    result = checked(stated_inventory(candidate), candidate.around.inventory())
    if result.deviations:
        names = ", ".join(f"{one.name} {one.kind}" for one in result.deviations[:SHOWN])
        raise EvidenceError(f"{len(result.deviations)} components are not as the SBOM says: {names}")
    if result.exit() is not Exit.GOOD:
        raise EvidenceError("no component could be compared by hash")
    return {"same by hash": str(result.by_hash), "by version only": str(len(result.by_version))}


def _licences(candidate: Candidate) -> Mapping[str, str]:
    """No component has a licence that is not allowed."""
    from repro.core.check import Status
    from repro.sbom.licences import judged

    policy = _sbom(candidate).licences
    if policy is None:
        raise NotAsked("any licence will do")
    checks = judged(stated_inventory(candidate), policy, today=candidate.around.now.date()).checks
    if bad := [one for one in checks if one.status is Status.FAIL]:
        raise EvidenceError(f"{len(bad)} components, first {bad[0].name}: {bad[0].reason}")
    return {"allowed": str(len(checks))}


def _vulnerabilities(candidate: Candidate) -> Mapping[str, str]:
    """No component has a known vulnerability above a severity, and the database could tell of some."""
    if not (limit := _sbom(candidate).max_severity):
        raise NotAsked("vulnerabilities are not looked at")
    from repro.core.exits import Exit
    from repro.sbom.cvss import Level

    above = list(Level)[Level(limit).rank + 1]
    audit = candidate.around.audit(stated_inventory(candidate))
    if found := audit.at_least(above):
        names = ", ".join(f"{one.id} of {one.component}" for one in found[:SHOWN])
        raise EvidenceError(f"{len(found)} known vulnerabilities above {limit}: {names}")
    if audit.exit(above) is not Exit.GOOD:
        raise EvidenceError("cannot be checked: the database could not tell of its components")
    return {"audited": str(audit.audited), "not audited": str(len(audit.not_audited))}


def _experiment(candidate: Candidate) -> Mapping[str, str]:
    """The replay is of one of the experiments that are asked for."""
    demand, name = _replay(candidate), experiment_of(candidate)
    if demand.experiments and name not in demand.experiments:
        raise EvidenceError(f"a replay of {name[:100]!r}, which is not asked for")
    return {"experiment": name}


def _passed(candidate: Candidate) -> Mapping[str, str]:
    """The replay came out as its baseline says."""
    demand, result = _replay(candidate), candidate.statement.predicate.get("result")
    allowed = {"PASSED", "WARNED"} if demand.warnings else {"PASSED"}
    if result not in allowed:
        raise EvidenceError(f"its result is {result!r:.80}")
    return {"result": str(result)}


def experiment_of(candidate: Candidate) -> str:
    """The experiment that a replay is of. Raises FormatError where it does not say."""
    replay = candidate.statement.predicate.get("repro_replay")
    name = replay.get("experiment") if isinstance(replay, dict) else None
    if not isinstance(name, str):
        raise FormatError("a test result that names no experiment in repro_replay")
    return name


def _sbom(candidate: Candidate) -> SbomDemand:
    if not isinstance(candidate.demand, SbomDemand):
        raise EvidenceError("no demand for an SBOM")
    return candidate.demand


def _replay(candidate: Candidate) -> ReplayDemand:
    if not isinstance(candidate.demand, ReplayDemand):
        raise EvidenceError("no demand for a replay")
    return candidate.demand


SBOM = (
    Question(number=0, name="SBOM", ask=_readable),
    Question(number=0, name="SBOM matches", ask=_complete),
    Question(number=0, name="licences", ask=_licences),
    Question(number=0, name="vulnerabilities", ask=_vulnerabilities),
)
"""What an SBOM is asked."""

REPLAY = (
    Question(number=0, name="experiment", ask=_experiment),
    Question(number=0, name="replay passed", ask=_passed),
)
"""What a replay is asked."""
