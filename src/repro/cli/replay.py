"""`repro replay`: run experiments again under their recorded conditions and compare every number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import context as ctx
from repro.cli.options import (
    All,
    Environment,
    Experiments,
    Html,
    Jobs,
    Json,
    JUnit,
    Markdown,
    Open,
    Sarif,
    named,
)
from repro.cli.reports import Reports, Writers, write
from repro.cli.verb import single

if TYPE_CHECKING:
    from repro.flows.replay import Replayed, Request

EPILOG = """Examples:

\b
  repro replay branin               the present code against its baseline
  repro replay branin --at v1.0     the code, data and packages of v1.0
  repro replay 'noise[sigma=0.5]'   part of a matrix
  repro replay noise --seeds 41..60 other seeds: are the means equivalent?
  repro replay --all --jobs 2       all; what has not changed is not run again
  repro replay lorenz --repeat 3    bit-identical, within tolerance, unstable?
  repro replay lorenz --open        look at what drifted, in a browser

\b
Exit codes:
    0  every number matches its baseline
    1  drift, or evidence that is wrong: an output missing or malformed
    2  wrong usage or configuration
    3  not measured: no baseline, data or tool, or the command failed
  130  interrupted; complete runs stay recorded
"""


At = Annotated[
    str, typer.Option("--at", metavar="REV", help="Tag, branch, commit or date.", show_default=False)
]
Against = Annotated[
    str,
    typer.Option(
        "--against",
        metavar="BASELINE|RUN|REV",
        help="Compare with this instead of the nearest baseline.",
        show_default=False,
    ),
]
Rules = Annotated[
    str, typer.Option("--rules", metavar="revision|present", help="Whose tolerances count with --at.")
]
Repeat = Annotated[
    int, typer.Option("--repeat", metavar="N", min=1, help="Fresh processes per run: do they agree?")
]
Seeds = Annotated[
    str,
    typer.Option(
        "--seeds",
        metavar="FIRST..LAST",
        help="Run these seeds instead, and test them as an ensemble.",
        show_default=False,
    ),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Run again even where nothing changed.", show_default=False)
]
RequireIsolation = Annotated[
    bool,
    typer.Option("--require-isolation", help="Exit 3 where isolation did not hold.", show_default=False),
]
Paranoid = Annotated[
    bool,
    typer.Option("--paranoid", help="Hash the whole environment before and after.", show_default=False),
]
AllowBuild = Annotated[
    bool,
    typer.Option("--allow-build", help="Build packages without a wheel, in the sandbox.", show_default=False),
]


def replay(  # noqa: PLR0917 - as many as the verb has options
    context: typer.Context,
    experiments: Experiments = None,
    everything: All = False,
    at: At = "",
    environment: Environment = "",
    against: Against = "",
    rules: Rules = "revision",
    repeat: Repeat = 1,
    seeds: Seeds = "",
    jobs: Jobs = 0,
    no_cache: NoCache = False,
    require_isolation: RequireIsolation = False,
    paranoid: Paranoid = False,
    allow_build: AllowBuild = False,
    as_json: Json = False,
    junit: JUnit = None,
    markdown: Markdown = None,
    sarif: Sarif = None,
    html: Html = None,
    show: Open = False,
) -> None:
    """Run experiments again and compare numbers with baselines.

    Conditions are the recorded ones: code, environment, data and platform. What ran under equal conditions
    before is not run again; it is compared anew where the baseline or the rules changed.
    """
    from repro.flows.replay import Request
    from repro.flows.workshop import Demands

    request = Request(
        selections=named(experiments, everything=everything),
        revision=at,
        against=against,
        rules=rules,
        repeat=repeat,
        seeds=seeds,
        jobs=jobs,
        use_cache=not no_cache,
        demands=Demands(
            environment=environment,
            require_isolation=require_isolation,
            paranoid=paranoid,
            allow_build=allow_build,
        ),
    )
    reports = Reports(junit=junit, markdown=markdown, sarif=sarif, html=html, show=show)
    _replay(context, request, reports, as_json=as_json)


def _replay(context: typer.Context, request: Request, reports: Reports, *, as_json: bool) -> None:
    from repro.cli.progress import listening
    from repro.flows.replay import check_request
    from repro.flows.replay import replay as replay_flow

    check_request(request)
    with listening(ctx.settings(context)) as listener:
        replayed = replay_flow(ctx.root(context), request, listener)
    if as_json:
        from repro.render.replay_json import replay_document

        ctx.say_json(replay_document(replayed))
    else:
        from repro.render.replay_text import replay_text

        details, known = ctx.settings(context).verbose, _known(ctx.root(context), replayed)
        ctx.say(replay_text(replayed, palette=ctx.palette(), details=details, known=known))
    _write(context, replayed, reports)
    ctx.leave(replayed.exit)


def _write(context: typer.Context, replayed: Replayed, reports: Reports) -> None:
    """Write the reports that were asked for."""
    root = ctx.root(context)

    def junit() -> str:
        from repro.render.junit import junit

        return junit(replayed)

    def markdown() -> str:
        from repro.render.markdown import markdown

        return markdown(replayed)

    def sarif() -> dict[str, Any]:
        from repro.render.sarif import replay_sarif

        return replay_sarif(replayed, root)

    def html() -> str:
        from repro.flows.evidence import of_replay
        from repro.render.html_report import replay_html

        return replay_html(replayed, of_replay(root, replayed))

    writers = Writers(junit=junit, markdown=markdown, sarif=sarif, html=html)
    write(context, reports, writers, page=lambda: root.absolute() / ".repro" / "report.html")


def _known(root: Path, replayed: Replayed) -> frozenset[str]:
    """The runs in the store, where a next step may name one."""
    from repro.core.exits import Exit
    from repro.store.runs import Store

    return frozenset() if replayed.exit is Exit.GOOD else frozenset(Store(root).ids())


app = single(replay, epilog=EPILOG)
