"""`repro build`: build, build again, and prove that it comes out the same."""

from __future__ import annotations

import sys
from pathlib import Path
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
  repro build                          the flake here, built twice
  repro build .#default .#docker --rebuild 2
  repro build --against https://cache.example.org
  repro build --json > here.json       on one machine, and on another:
  repro build --against here.json

\b
Exit codes:
    0  reproducible: a second build ran, and all outputs are the same
    1  differs
    2  wrong usage, or no such attribute
    3  not measured: failed to build, or no proof that a second build ran
"""


Installables = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[INSTALLABLE]...", help="As for nix build: .#default, a store path.", show_default=False
    ),
]
Rebuild = Annotated[
    int | None,
    typer.Option(
        "--rebuild",
        metavar="N",
        min=0,
        max=100,
        help="How many times to build again.",
        show_default="1, or 0 with --against",
    ),
]
Against = Annotated[
    str,
    typer.Option(
        "--against",
        metavar="STORE|FILE",
        help="Compare with a binary cache, a store, or what --json printed elsewhere.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Keep what differs here.", show_default=False)
]


def build(
    context: typer.Context,
    installables: Installables = None,
    rebuild: Rebuild = None,
    against: Against = "",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Build, build again, and prove that it comes out the same.

    Every output of every named derivation is compared, by hash and then file by file. The second build runs
    in a store of its own with other cores, another build directory and at another time, and Nix's log must
    show that its builder ran: a result from a store or a cache is no second build.
    """
    from repro.flows.build import Wishes
    from repro.flows.build import build as build_flow
    from repro.render.build_text import build_text

    settings = ctx.settings(context)
    wishes = Wishes(
        installables=tuple(installables or ()),
        rebuilds=(0 if against else 1) if rebuild is None else rebuild,
        against=against,
        out=(settings.folder / out).absolute() if out else None,
    )
    report = build_flow(settings.folder.absolute(), wishes, _listener(settings))
    if as_json:
        ctx.say_json(report.to_dict())
    else:
        ctx.say(build_text(report, ctx.palette()))
    ctx.leave(report.outcome.exit)


def _listener(settings: ctx.Settings) -> Listener:
    """One line per builder that starts or stops, on a terminal or with -v."""
    shown = not settings.quiet and (settings.verbose or sys.stderr.isatty())
    return _line if shown else silent


def _line(event: Event) -> None:
    from repro.render.words import printable

    if event.kind in {Kind.STAGE, Kind.DONE}:
        ctx.err(printable(f"{event.run}: {event.text}"))


app = single(build, epilog=EPILOG)
