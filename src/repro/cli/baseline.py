"""`repro baseline`: record a first baseline, accept a new one, list, show, and compare with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import All, Environment, Experiments, Jobs, Json, One, named
from repro.cli.verb import Verb, group

if TYPE_CHECKING:
    from repro.flows.baseline import Change

app = group(
    "Accepted outputs: record, accept, list, show, diff.",
    epilog="""Examples:

\b
  repro baseline record --all
  repro baseline accept branin --reason "the box was wrong, see #12"
  repro baseline accept branin --run 20261120T0953 --reason "new libm"
  repro baseline diff branin

Exit codes: 0 done; 1 the run drifts (diff), or is no evidence; 2 wrong usage, or
a baseline exists; 3 nothing to record, show or compare; 130 interrupted.
""",
)

Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why these values are right.", show_default=False)
]


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
    """Write first baselines from runs; overwrite nothing.

    The runs are made under the present conditions, or taken from the cache. A baseline that exists with other
    outputs is refused: `accept` replaces it.
    """
    from repro.cli.progress import listening
    from repro.flows.baseline import record as record_flow
    from repro.flows.replay import Request
    from repro.flows.workshop import Demands

    request = Request(
        selections=named(experiments, everything=everything),
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
    everything: All = False,
    reason: Reason = "",
    run: Annotated[
        str,
        typer.Option(
            "--run", metavar="ID", help="Accept this run, by its id or its beginning.", show_default=False
        ),
    ] = "",
    environment: Environment = "",
    jobs: Jobs = 0,
    as_json: Json = False,
) -> None:
    """Replace baselines by runs, with a reason.

    The runs are made under the present conditions, or taken from the cache; --run takes one that was made.
    The digest and the reason of what is replaced stay in the baseline's history.
    """
    from repro.cli.progress import listening
    from repro.flows.baseline import accept as accept_flow
    from repro.flows.replay import Request
    from repro.flows.workshop import Demands

    request = Request(
        selections=named(experiments, everything=everything or bool(run and not experiments)),
        jobs=jobs,
        demands=Demands(environment=environment),
    )
    with listening(ctx.settings(context)) as listener:
        changes = accept_flow(ctx.root(context), request, reason, listener, run)
    _end(changes, as_json=as_json)


@app.command("list", cls=Verb)
def list_(context: typer.Context, experiments: Experiments = None, as_json: Json = False) -> None:
    """List baselines: variant, when, why."""
    from repro.flows.baseline import every
    from repro.render.listings import baselines_document, baselines_text

    found = [baseline for _, baseline, _ in every(ctx.root(context), tuple(experiments or ()))]
    if as_json:
        ctx.say_json(baselines_document(found))
    else:
        ctx.say(baselines_text(found, ctx.palette(), grouped=not experiments))


@app.command(cls=Verb)
def show(context: typer.Context, experiment: One, as_json: Json = False) -> None:
    """Show baselines: conditions, outputs, history."""
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
    """Compare a run with its baseline; run nothing."""
    from repro.flows.baseline import compare_run
    from repro.render.drift_text import drift_text

    report = compare_run(ctx.root(context), experiment, run)
    if as_json:
        ctx.say_json(report.to_dict())
    else:
        ctx.say(drift_text(report))
    ctx.leave(report.verdict.exit)


def _end(changes: tuple[Change, ...], *, as_json: bool) -> None:
    from repro.flows.baseline import overall
    from repro.render.listings import changes_document, changes_text

    if as_json:
        ctx.say_json(changes_document(changes))
    else:
        ctx.say(changes_text(changes, ctx.palette()))
    ctx.leave(overall(changes))
