"""A replay as one JSON document; docs/reference/replay.schema.json describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.core.verdict import Verdict
from repro.drift.report import ensemble_dict

if TYPE_CHECKING:
    from repro.core.errors import ReproError
    from repro.flows.attempt import Result
    from repro.flows.replay import Replayed

VERSION = 1


def replay_document(replayed: Replayed) -> dict[str, Any]:
    """Everything that the text says, and the whole drift report of every run that is no match."""
    return {
        "version": VERSION,
        "exit": int(replayed.exit),
        "tree": dict(replayed.tree),
        "definition": dict(replayed.definition),
        "notes": list(replayed.notes),
        "results": [_result(result) for result in replayed.results],
        "ensembles": [ensemble_dict(report) for report in replayed.ensembles],
    }


def error_document(error: ReproError) -> dict[str, Any]:
    """What `--json` prints where a command fails before it has a result."""
    return {"version": VERSION, "exit": int(error.exit), "error": error_dict(error)}


def error_dict(error: ReproError) -> dict[str, str]:
    """An error for a document."""
    return {"kind": type(error).__name__, "message": error.message, "hint": error.hint}


def _result(result: Result) -> dict[str, Any]:
    judgement = result.judgement
    drifted = judgement is not None and result.verdict is not Verdict.MATCH
    return {
        "run": result.run,
        "experiment": result.experiment,
        "state": result.state,
        "exit": int(result.exit),
        "verdict": str(result.verdict),
        "run_id": result.run_id,
        "reference": judgement.reference.to_dict() if judgement else None,
        "comparison": judgement.file.name if judgement else None,
        "report": judgement.loaded().to_dict() if judgement and drifted else None,
        "error": error_dict(result.error) if result.error else None,
        "notes": list(result.notes),
        "stages": [dict(stage) for stage in result.stages],
        "repetition": _repetition(result),
        "ensemble": result.ensemble.name if result.ensemble else None,
    }


def _repetition(result: Result) -> dict[str, Any] | None:
    repetition = result.repetition
    if repetition is None:
        return None
    return {
        "outcome": repetition.outcome,
        "run_ids": list(repetition.run_ids),
        "varied": [dict(variables) for variables in repetition.varied],
        "paths": list(repetition.paths),
    }
