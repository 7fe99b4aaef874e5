"""What a run's outputs are compared with, why that, and what the comparison found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.canonical import to_pretty_bytes
from repro.core.digest import Digest, of_value
from repro.core.errors import FormatError, MissingBaseline
from repro.core.verdict import Verdict
from repro.store import baseline as baselines
from repro.tools.files import read_capped, write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from repro.drift.report import DriftReport
    from repro.drift.rules import Rules
    from repro.flows.matrix import Run

VERSION = 1
MAX_BYTES = 256 << 20
"""Cap on a stored comparison, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Outputs to compare with: where they lie, their digests, what they are and why they were taken.

    `run_id` is the run that wrote them, whose record may lie on another machine.
    """

    folder: Path
    outputs: Mapping[str, str]
    what: str
    why: str
    run_id: str = ""

    @property
    def digest(self) -> Digest:
        """The digest of the outputs."""
        return of_value(dict(self.outputs))

    def to_dict(self) -> dict[str, Any]:
        """For the record."""
        return {"what": self.what, "why": self.why, "digest": str(self.digest)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict on one run's outputs; `report` is None where the verdict was read from an earlier one."""

    verdict: Verdict
    warnings: tuple[str, ...]
    reference: Reference
    file: Path
    report: DriftReport | None

    def loaded(self) -> DriftReport:
        """The whole report, read from its file where need be."""
        from repro.drift.report import DriftReport

        return self.report or DriftReport.from_dict(_stored(self.file)["report"])


def baseline_reference(
    folder: Path, run: Run, *, environment: str, platform_class: str, wanted: str = ""
) -> Reference:
    """The baseline of a run below the `baselines/` folder: the variant `wanted`, else the nearest.

    Nearest: same environment and platform class, then same platform class, then same environment, then any.
    Raises MissingBaseline with the command that records one.
    """
    found = baselines.variants(folder / run.folder)
    if wanted:
        found = {label: path for label, path in found.items() if label == wanted}
    if not found:
        which = f" called {wanted!r}" if wanted else ""
        raise MissingBaseline(
            f"{run.name}: no baseline{which}", hint=f"record one: repro baseline record '{run.name}'"
        )
    read = {label: baselines.read(path) for label, path in found.items()}

    def distance(label: str) -> tuple[bool, bool, str]:
        return (
            read[label].platform_class != platform_class,
            read[label].environment != environment,
            label,
        )

    label = min(read, key=distance)
    return Reference(
        folder=found[label],
        outputs=read[label].outputs,
        what=f"baseline {label}",
        why=_why(distance(label)[:2], wanted, others=len(read) - 1),
        run_id=read[label].run_id,
    )


def _why(distance: tuple[bool, bool], wanted: str, *, others: int) -> str:
    if wanted:
        return "asked for"
    reasons = {
        (False, False): "same environment and platform class",
        (False, True): "same platform class, another environment",
        (True, False): "same environment, another platform class",
        (True, True): "the only kind there is: another environment and platform class",
    }
    return reasons[distance] + (f"; {others} other variant(s)" if others else "")


def judge(
    folder: Path, outputs: Mapping[str, str | None], reference: Reference, rules: Rules, *, today: date
) -> Judgement:
    """Compare the outputs in `folder/out` with the reference; an equal earlier comparison is read instead.

    `outputs` has the digest of each declared output, None for a missing one. The comparison is kept in
    `folder`, under the digest of everything that it depends on.
    """
    key = of_value(
        {
            "version": VERSION,
            "outputs": dict(outputs),
            "reference": str(reference.digest),
            "rules": str(rules.active(today).digest()),
            "expired": len(rules.expired(today)),
        }
    )
    file = folder / f"comparison-{key.hex[:16]}.json"
    if earlier := _earlier(file, reference):
        return earlier
    from repro.drift.compare import compare_outputs

    names = sorted({*outputs, *reference.outputs})
    report = compare_outputs(reference.folder, folder / "out", names, rules, today=today)
    document = {
        "version": VERSION,
        "verdict": str(report.verdict),
        "warnings": list(report.warnings),
        "reference": reference.to_dict(),
        "report": report.to_dict(),
    }
    write_atomic(file, to_pretty_bytes(document))
    return Judgement(
        verdict=report.verdict,
        warnings=tuple(report.warnings),
        reference=reference,
        file=file,
        report=report,
    )


def _earlier(file: Path, reference: Reference) -> Judgement | None:
    """What an equal comparison found; None without one, or where its file is damaged."""
    try:
        stored = _stored(file)
        verdict, warnings = Verdict(stored["verdict"]), tuple(map(str, stored["warnings"]))
    except (FileNotFoundError, FormatError, KeyError, TypeError, ValueError):
        return None
    return Judgement(verdict=verdict, warnings=warnings, reference=reference, file=file, report=None)


def _stored(file: Path) -> Any:  # noqa: ANN401 - JSON
    return strictjson.parse(read_capped(file, MAX_BYTES), name=str(file))
