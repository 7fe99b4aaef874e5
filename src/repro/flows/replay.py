"""Replay: realise the recorded conditions of experiments, run them again, and compare every number."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from repro.core.errors import ReproError, UsageError
from repro.core.events import Event, Kind, Listener
from repro.core.exits import Exit, worst
from repro.core.near import did_you_mean
from repro.data.dvc import DvcRemote
from repro.flows import trees
from repro.flows.attempt import Result, attempt, cached
from repro.flows.ensembles import judged, reseeded
from repro.flows.identity import Identity
from repro.flows.matrix import select
from repro.flows.referee import make_referee
from repro.flows.resolve import resolve
from repro.flows.workshop import Demands, Place, Workshop
from repro.store.runs import Store
from repro.tools import clock, host
from repro.tools.clock import Stopwatch
from repro.tools.files import disk_errors
from repro.tools.git import Git

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from repro.drift.ensemble_report import EnsembleReport
    from repro.flows.attempt import Referee
    from repro.flows.config import Project
    from repro.flows.matrix import Run


GRACE_SECONDS = 5.0
"""How long an interrupted call waits for its threads; one that waits for a network itself is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to replay and how; `selections` empty means everything that `repro.toml` names.

    `revision` is "" for the present tree. `against` names a baseline's label, a run or a revision. `rules` is
    "revision" or "present". `jobs` 0 means one per processor. `seeds` such as "100..140" are values of the
    axis over which an experiment declares an equivalence test, in place of those of the matrix.
    """

    selections: tuple[str, ...] = ()
    revision: str = ""
    against: str = ""
    rules: str = "revision"
    repeat: int = 1
    jobs: int = 0
    use_cache: bool = True
    seeds: str = ""
    demands: Demands = field(default_factory=Demands)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of a whole call: the tree that was replayed, the result of every run, and notes."""

    tree: Mapping[str, Any]
    definition: Mapping[str, str]
    results: tuple[Result, ...]
    notes: tuple[str, ...]

    @property
    def exit(self) -> Exit:
        """The worst of all runs; nothing replayed is not good."""
        return worst(result.exit for result in self.results)

    @property
    def ensembles(self) -> tuple[EnsembleReport, ...]:
        """The tests of runs under other seeds, each once."""
        return tuple(
            {result.ensemble.name: result.ensemble for result in self.results if result.ensemble}.values()
        )


def replay(root: Path, request: Request, listener: Listener) -> Replayed:
    """Replay what `request` names in the project at `root`. Raises ReproError for what concerns all runs.

    KeyboardInterrupt ends every command that runs; what was complete stays recorded.
    """
    watch = Stopwatch()
    with disk_errors(f"working in {root}"), ExitStack() as held:
        place = open_place(root, listener, held)
        subject = resolve(root, request.revision, place.scratch, held, rules=request.rules)
        project = _seeded(subject.project, request)
        workshop = Workshop(
            project=project,
            tree=subject.tree,
            place=place,
            demands=request.demands,
            definition=subject.definition,
        )
        runs = select(project, request.selections)
        listener(Event(kind=Kind.PLAN, count=len(runs)))
        identities = [_identified(workshop, run) for run in runs]
        referee = make_referee(root, request.against, workshop, held)
        resolved = {"name": "resolve", "shared": True, **watch.read().to_dict()}
        batch = _Batch(workshop, referee, request, resolved)
        return Replayed(
            tree=subject.tree.to_dict(),
            definition=subject.definition,
            results=tuple(judged(batch.results(identities), identities, referee, place)),
            notes=subject.notes,
        )


def _seeded(project: Project, request: Request) -> Project:
    """The project, with other seeds for the experiments that are named where the request says which."""
    if not request.seeds:
        return project
    named = dict.fromkeys(selection.partition("[")[0] for selection in request.selections)
    return reseeded(project, tuple(named or project.experiments), request.seeds)


def open_place(root: Path, listener: Listener, held: ExitStack) -> Place:
    """The caller's store, remote, caches and a scratch folder that lives as long as `held`."""
    store = Store(root)
    with disk_errors(f"preparing {store.folder}"):
        store.prepare()
        scratch = held.enter_context(store.scratch("replay", clear=trees.clearing(root)))
    return Place(
        store=store,
        remote=DvcRemote(root),
        scratch=scratch,
        cache=host.cache_folder(),
        today=clock.now().date(),
        author=cache(Git(root).author),
        variables=host.variables(),
        listener=listener,
    )


def _identified(workshop: Workshop, run: Run) -> Identity | Result:
    """The conditions of a run, or its failure where they cannot be had; UsageError concerns all runs."""
    try:
        return workshop.identity(run, {})
    except UsageError:
        raise
    except ReproError as error:
        return Result(run=run.name, experiment=run.experiment.name, state="failed", error=error)


@dataclass(frozen=True, slots=True)
class _Batch:
    """All runs of one call: hits are taken at once, the rest runs in parallel."""

    workshop: Workshop
    referee: Referee
    request: Request
    resolve: Mapping[str, Any]

    def results(self, runs: Sequence[Identity | Result]) -> list[Result]:
        """One result per run, in their order; those that have failed already among them."""
        found: list[Result | None] = [self._known(run) for run in runs]
        left = [run for run, result in zip(runs, found, strict=True) if result is None]
        ran = iter(self._run_all([run for run in left if isinstance(run, Identity)]))
        return [result or next(ran) for result in found]

    def _known(self, run: Identity | Result) -> Result | None:
        """What is known without running: a failure, or an equal earlier run."""
        if isinstance(run, Result):
            return self._told(run)
        if not self.request.use_cache or self.request.repeat > 1:
            return None
        hit = cached(self.workshop, run, self.referee)
        return self._told(hit) if hit else None

    def _run_all(self, identities: Sequence[Identity]) -> list[Result]:
        if not identities:
            return []
        from concurrent.futures import ThreadPoolExecutor, wait

        jobs = self.request.jobs or host.processors()
        supervisor = self.workshop.place.supervisor
        pool = ThreadPoolExecutor(max_workers=min(jobs, len(identities)))
        futures = [pool.submit(self._one, identity) for identity in identities]
        try:
            results = [future.result() for future in futures]
        except BaseException:
            supervisor.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            wait([future for future in futures if not future.cancelled()], timeout=GRACE_SECONDS)
            raise
        pool.shutdown()
        return results

    def _one(self, identity: Identity) -> Result:
        if self.request.repeat > 1:
            from repro.flows.repeat import repeat

            return self._told(
                repeat(self.workshop, identity, self.referee, self.request.repeat, self.resolve)
            )
        return self._told(
            attempt(
                self.workshop,
                identity,
                self.referee,
                use_cache=self.request.use_cache,
                resolve=self.resolve,
            )
        )

    def _told(self, result: Result) -> Result:
        text = result.error.message if result.error else str(result.verdict)
        self.workshop.place.listener(Event(kind=Kind.DONE, run=result.run, text=text))
        return result


def check_request(request: Request) -> None:
    """Refuse what makes no sense together. Raises UsageError."""
    if request.repeat < 1:
        raise UsageError("--repeat takes a number from 1", hint="--repeat 3 runs everything three times")
    if request.rules not in {"revision", "present"}:
        raise UsageError(
            f"--rules {request.rules!r}: neither 'revision' nor 'present'",
            hint=did_you_mean(request.rules, ("revision", "present")),
        )
    if request.rules == "present" and not request.revision:
        raise UsageError(
            "--rules present goes with --at REV", hint="without --at the rules are the present ones"
        )
