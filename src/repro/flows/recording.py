"""The record of a run that happened, put together from everything that was measured."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

from repro import __version__
from repro.store.record import Record
from repro.tools.clock import now
from repro.tools.files import hash_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.flows.execute import Executed
    from repro.flows.identity import Identity
    from repro.flows.stages import Stages
    from repro.flows.workshop import Workshop

LOGS = ("stdout.log", "stderr.log")


def record_of(
    workshop: Workshop, identity: Identity, executed: Executed, stages: Stages, verdict: Mapping[str, Any]
) -> Record:
    """The record of a run, ready to be written."""
    run, isolated = identity.run, executed.isolated
    return Record(
        id=executed.folder.name,
        experiment=run.experiment.name,
        run=run.name,
        key=str(identity.key),
        started_at=executed.started.isoformat(timespec="milliseconds"),
        ended_at=now().isoformat(timespec="milliseconds"),
        by=workshop.place.author(),
        tool={"repro": __version__, "python": sys.version.split()[0]},
        conditions=_conditions(workshop, identity, executed),
        command=_command(identity),
        isolation={
            "method": str(isolated.method),
            "checks": [
                {"name": check.name, "status": str(check.status), "reason": check.reason}
                for check in isolated.checks
            ],
        },
        stages=stages.taken,
        integrity=executed.integrity,
        outcome=_outcome(executed),
        outputs={
            name: None if digest is None else {"digest": digest, "bytes": executed.sizes[name]}
            for name, digest in executed.outputs.items()
        },
        logs={name: str(hash_file(executed.folder / name)) for name in LOGS},
        verdict=verdict,
    )


def _conditions(workshop: Workshop, identity: Identity, executed: Executed) -> dict[str, Any]:
    realised = executed.realised
    files = workshop.snapshot(identity).value.data
    return {
        "code": {
            **workshop.tree.to_dict(),
            "digest": str(identity.code.digest),
            "files": dict(identity.code.files),
            "definition": dict(workshop.definition),
        },
        "environment": {
            "name": realised.name,
            "kind": realised.kind,
            "digest": str(realised.identity),
            "content": str(realised.content) if realised.content else None,
            "reproducible": realised.reproducible,
            "facts": dict(realised.facts),
        },
        "data": {
            "digest": identity.parts["data"],
            "inputs": dict(identity.data),
            "files": {name: str(value) for name, value in files.items()},
        },
        "platform": workshop.observed(executed.probe),
    }


def _command(identity: Identity) -> dict[str, Any]:
    run = identity.run
    return {
        "argv": list(run.experiment.command),
        "shown": shlex.join(run.experiment.command),
        "values": run.values,
        "variables": dict(identity.variables),
        "outputs": sorted(run.experiment.outputs),
        "timeout_seconds": run.experiment.timeout_seconds,
        "network": run.experiment.network,
        "parts": identity.parts,
    }


def _outcome(executed: Executed) -> dict[str, Any]:
    """Completed means: the command ended well, every output is there, and no condition changed meanwhile."""
    missing = [name for name, digest in executed.outputs.items() if digest is None]
    reason = executed.failure.message if executed.failure else ""
    return {
        "state": "failed" if missing or executed.failure else "completed",
        "exit_code": executed.isolated.ended.code,
        "timed_out": executed.isolated.ended.timed_out,
        "reason": reason or ", ".join(f"{name} is missing" for name in missing),
        "undeclared": list(executed.extra),
    }
