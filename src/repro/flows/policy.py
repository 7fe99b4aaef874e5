"""`repro policy`, and policies for `repro verify`: read once, perhaps signed, perhaps expired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.attest.keys import load_public
from repro.attest.trust import Trust
from repro.core.check import Check, Status
from repro.core.errors import ConfigError, EvidenceError, ReproError
from repro.core.toml import MAX_BYTES
from repro.flows.policy_reading import parse_policy
from repro.verify.artifact import open_artifact
from repro.verify.discovery import Beside, Listings
from repro.verify.protocol import verify
from repro.verify.signers import Expectation

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from repro.verify.artifact import Artifact
    from repro.verify.policy import Policy


def load_policy(folder: Path, file: str, *, key: str, now: datetime) -> tuple[Policy, tuple[Check, ...]]:
    """The policy in a file, read once, and the checks about itself: its signature where `key` is named."""
    path = folder / file
    try:
        artifact = open_artifact(path)
    except ReproError as error:
        raise ConfigError(f"policy {error.message}", hint="make a first one: repro policy init") from error
    if artifact.content is None or len(artifact.content) > MAX_BYTES:
        raise ConfigError(f"{file}: a policy of more than {MAX_BYTES} bytes")
    checks = [_signature(path, file, artifact, folder / key)] if key else []
    for one in checks:
        if one.status is Status.FAIL:
            raise EvidenceError(f"{file}: {one.reason}", hint=f"sign it: repro sign {file} --key …")
    policy = parse_policy(artifact.content, name=file, folder=path.parent)
    return policy, (*checks, *expiry(policy, now))


def _signature(path: Path, name: str, artifact: Artifact, key: Path) -> Check:
    """Whether the policy's own bytes were signed by a key, by evidence beside it."""
    expectation = Expectation(keys=(load_public(key),))
    found = Beside(path=path, name=name, listing=Listings().of(path.parent)).of(artifact)
    for one in found.evidence:
        outcome = verify(artifact, one, expectation, Trust())
        if outcome.is_accepted and outcome.statement is None:
            evidence = {"key": expectation.keys[0].fingerprint, "by": one.name}
            return Check(name="policy signed", status=Status.PASS, evidence=evidence)
    reason = f"no signature of {key.name} over it is beside it"
    return Check(name="policy signed", status=Status.FAIL, reason=reason)


def expiry(policy: Policy, now: datetime) -> tuple[Check, ...]:
    """Whether a policy still holds; none where it never ends."""
    if policy.expires is None:
        return ()
    if now.date() > policy.expires:
        reason = f"ended on {policy.expires}"
        return (Check(name="policy expires", status=Status.FAIL, reason=reason),)
    return (Check(name="policy expires", status=Status.PASS, evidence={"on": str(policy.expires)}),)
