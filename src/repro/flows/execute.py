"""One run: realise its conditions, run the command, collect what it wrote, and write the record.

The order matters: everything is hashed, then the command runs, then everything is hashed again; only what
stayed the same counts as the conditions of the run.
"""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any

from repro.conditions.isolation import Enclosure, run_isolated
from repro.core.check import Status
from repro.core.errors import ReproError, RunError, TamperError
from repro.flows.logs import log_end
from repro.flows.numerics import numerics
from repro.tools.clock import now
from repro.tools.files import disk_errors, files_below, hash_file, remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from repro.conditions.environment import Realised
    from repro.conditions.isolation import IsolatedRun
    from repro.flows.identity import Identity
    from repro.flows.snapshot import Snapshot
    from repro.flows.stages import Stages
    from repro.flows.workshop import Workshop


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A run that happened: its folder, how it ended, and every declared output with its digest or None."""

    folder: Path
    started: datetime
    isolated: IsolatedRun
    integrity: Mapping[str, Any]
    outputs: Mapping[str, str | None]
    sizes: Mapping[str, int]
    extra: tuple[str, ...]
    probe: Mapping[str, Any]
    realised: Realised
    failure: ReproError | None


def execute(workshop: Workshop, identity: Identity, stages: Stages) -> Executed:
    """Run a command under its conditions. Its folder in the store is kept however it ends.

    Raises what prevents the command from starting; whatever goes wrong later is the run's `failure`.
    """
    _look_ahead(workshop)
    snapshot = workshop.snapshot(identity)
    stages.note("checkout", snapshot.value.checkout_usage, shared=True)
    stages.note("data", snapshot.value.data_usage, shared=True)
    with stages.stage("environment"):
        realised = workshop.realised(identity).value
        probe = numerics(workshop, identity, realised, snapshot.value)
        before = _before(workshop, identity, realised, snapshot.value)
    started = now()
    folder = workshop.place.store.new(identity.run.name, identity.key, started)
    (folder / "out").mkdir()
    with stages.stage("run"), _kept_if_used(folder):
        isolated = _run(workshop, identity, realised, snapshot.value, folder)
    stages.amend("run", isolated.usage)
    with stages.stage("collect"):
        return _collected(
            workshop, identity, realised, snapshot.value, _Begun(folder, started, isolated, before, probe)
        )


def _look_ahead(workshop: Workshop) -> None:
    """Begin what every first run needs later and waits for: trying the isolation, loading the comparison.

    What goes wrong here goes wrong again where it is needed, and is told there.
    """

    def work() -> None:
        with suppress(Exception):
            _ = workshop.method
            import repro.drift.compare  # noqa: F401 - loaded, with numpy, for whoever needs it next

    if "repro.drift.compare" not in sys.modules:
        Thread(target=work, name="look ahead").start()


@dataclass(frozen=True, slots=True)
class _Begun:
    """What is known when the command has ended."""

    folder: Path
    started: datetime
    isolated: IsolatedRun
    before: dict[str, str]
    probe: Mapping[str, Any]


def _collected(
    workshop: Workshop, identity: Identity, realised: Realised, snapshot: Snapshot, begun: _Begun
) -> Executed:
    """Hash conditions and outputs after the command; what is wrong with them is the run's failure.

    A condition that changed outweighs what the command did, and that outweighs what it wrote.
    """
    declared = identity.run.experiment.outputs
    outputs: dict[str, str | None] = dict.fromkeys(declared)
    sizes: dict[str, int] = {}
    extra: tuple[str, ...] = ()
    after: dict[str, str] = {}
    failure: ReproError | None = _failure(workshop, identity, begun)
    failure = failure or _isolation_failure(workshop, identity, begun.isolated)
    try:
        with disk_errors(f"{identity.run.name}: collecting the outputs"):
            outputs, sizes, extra = _collect(begun.folder / "out", declared)
    except ReproError as error:
        failure = failure or error
    try:
        after = _state(workshop, identity, realised, snapshot, "during the run")
        if after != begun.before:
            raise _changed(begun.before, after)
    except TamperError as error:
        workshop.discard(identity)
        failure = error
    return Executed(
        folder=begun.folder,
        started=begun.started,
        isolated=begun.isolated,
        integrity={"before": begun.before, "after": after, "paranoid": workshop.demands.paranoid},
        outputs=outputs,
        sizes=sizes,
        extra=extra,
        probe=begun.probe,
        realised=realised,
        failure=failure,
    )


def _enclosure(
    workshop: Workshop, identity: Identity, realised: Realised, snapshot: Snapshot, out: Path
) -> Enclosure:
    return Enclosure(
        argv=identity.run.experiment.command,
        code=snapshot.root,
        out=out,
        scratch=workshop.folder("home"),
        visible=realised.visible,
        search_path=realised.search_path,
        variables={**realised.variables, **identity.variables},
        network=identity.run.experiment.network,
        placeholders=identity.run.values,
        launcher=realised.launcher,
        links=realised.links,
    )


def _run(
    workshop: Workshop, identity: Identity, realised: Realised, snapshot: Snapshot, folder: Path
) -> IsolatedRun:
    return run_isolated(
        _enclosure(workshop, identity, realised, snapshot, folder / "out"),
        method=workshop.method,
        supervisor=workshop.place.supervisor,
        stdout=folder / "stdout.log",
        stderr=folder / "stderr.log",
        timeout_seconds=identity.run.experiment.timeout_seconds,
    )


@contextmanager
def _kept_if_used(folder: Path) -> Iterator[None]:
    """Remove the folder of a run whose command could not be started: it holds nothing then."""
    try:
        yield
    except BaseException:
        if not any((folder / "out").iterdir()):
            remove_tree(folder)
        raise


def _isolation_failure(workshop: Workshop, identity: Identity, isolated: IsolatedRun) -> RunError | None:
    """Why a run is not isolated enough for the caller, if so."""
    absent = [check for check in isolated.checks if check.status is Status.FAIL]
    if not absent or not workshop.demands.require_isolation:
        return None
    return RunError(
        f"{identity.run.name}: isolation did not hold: "
        + "; ".join(f"{check.name} ({check.reason})" for check in absent),
        hint="install bubblewrap or allow user namespaces, or drop --require-isolation",
    )


def _state(
    workshop: Workshop, identity: Identity, realised: Realised, snapshot: Snapshot, when: str
) -> dict[str, str]:
    """The digests of code, data and environment now; TamperError where they are not as recorded."""
    environment = workshop.environment(identity.run.experiment)
    try:
        snapshot.check(when)
        state = environment.check(realised, paranoid=workshop.demands.paranoid)
    except OSError as error:  # what was there can no longer be read
        raise TamperError(
            f"{error.filename}: {error.strerror} {when}", hint="the command must write to {out} only"
        ) from error
    return {
        "code": str(identity.code.digest),
        "data": identity.parts["data"],
        "environment": str(state),
    }


def _before(workshop: Workshop, identity: Identity, realised: Realised, snapshot: Snapshot) -> dict[str, str]:
    """The state before a run, which must be that in which an earlier run of this call found it."""
    state = _state(workshop, identity, realised, snapshot, "before the run")
    standing = str(workshop.standing(identity))
    if state["environment"] != standing:
        workshop.discard(identity)
        raise _changed({"environment": standing}, state)
    return state


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> TamperError:
    names = ", ".join(name for name in before if before[name] != after[name])
    return TamperError(
        f"changed during the run: {names}", hint="run again, with --paranoid to see which file it is"
    )


def _collect(
    out: Path, declared: tuple[str, ...]
) -> tuple[dict[str, str | None], dict[str, int], tuple[str, ...]]:
    """Declared outputs with digests (None: missing) and sizes in bytes, and files that nobody declared."""
    found = files_below(out)
    outputs = {name: str(hash_file(out / name)) if name in found else None for name in declared}
    sizes = {name: (out / name).stat().st_size for name in declared if name in found}
    return outputs, sizes, tuple(name for name in found if name not in declared)


def _failure(workshop: Workshop, identity: Identity, begun: _Begun) -> RunError | None:
    """Why the command did not end well, with the end of its log; None where it did."""
    ended, reason = begun.isolated.ended, begun.isolated.failed_to_start
    if ended.timed_out:
        reason = f"no end within {identity.run.experiment.timeout_seconds:g} s (timeout in repro.toml)"
    elif ended.code < 0:
        interrupted = workshop.place.supervisor.stopped
        reason = "interrupted" if interrupted else f"killed by signal {_signal(-ended.code)}"
    elif ended.code and not reason:
        reason = f"exit code {ended.code}"
    if not reason:
        return None
    said = log_end(begun.folder)
    return RunError(
        f"the command failed: {reason}" + (f"\n{said}" if said else ""),
        hint=f"the whole log and all outputs: {begun.folder}",
    )


def _signal(number: int) -> str:
    """A signal's number with its name, where it has one: most real-time signals have none."""
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)
