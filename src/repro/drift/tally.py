"""What is found in one output while it is compared, and the report made of it."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from repro.core.verdict import SEVERITY, Verdict
from repro.drift.pattern import path_text
from repro.drift.report import LISTED, OutputReport, PathReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from repro.drift.kernel import Admission
    from repro.drift.pattern import TreePath
    from repro.drift.resolve import Decider
    from repro.drift.scan import Scan
    from repro.drift.tree import Array, Tree

JUDGED: Final = (Verdict.PATTERN, Verdict.DRIFT)
"""What a leaf of numbers may be that does not match."""

Drifted = tuple[int, Verdict, float]
"""A leaf that does not match, by a number, its verdict and its size among such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A single float that differs from its baseline and is judged together with the others under its rule."""

    path: TreePath
    decider: Decider
    r: float
    x: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Small:
    """A small array of doubles that is judged together with the others under its rule."""

    path: TreePath
    decider: Decider
    r: Array
    x: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A leaf that does not match; its report is made only if it is among the worst."""

    verdict: Verdict
    size: float
    report: Callable[[], PathReport]


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was found in one output so far; `baseline` is its tree, where coordinates are looked up.

    `unlisted`: findings that are counted only, because enough others go before them.
    """

    output: str
    baseline: Tree = field(default_factory=dict)
    paths: int = 0
    values: int = 0
    over: int = 0
    ignored: int = 0
    deviation: float = 0.0
    admitted: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    waiting: dict[str, list[Waiting]] = field(default_factory=dict)
    small: dict[str, list[Small]] = field(default_factory=dict)
    unlisted: int = 0

    def find(self, verdict: Verdict, report: Callable[[], PathReport], size: float = math.inf) -> None:
        """Note a leaf that does not match."""
        self.findings.append(Finding(verdict=verdict, size=size, report=report))

    def foremost(
        self, numbers: NDArray[np.intp], sizes: NDArray[np.float64], pattern: NDArray[np.bool_]
    ) -> list[Drifted]:
        """Of leaves that drift, called by numbers, those that may be listed; the rest is counted."""
        order = np.lexsort((-sizes, np.where(pattern, *map(SEVERITY.index, JUDGED))))
        kept = np.sort(order[:LISTED])
        self.unlisted += order.size - kept.size
        verdicts = [JUDGED[0] if told else JUDGED[1] for told in pattern[kept].tolist()]
        return list(zip(numbers[kept].tolist(), verdicts, sizes[kept].tolist(), strict=True))

    def add(self, judged: Admission | Scan) -> None:
        """Count judged values."""
        self.values += judged.count
        self.over += judged.over_count
        self.admitted.update(judged.admitted)
        self.alone.update(judged.alone)

    def structure(self, path: TreePath, reason: str, decider: Decider) -> None:
        """Note a difference that comes before any number."""
        self.find(
            Verdict.STRUCTURE,
            partial(
                PathReport,
                path=path_text(path),
                output=self.output,
                verdict=Verdict.STRUCTURE,
                reason=reason,
                rule=decider.label,
            ),
        )

    def report(self) -> OutputReport:
        """The findings so far, worst first."""
        order = heapq.nsmallest(
            LISTED,
            enumerate(self.findings),
            key=lambda item: (SEVERITY.index(item[1].verdict), -item[1].size, item[0]),
        )
        verdict = min((found.verdict for found in self.findings), key=SEVERITY.index, default=Verdict.MATCH)
        nothing = not self.findings and self.values == 0
        return OutputReport(
            name=self.output,
            verdict=Verdict.NOT_MEASURED if nothing else verdict,
            reason=("every value is ignored by a rule" if self.ignored else "holds no values")
            if nothing
            else "",
            paths=self.paths,
            values=self.values,
            over=self.over,
            ignored=self.ignored,
            deviation=self.deviation,
            admitted=dict(self.admitted),
            alone=dict(self.alone),
            findings=tuple(finding.report() for _, finding in order),
            left_out=max(len(self.findings) + self.unlisted - LISTED, 0),
        )
