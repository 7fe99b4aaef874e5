"""Statements about runs: how numbers were made (provenance), and that they still come out (test result)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.attest.predicates import PROVENANCE, REPLAY, TEST_RESULT, VALUE, descriptor, provenance, when
from repro.attest.statement import statement
from repro.core.digest import Digest
from repro.core.errors import MissingBaseline, ReproError, TamperError, UsageError
from repro.core.subject import Subject
from repro.core.verdict import Verdict
from repro.flows import config, judge
from repro.flows.matrix import select
from repro.flows.referee import BASELINES
from repro.store.runs import RECORD, Store
from repro.tools import clock
from repro.tools.files import hash_file
from repro.tools.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from repro.attest.statement import Statement
    from repro.flows.judge import Judgement
    from repro.flows.matrix import Run
    from repro.store.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A complete run: its record, whose outputs are as it says, its definition, and its folder."""

    record: Record
    run: Run
    folder: Path

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The outputs."""
        return tuple(
            Subject(name=name, digests=_digest_set(entry["digest"]))
            for name, entry in self.record.outputs.items()
            if entry is not None
        )


def runs_of(root: Path, target: str) -> Iterator[Ran]:
    """The newest complete run of each one that `target` names: an experiment, a run of it, or a run's id.

    Raises TamperError where an output is not what its record says, and ReproError where nothing has run.
    """
    store, project = Store(root), config.load(root)
    name = target.partition("[")[0]
    if name not in project.experiments and store.ids():
        record = store.get(target)
        try:
            (run,) = select(project, [record.run])
        except UsageError as error:
            raise ReproError(
                f"{record.run}: no run that repro.toml defines, such as those of --seeds, is attested",
                hint="attest the runs under the seeds of the baseline",
            ) from error
        yield _checked(store, record, run)
        return
    newest = {record.run: record for record in store.all() if record.completed}
    for run in select(project, [target]):
        if run.name not in newest:
            raise ReproError(f"{run.name}: has not run yet", hint=f"run: repro replay '{run.name}'")
        yield _checked(store, newest[run.name], run)


def _checked(store: Store, record: Record, run: Run) -> Ran:
    if not record.completed:
        raise ReproError(f"{record.id}: the run failed, and made nothing to vouch for")
    if altered := store.altered(record):
        raise TamperError(
            f"{record.id}: {altered} is not what the run's record says",
            hint=f"run it again: repro replay '{record.run}' --no-cache",
        )
    return Ran(record=record, run=run, folder=store.runs / record.id)


def provenance_of(ran: Ran, builder: str, source: str) -> Statement:
    """A replay is a build of numbers: the conditions went in, the outputs came out."""
    record = ran.record
    environment, platform = record.conditions["environment"], record.conditions["platform"]
    predicate = provenance(
        build_type=REPLAY,
        external={
            "experiment": record.experiment,
            "run": record.run,
            "argv": [redacted(word) for word in record.command["argv"]],
            "variables": {name: redacted(word) for name, word in record.command["variables"].items()},
            **{key: record.command[key] for key in ("values", "outputs", "network")},
        },
        internal={
            "key": record.key,
            "parts": record.command["parts"],
            "isolation": record.isolation["method"],
            "environment": environment["facts"],
            "platform": _platform(platform),
        },
        dependencies=list(_dependencies(record, source)),
        builder=builder,
        versions=record.tool,
        metadata={
            "invocationId": record.id,
            "startedOn": when(record.started_at, name=record.id),
            "finishedOn": when(record.ended_at, name=record.id),
        },
        byproducts=[
            descriptor(
                RECORD, _digest_set(str(hash_file(ran.folder / RECORD))), media_type="application/json"
            ),
            *(descriptor(name, _digest_set(digest)) for name, digest in sorted(record.logs.items())),
        ],
    )
    return statement(ran.subjects, PROVENANCE, predicate)


def result_of(root: Path, ran: Ran) -> Statement:
    """Whether the outputs match the baseline under the rules of the present tree: judged now."""
    record, rules = ran.record, ran.run.experiment.rules
    outputs = {name: entry and entry["digest"] for name, entry in record.outputs.items()}
    platform = record.conditions["platform"]
    try:
        reference = judge.baseline_reference(
            root / BASELINES,
            ran.run,
            environment=record.conditions["environment"]["name"],
            platform_class=platform["class"],
        )
    except MissingBaseline as error:
        if ran.run.experiment.equivalence:
            raise MissingBaseline(
                f"{record.run}: without a baseline of its own it is judged as one of an ensemble, "
                "and the verdict on an ensemble is not attested",
                hint="attest the runs under the seeds of the baseline",
            ) from error
        raise MissingBaseline(f"{error.message}, so its replay shows nothing", hint=error.hint) from error
    today = clock.now().date()
    judged = judge.judge(ran.folder, outputs, reference, rules, today=today)
    if judged.verdict is Verdict.NOT_MEASURED:
        raise ReproError(f"{record.run}: not measured: there was nothing to compare")
    result = "PASSED" if judged.verdict is Verdict.MATCH else "FAILED"
    active = str(rules.active(today).digest())
    configuration = [
        descriptor("repro.toml", _digest_set(record.conditions["code"]["definition"]["digest"])),
        descriptor("rules", _value(active)),
        descriptor(
            judged.reference.what,
            _value(str(judged.reference.digest)),
            annotations={"why": judged.reference.why},
        ),
    ]
    predicate = {
        "result": "WARNED" if result == "PASSED" and judged.warnings else result,
        "configuration": configuration,
        "passedTests": [record.run] if result == "PASSED" else [],
        "failedTests": [record.run] if result != "PASSED" else [],
        "repro_replay": _replay(record, judged, active),
    }
    return statement(ran.subjects, TEST_RESULT, predicate)


def _replay(record: Record, judged: Judgement, rules: str) -> dict[str, Any]:
    """What a policy can ask of a replay, in one place."""
    code = record.conditions["code"]
    return {
        "experiment": record.experiment,
        "run": record.run,
        "runId": record.id,
        "verdict": str(judged.verdict),
        "warnings": list(judged.warnings),
        "rules": rules,
        "conditions": {
            "key": record.key,
            **record.command["parts"],
            "commit": code["commit"],
            "dirty": code["dirty"],
        },
        "platform": _platform(record.conditions["platform"]),
        "isolation": record.isolation["method"],
        "startedOn": when(record.started_at, name=record.id),
        "finishedOn": when(record.ended_at, name=record.id),
        "by": record.by,
    }


def _dependencies(record: Record, source: str) -> Iterator[dict[str, Any]]:
    """Commit, code, environment and every data file."""
    code, environment = record.conditions["code"], record.conditions["environment"]
    commit = {"gitCommit": code["commit"]} if code["commit"] else {}
    changed = {"dirty": True, "changed": code["changed"], "difference": code["difference"]}
    yield descriptor("source", commit, uri=source, annotations=changed if code["dirty"] else None)
    yield descriptor("code", _value(code["digest"]), annotations={"files": code["files"]})
    yield descriptor("repro.toml", _digest_set(code["definition"]["digest"]))
    yield descriptor(
        f"environment {environment['name']}",
        _value(environment["digest"]),
        annotations={key: environment[key] for key in ("kind", "content", "reproducible")},
    )
    for name, digest in sorted(record.conditions["data"]["files"].items()):
        yield descriptor(name, _digest_set(digest))


def _platform(platform: Mapping[str, Any]) -> dict[str, Any]:
    """What is keyed, without the list of the processor's flags, whose digest stays."""
    keyed = {key: value for key, value in platform["keyed"].items() if key != "cpu_flags"}
    return {"class": platform["class"], "digest": platform["digest"], **keyed}


def _digest_set(text: str) -> dict[str, str]:
    """A digest as statements have it; DVC's own md5 over text with other line ends is no plain md5."""
    digest = Digest.parse(text)
    return {digest.algorithm: digest.hex}


def _value(text: str) -> dict[str, str]:
    return {VALUE: Digest.parse(text).hex}
