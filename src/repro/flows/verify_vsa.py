"""Verification summaries of what was verified: one for each artifact, each signed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from repro import __version__
from repro.attest.bundle_writing import lines_of
from repro.attest.signing import KeySigner
from repro.core.check import Status
from repro.core.errors import UsageError
from repro.core.exits import Exit
from repro.tools.files import disk_errors, write_atomic
from repro.verify.levels import UNEVALUATED
from repro.verify.vsa import Verifier, summary_of

if TYPE_CHECKING:
    from pathlib import Path

    from repro.attest.keys import PrivateKey
    from repro.flows.verify_report import Report
    from repro.verify.artifact import Artifact
    from repro.verify.judge import Verdict

VERIFIER = "urn:repro:verifier:local"
"""The verifier where none is named: one that vouches for nothing but itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VsaWishes:
    """Where summaries go, who signs, who verified, and what it was ("" for what the policy says)."""

    out: Path
    key: PrivateKey
    verifier: str = VERIFIER
    resource_uri: str = ""


def write_summaries(report: Report, wishes: VsaWishes) -> Report:
    """Write a bundle for each artifact whose bytes are known, failed ones too, in one file."""
    known = [(one, one.artifact) for one in report.verdicts if one.artifact is not None]
    if not known:
        raise UsageError("--vsa: no artifact could be opened, so there is nothing to state")
    if len(known) > 1 and wishes.out.suffix != ".jsonl":
        raise UsageError(
            f"{wishes.out}: {len(known)} summaries do not fit one .json file", hint="name a .jsonl file"
        )
    if wishes.resource_uri and len(known) > 1:
        raise UsageError("--resource-uri is for one artifact", hint="let the policy's rules say resource_uri")
    signer = KeySigner(key=wishes.key)
    bundles = [_bundle(report, verdict, artifact, wishes, signer) for verdict, artifact in known]
    with disk_errors("writing the summaries"):
        write_atomic(wishes.out, lines_of(bundles))
    return replace(report, vsa=str(wishes.out))


def _bundle(
    report: Report, verdict: Verdict, artifact: Artifact, wishes: VsaWishes, signer: KeySigner
) -> bytes:
    policy_holds = all(one.status is not Status.FAIL for one in report.checks)
    policy = report.policy
    statement = summary_of(
        artifact,
        verifier=Verifier(id=wishes.verifier, version={"repro": __version__}),
        at=report.at,
        resource_uri=wishes.resource_uri or _resource(verdict, artifact),
        policy={"uri": policy.uri or f"urn:repro:policy:{quote(policy.name)}", "sha256": policy.sha256},
        inputs=[one.sha256 for one in verdict.seen if one.outcome.is_accepted and one.sha256],
        passed=verdict.exit is Exit.GOOD and policy_holds,
        levels=verdict.levels or (UNEVALUATED,),
    )
    return signer.statement(statement)


def _resource(verdict: Verdict, artifact: Artifact) -> str:
    """What a rule says, else a reference to an image, else a package URL by name and digest."""
    name = artifact.name.rpartition("/")[2]
    said = next((one.rule.resource_uri for one in verdict.rules if one.rule.resource_uri), "")
    if said:
        return said.replace("{name}", name)
    if artifact.name.startswith("oci:"):
        return artifact.name
    return f"pkg:generic/{quote(name, safe='')}"
