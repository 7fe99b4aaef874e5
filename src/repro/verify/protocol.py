"""The numbered protocol, steps 1 to 8: whether one piece of evidence is about one artifact.

1. the artifact, opened once and hashed from that descriptor; 2. caps; 3. strict JSON and base64;
4. the signature over the PAE, its certificate at a signed time, its log entry; 5. the payload type, before
the payload is parsed; 6. identity and issuer as an exact pair; 7. statement type and predicate type;
8. one subject with the artifact's digests.

Every step leaves a `Check`; after one that fails the others are skipped with that reason. What these steps do
not look at is the predicate: steps 9 to 13 and the policy do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from repro.attest.dsse import IN_TOTO
from repro.attest.statement import parse_statement
from repro.core.check import Check, Status
from repro.core.errors import CapError, ConfigError, EvidenceError, FormatError, ReproError
from repro.core.exits import Exit
from repro.verify.artifact import Artifact
from repro.verify.shared import Shared
from repro.verify.signatures import require_signed
from repro.verify.subjects import require_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from repro.attest.bundle import Bundle, Message
    from repro.attest.reading import Evidence
    from repro.attest.signed import Signed
    from repro.attest.statement import Statement
    from repro.attest.trust import Trust
    from repro.core.subject import Subject
    from repro.verify.signers import Expectation


Part = TypeVar("Part")


@dataclass(slots=True, kw_only=True)
class Case:
    """One piece of evidence on the table: what is asked, and what the steps have found out so far.

    Later steps take what earlier ones laid down; nothing else is believed. What does not depend on the
    artifact is taken from `shared`, where another artifact's steps have asked the same.
    """

    artifact: Artifact
    evidence: Evidence
    expectation: Expectation
    trust: Trust
    shared: Shared = field(default_factory=Shared)
    bundle: Bundle | None = None
    refused: FormatError | None = None
    signed: Signed | None = None
    statement: Statement | None = None
    subject: Subject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: its number, its name, and what does it, which returns evidence or raises ReproError."""

    number: int
    name: str
    do: Callable[[Case], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All checks of one piece of evidence, in order, and what it proves.

    Where `exit` is not GOOD nothing is proved: the parts that are there only tell what was refused.
    """

    artifact: str
    evidence: str
    checks: tuple[Check, ...]
    signed: Signed | None = None
    statement: Statement | None = None
    subject: Subject | None = None
    exit: Exit = Exit.WRONG

    @property
    def failed(self) -> Check | None:
        """The step that refused, None where none did."""
        return next((one for one in self.checks if one.status is Status.FAIL), None)

    @property
    def is_accepted(self) -> bool:
        """Whether a signature was verified, and nothing failed."""
        return self.exit is Exit.GOOD


class NotApplicable(Exception):
    """Raised by a step that has nothing to look at in this kind of evidence; the text says why."""


def verify(
    artifact: Artifact,
    evidence: Evidence,
    expectation: Expectation,
    trust: Trust,
    shared: Shared | None = None,
) -> Outcome:
    """Take one piece of evidence through the steps. Raises ConfigError where the trusted root is unusable.

    With `shared` what does not depend on the artifact is done once for all artifacts that share it.
    """
    case = Case(
        artifact=artifact,
        evidence=evidence,
        expectation=expectation,
        trust=trust,
        shared=shared or Shared(),
    )
    checks = follow(STEPS, case)
    failed = any(one.status is Status.FAIL for one in checks)
    return Outcome(
        artifact=artifact.name,
        evidence=evidence.name,
        checks=checks,
        exit=Exit.WRONG if failed or case.signed is None else Exit.GOOD,
        signed=case.signed,
        statement=case.statement,
        subject=case.subject,
    )


def not_opened(artifact: str, evidence: str, error: ReproError) -> Outcome:
    """The outcome where the artifact itself cannot be read: step 1 failed, the others are skipped."""
    first = _failed(STEPS[0], error)
    checks = (first, *(_skipped(step, "step 1 failed") for step in STEPS[1:]))
    return Outcome(artifact=artifact, evidence=evidence, checks=checks, exit=error.exit)


def follow(steps: Sequence[Step], case: Case) -> tuple[Check, ...]:
    """Do the steps in order; each leaves its check, and those after a failure say that they were not done."""
    checks: list[Check] = []
    failed = 0
    for step in steps:
        checks.append(_skipped(step, f"step {failed} failed") if failed else _done(step, case))
        failed = failed or (step.number if checks[-1].status is Status.FAIL else 0)
    return tuple(checks)


def _done(step: Step, case: Case) -> Check:
    try:
        evidence = step.do(case)
    except NotApplicable as reason:
        return _skipped(step, str(reason))
    except ConfigError:
        raise
    except ReproError as error:
        return _failed(step, error)
    return Check(name=step.name, status=Status.PASS, step=step.number, evidence=evidence)


def _failed(step: Step, error: ReproError) -> Check:
    return Check(name=step.name, status=Status.FAIL, reason=error.message, step=step.number)


def _skipped(step: Step, reason: str) -> Check:
    return Check(name=step.name, status=Status.SKIP, reason=reason, step=step.number)


def _artifact(case: Case) -> Mapping[str, str]:
    """Step 1: `repro.verify.artifact.open_artifact` has opened and hashed it, or its digests were given."""
    if not case.artifact.digests:
        raise EvidenceError("the artifact has no digest")
    return dict(case.artifact.digests)


def _caps(case: Case) -> Mapping[str, str]:
    """Step 2: caps, before parsing where they can be counted there, as soon as they can be elsewhere.

    Reading happens here, once; what it finds wrong with the form is left for step 3.
    """
    evidence = case.evidence
    try:
        case.bundle = case.shared.read(evidence)
    except CapError:
        raise
    except FormatError as error:
        case.refused = error
        return {"bytes": str(len(evidence.raw))}
    envelope = case.bundle.envelope
    return {
        "bytes": str(len(evidence.raw)),
        "signatures": str(len(envelope.signatures) if envelope else 1),
        "log entries": str(len(case.bundle.entries)),
        "timestamps": str(len(case.bundle.timestamps)),
    }


def _form(case: Case) -> Mapping[str, str]:
    """Step 3: one document, in which every reader sees the same."""
    if case.refused is not None:
        raise case.refused
    bundle = _laid_down(case.bundle)
    form = f"bundle v{bundle.version}" if bundle.version else "DSSE envelope"
    return {"form": form, "content": "envelope" if bundle.envelope else "signature over the artifact"}


def _signature(case: Case) -> Mapping[str, str]:
    """Step 4: the signature holds, and so does everything that witnesses it."""
    signed = case.signed = _signed(case, _laid_down(case.bundle))
    found = {"certificate for": signed.signer.identity} if signed.signer else {}
    found |= {"keys": ", ".join(key.fingerprint for key in signed.keys)} if signed.keys else {}
    times = ", ".join(f"{one.at:%Y-%m-%dT%H:%M:%SZ} ({one.source})" for one in signed.times)
    found["times"] = times or "none that a third party signed"
    return found | ({"log": ", ".join(signed.log)} if signed.log else {})


def _signed(case: Case, bundle: Bundle) -> Signed:
    """A signature over an envelope is the same for every artifact: it is looked at without any."""
    wanted, trust = case.expectation, case.trust
    if bundle.envelope is None:
        return require_signed(bundle, case.artifact, wanted, trust)
    nobody = Artifact(name="", digests={})
    question = ("signed", case.evidence, wanted, trust)
    return case.shared.once(question, 0, partial(require_signed, bundle, nobody, wanted, trust))


def _payload_type(case: Case) -> Mapping[str, str]:
    """Step 5: the signed type says that the payload is a statement; only then is it parsed."""
    signed = _laid_down(case.signed)
    if signed.payload is None:
        if case.expectation.predicate_types:
            raise EvidenceError("a signature over the artifact itself, where a statement is asked for")
        raise NotApplicable("the signature is over the artifact itself")
    if signed.payload_type != IN_TOTO:
        raise EvidenceError(f"payloadType is {signed.payload_type[:200]!r}, not {IN_TOTO}")
    return {"payloadType": signed.payload_type}


def _identity(case: Case) -> Mapping[str, str]:
    """Step 6: who signed is one of those who may. A key was looked for by itself in step 4."""
    signed = _laid_down(case.signed)
    if signed.signer is None:
        return {"keys": ", ".join(key.fingerprint for key in signed.keys)}
    signer = signed.signer
    rule = next((one for one in case.expectation.identities if one.is_met_by(signer)), None)
    if rule is None:
        raise EvidenceError(f"signed by {signer}, who is none of those who may")
    return {"identity": signer.identity, "issuer": signer.issuer, "rule": str(rule)}


def _statement(case: Case) -> Mapping[str, str]:
    """Step 7: the signed bytes are a statement, of the predicate type that is asked for."""
    signed = _laid_down(case.signed)
    if signed.payload is None:
        raise NotApplicable("the signature is over the artifact itself")
    payload = signed.payload
    statement = case.shared.once(("stated", payload), len(payload), partial(parse_statement, payload))
    wanted = case.expectation.predicate_types
    if wanted and statement.predicate_type not in wanted:
        raise EvidenceError(f"predicateType is {statement.predicate_type[:200]!r}, not {' or '.join(wanted)}")
    case.statement = statement
    return {"_type": statement.type, "predicateType": statement.predicate_type}


def _subject(case: Case) -> Mapping[str, str]:
    """Step 8: what was signed is about this artifact."""
    if case.statement is None:
        _require_named(_laid_down(_laid_down(case.bundle).message), case.artifact)
        return {"sha256": case.artifact.sha256}
    case.subject = require_subject(case.artifact, case.statement.subjects, named=case.expectation.named)
    same = {kind: value for kind, value in case.subject.digests.items() if kind in case.artifact.digests}
    return {"name": case.subject.name, **same}


_HASHES = {
    "SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512",
    "SHA3_256": "sha3_256", "SHA3_384": "sha3_384",
}  # fmt: skip
"""Hashes by the names that bundles have for them (protobuf-specs "sigstore_common.proto", HashAlgorithm)."""


def _require_named(message: Message, artifact: Artifact) -> None:
    """The digest that a bundle names without signing it is the artifact's, where it names one."""
    if not message.digest:
        return
    kind = _HASHES.get(message.algorithm)
    if kind is None:
        raise EvidenceError(f"the bundle names a digest by {message.algorithm!r}, which is no hash's name")
    own = artifact.digests.get(kind)
    if own is None and artifact.content is not None:
        own = hashlib.new(kind, artifact.content).hexdigest()
    if own != message.digest:
        raise EvidenceError(f"the bundle names {kind} {message.digest}, the artifact's is another")


def _laid_down(part: Part | None) -> Part:
    """What an earlier step laid down; without it, nothing is believed."""
    if part is None:
        raise EvidenceError("an earlier step has left nothing to look at")
    return part


STEPS = (
    Step(number=1, name="artifact", do=_artifact),
    Step(number=2, name="caps", do=_caps),
    Step(number=3, name="form", do=_form),
    Step(number=4, name="signature", do=_signature),
    Step(number=5, name="payload type", do=_payload_type),
    Step(number=6, name="identity", do=_identity),
    Step(number=7, name="statement", do=_statement),
    Step(number=8, name="subject", do=_subject),
)
"""The steps, in their order."""
