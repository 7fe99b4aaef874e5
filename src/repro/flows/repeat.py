"""Repeating a run under conditions that must not matter: bit-identical, within tolerance, or unstable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from repro.core.verdict import Verdict
from repro.flows.attempt import Result, attempt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.flows.attempt import Referee
    from repro.flows.identity import Identity
    from repro.flows.workshop import Workshop

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""The variables by which numeric libraries are told how many threads to use."""

IDENTICAL, TOLERATED, UNSTABLE = "bit-identical", "within tolerance", "unstable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """How a run repeats: one of the three words, the ids of all runs, and the paths that move."""

    outcome: str
    run_ids: tuple[str, ...]
    varied: tuple[Mapping[str, str], ...]
    paths: tuple[str, ...]

    @property
    def stable(self) -> bool:
        """Whether the differences between the runs, if any, are within the rules."""
        return self.outcome != UNSTABLE


def repeat(
    workshop: Workshop, identity: Identity, referee: Referee, times: int, resolve: Mapping[str, Any]
) -> Result:
    """Run `times` fresh processes, each with another hash seed and, where allowed, thread count.

    The first has the recorded variables; its result is the one reported, unless a later run failed.
    """
    varied = [_variation(identity, number) for number in range(times)]
    results = []
    for variables in varied:
        again = workshop.identity(identity.run, variables)
        result = attempt(workshop, again, referee, use_cache=False, resolve=resolve)
        results.append(result)
        if result.state == "failed":
            return result
    outcome, paths = _compared(workshop, identity, [result.run_id for result in results])
    repetition = Repetition(
        outcome=outcome,
        run_ids=tuple(result.run_id for result in results),
        varied=tuple(varied),
        paths=paths,
    )
    return replace(_worst(results), repetition=repetition)


def _variation(identity: Identity, number: int) -> dict[str, str]:
    """What the run of that number changes: nothing for the first."""
    if number == 0:
        return {}
    counts = identity.run.experiment.vary_threads
    threads = dict.fromkeys(THREADS, str(counts[number % len(counts)])) if counts else {}
    return {"PYTHONHASHSEED": str(number), **threads}


def _worst(results: list[Result]) -> Result:
    """The first result, or a later one that is not a match where the first one is."""
    return next((result for result in results if result.verdict is not Verdict.MATCH), results[0])


def _compared(workshop: Workshop, identity: Identity, ids: list[str]) -> tuple[str, tuple[str, ...]]:
    from repro.drift.compare import compare_outputs

    store = workshop.place.store
    outputs = [dict(store.get(run_id).outputs) for run_id in ids]
    if all(other == outputs[0] for other in outputs):
        return IDENTICAL, ()
    experiment = identity.run.experiment
    first = store.runs / ids[0] / "out"
    reports = [
        compare_outputs(
            first,
            store.runs / run_id / "out",
            sorted(experiment.outputs),
            experiment.rules,
            today=workshop.place.today,
        )
        for run_id in ids[1:]
    ]
    moved = {
        f"{output.name}: {path.path or path.reason}"
        for report in reports
        for output in report.outputs
        for path in output.findings
    }
    stable = all(report.verdict is Verdict.MATCH for report in reports)
    return (TOLERATED if stable else UNSTABLE), tuple(sorted(moved))
