"""`repro gate`: what a change, a release or a deployment must pass, here as in CI."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import Json
from repro.cli.verb import single
from repro.core.events import Kind, silent

if TYPE_CHECKING:
    from repro.core.events import Event, Listener

EPILOG = """Examples:

\b
  repro gate                           what a pull request must pass
  repro gate --stage release           what a release must pass
  repro gate --only lint --only types  some of the checks
  repro gate --without flake           all but one, which is shown
  repro gate --stage deploy --list     what would run

\b
Exit codes:
    0  every check passed that was not left out
    1  a check found something wrong
    2  wrong usage or configuration
    3  a check could not run: a tool is missing, time ran out
  130  interrupted
"""


class Stage(StrEnum):
    """From a change to what serves users."""

    PULL_REQUEST = "pull-request"
    RELEASE = "release"
    DEPLOY = "deploy"


def gate(
    context: typer.Context,
    stage: Annotated[
        Stage, typer.Option("--stage", metavar="STAGE", help="pull-request, release or deploy.")
    ] = Stage.PULL_REQUEST,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="This check alone; repeatable.", show_default=False),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="NAME", help="All but this check; repeatable.", show_default=False),
    ] = None,
    as_list: Annotated[
        bool, typer.Option("--list", help="Show the checks, run none.", show_default=False)
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the checks of a stage, the same here as in CI.

    They are the table [gate] of repro.toml, which the workflows call too. All run, also after one has failed;
    what failing ones wrote is shown, and kept in .repro/gate. One that can't run here is exit 3; to leave it
    out, say --without: the table shows that it did not run.
    """
    from repro.flows.gate import GateWishes, chosen
    from repro.flows.gate import gate as gate_flow
    from repro.render.gate_text import gate_text, listing

    root = ctx.root(context)
    wishes = GateWishes(stage=str(stage), only=tuple(only or ()), without=tuple(without or ()))
    if as_list:
        checks = chosen(root, wishes)
        if as_json:
            ctx.say_json({"version": 1, "stage": str(stage), "checks": [check.to_dict() for check in checks]})
        else:
            ctx.say(listing(checks))
        return
    report = gate_flow(root, wishes, _listener(ctx.settings(context)))
    if as_json:
        ctx.say_json(report.to_dict())
    else:
        ctx.say(gate_text(report, ctx.palette()))
    ctx.leave(report.exit)


def _listener(settings: ctx.Settings) -> Listener:
    """A line per check that begins, so that a long one is seen to run."""
    return silent if settings.quiet else _line


def _line(event: Event) -> None:
    from repro.render.words import one_line

    if event.kind is Kind.STAGE:
        ctx.err(one_line(f"==> {event.run}: {event.text}"))


app = single(gate, epilog=EPILOG)
