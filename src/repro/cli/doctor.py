"""`repro doctor`: whether this machine can give what replays and builds need."""

from __future__ import annotations

from typing import Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import Json
from repro.cli.verb import single

EPILOG = """Examples:

\b
  repro doctor
  repro doctor --strict --json      for a machine that must have everything

Exit codes: 0 nothing is wrong; 1 something is, or with --strict something was
skipped; 2 wrong usage; 3 everything was skipped.
"""

Strict = Annotated[
    bool, typer.Option("--strict", help="What is skipped counts as failed.", show_default=False)
]


def doctor(context: typer.Context, strict: Strict = False, as_json: Json = False) -> None:
    """Look whether this machine can replay and build.

    Python, uv, isolation item by item, numeric settings that leak from the shell, Nix and its settings, and
    the DVC remote. Every line is a check with the next step. Nothing is changed.
    """
    from repro.flows.doctor import doctor as doctor_flow
    from repro.render.doctor_text import doctor_document, doctor_text

    found = doctor_flow(ctx.settings(context).folder.absolute())
    if strict:
        found = found.strictly()
    if as_json:
        ctx.say_json(doctor_document(found))
    else:
        ctx.say(doctor_text(found, ctx.palette()))
    ctx.leave(found.exit)


app = single(doctor, epilog=EPILOG)
