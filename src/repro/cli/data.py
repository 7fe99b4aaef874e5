"""`repro data`: what lies under DVC: where it is, fetched, verified, pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import context as ctx
from repro.cli.options import Experiments, Json
from repro.cli.verb import Verb, group

if TYPE_CHECKING:
    from collections.abc import Callable

    from repro.core.exits import Exit
    from repro.flows.data import Wish

app = group(
    "Data under DVC: pull, verify, track, push.",
    epilog="""Examples:

\b
  repro data status
  repro data pull branin --at v1.0   into the cache, which a replay needs
  repro data pull --link             and linked into the work tree
  repro data verify                  present, missing, corrupt
  repro data push

Exit codes: 0 good; 1 something is missing or corrupt; 2 wrong usage;
3 could not be checked: no remote, no answer, nothing under DVC.
""",
)

At = Annotated[
    str, typer.Option("--at", metavar="REV", help="Tag, branch, commit or date.", show_default=False)
]
Transfers = Annotated[
    int,
    typer.Option(
        "-j", "--jobs", metavar="N", min=0, help="Transfers at a time.", show_default="by kind of remote"
    ),
]
Offline = Annotated[bool, typer.Option("--cache-only", help="Do not ask the remote.", show_default=False)]


@app.command(cls=Verb)
def status(context: typer.Context, offline: Offline = False, as_json: Json = False) -> None:
    """Say what is tracked, in place, in the cache and in the remote."""
    from repro.flows.data import status as status_flow
    from repro.render.data_text import status_document, status_text

    report = status_flow(ctx.root(context), offline=offline)
    _answer(report.exit, status_text(report), lambda: status_document(report), as_json=as_json)


@app.command(cls=Verb)
def pull(
    context: typer.Context,
    experiments: Experiments = None,
    at: At = "",
    jobs: Transfers = 0,
    link: Annotated[
        bool, typer.Option("--link", help="Link the files into the work tree.", show_default=False)
    ] = False,
    as_json: Json = False,
) -> None:
    """Fetch what experiments need, and no more, into the cache.

    Corrupt objects of the cache are set aside and fetched again.
    """
    from repro.cli.progress import listening
    from repro.flows.data import pull as pull_flow
    from repro.render.data_text import transfer_document, transfer_text

    with listening(ctx.settings(context), "pull") as listener:
        report = pull_flow(ctx.root(context), _wish(experiments, at, jobs), listener, in_place=link)
    text = transfer_text(report, "fetched")
    _answer(report.exit, text, lambda: transfer_document(report), as_json=as_json)


@app.command(cls=Verb)
def verify(
    context: typer.Context,
    experiments: Experiments = None,
    at: At = "",
    offline: Offline = False,
    read: Annotated[
        bool,
        typer.Option("--read", help="Read objects whose hash the remote does not keep.", show_default=False),
    ] = False,
    as_json: Json = False,
) -> None:
    """Say of every object whether it is present, missing or corrupt.

    Cache and remote are asked, and nothing is pulled: a cloud keeps the hashes of its objects itself.
    """
    from repro.flows.data import verify as verify_flow
    from repro.render.data_text import verify_document, verify_text

    report = verify_flow(ctx.root(context), _wish(experiments, at), offline=offline, read=read)
    text = verify_text(report, ctx.palette())
    _answer(report.exit, text, lambda: verify_document(report), as_json=as_json)


@app.command(cls=Verb)
def push(
    context: typer.Context,
    experiments: Experiments = None,
    at: At = "",
    jobs: Transfers = 0,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Everything that is tracked.", show_default=False),
    ] = False,
    as_json: Json = False,
) -> None:
    """Store what experiments need in the remote; what is there stays."""
    from repro.cli.progress import listening
    from repro.flows.data import push as push_flow
    from repro.render.data_text import transfer_document, transfer_text

    with listening(ctx.settings(context), "push") as listener:
        wish = _wish(experiments, at, jobs)
        report = push_flow(ctx.root(context), wish, listener, everything=everything)
    text = transfer_text(report, "pushed")
    _answer(report.exit, text, lambda: transfer_document(report), as_json=as_json)


def _wish(experiments: list[str] | None, revision: str, jobs: int = 0) -> Wish:
    from repro.flows.data import Wish

    return Wish(experiments=tuple(experiments or ()), revision=revision, jobs=jobs)


def _answer(exit_code: Exit, text: str, document: Callable[[], dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        ctx.say_json(document())
    else:
        ctx.say(text)
    ctx.leave(exit_code)
