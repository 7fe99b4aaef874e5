"""One artifact against a policy: every piece of evidence through steps 1 to 8, then every demand.

An artifact without any evidence was not checked (exit 3), whatever the policy says; one that no rule is about
fails, and so does one that any rule is not met by.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from repro.core.check import Check, Status
from repro.core.digest import of_bytes
from repro.core.errors import ReproError
from repro.core.exits import Exit
from repro.verify.agree import agreements
from repro.verify.candidate import Candidate
from repro.verify.demands import Judged, judged, operators_of
from repro.verify.levels import REPRODUCED, build_level
from repro.verify.memory import Accepted, accepted_of, recalled, stream_of
from repro.verify.policy import Demand, Policy, Provenance, Rule, Signer, VsaDemand
from repro.verify.protocol import Outcome, verify
from repro.verify.shared import Shared
from repro.verify.signers import Expectation
from repro.verify.steps import builders_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repro.attest.reading import Evidence
    from repro.attest.trust import Trust
    from repro.verify.artifact import Artifact
    from repro.verify.candidate import Surroundings

RELEASES = ("https://in-toto.io/attestation/release/v0.1",)
SUBJECT = 8
"""The step that tells whether a statement is about the artifact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One piece of evidence after steps 1 to 8, with the digest of its bytes and the root it was held by."""

    outcome: Outcome
    root: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleJudged:
    """A rule, its demands, and the checks over all of them."""

    rule: Rule
    demands: tuple[Judged, ...]
    checks: tuple[Check, ...]

    @property
    def is_met(self) -> bool:
        """Whether every demand is met, and nothing over all of them fails."""
        return (
            bool(self.demands)
            and all(one.is_met for one in self.demands)
            and all(one.status is not Status.FAIL for one in self.checks)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All about one artifact; `levels` were verified, `kept` is to be remembered, by stream."""

    name: str
    artifact: Artifact | None
    seen: tuple[Seen, ...] = ()
    rules: tuple[RuleJudged, ...] = ()
    checks: tuple[Check, ...] = ()
    exit: Exit = Exit.WRONG
    levels: tuple[str, ...] = field(default=())
    kept: Mapping[str, Accepted] = field(default_factory=dict)

    @property
    def failures(self) -> tuple[Check, ...]:
        """Why it was not verified: its checks, those of unmet demands, and of evidence if none held."""
        unmet = [one for rule in self.rules for one in rule.demands if not one.is_met]
        checks = [*self.checks, *(check for rule in self.rules for check in rule.checks)]
        checks += [check for one in unmet for check in one.checks]
        if not any(one.outcome.is_accepted for one in self.seen):
            checks += [check for one in self.seen for check in one.outcome.checks]
        return tuple(one for one in checks if one.status is Status.FAIL)

    @property
    def reason(self) -> str:
        """The last thing that failed: what is nearest to the cause, with its step."""
        if not self.failures:
            return ""
        last = self.failures[-1]
        return f"step {last.step}, {last.name}: {last.reason}" if last.step else f"{last.name}: {last.reason}"

    @property
    def accepted(self) -> tuple[Candidate, ...]:
        """The evidence that some demand was met by, each once."""
        found = {
            id(one.outcome): one for rule in self.rules for each in rule.demands for one in each.accepted
        }
        return tuple(found.values())


def judge(
    artifact: Artifact,
    evidence: Sequence[Evidence],
    policy: Policy,
    trusts: Mapping[str, Trust],
    around: Surroundings,
    memory: Mapping[str, Accepted] | None = None,
    shared: Shared | None = None,
) -> Verdict:
    """Hold an artifact against all rules about it; `memory` is what was accepted last, by stream.

    `shared` is what artifacts of one call share, where there are several.
    """
    rules = policy.rules_for(artifact.name)
    if not rules:
        return Verdict(name=artifact.name, artifact=artifact, checks=(_no_rule(artifact),))
    shared = shared or Shared()
    seen = tuple(_seen(artifact, one, rules, trusts, shared) for one in evidence)
    found = Check(name="evidence", status=Status.PASS, evidence={"pieces": str(len(seen))})
    if not seen:
        reason = "there is no attestation: sign it (repro sign), or name where its evidence lies (--bundle)"
        found = Check(name="evidence", status=Status.FAIL, reason=reason)
    results = tuple(_rule(rule, artifact, seen, around) for rule in rules)
    results, kept = _recalled(policy, artifact, results, memory or {})
    is_met = bool(seen) and all(one.is_met for one in results)
    return Verdict(
        name=artifact.name,
        artifact=artifact,
        seen=seen,
        rules=results,
        checks=(found,),
        exit=Exit.NOT_CHECKED if not seen else Exit.GOOD if is_met else Exit.WRONG,
        levels=_levels(results) if is_met else (),
        kept=kept if is_met else {},
    )


def _recalled(
    policy: Policy, artifact: Artifact, results: Sequence[RuleJudged], memory: Mapping[str, Accepted]
) -> tuple[tuple[RuleJudged, ...], dict[str, Accepted]]:
    """The rules with their checks against what was accepted last, and what to remember if all is well."""
    kept: dict[str, Accepted] = {}
    done = []
    for one in results:
        if one.rule.memory and one.is_met:
            stream = stream_of(policy.name, one.rule, artifact)
            kept[stream] = accepted_of(artifact, one.demands, one.rule.memory.order)
            checks = recalled(one.rule, kept[stream], memory.get(stream))
            done.append(replace(one, checks=(*one.checks, *checks)))
        else:
            done.append(one)
    return tuple(done), kept


def unread(name: str, error: ReproError) -> Verdict:
    """The verdict where the artifact or its evidence cannot be read."""
    check = Check(name="artifact", status=Status.FAIL, reason=error.message, step=1)
    return Verdict(name=name, artifact=None, checks=(check,), exit=error.exit)


def _no_rule(artifact: Artifact) -> Check:
    reason = f"no rule of the policy is about {artifact.name!r}"
    return Check(name="rule", status=Status.FAIL, reason=reason)


def _seen(
    artifact: Artifact,
    evidence: Evidence,
    rules: Sequence[Rule],
    trusts: Mapping[str, Trust],
    shared: Shared,
) -> Seen:
    """Steps 1 to 8 by each trusted root that signers of the rules stand under, until one accepts."""
    last: Seen | None = None
    digest = shared.once(("digest", evidence), 0, lambda: of_bytes(evidence.raw).hex)
    for root, expectation in _expectations(rules).items():
        outcome = verify(artifact, evidence, expectation, trusts[root], shared)
        last = Seen(outcome=outcome, root=root, sha256=digest)
        if outcome.is_accepted or _is_unbound(outcome):
            break
    if last is None:
        raise ReproError("the policy names nobody who may sign", hint="name signers")
    return last


def _expectations(rules: Sequence[Rule]) -> dict[str, Expectation]:
    """All signers of the rules by their roots; which of them a demand wants is asked later."""
    groups: dict[str, list[Signer]] = {}
    for rule in rules:
        for demand in rule.demands:
            for signer in demand.signers:
                groups.setdefault(signer.root, []).append(signer)
    named = any(rule.named for rule in rules)
    return {
        root: Expectation(
            identities=tuple(dict.fromkeys(one.identity for one in signers if one.identity)),
            keys=tuple(dict.fromkeys(one.key for one in signers if one.key)),
            named=named,
        )
        for root, signers in groups.items()
    }


def _is_unbound(outcome: Outcome) -> bool:
    """Whether all is well with evidence but that it is about something else."""
    return outcome.failed is not None and outcome.failed.step == SUBJECT and outcome.statement is not None


def _rule(rule: Rule, artifact: Artifact, seen: Sequence[Seen], around: Surroundings) -> RuleJudged:
    done: dict[str, Judged] = {}
    for demand in sorted(rule.demands, key=lambda one: bool(one.linked_by)):
        linked = _linked(done[demand.linked_by]) if demand.linked_by in done else frozenset()
        candidates = [
            Candidate(
                outcome=one.outcome,
                root=one.root,
                demand=demand,
                artifact=artifact,
                around=around,
                linked=linked,
            )
            for one in seen
            if one.outcome.is_accepted or (demand.linked_by and _is_unbound(one.outcome))
        ]
        done[demand.name] = judged(demand, candidates)
    demands = tuple(done[one.name] for one in rule.demands)
    return RuleJudged(rule=rule, demands=demands, checks=agreements(rule, done))


def _linked(release: Judged) -> frozenset[str]:
    """The digests of statements that accepted releases name."""
    found: set[str] = set()
    for candidate in release.accepted:
        links = candidate.statement.predicate.get("repro_attestations")
        for one in links if isinstance(links, list) else ():
            digests = one.get("digest") if isinstance(one, dict) else None
            if isinstance(digests, dict) and isinstance(digests.get("sha256"), str):
                found.add(digests["sha256"])
    return frozenset(found)


def _levels(results: Sequence[RuleJudged]) -> tuple[str, ...]:
    """What met demands verify: the level of the builder, independent builds, what a verifier verified."""
    found: set[str] = set()
    best = 0
    for judged_one in (one for rule in results for one in rule.demands):
        demand: Demand = judged_one.demand
        if isinstance(demand, Provenance):
            levels = [one.level for each in judged_one.accepted for one in builders_of(each)]
            best = max([best, *levels])
            if demand.independent > 1 and len(operators_of(judged_one.accepted)) >= demand.independent:
                found.add(REPRODUCED)
        elif isinstance(demand, VsaDemand):
            found.update(demand.levels)
    return tuple(sorted(found | ({build_level(best)} if best else set())))
