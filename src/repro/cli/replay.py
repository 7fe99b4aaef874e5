"""`repro replay`: run experiments again under their recorded conditions and compare every number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import All, Environment, Experiments, Jobs, Json
from repro.cli.verb import single

if TYPE_CHECKING:
    from repro.flows.replay import Replayed

EPILOG = """Examples:

\b
  repro replay branin               the present code against its baseline
  repro replay branin --at v1.0     the code, data and packages of v1.0
  repro replay 'noise[sigma=0.5]'   part of a matrix
  repro replay --all --jobs 2       all; what has not changed is not run again
  repro replay lorenz --repeat 3    bit-identical, within tolerance, unstable?

\b
Exit codes:
    0  every number matches its baseline
    1  drift, or evidence that is wrong: an output missing or malformed
    2  wrong usage or configuration
    3  not measured: no baseline, data or tool, or the command failed
  130  interrupted; complete runs stay recorded
"""


def replay(  # noqa: PLR0917 - as many as the verb has options
    context: typer.Context,
    experiments: Experiments = None,
    everything: All = False,
    at: Annotated[
        str, typer.Option("--at", metavar="REV", help="Tag, branch, commit or date.", show_default=False)
    ] = "",
    environment: Environment = "",
    against: Annotated[
        str,
        typer.Option(
            "--against",
            metavar="BASELINE|RUN|REV",
            help="Compare with this instead of the nearest baseline.",
            show_default=False,
        ),
    ] = "",
    rules: Annotated[
        str,
        typer.Option("--rules", metavar="revision|present", help="Whose tolerances count with --at."),
    ] = "revision",
    repeat: Annotated[
        int,
        typer.Option(
            "--repeat", metavar="N", min=1, help="Fresh processes per run, to see whether they agree."
        ),
    ] = 1,
    jobs: Jobs = 0,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Run again even where nothing changed.", show_default=False)
    ] = False,
    require_isolation: Annotated[
        bool,
        typer.Option("--require-isolation", help="Exit 3 where isolation did not hold.", show_default=False),
    ] = False,
    paranoid: Annotated[
        bool,
        typer.Option("--paranoid", help="Hash the whole environment before and after.", show_default=False),
    ] = False,
    allow_build: Annotated[
        bool,
        typer.Option(
            "--allow-build", help="Build packages without a wheel, in the sandbox.", show_default=False
        ),
    ] = False,
    as_json: Json = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.", show_default=False)
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write Markdown.", show_default=False)
    ] = None,
) -> None:
    """Run experiments again and compare every number with baselines.

    Conditions are the recorded ones: code, environment, data and platform. What ran under equal conditions
    before is not run again; it is compared anew where the baseline or the rules changed.
    """
    from repro.cli.progress import listening
    from repro.core.errors import UsageError
    from repro.flows.replay import Request, check_request
    from repro.flows.replay import replay as replay_flow
    from repro.flows.workshop import Demands
    from repro.render.replay_json import replay_document
    from repro.render.replay_text import replay_text

    if bool(experiments) == everything:
        raise UsageError("name experiments, or say --all", hint="see what there is: repro status")
    request = Request(
        selections=tuple(experiments or ()),
        revision=at,
        against=against,
        rules=rules,
        repeat=repeat,
        jobs=jobs,
        use_cache=not no_cache,
        demands=Demands(
            environment=environment,
            require_isolation=require_isolation,
            paranoid=paranoid,
            allow_build=allow_build,
        ),
    )
    check_request(request)
    settings = ctx.settings(context)
    with listening(settings) as listener:
        replayed = replay_flow(ctx.root(context), request, listener)
    if as_json:
        ctx.say_json(replay_document(replayed))
    else:
        known = _known(ctx.root(context), replayed)
        ctx.say(replay_text(replayed, palette=ctx.palette(), details=settings.verbose, known=known))
    if junit:
        from repro.render.junit import junit as junit_text

        ctx.write(context, junit, junit_text(replayed))
    if markdown:
        from repro.render.markdown import markdown as markdown_text

        ctx.write(context, markdown, markdown_text(replayed))
    ctx.leave(replayed.exit)


def _known(root: Path, replayed: Replayed) -> frozenset[str]:
    """The runs in the store, where a next step may name one."""
    from repro.core.exits import Exit
    from repro.store.runs import Store

    return frozenset() if replayed.exit is Exit.GOOD else frozenset(Store(root).ids())


app = single(replay, epilog=EPILOG)
