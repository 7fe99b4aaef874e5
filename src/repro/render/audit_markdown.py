"""An audit as Markdown, for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.render.audit_text import age_lines, fixes, outcome, rated, reasons
from repro.render.sbom_markdown import ROWS, cell
from repro.sbom.audit import Fate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repro.flows.audit import AuditReport
    from repro.sbom.audit import Vulnerability


def audit_markdown(report: AuditReport) -> str:
    """A heading, the outcome, and a table for each kind of finding."""
    audit = report.audit
    counting = report.counting
    below = [each for each in audit.of(Fate.OPEN) if each not in set(counting)]
    lines = ["## Audit", "", f"{cell(outcome(report))}.", ""]
    lines += _findings("Vulnerabilities", counting)
    lines += _findings("Below the severity asked for", below)
    lines += _findings("Resolved by a patch in the SBOM", audit.of(Fate.PATCHED))
    lines += _findings("Silenced by VEX", audit.of(Fate.SILENCED))
    unknown = [f"{each.component}: {each.id}: {each.why}" for each in audit.unknown]
    lines += _list("Could not be judged", unknown)
    lines += _list("Entries that cannot be read", audit.database.unread)
    lines += _list("Not audited", reasons(audit.not_audited))
    idle = [f"{name} of {file}" for file, name in audit.unused]
    lines += _list("VEX statements about nothing that was found", idle)
    lines += _list("Database", [line.strip() for line in age_lines(report)])
    return "\n".join(lines)


def _findings(heading: str, found: Sequence[Vulnerability]) -> Iterator[str]:
    if not found:
        return
    yield from (f"### {heading}", "")
    yield "| component | vulnerability | severity | what it is | what to do |"
    yield "|---|---|---|---|---|"
    for each in found[:ROWS]:
        names = ", ".join(each.names)
        cells = (each.component, names, rated(each), each.summary, each.why or fixes(each))
        yield f"| {' | '.join(map(cell, cells))} |"
    yield ""
    if len(found) > ROWS:
        yield from (f"And {len(found) - ROWS} more.", "")


def _list(heading: str, rows: Sequence[str]) -> Iterator[str]:
    if not rows:
        return
    yield from (f"### {heading}", "")
    for row in rows[:ROWS]:
        yield f"- {cell(row)}"
    yield ""
    if len(rows) > ROWS:
        yield from (f"And {len(rows) - ROWS} more.", "")
