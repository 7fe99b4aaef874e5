"""The nouns of `repro doctor`: a finding is a check with the next step, a diagnosis all findings."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repro.core.check import Check, Status
from repro.core.exits import Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at, and what to do about it; `hint` is "" where there is nothing to do."""

    check: Check
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Everything that was looked at."""

    findings: tuple[Finding, ...]

    @property
    def exit(self) -> Exit:
        """Wrong where something is, good where something was checked and nothing is wrong."""
        states = {finding.check.status for finding in self.findings}
        if Status.FAIL in states:
            return Exit.WRONG
        return Exit.GOOD if Status.PASS in states else Exit.NOT_CHECKED

    def strictly(self) -> Diagnosis:
        """The same with everything that was skipped as failed."""
        return Diagnosis(
            findings=tuple(
                replace(finding, check=replace(finding.check, status=Status.FAIL))
                if finding.check.status is Status.SKIP
                else finding
                for finding in self.findings
            )
        )


def passed(name: str, reason: str) -> Finding:
    """A thing that is as it should be."""
    return Finding(check=Check(name=name, status=Status.PASS, reason=reason))


def failed(name: str, reason: str, hint: str) -> Finding:
    """A thing that is wrong."""
    return Finding(check=Check(name=name, status=Status.FAIL, reason=reason), hint=hint)


def skipped(name: str, reason: str, hint: str = "") -> Finding:
    """A thing that could not be, or need not be, looked at."""
    return Finding(check=Check(name=name, status=Status.SKIP, reason=reason), hint=hint)
