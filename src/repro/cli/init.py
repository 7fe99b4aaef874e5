"""`repro init`: a first `repro.toml` from what a repository has."""

from __future__ import annotations

import typer

from repro.cli import context as ctx
from repro.cli.options import Json
from repro.cli.verb import single

EPILOG = """Example:

\b
  repro init && repro status

Exit codes: 0 written; 2 there is a repro.toml already.
"""


def init(context: typer.Context, as_json: Json = False) -> None:
    """Write a first repro.toml; never overwrites one.

    It is made from what the folder has: pyproject.toml, requirements locks, flake.nix, stages of dvc.yaml.
    """
    from repro.flows.initialise import initialise

    done = initialise(ctx.settings(context).folder.absolute())
    if as_json:
        from repro.render.replay_json import VERSION

        ctx.say_json(
            {"version": VERSION, "path": str(done.path), "found": list(done.found), "notes": list(done.notes)}
        )
        return
    ctx.say(f"wrote {done.path}")
    for found in done.found:
        ctx.say(f"  found {found}")
    for note in done.notes:
        ctx.tell(context, f"note: {note}")
    ctx.say("next: repro status, then repro baseline record --all")


app = single(init, epilog=EPILOG)
