"""An audit as SARIF 2.1.0 (OASIS standard): a rule for each vulnerability, a result for each finding.

What a patch resolves or VEX silences is a suppressed result, with why. `security-severity` is the score by
which code scanning services sort; where no score is known it is that at which the level begins.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from repro import __version__
from repro.core.digest import of_value
from repro.core.exits import Exit
from repro.render.audit_text import fixes, rated
from repro.render.sarif import SCHEMA, VERSION, location
from repro.render.words import one_line
from repro.sbom.audit import Fate
from repro.sbom.cvss import FROM, Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repro.flows.audit import AuditReport
    from repro.sbom.audit import Vulnerability

LEVELS: Final = {
    Level.NONE: "note",
    Level.LOW: "note",
    Level.MEDIUM: "warning",
    Level.HIGH: "error",
    Level.CRITICAL: "error",
    Level.UNKNOWN: "warning",
}

LEAST: Final = {level: score for score, level in FROM}


def audit_sarif(report: AuditReport) -> str:
    """The document."""
    found = report.audit.vulnerabilities
    rules: dict[str, dict[str, Any]] = {}
    for each in found:  # in order of severity: the most severe finding describes its rule
        rules.setdefault(each.id, _rule(each))
    places = {name: number for number, name in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "repro", "version": __version__, "rules": list(rules.values())}},
        "invocations": [
            {
                "executionSuccessful": report.exit in {Exit.GOOD, Exit.WRONG},
                "exitCode": int(report.exit),
                "toolExecutionNotifications": list(_notifications(report)),
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": _results(found, places, report.sbom),
    }
    document = {"$schema": SCHEMA, "version": VERSION, "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _rule(each: Vulnerability) -> dict[str, Any]:
    properties: dict[str, Any] = {"tags": ["security", "vulnerability"]}
    score = LEAST.get(each.level) if each.score is None else each.score
    if score is not None:
        properties["security-severity"] = str(score)
    return {
        "id": one_line(each.id),
        "shortDescription": {"text": one_line(each.summary or each.id)},
        "help": {"text": one_line(f"Known as {', '.join(each.names)}.")},
        "defaultConfiguration": {"level": LEVELS[each.level]},
        "properties": properties,
    }


def _results(found: Sequence[Vulnerability], places: dict[str, int], sbom: str) -> list[dict[str, Any]]:
    results = []
    for each in found:
        text = f"{each.component}: {each.id} ({rated(each)}), {fixes(each)}"
        spot = location(sbom, 1)
        spot["logicalLocations"] = [
            {"fullyQualifiedName": one_line(each.purl or each.ref), "kind": "package"}
        ]
        result: dict[str, Any] = {
            "ruleId": one_line(each.id),
            "ruleIndex": places[each.id],
            "level": LEVELS[each.level],
            "message": {"text": one_line(f"{text}; {each.why}" if each.why else text)},
            "locations": [spot],
            "partialFingerprints": {"reproAudit/v1": of_value([one_line(each.ref), one_line(each.id)]).hex},
        }
        if each.fate is not Fate.OPEN:
            result["suppressions"] = [{"kind": "external", "justification": one_line(each.why)}]
        results.append(result)
    return results


def _notifications(report: AuditReport) -> Iterator[dict[str, Any]]:
    """What could not be told: it must not look like an absence of findings."""
    for each in report.audit.unknown:
        text = f"{each.component}: {each.id} could not be judged: {each.why}"
        yield {"level": "warning", "message": {"text": one_line(text)}}
    for text in report.audit.database.unread:
        yield {"level": "warning", "message": {"text": one_line(f"not read: {text}")}}
    for each in report.audit.not_audited:
        text = f"{each.component} is not audited: {each.why}"
        yield {"level": "note", "message": {"text": one_line(text)}}
