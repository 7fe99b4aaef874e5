"""The command line's entry: verbs, global options, and the one place where errors become exit codes."""

# ruff: noqa: E402 - the first line is for all that is loaded after it

from __future__ import annotations

import gc

gc.set_threshold(50_000)  # to look for cycles after every 700 new values takes a twelfth of a short call

import importlib
import io
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from repro import __version__
from repro.cli import context as ctx
from repro.cli.verb import LOOK, Verbs, bare
from repro.core.errors import ReproError, UsageError
from repro.core.exits import Exit

VERBS = {
    "replay": "Run experiments again and compare numbers with baselines.",
    "status": "Say which runs are fresh, which are stale and why.",
    "drift": "Compare any two files or folders, number by number.",
    "baseline": "Accepted outputs: record, accept, list, show, diff.",
    "data": "Data under DVC: status, pull, verify, track.",
    "runs": "Records of runs: list, show, diff, gc.",
    "build": "Build, build again, and prove that it comes out the same.",
    "sbom": "What is inside: make an SBOM, check it, compare two.",
    "audit": "Find known vulnerabilities in an SBOM, offline.",
    "attest": "Say how artifacts and numbers were made, to be signed.",
    "sign": "Sign statements and files, as Sigstore bundles (v0.3).",
    "verify": "Verify artifacts before they are deployed, cited or trusted.",
    "policy": "What is demanded of artifacts: init, check, explain.",
    "certificate": "Write what a reviewer needs to check an experiment's numbers.",
    "keys": "Make keys for signing, and say what a key is.",
    "gate": "Run the checks of a stage, the same here as in CI.",
    "cache": "Binary caches of Nix: push, check.",
    "doctor": "Look whether this machine can replay and build.",
    "git": "For git: numbers in its diff, and a check before a commit.",
    "init": "Write a first repro.toml; never overwrites one.",
}
"""Each is a module beside this one with its `app`, loaded when it is called: hence the words here."""

BAD_USAGE: type[Exception] = typer.BadParameter.__mro__[1]
"""What typer raises for a wrong command line: its own class or click's, by typer's version."""

NEAR = 0.7
"""How much of a mistyped option must agree with the one that was meant (difflib's ratio)."""


class _Repro(Verbs):
    """All verbs, each loaded when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - see Shape
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 - see Shape
        if cmd_name not in VERBS:
            return None
        command = typer.main.get_command(importlib.import_module(f"repro.cli.{cmd_name}").app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 - see Shape
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


app = typer.Typer(
    name="repro",
    cls=_Repro,
    rich_markup_mode=None,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings=LOOK,
)


def _version(wanted: bool) -> None:
    if wanted:
        ctx.say(f"repro {__version__}")
        raise typer.Exit


@app.callback(epilog="The command line whole: docs/reference/cli.md")
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
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version.", show_default=False
        ),
    ] = False,
) -> None:
    """Every number a team publishes: re-derived, compared and explained with one command."""
    context.obj = ctx.Settings(folder=folder, quiet=quiet, verbose=verbose)
    bare(context)


def main() -> NoReturn:
    """Run the command line and exit with a code of the house."""
    signal.signal(signal.SIGTERM, _interrupt)
    _prepare_streams()
    code = run(sys.argv[1:])
    if code == Exit.INTERRUPTED:  # a thread that waits for a network is not waited for
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    gc.freeze()  # to look for garbage in all that was loaded takes up to a sixth of a short call
    sys.exit(code)


def _prepare_streams() -> None:
    """Streams that can be written to whatever the caller closed, and whatever names of files hold."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller: nobody wants to know
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open to the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def run(arguments: list[str]) -> int:
    """The exit code of a call; whatever goes wrong is said on standard error, or as JSON where asked."""
    try:
        return _called(arguments)
    except (KeyboardInterrupt, typer.Abort):
        return _failed(_Interrupted(), arguments)
    except BAD_USAGE as error:
        return _failed(_usage(error, arguments), arguments)
    except ReproError as error:
        return _failed(error, arguments)
    except Exception as error:  # noqa: BLE001 - a crash is said in one line, and is never 0
        kind = f"{type(error).__name__}: {error}".rstrip(": ")
        crash = ReproError(f"internal error: {kind}", hint="run with -v for the traceback, and report it")
        return _failed(crash, arguments)


class _Interrupted(ReproError):
    """Ctrl-C, or SIGTERM."""

    exit = Exit.INTERRUPTED

    def __init__(self) -> None:
        super().__init__(
            "interrupted", hint="complete runs stay recorded, and the same command goes on from there"
        )


def _called(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    code = command.main(args=arguments, prog_name="repro", standalone_mode=False)
    if code == Exit.INTERRUPTED:  # typer's word for KeyboardInterrupt
        raise KeyboardInterrupt
    return int(code or 0)


def _usage(error: Any, arguments: list[str]) -> UsageError:  # noqa: ANN401 - see BAD_USAGE
    """Typer's complaint as one of the house, with the near option where there is one."""
    context = error.ctx
    verb = next((word for word in arguments if word in VERBS), "")
    path = context.command_path if context else f"repro {verb}".rstrip()
    if context is None or not hasattr(error, "possibilities"):
        said = error.format_message().rstrip(".").replace(": Value error, ", ": ")  # pydantic's prefix
        return UsageError(f"{path}: {said}", hint=f"see: {path} --help")
    import difflib

    options = [option for param in context.command.get_params(context) for option in param.opts]
    near = difflib.get_close_matches(error.option_name, options, n=1, cutoff=NEAR)
    hint = f"see: {path} --help"
    if near and len(error.option_name) > len("-x"):
        hint = f"did you mean {near[0]!r}?"
    elif path == "repro":
        hint = "what belongs to a verb stands after it; see: repro --help"
    return UsageError(f"{path}: no option {error.option_name!r}", hint=hint)


def _failed(error: ReproError, arguments: list[str]) -> int:
    if "--json" in arguments:
        from repro.render.replay_json import error_document

        ctx.say_json(error_document(error))
    if {"-v", "--verbose"}.intersection(arguments) and not isinstance(error, _Interrupted):
        import traceback

        ctx.err(traceback.format_exc().rstrip())
    from repro.render.words import printable

    lines = [printable(line) for line in error.message.splitlines()] or [""]
    ctx.err("\n  ".join([f"error: {lines[0]}", *lines[1:]]))
    if error.hint:
        ctx.err(f"  -> {printable(error.hint)}")
    return int(error.exit)
