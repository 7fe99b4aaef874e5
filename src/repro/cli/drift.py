"""`repro drift`: compare any two files or folders, number by number."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from repro.cli import context as ctx
from repro.cli.options import Html, Json, JUnit, Markdown, Open, Sarif
from repro.cli.reports import Reports, Writers, write
from repro.cli.verb import single

if TYPE_CHECKING:
    from repro.drift.report import DriftReport

EPILOG = """Examples:

\b
  repro drift old.json new.json
  repro drift old.csv new.csv --rtol 1e-6
  repro drift old.csv new.csv --sorted-by id
  repro drift results/ again/ --rules repro.toml
  repro drift old.npz new.npz --open

\b
Exit codes:
    0  equal under the tolerances
    1  drift, or a file that cannot be parsed
    2  wrong usage, or rules that make no sense
    3  nothing to compare: a path or every file is missing
"""


Baseline = Annotated[Path, typer.Argument(metavar="A", help="The file or folder to compare with.")]
Observed = Annotated[Path, typer.Argument(metavar="B", help="The file or folder to look at.")]
Rtol = Annotated[
    float | None,
    typer.Option("--rtol", metavar="X", min=0, help="Relative tolerance.", show_default="1e-10"),
]
Atol = Annotated[
    float | None, typer.Option("--atol", metavar="X", min=0, help="Absolute tolerance.", show_default="0")
]
Srtol = Annotated[
    float | None,
    typer.Option(
        "--srtol", metavar="X", min=0, help="Tolerance relative to the array's scale.", show_default="0"
    ),
]
SortedBy = Annotated[
    list[str] | None,
    typer.Option(
        "--sorted-by", metavar="COLUMN", help="Pair rows of tables by this column; repeat for more."
    ),
]
RulesFile = Annotated[
    Path | None,
    typer.Option("--rules", metavar="FILE", help="TOML with [[rules]], [[equivalence]].", show_default=False),
]
ExplainRules = Annotated[
    bool, typer.Option("--explain-rules", help="Show which rule decides about each path of A, and why.")
]
Limit = Annotated[
    int, typer.Option("-n", "--limit", metavar="N", min=1, help="Drifted paths shown per file.")
]


class Asked(TypedDict):
    """Under which rules two paths are compared."""

    tolerances: dict[str, float | None]
    rules_file: Path | None
    sorted_by: tuple[str, ...]


def drift(  # noqa: PLR0917 - as many as the verb has options
    context: typer.Context,
    baseline: Baseline,
    observed: Observed,
    rtol: Rtol = None,
    atol: Atol = None,
    srtol: Srtol = None,
    sorted_by: SortedBy = None,
    rules: RulesFile = None,
    limit: Limit = 20,
    explain_rules: ExplainRules = False,
    as_json: Json = False,
    junit: JUnit = None,
    markdown: Markdown = None,
    sarif: Sarif = None,
    html: Html = None,
    show: Open = False,
) -> None:
    """Compare any two files or folders, number by number.

    A is the reference that B is measured against. Formats: JSON, JSONL, TOML, YAML, CSV, TSV, NPY, NPZ, HDF5,
    NetCDF-4, Parquet, Arrow, Feather, MatrixMarket, PNG, text with numbers, and ZIP and tar archives of them.
    --rtol, --atol and --srtol hold for everything, the rules of a file come after them.
    """
    from repro.flows.compare import compare_paths
    from repro.render.drift_text import drift_text

    folder = ctx.settings(context).folder
    asked: Asked = {
        "tolerances": {"rtol": rtol, "atol": atol, "srtol": srtol},
        "rules_file": folder / rules if rules else None,
        "sorted_by": tuple(sorted_by or ()),
    }
    if explain_rules:
        _explain(folder / baseline, asked, as_json=as_json)
        return
    report = compare_paths(folder / baseline, folder / observed, **asked)
    if as_json:
        ctx.say_json(report.to_dict())
    else:
        ctx.say(drift_text(report, limit=limit))
    reports = Reports(junit=junit, markdown=markdown, sarif=sarif, html=html, show=show)
    _write(context, report, (baseline, observed), reports)
    ctx.leave(report.verdict.exit)


def _explain(baseline: Path, asked: Asked, *, as_json: bool) -> None:
    """Show which rule decides about each path."""
    from repro.flows.compare import explain_rules
    from repro.render.drift_text import rules_text

    explanation = explain_rules(baseline, **asked)
    if as_json:
        ctx.say_json(explanation.to_dict())
    else:
        ctx.say(rules_text(explanation))


def _write(context: typer.Context, report: DriftReport, sides: tuple[Path, Path], reports: Reports) -> None:
    """Write the reports that were asked for."""
    folder = ctx.settings(context).folder

    def junit() -> str:
        from repro.render.junit import drift_junit

        return drift_junit(report)

    def markdown() -> str:
        from repro.render.markdown import drift_markdown

        return drift_markdown(report)

    def sarif() -> dict[str, Any]:
        from repro.render.sarif import drift_sarif

        one, other = sides
        if (folder / one).is_dir():
            return drift_sarif(report, lambda name: (str(one / name), str(other / name)))
        return drift_sarif(report, lambda _: (str(one), str(other)))

    def html() -> str:
        from repro.flows.evidence import of_paths
        from repro.render.html_report import drift_html

        evidence = of_paths(report, *(folder / side for side in sides))
        return drift_html(report, evidence, baseline=str(sides[0]), observed=str(sides[1]))

    writers = Writers(junit=junit, markdown=markdown, sarif=sarif, html=html)
    write(context, reports, writers, page=_page)


def _page() -> Path:
    """A file for a page that is only shown; the browser reads it after this call has ended."""
    return Path(tempfile.mkdtemp(prefix="repro-")) / "report.html"


app = single(drift, epilog=EPILOG)
