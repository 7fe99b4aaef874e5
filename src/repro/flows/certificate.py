"""`repro certificate`: one folder that shows how an experiment's numbers came about, and that they still do.

A folder (RO-Crate 1.1) or a ZIP archive of it holds, for every run of the experiment, its record, logs,
outputs, the drift report, the SBOM of its environment and statements about all of these. Where somebody
signs, a policy in it says what `repro verify` must find, and one signed statement names every file.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from repro.attest.predicates import LOCAL_BUILDER
from repro.core.errors import EvidenceError, UsageError
from repro.core.verdict import Verdict, worst
from repro.flows import attest_replay, config
from repro.flows.certificate_archive import zipped
from repro.flows.certificate_policy import policy_text
from repro.flows.certificate_run import MAX_RUNS, STATEMENTS, Part, Source, part_of
from repro.flows.certificate_seal import CRATE, Seal, close, seal_of, sealing, signed, write_trust
from repro.tools.files import disk_errors, files_below, remove_tree, write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repro.drift.report import DriftReport
    from repro.flows import sign
    from repro.flows.evidence import Evidence

README = "README.md"


class Pages(Protocol):
    """What makes text for people and for crates out of what is certified."""

    def drift(self, report: DriftReport, evidence: Evidence, *, baseline: str, observed: str) -> str:
        """The page about one comparison."""

    def readme(self, contents: Contents) -> str:
        """What the folder is, and how it is checked."""

    def crate(self, contents: Contents, files: Mapping[str, int]) -> bytes:
        """The folder's metadata; `files` are the others in it, with their sizes in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for; `signing` None makes a certificate that nobody signs, which proves nothing."""

    experiment: str
    out: Path | None = None
    signing: sign.Wishes | None = None
    builder: str = LOCAL_BUILDER
    even_if_drifted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a certificate is about: an experiment's runs, and who signs (None: nobody)."""

    experiment: str
    description: str
    source: str
    parts: tuple[Part, ...]
    seal: Seal | None

    @property
    def verdict(self) -> Verdict:
        """The worst of all runs."""
        return worst(one.judgement.verdict for one in self.parts)

    @property
    def passed(self) -> bool:
        """Whether every run matches its baseline."""
        return all(one.passed for one in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate that was written: where, what it is about, its files with their sizes in bytes."""

    place: Path
    contents: Contents
    files: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        seal = self.contents.seal
        return {
            "certificate": str(self.place),
            "experiment": self.contents.experiment,
            "runs": [
                {"run": one.ran.run.name, "id": one.ran.record.id, "verdict": str(one.judgement.verdict)}
                for one in self.contents.parts
            ],
            "verdict": str(self.contents.verdict),
            "signers": [one.shown for one in seal.signers] if seal else [],
            "command": seal.command if seal else "",
            "files": dict(self.files),
        }


def certify(folder: Path, wishes: Wishes, pages: Pages) -> Certificate:
    """Write the certificate of an experiment's newest runs; nothing is left behind where it cannot be whole.

    Raises EvidenceError where a run does not match its baseline and that was not asked for, MissingBaseline
    where it has none, TamperError where a file is not what its record says.
    """
    root = config.find(folder)
    ran = list(attest_replay.runs_of(root, wishes.experiment))
    if len(ran) > MAX_RUNS:
        text = f"{wishes.experiment}: {len(ran)} runs; a certificate has up to {MAX_RUNS}"
        raise UsageError(text, hint=f"name fewer, such as '{ran[0].run.name}'")
    name = ran[0].run.experiment.name
    place = folder / (wishes.out or f"{name}-certificate")
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise UsageError(f"{place}: exists already", hint="name another place: --out DIR")
    with disk_errors(f"writing {place}"):
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
        try:
            made = _made(root, ran, work, wishes, pages)
            files = _sizes(work)
            _put(work, place)
        finally:
            remove_tree(work)
    return Certificate(place=place, contents=made, files=files)


def _made(root: Path, ran: Sequence[attest_replay.Ran], work: Path, wishes: Wishes, pages: Pages) -> Contents:
    """Everything in the folder `work`: first what is told of, then what tells of it, then the seal."""
    source = Source(root=root, builder=wishes.builder)
    parts = tuple(part_of(source, one, several=len(ran) > 1) for one in ran)
    _require_passed(parts, wishes)
    for part in parts:
        part.write(work, pages.drift)
    with sealing(wishes.signing) as signers:
        experiment = ran[0].run.experiment
        bundles = signed(parts, signers)
        trust_config = wishes.signing.trust_config if wishes.signing else None
        contents = Contents(
            experiment=experiment.name,
            description=experiment.description or "",
            source=source.address,
            parts=parts,
            seal=seal_of(signers, bundles, trust_config) if signers else None,
        )
        _write_statements(work, contents)
        if contents.seal is not None:
            text = policy_text(experiment.name, parts, contents.seal, builder=wishes.builder)
            write_trust(work, contents.seal, text)
        write_atomic(work / README, pages.readme(contents).encode())
        write_atomic(work / CRATE, pages.crate(contents, _sizes(work)))
        if contents.seal is not None:
            close(work, experiment.name, parts, signers, bundles)
    return contents


def _sizes(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_size for name in files_below(folder)}


def _require_passed(parts: Sequence[Part], wishes: Wishes) -> None:
    bad = [one for one in parts if not one.passed]
    if bad and not wishes.even_if_drifted:
        verdicts = ", ".join(f"{one.ran.run.name}: {one.judgement.verdict}" for one in bad[:3])
        raise EvidenceError(
            f"{verdicts}; what does not come out again is not certified",
            hint="look at it: repro replay; or certify that it drifts: --even-if-drifted",
        )


def _write_statements(work: Path, contents: Contents) -> None:
    """The statements that are not in bundles: all where nobody signs, and a replay that failed."""
    for part in contents.parts:
        for kind, one in part.statements.items():
            if contents.seal is None or one not in part.vouching:
                write_atomic(work / f"{part.place}{STATEMENTS}/{kind}.json", one.raw)


def _put(work: Path, place: Path) -> None:
    if place.suffix == ".zip":
        write_atomic(place, zipped(work))
        return
    if place.is_dir():
        place.rmdir()
    work.chmod(0o755)
    shutil.move(work, place)
