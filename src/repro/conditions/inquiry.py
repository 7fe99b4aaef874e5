"""An interpreter that is not to be trusted, asked about itself inside the sandbox."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.conditions.enclosure import Enclosure
from repro.conditions.isolation import available, run_isolated
from repro.core import strictjson
from repro.core.errors import FormatError, RealisationError
from repro.tools.process import Supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping

# Braces would be placeholders of the command. Wrappers, of a shell or in C, are gone from /proc/self; what
# stands there before the last five words, which are ours, starts the interpreter again without them.
QUESTION = """
import json, os, platform, sys
try:
    with open("/proc/self/cmdline", "rb") as file:
        words = file.read().decode().split(chr(0))[:-1]
    command = [os.readlink("/proc/self/exe"), *words[1:-5]]
except OSError:
    command = [sys.executable]
print(json.dumps(dict(
    version=platform.python_version(),
    implementation=sys.implementation.name,
    command=command,
    new_enough=sys.version_info >= (3, 9),
)))
"""

SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """An interpreter as it described itself: exact version, and the words that start it past its wrappers."""

    version: str
    implementation: str
    command: tuple[str, ...]


def ask_inside(
    python: str,
    *,
    visible: tuple[Path, ...],
    search_path: tuple[Path, ...],
    links: Mapping[str, str],
    name: str,
) -> Inside:
    """Start an interpreter that sees `visible` and nothing of the host, and let it describe itself.

    Raises RealisationError where it does not start, or is too old for what encloses runs.
    """
    with tempfile.TemporaryDirectory(prefix="repro-ask-") as folder:
        code, out, scratch = (Path(folder) / part for part in ("code", "out", "scratch"))
        for part in (code, out, scratch):
            part.mkdir()
        enclosure = Enclosure(
            argv=(python, "-I", "-S", "-B", "-c", QUESTION),
            code=code,
            out=out,
            scratch=scratch,
            visible=visible,
            search_path=search_path,
            variables={},
            launcher=(python,),
            links=links,
        )
        logs = {"stdout": Path(folder) / "stdout", "stderr": Path(folder) / "stderr"}
        done = run_isolated(
            enclosure, method=available(), supervisor=Supervisor(), **logs, timeout_seconds=SECONDS
        )
        said, complaint = logs["stdout"].read_bytes(), logs["stderr"].read_text(errors="replace")
    if done.ended.code != 0 or done.failed_to_start:
        raise RealisationError(
            f"environment {name}: {python} does not run: {done.failed_to_start or complaint.strip()[-500:]}",
            hint="try it: nix develop -c python3 --version",
        )
    return _parsed(said, python, name)


def _parsed(said: bytes, python: str, name: str) -> Inside:
    try:
        found = strictjson.parse(said, name=python)
        inside = Inside(
            version=str(found["version"]),
            implementation=str(found["implementation"]),
            command=tuple(map(str, found["command"])),
        )
    except (FormatError, KeyError, TypeError) as error:
        raise RealisationError(
            f"environment {name}: {python} is no Python that describes itself",
            hint="put an interpreter of Python 3.9 or newer into the shell",
        ) from error
    if not found["new_enough"]:
        raise RealisationError(
            f"environment {name}: Python {inside.version} is too old to be run in isolation",
            hint="put Python 3.9 or newer into the shell",
        )
    return inside
