"""`repro attest`: statements about artifacts and numbers, ready to be signed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.attest.predicates import LOCAL_BUILDER
from repro.cli import attest_link
from repro.cli import context as ctx
from repro.cli.options import Json
from repro.cli.verb import LOOK, Verb, group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repro.attest.statement import Statement

EPILOG = """Examples:

\b
  repro attest provenance .#default --evidence build.json
  repro attest provenance branin --out provenance.json
  repro attest provenance dist/x.whl --run 'uv build --wheel'
  repro attest replay --out attestations branin noise
  repro attest sbom dist/x.whl --sbom sbom.json --out x.sbom.json
  repro attest release dist/x.whl --purl pkg:pypi/x@1 --with x.sbom.json
  repro attest chain root.layout dist/x.whl --layout-key owner.pub

\b
Exit codes:
    0  every statement is written
    1  an artifact was altered, or a document cannot be parsed
    2  wrong usage or configuration
    3  nothing to vouch for: no run, no baseline, not built here
"""

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="TARGET...",
        help="Files; for provenance also .#attributes, experiments and run ids.",
        show_default=False,
    ),
]
Runs = Annotated[
    list[str],
    typer.Argument(metavar="TARGET...", help="Experiments, runs of them, or run ids.", show_default=False),
]
Artifacts = Annotated[list[str], typer.Argument(metavar="FILE...", help="Artifacts.", show_default=False)]
Builder = Annotated[
    str,
    typer.Option(
        "--builder-id",
        metavar="URI",
        help="Which builder this is, as policies name it.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE|DIR",
        help="Write a .json file, or a folder of them.",
        show_default="standard output, one statement a line",
    ),
]

app = group("Say how artifacts and numbers were made, to be signed.", epilog=EPILOG)


@app.command(cls=Verb, context_settings=LOOK)
def provenance(
    context: typer.Context,
    targets: Targets,
    command: Annotated[
        str,
        typer.Option(
            "--run", metavar="COMMAND", help="Run this now; it writes the files.", show_default=False
        ),
    ] = "",
    evidence: Annotated[
        Path | None,
        typer.Option(
            "--evidence",
            metavar="FILE",
            help="What repro build --json wrote about the same build.",
            show_default=False,
        ),
    ] = None,
    patterns: Annotated[
        list[str] | None,
        typer.Option(
            "--files",
            metavar="GLOB",
            help="Name these files of a Nix output.",
            show_default="all, up to 1000",
        ),
    ] = None,
    builder: Builder = LOCAL_BUILDER,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Say how targets were made: SLSA provenance v1.

    A target is what Nix builds, an experiment or run that was replayed, or a file that --run makes now. What
    was built elsewhere is not attested: who built it can say how.
    """
    from repro.flows import attest

    folder = ctx.settings(context).folder.absolute()
    wishes = attest.Wishes(
        targets=tuple(targets),
        command=command,
        evidence=folder / evidence if evidence else None,
        patterns=tuple(patterns or ()),
        builder=builder,
    )
    _give(context, attest.provenance(folder, wishes), "provenance", out, as_json=as_json)


@app.command(cls=Verb, context_settings=LOOK)
def replay(
    context: typer.Context,
    targets: Runs,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Say whether numbers came out again: a test result.

    Outputs are hashed and judged now, under the rules of the present tree. A drift is a result too: FAILED.
    """
    from repro.flows import attest

    folder = ctx.settings(context).folder.absolute()
    made = attest.replay(folder, attest.Wishes(targets=tuple(targets)))
    _give(context, made, "replay", out, as_json=as_json)


@app.command(cls=Verb, context_settings=LOOK)
def sbom(
    context: typer.Context,
    artifacts: Artifacts,
    document: Annotated[
        Path, typer.Option("--sbom", metavar="FILE", help="A CycloneDX document.", show_default=False)
    ],
    max_size: Annotated[
        int, typer.Option("--max-size", metavar="BYTES", min=0, help="A larger one is only referred to.")
    ] = 3_500_000,
    location: Annotated[
        str,
        typer.Option(
            "--location", metavar="URL", help="Where a larger one will be.", show_default="its file's name"
        ),
    ] = "",
    builder: Builder = LOCAL_BUILDER,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Say what artifacts are made of: an SBOM.

    A CycloneDX document, or only its digest where logs would not take the whole.
    """
    from repro.flows import attest

    folder = ctx.settings(context).folder.absolute()
    wishes = attest.Wishes(
        targets=tuple(artifacts),
        sbom=folder / document,
        max_size=max_size,
        location=location,
        builder=builder,
    )
    _give(context, attest.sbom(folder, wishes), "sbom", out, as_json=as_json)


@app.command(cls=Verb, context_settings=LOOK)
def release(
    context: typer.Context,
    artifacts: Artifacts,
    purl: Annotated[
        str, typer.Option("--purl", metavar="PURL", help="pkg:pypi/NAME@VERSION.", show_default=False)
    ],
    linked: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            metavar="FILE",
            help="A statement, bundle or SBOM that belongs to it; may be repeated.",
            show_default=False,
        ),
    ] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Say which artifacts a release has.

    And which provenance, SBOMs and replays vouch for it.
    """
    from repro.flows import attest

    folder = ctx.settings(context).folder.absolute()
    wishes = attest.Wishes(
        targets=tuple(artifacts), purl=purl, linked=tuple(folder / file for file in linked or ())
    )
    _give(context, attest.release(folder, wishes), "release", out, as_json=as_json)


def _give(
    context: typer.Context, statements: Sequence[Statement], kind: str, out: Path | None, *, as_json: bool
) -> None:
    """Statements into files, or onto standard output, one a line."""
    from repro.core.errors import UsageError
    from repro.flows import attest

    if out is None:
        if as_json:
            raise UsageError("--json says what was written: name --out", hint="a statement is JSON itself")
        ctx.say("\n".join(one.raw.decode() for one in statements))
        return
    written = attest.write(statements, ctx.settings(context).folder / out, kind)
    if as_json:
        ctx.say_json({"version": 1, "exit": 0, "statements": [one.to_dict() for one in written]})
        return
    from repro.render.attest_text import written_text

    ctx.say(written_text(written))


for command in (attest_link.link, attest_link.layout, attest_link.chain):
    app.command(cls=Verb, context_settings=LOOK)(command)
