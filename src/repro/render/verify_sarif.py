"""What verifying came to as SARIF 2.1.0: a result per failed check of an artifact that was not verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro import __version__
from repro.core.check import Status
from repro.core.digest import of_value
from repro.core.exits import Exit
from repro.render.sarif import SCHEMA, VERSION
from repro.render.sarif import location as location_of
from repro.render.words import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.core.check import Check
    from repro.flows.verify_report import Report
    from repro.verify.judge import Verdict

RULES = {
    "refused": ("error", "Evidence that does not hold, or a demand that is not met"),
    "not-checked": ("error", "There was no attestation, or it could not be checked"),
    "policy": ("error", "The policy itself does not hold"),
}
"""Rule ids, their levels and what they mean."""


def verify_sarif(report: Report) -> dict[str, Any]:
    """The document; `invocations` says whether everything could be checked."""
    rules = [
        {"id": f"repro/{name}", "shortDescription": {"text": text}, "defaultConfiguration": {"level": level}}
        for name, (level, text) in RULES.items()
    ]
    done = report.exit in {Exit.GOOD, Exit.WRONG}
    results = [one for verdict in report.verdicts for one in _results(verdict)]
    results += [
        _result("policy", one, report.file or "policy", report.policy.name)
        for one in report.checks
        if one.status is Status.FAIL
    ]
    run = {
        "tool": {"driver": {"name": "repro", "version": __version__, "rules": rules}},
        "invocations": [{"executionSuccessful": done, "exitCode": int(report.exit)}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": VERSION, "runs": [run]}


def _results(verdict: Verdict) -> Iterator[dict[str, Any]]:
    if verdict.exit is Exit.GOOD:
        return
    rule = "not-checked" if verdict.exit is Exit.NOT_CHECKED else "refused"
    for check in verdict.failures:
        yield _result(rule, check, verdict.name, verdict.name)


def _result(rule: str, check: Check, place: str, key: str) -> dict[str, Any]:
    step = f"step {check.step}, " if check.step else ""
    return {
        "ruleId": f"repro/{rule}",
        "ruleIndex": list(RULES).index(rule),
        "level": RULES[rule][0],
        "message": {"text": one_line(f"{key}: {step}{check.name}: {check.reason}")},
        "locations": [location_of(place, 1)],
        "partialFingerprints": {"reproCheck/v1": of_value([rule, one_line(key), check.step, check.name]).hex},
    }
