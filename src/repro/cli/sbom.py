"""`repro sbom`: make an SBOM; check, compare and validate one; judge its licences."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from repro.cli import context as ctx
from repro.cli.options import Json, Markdown
from repro.cli.verb import LOOK, Verb, Verbs, bare

EPILOG = """Examples:

\b
  repro sbom                           what [sbom] of repro.toml names
  repro sbom .venv --out sbom.json     a virtual environment
  repro sbom .venv --verify            and prove what its RECORDs state
  repro sbom .#default --closure buildtime
  repro sbom requirements.lock --format spdx-json
  repro sbom check sbom.json .venv     is it the SBOM of what is there?
  repro sbom diff old.json new.json --markdown change.md

\b
Exit codes:
    0  made; checked, valid or allowed; no difference
    1  another target, a difference, invalid, a licence that is not
       allowed, a document that cannot be parsed, or with --verify a
       file that is not what RECORD states
    2  wrong usage or configuration
    3  not made or not checked: a tool or a library is missing, nothing
       was there to compare by hash, or with --verify no RECORD states one
"""


class Form(StrEnum):
    """How an SBOM is written."""

    CYCLONEDX_JSON = "cyclonedx-json"
    CYCLONEDX_XML = "cyclonedx-xml"
    SPDX_JSON = "spdx-json"


class Spec(StrEnum):
    """Versions of CycloneDX."""

    V1_4 = "1.4"
    V1_5 = "1.5"
    V1_6 = "1.6"
    V1_7 = "1.7"


class Closure(StrEnum):
    """What of a derivation."""

    RUNTIME = "runtime"
    BUILDTIME = "buildtime"


class _Sbom(Verbs):
    """Verbs, and one that is meant where none is named: its options are those of the group's help."""

    default = "make"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - see Shape
        """Put the verb in front that is meant where the first word that is no common option is none."""
        position = 0
        while position < len(args) and args[position] in {"-q", "--quiet", "-v", "--verbose", "-C"}:
            position += 2 if args[position] == "-C" else 1
        rest = args[position:]
        if not ctx.resilient_parsing and not (rest and rest[0] in {*self.commands, "-h", "--help"}):
            args = [*args[:position], self.default, *rest]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - see Shape
        """`[OPTIONS] [TARGET]`."""
        return ["[OPTIONS]", "[TARGET]"]

    def params_shown(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - see Shape
        """The arguments and options of what is meant where no verb is named."""
        return [*self.commands[self.default].params, *self.get_params(ctx)]


app = typer.Typer(
    cls=_Sbom,
    help="What is inside: make an SBOM, check it, compare two.",
    epilog=EPILOG,
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    context_settings=LOOK,
)
app.callback()(bare)

Target = Annotated[
    str,
    typer.Argument(
        metavar="[TARGET]",
        help="An installable or store path, a virtual environment, requirements.lock, a wheel or sdist, "
        "an OCI image.",
        show_default=False,
    ),
]
Required = Annotated[
    str, typer.Argument(metavar="TARGET", help="What the SBOM should be of.", show_default=False)
]
File = Annotated[Path, typer.Argument(metavar="SBOM", help="An SBOM in a file.", show_default=False)]
First = Annotated[Path, typer.Argument(metavar="A", help="The older SBOM.", show_default=False)]
Second = Annotated[Path, typer.Argument(metavar="B", help="The newer SBOM.", show_default=False)]
Subject = Annotated[
    str,
    typer.Argument(
        metavar="[SBOM|TARGET]", help="A file (.json, .xml), or as for repro sbom.", show_default=False
    ),
]
Format_ = Annotated[
    Form | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="cyclonedx-json, cyclonedx-xml or spdx-json (2.3).",
        show_default="cyclonedx-json",
    ),
]
Spec_ = Annotated[
    Spec | None,
    typer.Option("--spec", metavar="VERSION", help="CycloneDX 1.4, 1.5, 1.6 or 1.7.", show_default="1.6"),
]
Closure_ = Annotated[
    Closure | None,
    typer.Option(
        "--closure",
        metavar="CLOSURE",
        help="For Nix: runtime, or buildtime (builds nothing).",
        show_default="runtime",
    ),
]
Platform = Annotated[
    str,
    typer.Option(
        "--platform",
        metavar="OS/ARCH",
        help="For images: which of several.",
        show_default=False,
    ),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify",
        help="For environments: read every file; exit 1 where one is not what RECORD states.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write it to this file.", show_default=False)
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Exit 1 also where one has no hash to compare.", show_default=False),
]


@app.command("make", cls=Verb, hidden=True)
def make_(
    context: typer.Context,
    target: Target = "",
    form: Format_ = None,
    spec: Spec_ = None,
    closure: Closure_ = None,
    platform: Platform = "",
    verify: Verify = False,
    out: Out = None,
) -> None:
    """Make an SBOM: what `repro sbom TARGET` does."""
    from dataclasses import replace

    from repro.flows import sbom as flow
    from repro.render.sbom_made_text import made_lines
    from repro.tools import files

    folder = ctx.settings(context).folder
    made = flow.make(folder, replace(_wishes(target, form, spec, closure, platform), verify=verify))
    if out is None:
        ctx.say(made.data.decode())
    else:
        with files.disk_errors(f"writing {out}"):
            files.write_atomic(folder / out, made.data)
    for line in made_lines(made, str(out) if out else ""):
        ctx.tell(context, line)
    ctx.leave(made.exit)


@app.command(cls=Verb)
def check(
    context: typer.Context,
    sbom: File,
    target: Required,
    closure: Closure_ = None,
    platform: Platform = "",
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Is this the SBOM of what is there? Compare them by hash."""
    from repro.flows import sbom as flow
    from repro.render.sbom_text import check_text

    found = flow.check(ctx.settings(context).folder, sbom, _wishes(target, None, None, closure, platform))
    if as_json:
        ctx.say_json(found.to_dict(strict=strict))
    else:
        ctx.say(check_text(found, ctx.palette(), strict=strict))
    ctx.leave(found.exit(strict=strict))


@app.command(cls=Verb)
def diff(
    context: typer.Context, first: First, second: Second, as_json: Json = False, markdown: Markdown = None
) -> None:
    """What tells two SBOMs apart: components, licences, patches."""
    from repro.flows import sbom as flow
    from repro.render.sbom_markdown import diff_markdown
    from repro.render.sbom_text import diff_text

    found = flow.diff(ctx.settings(context).folder, first, second)
    if as_json:
        ctx.say_json(found.to_dict())
    else:
        ctx.say(diff_text(found, ctx.palette()))
    if markdown:
        ctx.write(context, markdown, diff_markdown(found))
    ctx.leave(found.exit)


@app.command(cls=Verb)
def validate(context: typer.Context, sbom: File, as_json: Json = False) -> None:
    """Is it valid by the official schema? Takes seconds."""
    from repro.flows import sbom as flow
    from repro.render.sbom_text import validated_text

    found = flow.validate(ctx.settings(context).folder, sbom)
    if as_json:
        ctx.say_json(found.to_dict())
    else:
        ctx.say(validated_text(found, ctx.palette()))
    ctx.leave(found.exit)


@app.command(cls=Verb)
def licences(
    context: typer.Context,
    subject: Subject = "",
    closure: Closure_ = None,
    platform: Platform = "",
    as_json: Json = False,
) -> None:
    """Hold the licences against [licences] of repro.toml."""
    from repro.flows import sbom as flow
    from repro.render.sbom_text import licences_text

    wishes = _wishes("", None, None, closure, platform)
    found = flow.licences(ctx.settings(context).folder, subject, wishes)
    if as_json:
        ctx.say_json(found.to_dict())
    else:
        ctx.say(licences_text(found, ctx.palette()))
    ctx.leave(found.exit)


def _wishes(target: str, form: Form | None, spec: Spec | None, closure: Closure | None, platform: str) -> Any:  # noqa: ANN401 - the class is loaded late
    from repro.flows import sbom_target
    from repro.flows.sbom import Wishes
    from repro.sbom.document import Format

    return Wishes(
        target=target,
        form=Format(form) if form else None,
        spec=str(spec) if spec else "",
        closure=sbom_target.Closure(closure) if closure else None,
        platform=platform,
    )
