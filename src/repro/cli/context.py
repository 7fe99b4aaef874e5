"""What every verb shares: where it works, how much it says, and how it prints and exits."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from repro.core.errors import ReproError
from repro.render.words import Palette
from repro.tools import host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.core.exits import Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options before or after the verb: folder, quiet, verbose."""

    folder: Path = Path()
    quiet: bool = False
    verbose: bool = False


def settings(context: typer.Context) -> Settings:
    """The settings of this call."""
    found = context.find_object(Settings)
    return found or Settings()


def root(context: typer.Context) -> Path:
    """The project's root: the folder at or above the working folder that has a `repro.toml`."""
    from repro.flows import config

    return config.find(settings(context).folder)


def palette() -> Palette:
    """Colours, where standard output is a terminal that wants them (no-color.org)."""
    wanted = host.variables()
    return Palette(sys.stdout.isatty() and not wanted.get("NO_COLOR") and wanted.get("TERM") != "dumb")


def say(text: str) -> None:
    """Print a result to standard output; a reader that went away, such as `head`, is no error."""
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ReproError(
            f"standard output: {error.strerror}",
            hint="the result was not written; make room and run it again",
        ) from error


def say_json(document: Mapping[str, Any]) -> None:
    """Print a result as one JSON document."""
    say(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=True, allow_nan=False))


def err(text: str) -> None:
    """Say something on standard error; where that is closed there is nobody to tell."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def tell(context: typer.Context, text: str) -> None:
    """Say something beside the result, on standard error, unless quiet."""
    if not settings(context).quiet:
        err(text)


def write(context: typer.Context, path: Path, text: str) -> None:
    """Write a report to a file below the working folder and say where it is."""
    from repro.tools import files

    path = settings(context).folder / path
    with files.disk_errors(f"writing {path}"):
        files.write_atomic(path, text.encode(errors="backslashreplace"))
    tell(context, f"report: {path}")


def leave(exit_code: Exit) -> None:
    """End with an exit code of the house."""
    raise typer.Exit(int(exit_code))
