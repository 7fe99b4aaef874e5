"""`repro drift`: compare any two files or folders, number by number."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import Json
from repro.cli.verb import single

EPILOG = """Examples:

\b
  repro drift old.json new.json
  repro drift old.csv new.csv --rtol 1e-6
  repro drift results/ again/ --rules repro.toml

\b
Exit codes:
    0  equal under the tolerances
    1  drift, or a file that cannot be parsed
    2  wrong usage, or rules that make no sense
    3  nothing to compare: a path or every file is missing
"""


def drift(  # noqa: PLR0917 - as many as the verb has options
    context: typer.Context,
    baseline: Annotated[Path, typer.Argument(metavar="A", help="The file or folder to compare with.")],
    observed: Annotated[Path, typer.Argument(metavar="B", help="The file or folder to look at.")],
    rtol: Annotated[
        float | None,
        typer.Option("--rtol", metavar="X", min=0, help="Relative tolerance.", show_default="1e-10"),
    ] = None,
    atol: Annotated[
        float | None, typer.Option("--atol", metavar="X", min=0, help="Absolute tolerance.", show_default="0")
    ] = None,
    srtol: Annotated[
        float | None,
        typer.Option(
            "--srtol", metavar="X", min=0, help="Tolerance relative to the array's scale.", show_default="0"
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", metavar="FILE", help="TOML with [[rules]].", show_default=False),
    ] = None,
    limit: Annotated[
        int, typer.Option("-n", "--limit", metavar="N", min=1, help="Drifted paths shown per file.")
    ] = 20,
    as_json: Json = False,
) -> None:
    """Compare any two files or folders, number by number.

    A is the reference that B is measured against. Formats: JSON, JSONL, CSV, TSV, NPY, NPZ, and text with
    numbers. --rtol, --atol and --srtol hold for everything, the rules of a file come after them.
    """
    from repro.flows.compare import compare_paths
    from repro.render.drift_text import drift_text

    folder = ctx.settings(context).folder
    report = compare_paths(
        folder / baseline,
        folder / observed,
        tolerances={"rtol": rtol, "atol": atol, "srtol": srtol},
        rules_file=folder / rules if rules else None,
    )
    if as_json:
        ctx.say_json(report.to_dict())
    else:
        ctx.say(drift_text(report, limit=limit))
    ctx.leave(report.verdict.exit)


app = single(drift, epilog=EPILOG)
