"""`repro build`: build, build again in a second store, compare all outputs of all named derivations."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.build.inspect import Bench
from repro.build.outside import outside
from repro.build.place import working_folder
from repro.build.report import BuildReport, Work
from repro.core.canonical import to_pretty_bytes
from repro.core.events import silent
from repro.flows import flakes
from repro.flows.rebuild import First, Job, teller
from repro.tools import clock, files, host
from repro.tools.nix import Nix
from repro.tools.redact import secrets_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from repro.core.events import Listener
    from repro.tools.nix_log import Builder
    from repro.tools.nix_nouns import Derivation


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for: `rebuilds` times again, a comparison `against` ("" is none), files kept in `out`."""

    installables: tuple[str, ...]
    rebuilds: int = 1
    against: str = ""
    out: Path | None = None


def build(folder: Path, wishes: Wishes, listener: Listener = silent) -> BuildReport:
    """Build what `wishes` names, seen from `folder`, prove it, and say what came out."""
    installables = wishes.installables or (".",)
    nix = Nix(folder, secrets=secrets_in(*installables, wishes.against))
    derivations = flakes.evaluated(nix, folder, installables)
    with ThreadPoolExecutor(1) as beside:  # what is evaluated is fetched, so this takes no time of its own
        asked = beside.submit(flakes.sources, nix, folder, installables)
        first = _built(nix, derivations, teller(listener, "first build"))
        sources, notes = asked.result()
    base = host.cache_folder() / "builds"
    with files.disk_errors("building again"), working_folder(base) as work:
        bench = Bench(nix=nix, work=work, keep=wishes.out, diffoscope=shutil.which("diffoscope") or "")
        others = outside(wishes.against, folder, bench) if wishes.against else None
        job = Job(
            nix=nix, bench=bench, rebuilds=wishes.rebuilds, first=first, others=others, listener=listener
        )
        reports = job.reports(derivations)
    report = BuildReport(
        nix=str(nix.version()),
        sources=sources,
        derivations=tuple(reports),
        work=Work(
            built=len(first.run.log.builders), fetched=len(first.run.log.substituted), seconds=first.seconds
        ),
        notes=notes,
    )
    if wishes.out is not None:
        with files.disk_errors(f"writing {wishes.out}"):
            files.write_atomic(wishes.out / "build.json", to_pretty_bytes(report.to_dict()))
    return report


def _built(nix: Nix, derivations: Mapping[str, Derivation], told: Callable[[Builder], None]) -> First:
    started = clock.now().timestamp()
    run = nix.build(dict.fromkeys(derivations, ()), told=told)
    ended = clock.now().timestamp()
    paths = [path for built in run.built for path in built.outputs.values()]
    infos = nix.path_info(sorted(set(paths)), closure=True)
    return First(run=run, infos=infos, seconds=ended - started, ended=ended)
