"""What every verb shares: where it works, how much it says, and how it prints and exits."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from repro.render.words import Palette
from repro.tools import files, host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.core.exits import Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options before the verb: folder, quiet, verbose."""

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
    """Print a result to standard output."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def say_json(document: Mapping[str, Any]) -> None:
    """Print a result as one JSON document."""
    say(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=True, allow_nan=False))


def tell(context: typer.Context, text: str) -> None:
    """Say something beside the result, on standard error, unless quiet."""
    if not settings(context).quiet:
        sys.stderr.write(text + "\n")


def write(context: typer.Context, path: Path, text: str) -> None:
    """Write a report to a file and say where it is."""
    with files.disk_errors(f"writing {path}"):
        files.write_atomic(path, text.encode())
    tell(context, f"report: {path}")


def leave(exit_code: Exit) -> None:
    """End with an exit code of the house."""
    raise typer.Exit(int(exit_code))
