"""`repro data`: what lies under DVC: where it is, fetched, verified, pushed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
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
    "Data under DVC: status, pull, verify, track.",
    epilog="""Examples:

\b
  repro data status
  repro data pull branin --at v1.0   into the cache, which a replay needs
  repro data pull --link             and linked into the work tree
  repro data verify                  present, missing, corrupt
  repro data verify --all-revisions  which old experiments can't be fed
  repro data track data/points.csv --experiment total
  repro data push
  repro data gc --dry-run

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
    from repro.flows.data_status import status as status_flow
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
    every: Annotated[
        bool,
        typer.Option(
            "--all-revisions", help="Say which old experiments can no longer be fed.", show_default=False
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Say of every object whether it is present, missing or corrupt.

    Cache and remote are asked, and nothing is pulled: a cloud keeps the hashes of its objects itself.
    """
    if every:
        _verify_all(context, tuple(experiments or ()), at, offline=offline, as_json=as_json)
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


@app.command(cls=Verb)
def track(
    context: typer.Context,
    path: Annotated[str, typer.Argument(metavar="FILE", help="File or folder.", show_default=False)],
    experiment: Annotated[
        str, typer.Option("--experiment", metavar="NAME", help="Whose input it becomes.", show_default=False)
    ],
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.", show_default=False)] = False,
    dry_run: Annotated[
        bool, typer.Option("-n", "--dry-run", help="Show what would be done.", show_default=False)
    ] = False,
    as_json: Json = False,
) -> None:
    """Put data under DVC, in git, and in an experiment's inputs.

    The steps are shown first. All of them are done, or none.
    """
    from repro.core.exits import Exit
    from repro.flows import data_track
    from repro.render.data_past import plan_document, plan_text

    root = ctx.root(context)
    plan = data_track.plan(root, _below(context, root, path), experiment)
    if not as_json:
        ctx.say(plan_text(plan))
    if not dry_run:
        _consent(yes=yes)
        data_track.track(root, plan)
    if as_json:
        ctx.say_json(plan_document(plan, done=not dry_run))
    ctx.leave(Exit.GOOD)


@app.command(cls=Verb)
def gc(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("-n", "--dry-run", help="Show what would be removed.", show_default=False)
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also where not all needs can be known.", show_default=False)
    ] = False,
    grace: Annotated[
        int, typer.Option("--grace", metavar="MINUTES", min=0, help="How old an object must be.")
    ] = 60,
    as_json: Json = False,
) -> None:
    """Remove from the cache what nothing needs any more.

    Needed is what any commit, branch, tag, stash, reflog or worktree names, and any recorded run or
    baseline. The remote is never touched.
    """
    from repro.flows.data_gc import gc as gc_flow
    from repro.render.data_past import gc_document, gc_text

    report = gc_flow(ctx.root(context), dry_run=dry_run, force=force, grace_minutes=grace)
    _answer(report.exit, gc_text(report), lambda: gc_document(report), as_json=as_json)


def _verify_all(
    context: typer.Context, named: tuple[str, ...], at: str, *, offline: bool, as_json: bool
) -> None:
    from repro.cli.progress import listening
    from repro.core.errors import UsageError
    from repro.flows.data_history import history
    from repro.render.data_past import history_document, history_text

    if at:
        raise UsageError("--at and --all-revisions exclude each other", hint="leave one of them out")
    with listening(ctx.settings(context), "verify") as listener:
        report = history(ctx.root(context), named, offline=offline, listener=listener)
    text = history_text(report, ctx.palette())
    _answer(report.exit, text, lambda: history_document(report), as_json=as_json)


def _below(context: typer.Context, root: Path, path: str) -> str:
    """A path as it was written in the working folder, seen from the project's root."""
    from repro.core.errors import UsageError

    place = Path(os.path.abspath(ctx.settings(context).folder / path))  # noqa: PTH100 - links stay links
    if not place.is_relative_to(root) or place == root:
        raise UsageError(f"{path}: not inside {root}", hint="name a file of this project")
    return place.relative_to(root).as_posix()


def _consent(*, yes: bool) -> None:
    """Go on where a person agrees; a call without a terminal must say --yes."""
    from repro.core.errors import UsageError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody to ask: standard input is no terminal", hint="say --yes, or --dry-run")
    typer.confirm("Do this?", abort=True, err=True)


def _wish(experiments: list[str] | None, revision: str, jobs: int = 0) -> Wish:
    from repro.flows.data import Wish

    return Wish(experiments=tuple(experiments or ()), revision=revision, jobs=jobs)


def _answer(exit_code: Exit, text: str, document: Callable[[], dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        ctx.say_json(document())
    else:
        ctx.say(text)
    ctx.leave(exit_code)
