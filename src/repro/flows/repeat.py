"""Repeating a run under conditions that must not matter: bit-identical, within tolerance, or unstable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from repro.core.errors import ReproError
from repro.core.verdict import Verdict
from repro.drift.rules import DEFAULT, Rules
from repro.flows.attempt import Result, attempt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.drift.report import DriftReport
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
    try:
        outcome, paths = _compared(workshop, identity, [result.run_id for result in results])
    except ReproError as error:  # the first run's output cannot be read as what it must be
        return replace(results[0], error=results[0].error or error)
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
    experiment, today = identity.run.experiment, workshop.place.today
    first, names = store.runs / ids[0] / "out", sorted(experiment.outputs)
    granted = experiment.rules.active(today)

    def reports(rules: Rules) -> list[DriftReport]:
        return [
            compare_outputs(first, store.runs / run_id / "out", names, rules, today=today)
            for run_id in ids[1:]
        ]

    beyond = reports(granted)
    if not all(report.verdict is Verdict.MATCH for report in beyond):
        return UNSTABLE, _moved(beyond)
    differing = {name for name in names for other in outputs if other[name] != outputs[0][name]}
    return TOLERATED, _moved(reports(_exact(granted))) or tuple(sorted(differing))


def _exact(rules: Rules) -> Rules:
    """The same rules without any tolerance: what they ignore stays ignored."""
    return Rules(
        rules=tuple(
            replace(rule, rtol=0.0, atol=0.0, srtol=0.0, printed=False, strict_zero=True)
            for rule in (DEFAULT, *rules.rules)
        )
    )


def _moved(reports: list[DriftReport]) -> tuple[str, ...]:
    """The paths that differ, or the output and the reason where it differs as a whole."""
    found = set()
    for output in (output for report in reports for output in report.outputs):
        found |= {f"{output.name}: {path.path or path.reason}" for path in output.findings}
        if output.verdict is not Verdict.MATCH and not output.findings and not output.ignored:
            found.add(f"{output.name}: {output.reason}")
    return tuple(sorted(found))
