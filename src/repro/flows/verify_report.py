"""What verifying came to: the policy, every artifact's verdict, and one exit code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from repro.core.check import Check, Status
from repro.core.exits import Exit, worst

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from repro.verify.demands import Judged
    from repro.verify.judge import Seen, Verdict
    from repro.verify.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All verdicts under one policy; `checks` are about the policy itself, `file` is where it was read."""

    policy: Policy
    file: str
    at: datetime
    verdicts: tuple[Verdict, ...]
    checks: tuple[Check, ...] = ()
    vsa: str = ""

    @property
    def exit(self) -> Exit:
        """The worst of the artifacts; with a policy that does not hold, nothing is good."""
        refused = [Exit.WRONG for one in self.checks if one.status is Status.FAIL]
        return worst([*refused, *(one.exit for one in self.verdicts)])

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "version": 1,
            "exit": int(self.exit),
            "at": f"{self.at:%Y-%m-%dT%H:%M:%SZ}",
            "policy": {
                "name": self.policy.name,
                "file": self.file,
                "sha256": self.policy.sha256,
                "checks": [check_dict(one) for one in self.checks],
            },
            "artifacts": [_verdict(one) for one in self.verdicts],
            "vsa": self.vsa,
        }


def strictly(verdict: Verdict) -> Verdict:
    """The verdict where nothing may be left open: refused evidence, and whatever could not be looked at."""
    if verdict.exit is not Exit.GOOD:
        return verdict
    reasons = list(_open(verdict))
    if not reasons:
        return verdict
    check = Check(name="strict", status=Status.FAIL, reason="; ".join(reasons[:3]))
    return replace(verdict, checks=(*verdict.checks, check), exit=Exit.WRONG, levels=())


def _open(verdict: Verdict) -> Iterator[str]:
    for seen in verdict.seen:
        if seen.outcome.failed is not None:
            yield f"{seen.outcome.evidence} is refused"
        elif any(one.status is Status.SKIP for one in seen.outcome.checks):
            yield f"{seen.outcome.evidence} is not a statement"
    for one in verdict.checks:
        if one.status is Status.SKIP:
            yield f"{one.name}: {one.reason}"


def check_dict(check: Check) -> dict[str, Any]:
    """A check as JSON has it."""
    return {
        "step": check.step,
        "name": check.name,
        "status": str(check.status),
        "reason": check.reason,
        "evidence": dict(check.evidence),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    digests: Mapping[str, str] = verdict.artifact.digests if verdict.artifact else {}
    return {
        "name": verdict.name,
        "exit": int(verdict.exit),
        "digests": dict(digests),
        "levels": list(verdict.levels),
        "checks": [check_dict(one) for one in verdict.checks],
        "evidence": [_seen(one) for one in verdict.seen],
        "rules": [
            {
                "name": rule.rule.name,
                "met": rule.is_met,
                "demands": [_demand(one) for one in rule.demands],
                "checks": [check_dict(one) for one in rule.checks],
            }
            for rule in verdict.rules
        ],
    }


def _seen(seen: Seen) -> dict[str, Any]:
    outcome = seen.outcome
    return {
        "name": outcome.evidence,
        "sha256": seen.sha256,
        "accepted": outcome.is_accepted,
        "predicate_type": outcome.statement.predicate_type if outcome.statement else "",
        "checks": [check_dict(one) for one in outcome.checks],
    }


def _demand(judged: Judged) -> dict[str, Any]:
    return {
        "name": judged.demand.name,
        "met": judged.is_met,
        "checks": [check_dict(one) for one in judged.checks],
        "attempts": [
            {
                "evidence": one.candidate.outcome.evidence,
                "holds": one.holds,
                "checks": [check_dict(check) for check in one.checks],
            }
            for one in judged.attempts
        ],
    }
