"""`repro git`: what git and its hooks call to see numbers instead of bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import Json
from repro.cli.verb import Verb, group

app = group(
    "For git: numbers in its diff, and a check before a commit.",
    epilog="Exit codes: those of repro drift. More: docs/how-to/git-diff.md",
)

RulesFile = Annotated[
    Path | None,
    typer.Option("--rules", metavar="FILE", help="TOML with [[rules]].", show_default=False),
]

DIFF = """Use it:

\b
  git config diff.repro.command 'repro git diff'
  echo '*.npy diff=repro' >> .gitattributes

Exit codes: 0 also for files that cannot be compared, which is printed: git
would stop at any other.
"""

CHECK = """Examples:

\b
  repro git check baselines/branin/*/results.json
  repro git check data/*.npy --rules repro.toml

\b
Exit codes:
    0  equal under the tolerances, or new
    1  drift, or a file that cannot be parsed
    2  wrong usage, or rules that make no sense
    3  a file is missing
"""


@app.command(cls=Verb, epilog=DIFF)
def diff(
    arguments: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="The seven arguments that git gives.")
    ],
    rules: RulesFile = None,
) -> None:
    """Show what changed in a file, number by number, inside `git diff`."""
    from repro.core.errors import ReproError
    from repro.flows.versions import compare_change, parse_change
    from repro.render.drift_text import drift_text
    from repro.render.words import one_line

    change = parse_change(arguments)
    ctx.say(f"diff --repro {one_line(change.path)}")
    if change.sort != "changed":
        ctx.say(change.sort)
        return
    try:
        ctx.say(drift_text(compare_change(change, rules)))
    except ReproError as error:
        ctx.say(f"cannot be compared: {one_line(error.message)}")


@app.command(cls=Verb, epilog=CHECK)
def check(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files below this folder.")],
    rules: RulesFile = None,
    as_json: Json = False,
) -> None:
    """Compare files with those of the last commit, number by number."""
    from repro.core.exits import Exit
    from repro.flows.versions import compare_with_commit
    from repro.render.drift_text import drift_text
    from repro.render.words import one_line

    folder = ctx.settings(context).folder
    found = compare_with_commit(folder, files, folder / rules if rules else None)
    if as_json:
        report = found.report.to_dict() if found.report else None
        ctx.say_json({"version": 1, "new": list(found.new), "report": report})
    else:
        for name in found.new:
            ctx.say(f"{one_line(name)}: new, nothing to compare with")
        if found.report:
            ctx.say(drift_text(found.report))
    ctx.leave(found.report.verdict.exit if found.report else Exit.GOOD)
