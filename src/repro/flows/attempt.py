"""One run of a replay: found in the cache or run, compared, recorded; and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core.check import Status
from repro.core.errors import FormatError, MissingBaseline, ReproError
from repro.core.events import Event, Kind
from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.flows.execute import execute
from repro.flows.judge import judge
from repro.flows.recording import record_of
from repro.flows.stages import Stages
from repro.tools.files import disk_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from repro.drift.ensemble_report import EnsembleReport
    from repro.flows.execute import Executed
    from repro.flows.identity import Identity
    from repro.flows.judge import Judgement, Reference
    from repro.flows.repeat import Repetition
    from repro.flows.workshop import Workshop
    from repro.store.record import Record

    Referee = Callable[[Identity], Reference]


PAUSE_SECONDS = 0.05
"""Between two looks at whether another call has finished the same run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one run. `state` is "ran", "cached" or "failed"; `error` says why there is no verdict.

    `ensemble`: the test that the run was part of, whose verdict it has.
    """

    run: str
    experiment: str
    state: str
    run_id: str = ""
    verdict: Verdict = Verdict.NOT_MEASURED
    judgement: Judgement | None = None
    error: ReproError | None = None
    notes: tuple[str, ...] = ()
    stages: tuple[Mapping[str, Any], ...] = ()
    repetition: Repetition | None = None
    ensemble: EnsembleReport | None = None

    @property
    def exit(self) -> Exit:
        """The exit code that this run alone would have."""
        own = self.error.exit if self.error else self.verdict.exit
        if self.repetition is not None and not self.repetition.stable:
            return Exit.WRONG if own is Exit.GOOD else own
        return own


def cached(workshop: Workshop, identity: Identity, referee: Referee) -> Result | None:
    """The result of an equal earlier run, compared anew where baseline or rules changed; None without one."""
    record = workshop.place.store.find(identity.key)
    if record is None:
        return None
    if workshop.demands.require_isolation and not _isolated(record):
        return None
    folder = workshop.place.store.runs / record.id
    rules, today = identity.run.experiment.rules, workshop.place.today
    try:
        with disk_errors(f"{identity.run.name}: looking at run {record.id}"):
            if workshop.place.store.altered(record):
                return None
            outputs = {name: entry["digest"] for name, entry in record.outputs.items()}
            judgement = judge(folder, outputs, referee(identity), rules, today=today)
    except ReproError as error:
        return _result(identity, "cached", run_id=record.id, error=error, stages=record.stages)
    return _result(
        identity,
        "cached",
        run_id=record.id,
        verdict=judgement.verdict,
        judgement=judgement,
        notes=judgement.warnings,
        stages=record.stages,
    )


def _isolated(record: Record) -> bool:
    return all(check["status"] != Status.FAIL for check in record.isolation["checks"])


def attempt(
    workshop: Workshop, identity: Identity, referee: Referee, *, use_cache: bool, resolve: Mapping[str, Any]
) -> Result:
    """Run the command and judge its outputs; whatever goes wrong becomes part of the result.

    With `use_cache`, an equal run that another process made in the meantime is taken instead.
    """
    stages = Stages(identity.run.name, workshop.place.listener)
    stages.put(resolve)
    claimed = workshop.place.store.claimed(identity.key, pause=_patience(workshop, identity))
    try:
        with disk_errors(f"{identity.run.name}: writing to {workshop.place.store.folder}"), claimed:
            if use_cache and (found := cached(workshop, identity, referee)):
                return found
            executed = execute(workshop, identity, stages)
            return _judged(workshop, identity, executed, stages, referee)
    except ReproError as error:
        return _result(identity, "failed", error=error, stages=stages.taken)


def _patience(workshop: Workshop, identity: Identity) -> Callable[[], None]:
    """What to do while another call has claimed the same run: say so once, and wait a moment."""
    said: list[Event] = []

    def pause() -> None:
        if not said:
            text = f"{identity.run.name}: waiting for another call that runs it"
            said.append(Event(kind=Kind.NOTE, run=identity.run.name, text=text))
            workshop.place.listener(said[0])
        workshop.place.supervisor.pause(PAUSE_SECONDS)

    return pause


def _judged(
    workshop: Workshop, identity: Identity, executed: Executed, stages: Stages, referee: Referee
) -> Result:
    """Compare what a run wrote, write the record, and say what came of it."""
    judgement, error = None, executed.failure
    with stages.stage("compare"):
        if error is None:
            judgement, error = _compared(workshop, identity, executed, referee)
    verdict = judgement.verdict if judgement else Verdict.NOT_MEASURED
    with stages.stage("record"):
        section = {
            "verdict": str(verdict),
            "reference": judgement.reference.to_dict() if judgement else None,
            "comparison": judgement.file.name if judgement else None,
            "warnings": list(judgement.warnings) if judgement else [],
            "reason": error.message if error else "",
        }
        record = record_of(workshop, identity, executed, stages, section)
    workshop.place.store.write(record)
    notes = [f"undeclared output kept: {name}" for name in executed.extra[:5]]
    return _result(
        identity,
        "failed" if executed.failure else "ran",
        run_id=record.id,
        verdict=verdict,
        judgement=judgement,
        error=error,
        notes=(*(judgement.warnings if judgement else ()), *notes),
        stages=stages.taken,
    )


def _compared(
    workshop: Workshop, identity: Identity, executed: Executed, referee: Referee
) -> tuple[Judgement | None, ReproError | None]:
    rules, today = identity.run.experiment.rules, workshop.place.today
    try:
        return judge(executed.folder, executed.outputs, referee(identity), rules, today=today), None
    except MissingBaseline as error:
        missing = [name for name, digest in executed.outputs.items() if digest is None]
        if missing:
            return None, FormatError(
                f"{identity.run.name}: the command wrote no {', '.join(missing)}",
                hint=f"see its log in {executed.folder}, and `outputs` in repro.toml",
            )
        return None, error
    except ReproError as error:
        return None, error


def _result(identity: Identity, state: str, **fields: Any) -> Result:  # noqa: ANN401 - fields of Result
    return Result(run=identity.run.name, experiment=identity.run.experiment.name, state=state, **fields)
