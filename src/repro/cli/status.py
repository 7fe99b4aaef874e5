"""`repro status`: which runs are fresh, which are stale and why, which never ran."""

from __future__ import annotations

import typer

from repro.cli import context as ctx
from repro.cli.options import Experiments, Json


def status(context: typer.Context, experiments: Experiments = None, as_json: Json = False) -> None:
    """Say of every experiment whether its newest run is fresh, stale (and why), or missing.

    Nothing is run. Example: repro status noise
    """
    from repro.flows.status import status as status_flow
    from repro.render.listings import status_document, status_text

    found = status_flow(ctx.root(context), tuple(experiments or ()))
    if as_json:
        ctx.say_json(status_document(found))
    else:
        ctx.say(status_text(found, ctx.palette()))
