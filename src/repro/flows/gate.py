"""`repro gate`: the checks that the table [gate] of `repro.toml` names for a stage, one after the other.

The workflows call the same command, so what a change must pass is written once.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.core.errors import ReproError, ToolError, UsageError
from repro.core.events import Event, Kind, silent
from repro.core.exits import Exit
from repro.core.near import did_you_mean
from repro.flows.gate_report import GateReport, GateRow
from repro.flows.gate_table import checks_of
from repro.store.runs import FOLDER, Store
from repro.tools import files, host
from repro.tools.process import Supervisor
from repro.tools.which import missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.core.events import Listener
    from repro.flows.gate_table import GateCheck
    from repro.tools.process import Ended

LOGS = Path(FOLDER) / "gate"
"""Where the output of checks is kept, below the project's root."""

SHOWN = 4000
"""Bytes of the end of each stream of a failed check that are shown."""

NOT_STARTED = frozenset({126, 127})
"""What a shell exits with where a program is not executable or not there (POSIX, 2.8.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateWishes:
    """What is asked for: the checks of a stage, or `only` these of them, or all `without` these."""

    stage: str = "pull-request"
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def chosen(root: Path, wishes: GateWishes) -> tuple[GateCheck, ...]:
    """The checks that are asked for, in the table's order. Raises UsageError where there are none."""
    checks = tuple(check for check in checks_of(root) if wishes.stage in check.stages)
    names = [check.name for check in checks]
    if wishes.only and wishes.without:
        raise UsageError("--only and --without exclude each other", hint="leave one of them out")
    for name in (*wishes.only, *wishes.without):
        if name not in names:
            hint = did_you_mean(name, names) or "see what there is: repro gate --list"
            raise UsageError(f"stage {wishes.stage} has no check {name!r}", hint=hint)
    if not checks:
        raise UsageError(
            f"repro.toml has no check for the stage {wishes.stage}",
            hint=f'write one: gate.lint = {{ command = ["make", "lint"], stages = ["{wishes.stage}"] }}',
        )
    return tuple(check for check in checks if not wishes.only or check.name in wishes.only)


def gate(root: Path, wishes: GateWishes, hear: Listener = silent) -> GateReport:
    """Run the checks that are asked for; every one runs, whatever became of those before it.

    Those that the caller leaves out are rows of the report too.
    """
    rows = []
    for check in chosen(root, wishes):
        if check.name in wishes.without:
            rows.append(_left_out(check))
            continue
        hear(Event(kind=Kind.STAGE, run=check.name, text=" ".join(check.command)))
        row = _run(root, check)
        hear(Event(kind=Kind.DONE, run=check.name, text=row.word))
        rows.append(row)
    return GateReport(stage=wishes.stage, rows=tuple(rows))


def _left_out(check: GateCheck) -> GateRow:
    reason = f"did not run, for --without {check.name} was said"
    return GateRow(check=check, exit=Exit.NOT_CHECKED, left_out=True, reason=reason)


def _run(root: Path, check: GateCheck) -> GateRow:
    environment = _environment()
    command = _command(check)
    absent = missing((command[0], *check.tools), environment, root)
    if absent:
        return GateRow(check=check, exit=Exit.NOT_CHECKED, reason=f"not found: {', '.join(absent)}")
    logs = root / LOGS
    out, err = logs / f"{check.name}.out", logs / f"{check.name}.err"
    supervisor = Supervisor()
    try:
        with files.disk_errors(f"writing to {LOGS}"):
            Store(root).hide()
            logs.mkdir(parents=True, exist_ok=True)
            ended = supervisor.run(
                command,
                cwd=root,
                env=environment,
                stdout=out,
                stderr=err,
                timeout_seconds=check.timeout_seconds,
            )
    except ToolError as error:
        return GateRow(check=check, exit=Exit.NOT_CHECKED, reason=error.message)
    except ReproError as error:
        return GateRow(check=check, exit=error.exit, reason=error.message)
    exit_, reason = _judged(check, ended)
    return GateRow(
        check=check,
        exit=exit_,
        reason=reason,
        seconds=ended.usage.wall_seconds,
        output="" if exit_ is Exit.GOOD else _tail(out) + _tail(err),
    )


def _command(check: GateCheck) -> tuple[str, ...]:
    """The check's command; `repro` is the one that runs now, whatever PATH and the project's folder hold."""
    own, *arguments = check.command
    return (sys.executable, "-P", "-m", "repro", *arguments) if own == "repro" else check.command


def _environment() -> Mapping[str, str]:
    """The caller's, with the programs beside this interpreter first: scripts find the same `repro`."""
    variables = dict(host.variables())
    own = str(Path(sys.executable).parent)
    variables["PATH"] = os.pathsep.join(filter(None, [own, variables.get("PATH", "")]))
    return variables


def _judged(check: GateCheck, ended: Ended) -> tuple[Exit, str]:
    """What an exit code says: those of `repro` are the house's; of others 3 alone is, and not starting."""
    code = ended.code
    if ended.timed_out:
        return Exit.NOT_CHECKED, f"no end within {check.timeout_seconds:g} s"
    if code == 0:
        return Exit.GOOD, ""
    if code < 0:
        return Exit.NOT_CHECKED, f"ended by signal {-code}"
    if code == Exit.NOT_CHECKED or code in NOT_STARTED:
        return Exit.NOT_CHECKED, f"could not check: exit code {code}"
    if code == Exit.USAGE and check.command[0] == "repro":
        return Exit.USAGE, f"wrong usage or configuration: exit code {code}"
    return Exit.WRONG, f"exit code {code}"


def _tail(path: Path) -> str:
    """The end of what a check wrote, from the beginning of a line."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - SHOWN))
        data = stream.read()
    if size > SHOWN:
        data = data.partition(b"\n")[2] or data
    return data.decode(errors="replace")
