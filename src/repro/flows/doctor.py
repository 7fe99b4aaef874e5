"""Doctor: whether this machine, and the caller's shell, can give what replays and builds need."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from repro.conditions import installer
from repro.conditions.enclosure import Enclosure, Method
from repro.conditions.interpreter import find_interpreter, minor_of_caller
from repro.conditions.isolation import available, run_isolated
from repro.core.check import Status
from repro.core.errors import ReproError
from repro.flows import config
from repro.flows.diagnosis import Diagnosis, Finding, failed, passed, skipped
from repro.flows.doctor_nix import nix_findings
from repro.tools import host
from repro.tools.files import disk_errors
from repro.tools.process import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repro.flows.config import Project

SECONDS = 60

LEAKS = re.compile(
    r"(OMP|OPENBLAS|GOTO|MKL|BLIS|VECLIB|NUMEXPR|NPY|KMP|GOMP)_\w+|PYTHONHASHSEED|LD_PRELOAD|LD_LIBRARY_PATH"
    r"|DYLD_\w+|PYTHONPATH"
)
"""Variables that change numbers, or which libraries make them, and leave no trace in the output."""

MEANING = {
    "network": "no address outside can be reached",
    "checkout read-only": "code and data cannot be altered",
    "private home": "HOME is empty and thrown away",
    "private tmp": "TMPDIR is empty and thrown away",
    "variables": "only the named variables are there",
    "capabilities": "no privilege is held",
    "no new privileges": "setuid programs have no effect",
    "process ids": "other processes cannot be seen",
    "dies with parent": "nothing outlives an interrupted call",
    "other files hidden": "the caller's own files cannot be seen",
}
"""What each item of the isolation gives."""


def doctor(folder: Path) -> Diagnosis:
    """Look at everything, also at what the `repro.toml` above `folder` asks for. Nothing is changed."""
    findings: list[Finding] = []
    project = _project(folder, findings)
    with disk_errors("looking around"):
        findings += [*_pythons(project), _uv(), *_isolation(), *leaks(host.variables())]
        findings += [*nix_findings(folder, needed=_needs_nix(project)), _data(project)]
    return Diagnosis(findings=tuple(findings))


def _project(folder: Path, findings: list[Finding]) -> Project | None:
    """The project at or above the folder, None where there is none; what is wrong with it is a finding."""
    name = config.FILE
    try:
        root = config.find(folder)
    except ReproError as error:
        findings.append(skipped(name, error.message, error.hint))
        return None
    try:
        project = config.load(root)
    except ReproError as error:
        findings.append(failed(name, error.message, error.hint))
        return None
    findings.append(passed(name, "it can be read"))
    return project


def _needs_nix(project: Project | None) -> bool:
    return project is not None and any(table.kind == "nix" for table in project.environments.values())


def _pythons(project: Project | None) -> Iterator[Finding]:
    """The interpreters that environments ask for, and the caller's own version in any case."""
    tables = project.environments.values() if project else ()
    asked = {table.python or minor_of_caller() for table in tables if table.kind == "venv"}
    for minor in sorted({minor_of_caller(), *asked}, key=lambda text: int(text.partition(".")[2])):
        name = f"Python {minor}"
        try:
            found = find_interpreter(minor, host.variables())
        except ReproError as error:
            yield failed(name, error.message, error.hint)
        else:
            yield passed(name, f"{found.version} at {found.executable}")


def _uv() -> Finding:
    try:
        return passed("uv", f"{installer.version_of_uv()} at {installer.find_uv()}")
    except ReproError as error:
        return failed("uv", error.message, error.hint)


def _isolation() -> Iterator[Finding]:
    """The method, and each item as it is measured around a command that does nothing."""
    method = available()
    hint = "install bubblewrap or allow user namespaces"
    if method is Method.PLAIN:
        yield failed("isolation", "no sandbox works here: a run sees the machine", hint)
    else:
        yield passed("isolation", f"by {method}")
    try:
        checks = _measured(method)
    except ReproError as error:
        yield failed("isolation measured", error.message, error.hint)
        return
    for name, status, reason in checks:
        if status is Status.PASS:
            yield passed(f"isolation: {name}", MEANING.get(name, ""))
        else:
            yield failed(f"isolation: {name}", reason, hint)


def _measured(method: Method) -> list[tuple[str, Status, str]]:
    with tempfile.TemporaryDirectory(prefix="repro-doctor-") as folder:
        code, out, scratch = (Path(folder) / part for part in ("code", "out", "scratch"))
        for part in (code, out, scratch):
            part.mkdir()
        done = run_isolated(
            Enclosure(
                argv=("true",), code=code, out=out, scratch=scratch, visible=(), search_path=(), variables={}
            ),
            method=method,
            supervisor=Supervisor(),
            stdout=Path(folder) / "stdout",
            stderr=Path(folder) / "stderr",
            timeout_seconds=SECONDS,
        )
    return [(check.name, check.status, check.reason) for check in done.checks]


def leaks(variables: Mapping[str, str]) -> Iterator[Finding]:
    """The caller's variables that change numbers: a replay does not see them, the caller's own runs do."""
    found = sorted(name for name, value in variables.items() if LEAKS.fullmatch(name) and value)
    if not found:
        yield passed("numeric settings of the shell", "none leaks into what you run yourself")
    for name in found:
        yield failed(
            f"numeric settings of the shell: {name}",
            f"{name} is set: what you run yourself may differ from a replay, which does not see it",
            f"unset {name}, or name it under `variables` in {config.FILE}",
        )


def _data(project: Project | None) -> Finding:
    """Whether the DVC remote answers, where the project has data under DVC."""
    name = "DVC remote"
    if project is None:
        return skipped(name, "there is no project here")
    if not any((folder / ".dvc").is_dir() for folder in (project.root, *project.root.parents)):
        return skipped(name, "the project has no data under DVC")
    from repro.data.dvc import DvcRemote

    remote = DvcRemote(project.root)
    try:
        remote.reach()
    except ReproError as error:
        return failed(name, error.message, error.hint)
    return passed(name, remote.name)
