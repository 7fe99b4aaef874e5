"""`repro cache`: push what a revision needs into a binary cache, and check what is missing there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import Json
from repro.cli.verb import Verb, group

if TYPE_CHECKING:
    from repro.core.events import Event, Listener
    from repro.flows.cache import CacheReport, Wish

app = group(
    "Binary caches of Nix: push, check.",
    epilog="""Examples:

\b
  repro cache push file:///srv/cache
  repro cache check s3://bucket?region=eu-central-1 --at v1.0
  repro cache check https://cache.example.org .#default

Exit codes: 0 all is there and signed by a trusted key; 1 something is missing
or not trusted; 2 wrong usage; 3 the cache or Nix cannot be asked, or there is
nothing to ask for.
""",
)

Url = Annotated[
    str,
    typer.Argument(metavar="URL", help="A folder, file://, s3://, ssh:// or ssh-ng://.", show_default=False),
]
Installables = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[INSTALLABLE]...",
        help="As for nix build; without, the Nix environments of repro.toml.",
        show_default=False,
    ),
]
At = Annotated[
    str, typer.Option("--at", metavar="REV", help="Tag, branch, commit or date.", show_default=False)
]


@app.command(cls=Verb)
def push(
    context: typer.Context, url: Url, installables: Installables = None, at: At = "", as_json: Json = False
) -> None:
    """Build, copy with all dependencies, and sign.

    The file with the secret key is named by REPRO_CACHE_KEY_FILE.
    """
    from repro.flows.cache import push as push_flow

    wish = _wish(url, installables, at)
    _answer(push_flow(ctx.root(context), wish, _notes(context)), as_json=as_json)


@app.command(cls=Verb)
def check(
    context: typer.Context, url: Url, installables: Installables = None, at: At = "", as_json: Json = False
) -> None:
    """Say what is missing, and whether a revision can be realised.

    Nothing is built. Sources that the flake's lock pins are looked for as well.
    """
    from repro.flows.cache import check as check_flow

    wish = _wish(url, installables, at)
    _answer(check_flow(ctx.root(context), wish, _notes(context)), as_json=as_json)


def _wish(url: str, installables: list[str] | None, revision: str) -> Wish:
    from repro.flows.cache import Wish

    return Wish(url=url, installables=tuple(installables or ()), revision=revision)


def _answer(report: CacheReport, *, as_json: bool) -> None:
    from repro.render.cache_text import cache_document, cache_text

    if as_json:
        ctx.say_json(cache_document(report))
    else:
        ctx.say(cache_text(report, ctx.palette()))
    ctx.leave(report.exit)


def _notes(context: typer.Context) -> Listener:
    """Say on standard error what is being done."""
    from repro.core.events import Kind
    from repro.render.words import printable

    def listen(event: Event) -> None:
        if event.kind is Kind.NOTE:
            ctx.tell(context, printable(event.text))

    return listen
