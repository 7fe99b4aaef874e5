"""`repro audit`: which known vulnerabilities the components of an SBOM have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import Json, Markdown, Sarif
from repro.cli.verb import single

EPILOG = """Examples:

\b
  repro audit sbom.json --db osv           a folder of OSV entries
  repro audit sbom.json --db PyPI/all.zip  an export of OSV
  repro audit sbom.json --vex vex.json --severity high
  repro audit sbom.json --sarif audit.sarif --markdown audit.md

\b
Exit codes:
    0  audited: no vulnerability of that severity counts
    1  at least one does, or a document cannot be parsed
    2  wrong usage or configuration
    3  could not tell: no database or one too old, nothing in it about
       these components, an entry that cannot be read or judged
"""


class Severity(StrEnum):
    """From which severity on a finding counts."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


File = Annotated[Path, typer.Argument(metavar="SBOM", help="An SBOM in a file.", show_default=False)]
Db = Annotated[
    str,
    typer.Option(
        "--db", metavar="PATH", help="A folder or a zip of OSV entries.", show_default="[audit] database"
    ),
]
VexFiles = Annotated[
    list[Path] | None,
    typer.Option("--vex", metavar="FILE", help="OpenVEX or CycloneDX, JSON; repeatable.", show_default=False),
]
Severity_ = Annotated[
    Severity | None,
    typer.Option(
        "--severity",
        metavar="LEVEL",
        help="low, medium, high or critical: what counts.",
        show_default="low",
    ),
]
MaxAge = Annotated[
    float | None,
    typer.Option(
        "--max-age",
        metavar="DAYS",
        min=0,
        help="How old the database's newest entry may be.",
        show_default="7",
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Exit 1 also where a component is not audited.", show_default=False),
]


def audit(  # noqa: PLR0917 - as many as the verb has options
    context: typer.Context,
    sbom: File,
    database: Db = "",
    vex: VexFiles = None,
    severity: Severity_ = None,
    max_age: MaxAge = None,
    strict: Strict = False,
    as_json: Json = False,
    markdown: Markdown = None,
    sarif: Sarif = None,
) -> None:
    """Find known vulnerabilities in an SBOM, offline.

    The database is a folder or a zip in the OSV format. What a patch named in the SBOM resolves, and what a
    VEX statement in force silences, is listed and does not count.
    """
    from repro.flows import audit as flow
    from repro.sbom.cvss import Level

    wishes = flow.Wishes(
        database=database,
        vex=tuple(flow.Vex(file=each) for each in vex or ()),
        severity=Level(severity) if severity else None,
        max_age_days=max_age,
        strict=strict,
    )
    report = flow.audit(ctx.settings(context).folder, sbom, wishes)
    if as_json:
        ctx.say_json(report.to_dict())
    else:
        from repro.render.audit_text import audit_text

        ctx.say(audit_text(report, ctx.palette()))
    if markdown:
        from repro.render.audit_markdown import audit_markdown

        ctx.write(context, markdown, audit_markdown(report))
    if sarif:
        from repro.render.audit_sarif import audit_sarif

        ctx.write(context, sarif, audit_sarif(report))
    ctx.leave(report.exit)


app = single(audit, epilog=EPILOG)
