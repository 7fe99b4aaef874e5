"""`repro init`: a first `repro.toml` from what a repository has."""

from __future__ import annotations

import typer

from repro.cli import context as ctx


def init(context: typer.Context) -> None:
    """Write a first repro.toml from what is found: locks, pyproject, dvc.yaml. Never overwrites."""
    from repro.flows.initialise import initialise

    done = initialise(ctx.settings(context).folder.absolute())
    ctx.say(f"wrote {done.path}")
    for found in done.found:
        ctx.say(f"  found {found}")
    for note in done.notes:
        ctx.tell(context, f"note: {note}")
    ctx.say("next: repro status, then repro baseline record --all")
