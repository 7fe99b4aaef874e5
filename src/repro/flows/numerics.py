"""The numeric facts of an environment (numpy's build, BLAS, its kernel and threads) under a run's variables.

An interpreter that loads numpy and scipy is started for them, which takes longer than many a run. So they are
kept in the user's cache, never in a repository, and hold as long as nothing that they follow from changes:
the environment's content, the variables, the processor, how many processors there are, the probe itself, and
the machine's last start.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from repro.conditions.isolation import Enclosure, run_isolated
from repro.conditions.platform import parse_probe, probe_command
from repro.core.canonical import to_bytes
from repro.core.digest import of_value
from repro.core.errors import FormatError, RunError
from repro.flows.logs import log_end
from repro.tools import host
from repro.tools.files import hash_file, read_capped, write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from repro.conditions.environment import Realised
    from repro.conditions.platform import Probe
    from repro.flows.identity import Identity
    from repro.flows.snapshot import Snapshot
    from repro.flows.workshop import Workshop

SECONDS = 120
"""Time limit of the probe."""

MAX_BYTES = 1 << 20
"""Cap on kept facts, in bytes."""


def numerics(
    workshop: Workshop, identity: Identity, realised: Realised, snapshot: Snapshot
) -> Mapping[str, Any]:
    """The facts for the record, asked at most once per call, environment and set of variables.

    With `paranoid`, and for an environment without a content of its own (host), nothing kept is taken.
    Raises RunError where the probe fails.
    """
    key = (str(identity.environment), tuple(sorted(identity.variables.items())))

    def make() -> Mapping[str, Any]:
        command = probe_command(realised.python)
        file = _file(workshop, identity, realised, command)
        if file is None:
            return parse_probe(_asked(workshop, identity, realised, snapshot, command))
        with suppress(OSError, FormatError):
            return parse_probe(read_capped(file, MAX_BYTES))
        facts = parse_probe(_asked(workshop, identity, realised, snapshot, command))
        with suppress(OSError):  # a cache that cannot be written costs time only
            write_atomic(file, to_bytes(facts))
        return facts

    return workshop.facts.get(key, make).value


def _file(workshop: Workshop, identity: Identity, realised: Realised, command: Probe) -> Path | None:
    """Where the facts are kept; None where they must be asked anew."""
    boot = host.boot()
    if realised.content is None or not boot or workshop.demands.paranoid:
        return None
    causes = {
        "content": str(realised.content),
        "facts": dict(realised.facts),
        "variables": dict(identity.variables),
        "platform": dict(identity.platform),
        "processors": host.processors(),
        "boot": boot,
        "isolation": str(workshop.method),
        "probe": [str(hash_file(path)) for path in command.files],
    }
    return workshop.place.cache / "numerics" / f"{of_value(causes).hex}.json"


def _asked(
    workshop: Workshop, identity: Identity, realised: Realised, snapshot: Snapshot, command: Probe
) -> bytes:
    """What the probe prints, inside the same isolation as the run."""
    folder = workshop.folder("probe")
    (folder / "out").mkdir()
    enclosure = Enclosure(
        argv=command.argv,
        code=snapshot.root,
        out=folder / "out",
        scratch=workshop.folder("home"),
        visible=(*realised.visible, *command.files),
        search_path=realised.search_path,
        variables={**realised.variables, **identity.variables},
        network=False,
        launcher=realised.launcher,
        links=realised.links,
    )
    log = folder / "stdout.log"
    done = run_isolated(
        enclosure,
        method=workshop.method,
        supervisor=workshop.place.supervisor,
        stdout=log,
        stderr=folder / "stderr.log",
        timeout_seconds=SECONDS,
    )
    if done.ended.code != 0 or done.failed_to_start:
        said = done.failed_to_start or log_end(folder)
        raise RunError(f"the platform probe failed: {said}", hint="is it an interpreter of Python 3?")
    return log.read_bytes()
