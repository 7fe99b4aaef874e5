"""`repro runs`: look at the records of runs, compare two of them, prune the old ones."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import Json
from repro.cli.verb import Verb, group

app = group(
    "Records of runs: list, show, diff, gc.",
    epilog="""Examples:

\b
  repro runs list branin
  repro runs show 20261120T0953
  repro runs diff 20261119T1200 20261120T0953
  repro runs gc --older-than 30d --keep-size 1G --dry-run

Exit codes: 0 said or done; 1 the outputs differ (diff), or a record is
unreadable; 2 wrong usage, no such run; 3 nothing to compare.
""",
)

Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or its beginning.", show_default=False)]


@app.command("list", cls=Verb)
def list_(
    context: typer.Context,
    experiment: Annotated[
        str, typer.Argument(metavar="[EXPERIMENT]", help="Only its runs.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option("-n", "--limit", metavar="N", min=1, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    from repro.flows.runs import listing
    from repro.render.listings import runs_document, runs_text

    found = listing(ctx.root(context), experiment, limit)
    if as_json:
        ctx.say_json(runs_document(found))
    else:
        ctx.say(runs_text(found, ctx.palette()))


@app.command(cls=Verb)
def show(context: typer.Context, run: Run, as_json: Json = False) -> None:
    """Show one run: conditions, isolation, stages, outputs."""
    import json

    from repro.render.listings import run_text
    from repro.store.runs import Store

    record = Store(ctx.root(context)).get(run)
    if as_json:
        ctx.say_json(json.loads(record.to_bytes()))
    else:
        ctx.say(run_text(record, ctx.palette()))


@app.command(cls=Verb)
def diff(context: typer.Context, first: Run, second: Run, as_json: Json = False) -> None:
    """Say what tells two runs apart."""
    from repro.flows import config
    from repro.flows.runs import difference
    from repro.render.listings import difference_document, difference_text

    root = ctx.root(context)
    found = difference(root, first, second, config.load(root))
    if as_json:
        ctx.say_json(difference_document(found))
    else:
        ctx.say(difference_text(found, ctx.palette()))
    ctx.leave(found.report.verdict.exit)


@app.command(cls=Verb)
def gc(
    context: typer.Context,
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="DAYS", help="Such as 30d.", show_default=False)
    ] = "",
    keep_size: Annotated[
        str,
        typer.Option("--keep-size", metavar="SIZE", help="Such as 500M or 2G.", show_default=False),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would go.", show_default=False)
    ] = False,
    as_json: Json = False,
) -> None:
    """Prune records by age and size.

    Runs that baselines were taken from are kept, and the newest complete run of each name. What calls that
    were killed left behind goes always, unless a call is under way.
    """
    from repro.flows.runs import gc as gc_flow
    from repro.render.listings import pruned_document, pruned_text

    pruned = gc_flow(
        ctx.root(context),
        older_than_days=_quantity(older_than, {"": 1, "d": 1, "w": 7}, "--older-than"),
        keep_bytes=_bytes(keep_size),
        dry_run=dry_run,
    )
    if as_json:
        ctx.say_json(pruned_document(pruned))
    else:
        ctx.say(pruned_text(pruned, dry_run=dry_run))


def _bytes(text: str) -> int | None:
    value = _quantity(text, {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}, "--keep-size")
    return None if value is None else int(value)


def _quantity(text: str, units: dict[str, int], option: str) -> float | None:
    """A number with a unit; None for no text."""
    from repro.core.errors import UsageError

    if not text:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]?)", text)
    unit = next((unit for unit in units if match and unit.lower() == match[2].lower()), None)
    if match is None or unit is None:
        known = ", ".join(f"12{unit}" for unit in units if unit)
        raise UsageError(f"{option}: not understood: {text!r}", hint=f"write a number with a unit: {known}")
    return float(match[1]) * units[unit]
