"""The command line's entry: verbs, global options, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import click
import typer

from repro import __version__
from repro.cli import context as ctx
from repro.cli.baseline import baseline
from repro.cli.drift import drift
from repro.cli.init import init
from repro.cli.replay import EPILOG, replay
from repro.cli.runs import runs
from repro.cli.status import status
from repro.core.errors import ReproError, UsageError
from repro.core.exits import Exit

app = typer.Typer(
    name="repro",
    help="Every number a team publishes: re-derived, compared and explained with one command.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def _version(wanted: bool) -> None:
    if wanted:
        ctx.say(f"repro {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Option("-C", metavar="DIR", help="Work in this folder.", show_default=False)
    ] = Path(),
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="No progress, no notes.", show_default=False)
    ] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Stages, and causes of errors.", show_default=False)
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback prints and ends
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print it.", show_default=False),
    ] = False,
) -> None:
    """Every number a team publishes: re-derived, compared and explained with one command."""
    context.obj = ctx.Settings(folder=folder, quiet=quiet, verbose=verbose)


app.command(epilog=EPILOG)(replay)
app.command()(status)
app.add_typer(baseline, name="baseline")
app.command()(drift)
app.add_typer(runs, name="runs")
app.command()(init)


def main() -> NoReturn:
    """Run the command line and exit with a code of the house."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(_run(sys.argv[1:]))


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _run(arguments: list[str]) -> int:
    """The exit code of a call; whatever goes wrong is said on standard error, or as JSON where asked."""
    try:
        return int(app(arguments, standalone_mode=False) or 0)
    except (KeyboardInterrupt, click.exceptions.Abort):
        sys.stderr.write(
            "interrupted; complete runs stay recorded, and the same command goes on from there\n"
        )
        return int(Exit.INTERRUPTED)
    except click.ClickException as error:
        return _failed(UsageError(error.format_message(), hint=_help(error)), arguments)
    except BrokenPipeError:  # the reader went away: nobody is left to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.NOT_CHECKED)
    except ReproError as error:
        return _failed(error, arguments)
    except Exception as error:  # noqa: BLE001 - a crash is said in one line, and is never 0
        kind = f"{type(error).__name__}: {error}"
        return _failed(
            ReproError(f"internal error: {kind}", hint="run with -v for the traceback, and report it"),
            arguments,
        )


def _help(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"see: {context.command_path} --help" if context else "see: repro --help"


def _failed(error: ReproError, arguments: list[str]) -> int:
    if "--json" in arguments:
        from repro.render.replay_json import error_document

        ctx.say_json(error_document(error))
    if {"-v", "--verbose"}.intersection(arguments):
        import traceback

        traceback.print_exc()
    from repro.render.words import printable

    lines = [printable(line) for line in error.message.splitlines()]
    sys.stderr.write("\n  ".join([f"error: {lines[0]}", *lines[1:]]) + "\n")
    if error.hint:
        sys.stderr.write(f"  -> {printable(error.hint)}\n")
    return int(error.exit)
