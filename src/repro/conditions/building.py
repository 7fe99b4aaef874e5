"""Packages without a wheel: built and installed inside the sandbox, for their build runs foreign code."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from repro.conditions import installer, view
from repro.conditions.enclosure import Enclosure, Method
from repro.conditions.isolation import available, run_isolated
from repro.core.errors import RealisationError
from repro.tools.process import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repro.conditions.interpreter import Interpreter

# What the build needs to reach the index. The code that is built sees these too, so none may hold a secret.
SHOWN = re.compile(
    r"UV_((DEFAULT_|EXTRA_)?INDEX(_URL|_STRATEGY)?|FIND_LINKS|OFFLINE|HTTP_.*|NATIVE_TLS|SYSTEM_CERTS)"
    r"|UV_INSECURE_HOST|SSL_CERT_(FILE|DIR)|(?i:https?|all|no)_(?i:proxy)"
)


def install_inside(
    *, tree: Path, requirements: Path, interpreter: Interpreter, variables: Mapping[str, str], name: str
) -> str:
    """Install `requirements` into the virtual environment `tree` (empty and relocatable) inside the sandbox.

    The sandbox has the network, for the index, and may write `tree` alone. Returns the method of isolation.
    Raises RealisationError where this machine has no sandbox, where the caller's settings for the index hold
    a password, and where the build fails.
    """
    method = available()
    if method is Method.PLAIN:
        raise RealisationError(
            f"environment {name}: a package has to be built, and this machine has no sandbox for it",
            hint="install bubblewrap or allow user namespaces; or lock versions that have wheels",
        )
    shown = _shown(variables, name)
    uv, python = installer.find_uv(), Path(view.OUT) / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="repro-build-") as scratch:
        code = Path(scratch) / "code"
        code.mkdir()
        done = run_isolated(
            Enclosure(
                argv=tuple(installer.install_command(uv, python, requirements, sandboxed=True)),
                code=code,
                out=tree,
                scratch=Path(scratch),
                visible=(uv, requirements, interpreter.executable, *interpreter.prefixes, *_local(shown)),
                search_path=(interpreter.executable.parent,),
                variables={**shown, "PYC_INVALIDATION_MODE": installer.INVALIDATION},
                network=True,
            ),
            method=method,
            supervisor=Supervisor(),
            stdout=Path(scratch) / "stdout",
            stderr=Path(scratch) / "stderr",
            timeout_seconds=installer.TIMEOUT_SECONDS,
        )
        said = (Path(scratch) / "stderr").read_text(encoding="utf-8", errors="replace")
    if done.ended.timed_out:
        raise RealisationError(f"environment {name}: building took more than {installer.TIMEOUT_SECONDS} s")
    if done.ended.code != 0 or done.failed_to_start:
        raise installer.explain(said or done.failed_to_start, name=name, python=interpreter.minor)
    return str(method)


def _shown(variables: Mapping[str, str], name: str) -> dict[str, str]:
    shown = {key: value for key, value in variables.items() if SHOWN.fullmatch(key)}
    for key, value in shown.items():
        for part in value.split():
            if "@" in urlsplit(part.partition("=")[2] or part).netloc:
                raise RealisationError(
                    f"environment {name}: {key} holds a password, which code built from source would see",
                    hint="build with an index that needs no password, or lock versions that have wheels",
                )
    return shown


def _local(shown: Mapping[str, str]) -> Iterator[Path]:
    """The files and folders of this machine that the settings name."""
    for value in shown.values():
        for part in value.split():
            path = Path(part.removeprefix("file://"))
            if path.is_absolute() and path.exists():
                yield path
