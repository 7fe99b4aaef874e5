"""`repro status`: which runs are fresh, which are stale and why, which never ran."""

from __future__ import annotations

import typer

from repro.cli import context as ctx
from repro.cli.options import Experiments, Json
from repro.cli.verb import single

EPILOG = """Examples:

\b
  repro status                      every experiment
  repro status 'noise[sigma=0.5]'   part of a matrix

Exit codes: 0 said, whatever it is; 2 wrong usage or configuration; 3 nothing to
say it of, or git is missing.
"""


def status(context: typer.Context, experiments: Experiments = None, as_json: Json = False) -> None:
    """Say which runs are fresh, which are stale and why.

    A run is fresh where one under the present conditions is recorded, stale where a condition changed since,
    and never run where there is no record.


    Nothing is fetched, built or run.
    """
    from repro.flows.status import status as status_flow
    from repro.render.listings import status_document, status_text

    found = status_flow(ctx.root(context), tuple(experiments or ()))
    if as_json:
        ctx.say_json(status_document(found))
    else:
        ctx.say(status_text(found, ctx.palette()))


app = single(status, epilog=EPILOG)
