"""`repro baseline`: record a first baseline, accept a new one, list, show, and compare with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import All, Environment, Experiments, Jobs, Json, One
from repro.cli.progress import listening
from repro.cli.verb import Verb, group

if TYPE_CHECKING:
    from repro.flows.baseline import Change

app = group("What runs are compared with: record, accept, list, show, diff.")

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.", show_default=False)]


@app.command(cls=Verb)
def record(
    context: typer.Context,
    experiments: Experiments = None,
    everything: All = False,
    reason: Reason = "first baseline",
    environment: Environment = "",
    jobs: Jobs = 0,
    as_json: Json = False,
) -> None:
    """Write first baselines from runs under the present conditions; nothing is overwritten.

    Example: repro baseline record branin
    """
    from repro.flows.baseline import record as record_flow
    from repro.flows.replay import Request
    from repro.flows.workshop import Demands

    request = Request(
        selections=_named(experiments, everything=everything),
        jobs=jobs,
        demands=Demands(environment=environment),
    )
    with listening(ctx.settings(context)) as listener:
        changes = record_flow(ctx.root(context), request, reason, listener)
    _end(changes, as_json=as_json)


@app.command(cls=Verb)
def accept(
    context: typer.Context,
    experiments: Experiments = None,
    reason: Reason = "",
    run: Annotated[
        str, typer.Option("--run", metavar="ID", help="Accept this run.", show_default=False)
    ] = "",
    environment: Environment = "",
    jobs: Jobs = 0,
    as_json: Json = False,
) -> None:
    """Replace baselines by runs under the present conditions, or by one run; the old digests are kept.

    Example: repro baseline accept branin --reason "the search box was wrong, see #12"
    """
    from repro.flows.baseline import accept as accept_flow
    from repro.flows.replay import Request
    from repro.flows.workshop import Demands

    request = Request(
        selections=_named(experiments, everything=False), jobs=jobs, demands=Demands(environment=environment)
    )
    with listening(ctx.settings(context)) as listener:
        changes = accept_flow(ctx.root(context), request, reason, listener, run)
    _end(changes, as_json=as_json)


@app.command("list", cls=Verb)
def list_(context: typer.Context, experiments: Experiments = None, as_json: Json = False) -> None:
    """List baselines: run, variant, when, who, why."""
    from repro.flows.baseline import every
    from repro.render.listings import baselines_document, baselines_text

    found = [baseline for _, baseline, _ in every(ctx.root(context), tuple(experiments or ()))]
    if as_json:
        ctx.say_json(baselines_document(found))
    else:
        ctx.say(baselines_text(found, ctx.palette(), grouped=not experiments))


@app.command(cls=Verb)
def show(context: typer.Context, experiment: One, as_json: Json = False) -> None:
    """Show the baselines of one experiment: conditions, outputs and history."""
    from repro.flows.baseline import show as show_flow
    from repro.render.listings import baseline_text, baselines_document

    found = show_flow(ctx.root(context), experiment)
    if as_json:
        ctx.say_json(baselines_document(found))
    else:
        ctx.say("\n".join(baseline_text(entry, ctx.palette()) for entry in found))


@app.command(cls=Verb)
def diff(
    context: typer.Context,
    experiment: One,
    run: Annotated[
        str, typer.Argument(metavar="[RUN]", help="A run's id; the newest without.", show_default=False)
    ] = "",
    as_json: Json = False,
) -> None:
    """Compare a run with the baseline of its experiment, without running anything."""
    from repro.flows.baseline import compare_run
    from repro.render.drift_text import drift_text

    report = compare_run(ctx.root(context), experiment, run)
    if as_json:
        ctx.say_json(report.to_dict())
    else:
        ctx.say(drift_text(report))
    ctx.leave(report.verdict.exit)


def _named(experiments: list[str] | None, *, everything: bool) -> tuple[str, ...]:
    from repro.core.errors import UsageError

    if bool(experiments) == everything:
        raise UsageError(
            "name experiments" + ("" if experiments else ", or say --all"), hint="see: repro status"
        )
    return tuple(experiments or ())


def _end(changes: tuple[Change, ...], *, as_json: bool) -> None:
    from repro.flows.baseline import overall
    from repro.render.listings import changes_document, changes_text

    if as_json:
        ctx.say_json(changes_document(changes))
    else:
        ctx.say(changes_text(changes, ctx.palette()))
    ctx.leave(overall(changes))
