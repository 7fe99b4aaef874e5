"""Whether a demand of the policy is met by the evidence there is, each question leaving its check.

Only evidence of the demanded type by one of the demand's signers is questioned. Nothing is ever met by
evidence that is not there; evidence beyond what is needed, and bad evidence beside good, does no harm, but
for the verdict of a trusted signer that is newer and says no.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.check import Check, Status
from repro.core.errors import EvidenceError
from repro.verify import documents, vsa
from repro.verify.ages import AGE, signed_at
from repro.verify.candidate import Candidate, NotAsked, Question, asked, one_asked
from repro.verify.policy import Demand, Provenance, ReplayDemand, SbomDemand, VsaDemand
from repro.verify.steps import STEPS, builders_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One piece of evidence that was questioned, and what it answered."""

    candidate: Candidate
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing failed."""
        return bool(self.checks) and all(one.status is not Status.FAIL for one in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A demand and what came of it: every attempt, and the checks over all that hold."""

    demand: Demand
    attempts: tuple[Attempt, ...]
    checks: tuple[Check, ...]

    @property
    def accepted(self) -> tuple[Candidate, ...]:
        """The evidence that holds."""
        return tuple(one.candidate for one in self.attempts if one.holds)

    @property
    def is_met(self) -> bool:
        """Whether nothing about the whole failed."""
        return bool(self.checks) and all(one.status is not Status.FAIL for one in self.checks)


def judged(demand: Demand, candidates: Sequence[Candidate]) -> Judged:
    """Question every candidate, then the whole."""
    first = [(one, [one_asked(question, one) for question in FIRST]) for one in candidates]
    rest = questions_of(demand)
    attempts = tuple(
        Attempt(candidate=one, checks=(*checks, *asked(rest, one)))
        for one, checks in first
        if all(each.status is not Status.FAIL for each in checks)
    )
    whole = _Whole(demand=demand, attempts=attempts, others=len(candidates) - len(attempts))
    return Judged(demand=demand, attempts=attempts, checks=asked(WHOLE, whole))


def questions_of(demand: Demand) -> tuple[Question, ...]:
    """What evidence for a demand is asked after `FIRST`, in this order."""
    own: tuple[Question, ...] = (YES,)
    if isinstance(demand, Provenance):
        own = STEPS
    elif isinstance(demand, SbomDemand):
        own = documents.SBOM
    elif isinstance(demand, ReplayDemand):
        own = documents.REPLAY
    elif isinstance(demand, VsaDemand):
        own = vsa.QUESTIONS
    return (*own, AGE)


def _signer(candidate: Candidate) -> Mapping[str, str]:
    """Step 6 for this demand: who signed is one of those that it names."""
    if not candidate.who:
        raise EvidenceError("signed by nobody whom this demand names")
    return {"signer": ", ".join(one.name for one in candidate.signers)}


def _type(candidate: Candidate) -> Mapping[str, str]:
    """Step 7 for this demand: the predicate is of a type that it asks for."""
    wanted = candidate.demand.predicate_types
    if not wanted:
        raise NotAsked("any statement will do")
    if (said := candidate.statement.predicate_type) not in wanted:
        raise EvidenceError(f"predicateType is {said[:200]!r}")
    return {"predicateType": said}


def _subject(candidate: Candidate) -> Mapping[str, str]:
    """Step 8 for this demand: about the artifact, or named by its release where the demand allows that."""
    if candidate.outcome.is_accepted:
        return {"about": "the artifact"}
    from repro.core.digest import of_bytes

    digest = of_bytes(candidate.statement.raw).hex
    if not candidate.demand.linked_by or digest not in candidate.linked:
        raise EvidenceError("not about this artifact")
    return {"about": f"what {candidate.demand.linked_by} links", "sha256": digest}


def _yes(candidate: Candidate) -> Mapping[str, str]:
    """A statement that the artifact failed is signed as well as any, and is no reason to trust it."""
    statement = candidate.outcome.statement
    if statement is None:
        raise NotAsked("no statement")
    if (
        statement.predicate_type.startswith(vsa.ANY)
        and statement.predicate.get("verificationResult") != vsa.PASSED
    ):
        raise EvidenceError("a verification summary that does not say PASSED")
    if statement.predicate_type in documents.REPLAYS and statement.predicate.get("result") not in PASSING:
        raise EvidenceError("a test result that does not say PASSED")
    return {"says": "nothing against it"}


PASSING = frozenset({"PASSED", "WARNED"})
YES = Question(number=0, name="says yes", ask=_yes)

FIRST = (
    Question(number=6, name="signer", ask=_signer),
    Question(number=7, name="type", ask=_type),
    Question(number=8, name="subject", ask=_subject),
)
"""What tells evidence for a demand from all other evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """A demand with all its attempts; `others` counts evidence that is not for it."""

    demand: Demand
    attempts: tuple[Attempt, ...]
    others: int

    @property
    def accepted(self) -> list[Candidate]:
        return [one.candidate for one in self.attempts if one.holds]


def _present(whole: _Whole) -> Mapping[str, str]:
    """One piece of evidence holds at least."""
    if accepted := whole.accepted:
        return {"evidence": ", ".join(one.outcome.evidence for one in accepted)}
    if whole.attempts:
        last = next(one for one in whole.attempts[-1].checks if one.status is Status.FAIL)
        step = f"step {last.step}, " if last.step else ""
        raise EvidenceError(f"none of {len(whole.attempts)} holds; {step}{last.name}: {last.reason}")
    kinds = " or ".join(whole.demand.predicate_types) or "any type"
    others = f"; what there is ({whole.others}) is by others or of other types" if whole.others else ""
    raise EvidenceError(f"no evidence of {kinds} by its signers{others}")


def _threshold(whole: _Whole) -> Mapping[str, str]:
    """Enough different identities have signed; one that signs twice, or under two names, is one."""
    who = {one for candidate in whole.accepted for one in candidate.who}
    if len(who) < max(1, whole.demand.threshold):
        raise EvidenceError(f"{len(who)} different signers; {whole.demand.threshold} are needed")
    return {"different signers": str(len(who))}


def _independent(whole: _Whole) -> Mapping[str, str]:
    """Enough operators have built the same bytes, none of whom signs for another."""
    demand = whole.demand
    if not isinstance(demand, Provenance) or demand.independent <= 1:
        raise NotAsked("one builder is enough")
    operators = operators_of(whole.accepted)
    if len(operators) < demand.independent:
        raise EvidenceError(
            f"{len(operators)} independent operators built these bytes; {demand.independent} are needed"
        )
    return {"operators": ", ".join("+".join(sorted(one)) for one in operators)}


def operators_of(accepted: Sequence[Candidate]) -> list[frozenset[str]]:
    """Who operates the builders of accepted provenance; operators that share a signer count as one."""
    groups: list[tuple[set[str], set[object]]] = []
    for candidate in accepted:
        names = {one.operator for one in builders_of(candidate) if one.operator}
        if not names:
            continue
        who: set[object] = set(candidate.who)
        touching = [group for group in groups if group[0] & names or group[1] & who]
        groups = [group for group in groups if group not in touching]
        groups.append((names.union(*(one[0] for one in touching)), who.union(*(one[1] for one in touching))))
    return sorted((frozenset(names) for names, _ in groups), key=sorted)


def _experiments(whole: _Whole) -> Mapping[str, str]:
    """Every experiment that is asked for was replayed."""
    demand = whole.demand
    if not isinstance(demand, ReplayDemand) or not demand.experiments:
        raise NotAsked("no experiments are named")
    done = {documents.experiment_of(one) for one in whole.accepted}
    if missing := [one for one in demand.experiments if one not in done]:
        raise EvidenceError(f"no replay of {', '.join(missing)} holds")
    return {"experiments": ", ".join(demand.experiments)}


def _contradiction(whole: _Whole) -> Mapping[str, str]:
    """No verdict of a trusted signer is newer than the one that is relied on, and says no."""
    verdicts = [one for one in whole.attempts if _is_verdict(whole.demand)]
    if not verdicts:
        raise NotAsked("not a verdict")
    newest: dict[str, list[object]] = {}
    for one in verdicts:
        if any(check.name in REFUSING and check.status is Status.FAIL for check in one.checks):
            about = _about(one.candidate)
            newer = [
                each for each in whole.accepted if _about(each) == about and not _older(one.candidate, each)
            ]
            newest.setdefault(about, []).extend(newer)
    if newest and any(newest.values()):
        raise EvidenceError("a trusted signer says no, and nothing shows that this is older than the yes")
    return {"refusals": str(len(newest))}


REFUSING = frozenset({"result", "replay passed"})
"""The questions whose answer is a signer's own no."""


def _is_verdict(demand: Demand) -> bool:
    return isinstance(demand, VsaDemand | ReplayDemand)


def _about(candidate: Candidate) -> str:
    return documents.experiment_of(candidate) if isinstance(candidate.demand, ReplayDemand) else ""


def _older(refusal: Candidate, yes: Candidate) -> bool:
    """Whether both were signed at times that third parties vouch for, the refusal first."""
    first, second = signed_at(refusal), signed_at(yes)
    return first is not None and second is not None and first < second


WHOLE = (
    Question(number=0, name="present", ask=_present),
    Question(number=0, name="threshold", ask=_threshold),
    Question(number=0, name="independent", ask=_independent),
    Question(number=0, name="experiments", ask=_experiments),
    Question(number=0, name="no refusal", ask=_contradiction),
)
"""What is asked of all evidence for a demand together."""
