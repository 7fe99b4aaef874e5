"""Data put under DVC and named in `repro.toml`: planned as a whole, and done as a whole or not at all."""

from __future__ import annotations

import json
import posixpath
import shlex
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import UsageError
from repro.core.places import line_of
from repro.tools import host, process
from repro.tools.files import write_atomic
from repro.tools.git import Git

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ADD_SECONDS = 24 * 3600.0
"""How long `dvc add` may take, which hashes and copies everything."""


def with_input(text: str, experiment: str, path: str) -> str:
    """The text of a `repro.toml` in which the experiment has one more input; all else stays as it is written.

    UsageError where the file is written in a way that leaves no place for it.
    """
    before = tomllib.loads(text)
    table = before["experiments"][experiment]
    if path in table.get("inputs", []):
        return text
    lines = text.splitlines(keepends=True)
    entry = json.dumps(path, ensure_ascii=False)
    if "inputs" in table:
        changed = _appended(text, lines, line_of(text, ("experiments", experiment, "inputs")), entry)
    else:
        number = line_of(text, ("experiments", experiment))
        changed = "".join([*lines[:number], f"inputs = [{entry}]\n", *lines[number:]]) if number else ""
    table["inputs"] = [*table.get("inputs", []), path]
    try:
        good = tomllib.loads(changed) == before
    except tomllib.TOMLDecodeError:
        good = False
    if not good:
        raise UsageError(
            f"repro.toml: there is no plain place for an input of {experiment!r}",
            hint=f"write it yourself: inputs = [{entry}], in the table [experiments.{experiment}]",
        )
    return changed


def _appended(text: str, lines: Sequence[str], number: int | None, entry: str) -> str:
    """The text with an entry at the end of the array that begins in a line; "" where its end is not found."""
    if not number:
        return ""
    start = text.find("[", sum(map(len, lines[: number - 1])))
    for end in (at for at in range(start, len(text)) if text[at] == "]"):
        try:
            values = tomllib.loads("it = " + text[start : end + 1])["it"]
        except tomllib.TOMLDecodeError:
            continue
        inside = text[start + 1 : end].rstrip()
        comma = "" if not values or inside.endswith(",") else ","
        if "\n" in text[start:end]:
            last = inside.rpartition("\n")[2]
            if "#" in last:  # a comment would swallow the comma
                return ""
            indent = last[: len(last) - len(last.lstrip())] if "\n" in inside else "  "
            return f"{text[: start + 1]}{inside}{comma}\n{indent}{entry},\n{text[end:]}"
        return f"{text[: start + 1]}{inside}{comma}{' ' if values else ''}{entry}{text[end:]}"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What tracking a path will do; `text` is the new `repro.toml`."""

    path: str
    experiment: str
    text: str
    names_input: bool

    @property
    def pointer(self) -> str:
        """The pointer that `dvc add` writes."""
        return f"{self.path}.dvc"

    @property
    def staged(self) -> tuple[str, ...]:
        """The files that go into git's index."""
        ignore = posixpath.join(posixpath.dirname(self.path), ".gitignore")
        return (self.pointer, ignore, *(["repro.toml"] if self.names_input else []))

    @property
    def steps(self) -> tuple[str, ...]:
        """Each step in words, in order."""
        named = f"repro.toml: add {self.path!r} to the inputs of {self.experiment!r}"
        return (
            f"dvc add {shlex.quote(self.path)}",
            *([named] if self.names_input else []),
            f"git add {shlex.join(self.staged)}",
        )


def carry_out(root: Path, plan: Plan) -> None:
    """Do every step; where one fails, or is interrupted, everything is as it was."""
    with _restored_on_failure(root, plan.staged):
        process.run(
            [sys.executable, "-m", "dvc", "add", "--quiet", "--", plan.path],
            cwd=root,
            env=host.variables(),
            timeout_seconds=ADD_SECONDS,
            hint="nothing was changed; see: dvc add --help",
        )
        if plan.names_input:
            write_atomic(root / "repro.toml", plan.text.encode())
        Git(root).stage(*(name for name in plan.staged if (root / name).exists()))


@contextmanager
def _restored_on_failure(root: Path, names: Sequence[str]) -> Iterator[None]:
    before = {name: (root / name).read_bytes() if (root / name).exists() else None for name in names}
    try:
        yield
    except BaseException:
        for name, data in before.items():
            if data is None:
                (root / name).unlink(missing_ok=True)
            else:
                write_atomic(root / name, data)
        Git(root).unstage(*names)
        raise
