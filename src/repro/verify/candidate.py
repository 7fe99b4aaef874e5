"""A piece of evidence held against one demand: what it is asked about, and how they are done."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from repro.core.check import Check, Status
from repro.core.errors import EvidenceError, ReproError
from repro.verify.provenance import View, parse_provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from repro.attest.signed import Signed
    from repro.attest.statement import Statement
    from repro.sbom.audit import Audit
    from repro.sbom.component import Inventory
    from repro.verify.artifact import Artifact
    from repro.verify.policy import Demand, Signer
    from repro.verify.protocol import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What questions may ask beside the evidence: the time, what is in an artifact, and documents at hand."""

    now: datetime
    inventory: Callable[[], Inventory]
    audit: Callable[[Inventory], Audit]
    """Which known vulnerabilities components have. Raises ReproError where nothing can tell."""
    document: Callable[[str], bytes]
    """The document with this SHA-256, beside the artifact or among the bundles. Raises ReproError."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Evidence that passed steps 1 to 8, a demand, and the artifact; `linked` are digests a release names.

    `root` is the name of the trusted root that the evidence was verified with.
    """

    outcome: Outcome
    root: str
    demand: Demand
    artifact: Artifact
    around: Surroundings
    linked: frozenset[str] = frozenset()

    @property
    def signed(self) -> Signed:
        """What the signature proves."""
        if self.outcome.signed is None:
            raise EvidenceError("nothing was signed")
        return self.outcome.signed

    @property
    def statement(self) -> Statement:
        """The statement; a signature over the artifact itself has none."""
        if self.outcome.statement is None:
            raise EvidenceError("a signature over the artifact itself, where a statement is asked for")
        return self.outcome.statement

    @cached_property
    def signers(self) -> tuple[Signer, ...]:
        """Those of the demand's signers who made the signature."""
        return tuple(one for one in self.demand.signers if one.made(self.signed, self.root))

    @cached_property
    def provenance(self) -> View:
        """The view of provenance."""
        return parse_provenance(self.statement)

    @cached_property
    def who(self) -> frozenset[object]:
        """The different identities and keys behind it, of those that the demand allows.

        A pattern that two identities match does not make them one, nor two rules one identity two.
        """
        found: set[object] = set()
        if self.signed.signer is not None and any(one.identity for one in self.signers):
            found.add((self.signed.signer.identity, self.signed.signer.issuer))
        found.update(one.key.der for one in self.signers if one.key is not None)
        return frozenset(found)


class NotAsked(Exception):
    """Raised by a question that the policy does not ask for; the text says what is not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question: its number in the protocol (0 for the policy's own), its name, and what asks it.

    `ask` returns evidence, or raises: ReproError for no, NotAsked.
    """

    number: int
    name: str
    ask: Callable[[Any], Mapping[str, str]]


def asked(questions: Sequence[Question], about: object) -> tuple[Check, ...]:
    """Ask in order; each leaves its check, and after one that fails the others are not done."""
    checks: list[Check] = []
    failed = ""
    for question in questions:
        checks.append(_skip(question, f"{failed} failed") if failed else one_asked(question, about))
        failed = failed or (question.name if checks[-1].status is Status.FAIL else "")
    return tuple(checks)


def one_asked(question: Question, about: object) -> Check:
    """The check that one question leaves."""
    try:
        evidence = question.ask(about)
    except NotAsked as reason:
        return _skip(question, f"not asked: {reason}")
    except ReproError as error:
        return Check(name=question.name, status=Status.FAIL, reason=error.message, step=question.number)
    return Check(name=question.name, status=Status.PASS, step=question.number, evidence=evidence)


def _skip(question: Question, reason: str) -> Check:
    return Check(name=question.name, status=Status.SKIP, reason=reason, step=question.number)
