"""One run in a certificate: its files, each compared with the run's record, and what is stated of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.attest.dsse import MAX_PAYLOAD
from repro.attest.predicates import CYCLONEDX
from repro.attest.statement import statement
from repro.core import strictjson
from repro.core.canonical import to_pretty_bytes
from repro.core.errors import TamperError
from repro.core.verdict import Verdict
from repro.flows import attest_replay, judge
from repro.flows.attest_subjects import origin_of
from repro.flows.certificate_environment import environment_sbom
from repro.flows.evidence import of_paths
from repro.flows.referee import BASELINES
from repro.store.runs import RECORD
from repro.tools import clock
from repro.tools.files import copy_hashed, write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from repro.attest.statement import Statement
    from repro.flows.attest_replay import Ran
    from repro.flows.judge import Judgement

MAX_RUNS = 20
"""Runs in one certificate: each of its files is held against the statements about every run."""

OUTPUTS, LOGS, STATEMENTS = "outputs", "logs", "statements"
DRIFT, DRIFT_PAGE = "drift.json", "drift.html"
ENVIRONMENT = "environment.cdx.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where runs are from: the project, and who vouches for having built their numbers."""

    root: Path
    builder: str

    @property
    def address(self) -> str:
        """Where the project was cloned from, "" where it does not say."""
        return origin_of(self.root)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A run, its verdict, the SBOM of its environment, and statements by their kind.

    `place` is where its files go: "" or a folder with its `/`.
    """

    ran: Ran
    judgement: Judgement
    place: str
    sbom: bytes
    statements: Mapping[str, Statement]

    @property
    def passed(self) -> bool:
        """Whether the run matches its baseline."""
        return self.judgement.verdict is Verdict.MATCH

    @property
    def vouching(self) -> tuple[Statement, ...]:
        """The statements that speak for the outputs; that a replay failed does not."""
        return tuple(one for kind, one in self.statements.items() if self.passed or kind != "replay")

    @property
    def result(self) -> str:
        """What the replay came to, in the words of the test result."""
        return str(self.statements["replay"].predicate["result"])

    def write(self, folder: Path, draw: Callable[..., str]) -> None:
        """Write its files below `folder`. Raises TamperError for one that its record knows otherwise."""
        ran, target = self.ran, folder / self.place
        known = {f"{LOGS}/{name}": (ran.folder / name, digest) for name, digest in ran.record.logs.items()}
        known |= {
            f"{OUTPUTS}/{name}": (ran.folder / "out" / name, entry["digest"])
            for name, entry in ran.record.outputs.items()
            if entry is not None
        }
        for name, (source, digest) in known.items():
            if str(copy_hashed(source, target / name)) != digest:
                raise TamperError(
                    f"{ran.record.id}: {source.name} is not what the run's record says",
                    hint=f"run it again: repro replay '{ran.run.name}' --no-cache",
                )
        write_atomic(target / RECORD, (ran.folder / RECORD).read_bytes())
        write_atomic(target / ENVIRONMENT, self.sbom)
        report, reference = self.judgement.loaded(), self.judgement.reference
        write_atomic(target / DRIFT, to_pretty_bytes(report.to_dict()))
        evidence = of_paths(report, reference.folder, ran.folder / "out")
        page = draw(report, evidence, baseline=reference.what, observed=ran.run.name)
        write_atomic(target / DRIFT_PAGE, page.encode(errors="backslashreplace"))


def part_of(source: Source, ran: Ran, *, several: bool) -> Part:
    """A run judged now, and stated. Raises MissingBaseline where there is nothing to compare it with."""
    result = attest_replay.result_of(source.root, ran)
    sbom = environment_sbom(source.root, ran.record)
    statements = {
        "provenance": attest_replay.provenance_of(ran, source.builder, source.address),
        "replay": result,
        "environment": statement(
            ran.subjects, CYCLONEDX, strictjson.parse(sbom, name=ENVIRONMENT, max_bytes=MAX_PAYLOAD)
        ),
    }
    return Part(
        ran=ran,
        judgement=_judged(source.root, ran),
        place=f"{ran.run.folder.partition('/')[2]}/" if several else "",
        sbom=sbom,
        statements=statements,
    )


def _judged(root: Path, ran: Ran) -> Judgement:
    """What `attest_replay.result_of` has found, with its report."""
    record = ran.record
    reference = judge.baseline_reference(
        root / BASELINES,
        ran.run,
        environment=record.conditions["environment"]["name"],
        platform_class=record.conditions["platform"]["class"],
    )
    outputs = {name: entry and entry["digest"] for name, entry in record.outputs.items()}
    return judge.judge(ran.folder, outputs, reference, ran.run.experiment.rules, today=clock.now().date())
