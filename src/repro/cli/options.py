"""Parameters that several verbs have in common, and how experiments' names are completed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def complete_runs(context: typer.Context, incomplete: str) -> list[str]:
    """Names of experiments that begin so, for the shell; none where there is no readable `repro.toml`."""
    from repro.core.errors import ReproError
    from repro.flows import config

    try:
        folder = context.find_root().params.get("folder")
        project = config.load(config.find(Path(folder or ".")))
    except (ReproError, OSError):
        return []
    return [name for name in project.experiments if name.startswith(incomplete)]


Experiments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[EXPERIMENT]...",
        help="Names such as branin, noise or 'noise[sigma=0.5,seed=7]'.",
        autocompletion=complete_runs,
        show_default=False,
    ),
]
One = Annotated[
    str,
    typer.Argument(
        metavar="EXPERIMENT", help="A name such as branin.", autocompletion=complete_runs, show_default=False
    ),
]
All = Annotated[bool, typer.Option("--all", help="Everything that repro.toml names.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.", show_default=False)]
Jobs = Annotated[
    int, typer.Option("-j", "--jobs", metavar="N", min=0, help="Runs at a time; 0 means one per processor.")
]
Environment = Annotated[
    str, typer.Option("--env", metavar="NAME", help="Take this environment instead.", show_default=False)
]

JUnit = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.", show_default=False)
]
Markdown = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write Markdown.", show_default=False)
]
Sarif = Annotated[
    Path | None, typer.Option("--sarif", metavar="FILE", help="Write SARIF 2.1.0.", show_default=False)
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write one HTML page.", show_default=False)
]
Open = Annotated[bool, typer.Option("--open", help="Show the HTML page in a browser.", show_default=False)]


def named(experiments: list[str] | None, *, everything: bool) -> tuple[str, ...]:
    """What a verb works on: names, or () for everything; one of the two must be said. Raises UsageError."""
    from repro.core.errors import UsageError

    if experiments and everything:
        raise UsageError("experiments and --all exclude each other", hint="leave one of them out")
    if not experiments and not everything:
        raise UsageError("name experiments, or say --all", hint="see what there is: repro status")
    return tuple(experiments or ())
