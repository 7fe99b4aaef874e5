"""Python interpreters of this machine: found by name, believed only after they were asked."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.core import strictjson
from repro.core.errors import ConfigError, FormatError, RealisationError, ToolError
from repro.tools import process

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

QUESTION = """
import json, platform, sys, sysconfig
print(json.dumps({
    "version": platform.python_version(),
    "implementation": sys.implementation.name,
    "executable": getattr(sys, "_base_executable", sys.executable),
    "prefixes": sorted({sys.base_prefix, sys.base_exec_prefix}),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """An interpreter outside any virtual environment, as it described itself; `version` is exact."""

    executable: Path
    version: str
    implementation: str
    prefixes: tuple[Path, ...]
    free_threaded: bool

    @property
    def minor(self) -> str:
        """Its minor version, such as `3.12`."""
        return ".".join(self.version.split(".")[:2])


def minor_of_caller() -> str:
    """The minor version of the interpreter that runs `repro`."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def require_minor(text: str, *, what: str) -> str:
    """`text` when it is an exact minor version of Python 3; otherwise ConfigError that names `what`."""
    if not re.fullmatch(r"3\.[0-9]{1,2}", text):
        raise ConfigError(
            f"{what}: {text!r} is not a minor version of Python", hint='write one such as "3.12"'
        )
    return text


def find_interpreter(minor: str, variables: Mapping[str, str]) -> Interpreter:
    """The first interpreter of exactly this minor version and of the caller's implementation.

    Tried in this order: the caller's own base, those on PATH, those of uv, those of pyenv. A shim on PATH may
    stand for another version or for none, so each is started and asked. Raises RealisationError.
    """
    for executable in _candidates(minor, variables):
        found = ask(executable, variables)
        if found and found.minor == minor and found.implementation == sys.implementation.name:
            if found.free_threaded:
                continue
            return found
    raise RealisationError(
        f"Python {minor} is needed and not on this machine",
        hint=f"install it: apt install python{minor}, or pyenv install {minor}, or uv python install {minor}",
    )


def ask(executable: Path, variables: Mapping[str, str]) -> Interpreter | None:
    """What an interpreter says about itself; None for a file that is not a working Python."""
    try:
        done = process.run(
            [str(executable), "-I", "-c", QUESTION], env=variables, timeout_seconds=60, check=False
        )
        answer = strictjson.parse(done.stdout, name=str(executable))
        return Interpreter(
            executable=Path(answer["executable"]),
            version=answer["version"],
            implementation=answer["implementation"],
            prefixes=tuple(Path(prefix) for prefix in answer["prefixes"]),
            free_threaded=answer["free_threaded"],
        )
    except (ToolError, FormatError, OSError, KeyError, TypeError):
        return None


def _candidates(minor: str, variables: Mapping[str, str]) -> Iterator[Path]:
    if minor == minor_of_caller():
        yield Path(getattr(sys, "_base_executable", sys.executable))
    name = f"python{minor}"
    for folder in variables.get("PATH", "").split(":"):
        if folder and (path := Path(folder) / name).is_file():
            yield path
    home = Path(variables.get("HOME", "/"))
    data = Path(variables.get("XDG_DATA_HOME") or home / ".local" / "share")
    managed = Path(variables.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    pyenv = Path(variables.get("PYENV_ROOT") or home / ".pyenv")
    yield from _newest(managed.glob(f"cpython-{minor}.*/bin/{name}"))
    yield from _newest((pyenv / "versions").glob(f"{minor}.*/bin/{name}"))


def _newest(paths: Iterator[Path]) -> Sequence[Path]:
    return sorted(paths, key=lambda path: [int(part) for part in re.findall(r"\d+", str(path))], reverse=True)
