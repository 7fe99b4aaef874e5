"""The caller's side of the launcher: what it is told, how it is started, and what its report says."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.conditions import view
from repro.conditions.enclosure import Enclosure, Method, base_variables, places, render
from repro.core.errors import ToolFailed, ToolNotFound
from repro.tools import host
from repro.tools.files import disk_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repro.tools.process import Ended, Supervisor

GRACE_SECONDS = 10.0
"""What the launcher gets beyond the command's time limit, to set up and to clean up."""

TAIL = 2000
"""Bytes of a failed launcher's complaints that an error carries."""

SYSTEM_PATH = "/usr/bin:/bin"
ELSEWHERE = ("/", "/home", "/root", "/var", "/run", "/mnt", "/media", "/srv", "/opt", "/etc", "/etc/shadow")
"""Places of a machine, besides the caller's home, of which a run should see nothing."""


def launch(
    enclosure: Enclosure,
    method: Method,
    supervisor: Supervisor,
    *,
    stdout: Path,
    stderr: Path,
    timeout_seconds: float,
) -> tuple[dict[str, Any], Ended]:
    """Run the launcher; its report as one object, and how it ended itself.

    Raises ToolFailed when it could not enclose or measure, or broke.
    """
    with disk_errors("preparing a run"), ExitStack() as stack:
        specification = _specification(enclosure, method, timeout_seconds)
        spec, report, info = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        spec.write(json.dumps(specification).encode())
        spec.seek(0)
        lifeline, held = os.pipe()
        stack.callback(os.close, lifeline)
        numbers = (spec.fileno(), report.fileno(), lifeline)
        try:
            ended = supervisor.run(
                _argv(enclosure, specification, method, (*numbers, info.fileno())),
                cwd=enclosure.scratch,
                env={},
                stdout=stdout,
                stderr=stderr,
                timeout_seconds=timeout_seconds + GRACE_SECONDS,
                pass_fds=(*numbers, info.fileno()),
            )
        finally:
            os.close(held)  # a launcher that the supervisor's signal missed ends by this
        said = _merged(report, info)
    _await_end(said.get("init") or said.get("child-pid"))
    complete = "ended" in said or ("checks" in said and not enclosure.argv)
    if not complete and ended.code >= 0:
        tail = stderr.read_bytes()[-TAIL:].decode(errors="replace").strip()
        why = said.get("failed", f"the launcher ended with code {ended.code}")
        raise ToolFailed(
            f"isolation by {method} failed: {why}\n{tail}".rstrip(),
            hint="install bubblewrap or allow user namespaces; otherwise let the run be plain",
        )
    return said, ended


def _argv(
    enclosure: Enclosure, specification: dict[str, Any], method: Method, descriptors: Sequence[int]
) -> list[str]:
    *numbers, info = map(str, descriptors)
    if method is not Method.BUBBLEWRAP:
        return [*_python(enclosure, inside=False), str(view.scripts() / "launch.py"), *numbers]
    program = shutil.which("bwrap")
    if program is None:
        raise ToolNotFound("bwrap: not found", hint="install bubblewrap")
    seen = [view.Place(*place) for place in specification["view"]]
    enclosed = view.bubblewrap_arguments(seen, network=specification["network"])
    return [
        program,
        "--info-fd",
        info,
        *enclosed,
        *_python(enclosure, inside=True),
        f"{view.SCRIPTS}/launch.py",
        *numbers,
    ]


def _python(enclosure: Enclosure, *, inside: bool) -> list[str]:
    """What runs the scripts: the caller's interpreter, or inside a view without it the environment's own."""
    command = enclosure.launcher if inside and enclosure.launcher else (str(view.interpreter()),)
    return [*command, "-I", "-S"]


def _specification(enclosure: Enclosure, method: Method, timeout_seconds: float) -> dict[str, Any]:
    """Everything that the launcher needs to know, as JSON; it alone carries the variables."""
    plain = method is Method.PLAIN
    home, tmp, root = (enclosure.scratch.resolve() / name for name in ("home", "tmp", "root"))
    for folder in (home, tmp, root):
        folder.mkdir()
    shown = view.view(enclosure, home=home, tmp=tmp)
    seen = places(method, enclosure)
    system_path = () if enclosure.launcher else (SYSTEM_PATH,)
    scripts = view.scripts() if plain else view.SCRIPTS
    return {
        "namespaces": method is Method.NAMESPACES,
        "enclosed": not plain,
        "network": enclosure.network,
        "root": str(root),
        "view": [] if plain else shown,
        "folder": seen["code"],
        "argv": render(enclosure.argv, {**enclosure.placeholders, **seen}),
        "timeout_seconds": timeout_seconds,
        "variables": {
            **base_variables(),
            "PATH": ":".join([*map(str, enclosure.search_path), *system_path]),
            **enclosure.variables,
            "HOME": str(home) if plain else view.HOME,
            "TMPDIR": str(tmp) if plain else view.TMP,
        },
        "measurer": [*_python(enclosure, inside=not plain), f"{scripts}/measure.py"],
        "measure": {
            "folder": seen["code"],
            "network": enclosure.network,
            "folders": {"HOME": _identity(home), "TMPDIR": _identity(tmp)},
            "namespaces": {kind: _namespace(kind) for kind in ("net", "pid")},
            "hidden": _hidden(enclosure),
            "homes": sorted(_homes()),
        },
    }


def _hidden(enclosure: Enclosure) -> dict[str, list[int]]:
    """What the run should not see of this machine, by device and inode, unless the caller shows it."""
    shown = [path.resolve() for path in (*enclosure.visible, *enclosure.search_path)]
    elsewhere = {name for name in ELSEWHERE if not any(Path(name).is_relative_to(path) for path in shown)}
    known = {name: _identity(Path(name)) for name in sorted(elsewhere | _homes())}
    return {name: identity for name, identity in known.items() if identity}


def _homes() -> set[str]:
    """The caller's home by the environment and by the user database, where they know one."""
    homes = {host.variables().get("HOME", "")}
    with suppress(KeyError):  # a container may run as a number that has no name
        homes.add(pwd.getpwuid(os.getuid()).pw_dir)
    return {home for home in homes if home.startswith("/")}


def _identity(path: Path) -> list[int]:
    """Device and inode; nothing for what does not exist or cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_dev, status.st_ino]


def _namespace(kind: str) -> int:
    path = Path("/proc/self/ns") / kind
    return path.stat().st_ino if path.exists() else 0


def _merged(*files: Any) -> dict[str, Any]:  # noqa: ANN401 - temporary files have no public type
    """All JSON objects of the files as one."""
    decoder, merged = json.JSONDecoder(), {}
    for file in files:
        file.seek(0)
        text = file.read().decode().strip()
        while text.endswith("}"):  # a launcher that was killed may have left half an object
            entry, end = decoder.raw_decode(text)
            merged.update(entry)
            text = text[end:].lstrip()
    return merged


def _await_end(init: int | None) -> None:
    """Wait until the first process of the run's namespace is gone, and by that all others in it.

    The kernel lets it become a zombie only when they have ended (pid_namespaces(7)); after a kill from
    outside that takes a moment longer than the launcher's own end.
    """
    deadline = time.monotonic() + GRACE_SECONDS
    while init is not None and time.monotonic() < deadline:
        try:
            threads = len(list(Path(f"/proc/{init}/task").iterdir()))
            state = re.sub(r".*\)", "", Path(f"/proc/{init}/stat").read_text(errors="replace")).split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state in {"Z", "X"} and threads <= 1:  # the last thread to exit is the one that ends the others
            return
        time.sleep(0.001)
