"""Two ensembles of runs compared: values that are random under other seeds, by their means."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.core.errors import FormatError
from repro.core.verdict import SEVERITY, Verdict, worst
from repro.drift.ensemble_report import LISTED, EnsemblePath, EnsembleReport, Means
from repro.drift.pattern import path_text
from repro.drift.readers.choose import folder_of, read
from repro.drift.sides import content
from repro.drift.tost import Sample, runs_needed, tost
from repro.drift.tree import Array, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from repro.drift.equivalence import Equivalence
    from repro.drift.pattern import TreePath
    from repro.drift.tost import Outcome
    from repro.drift.tree import Leaf, Tree

NUMBERS: Final = frozenset({"integer", "real"})
"""Kinds of leaves that have a mean."""

Members = dict[str, "Path"]
"""The same output file of each run, by the run's value of the axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The files of one output in both ensembles."""

    baseline: Members
    observed: Members


def compare_ensembles(
    name: str, over: str, outputs: Mapping[str, Pair], tests: Sequence[Equivalence], *, today: date
) -> EnsembleReport:
    """Test every value that the declarations select in each output; the last one that selects it decides.

    A report without any tested value is `not measured`. An observed file that cannot be read is `structure`,
    and one of the baseline raises FormatError. Raises ExtraMissing without scipy.
    """
    live = {number: test for number, test in enumerate(tests) if not test.expired(today)}
    paths: list[EnsemblePath] = []
    untested: list[str] = []
    hits: set[int] = set()
    for output, pair in outputs.items():
        chosen = {number: test for number, test in live.items() if test.applies_to(output)}
        if not chosen:
            untested.append(output)
            continue
        try:
            found = _Output(output, _trees(pair.baseline), _observed(pair.observed), chosen)
        except _UnreadableError as error:
            paths.append(
                EnsemblePath(path="", output=output, verdict=Verdict.STRUCTURE, rule="", reason=error.message)
            )
            hits |= chosen.keys()  # what could not be opened may be what one is for
            continue
        paths += found.paths()
        untested += found.untested
        hits |= found.hits
    return EnsembleReport(
        name=name,
        over=over,
        verdict=worst(path.verdict for path in paths),
        reason="" if paths else "no declared equivalence test selects a value",
        baseline=_values(pair.baseline for pair in outputs.values()),
        observed=_values(pair.observed for pair in outputs.values()),
        paths=tuple(sorted(paths, key=lambda path: SEVERITY.index(path.verdict))),
        untested=tuple(untested[:LISTED]),
        left_out=max(0, len(untested) - LISTED),
        warnings=tuple(_warnings(tests, live, hits)),
    )


def dead(reports: Sequence[EnsembleReport]) -> tuple[EnsembleReport, ...]:
    """All ensembles of one set of declarations: one that selects nothing in any of them lets none pass."""
    common = set.intersection(*(set(report.warnings) for report in reports)) if reports else set()
    if not any(warning.endswith(NOTHING) for warning in common):
        return tuple(reports)
    return tuple(
        replace(
            report,
            verdict=worst((report.verdict, Verdict.NOT_MEASURED)),
            reason=report.reason or "a declared equivalence test selects nothing",
        )
        for report in reports
    )


NOTHING: Final = "selects nothing"


def _label(number: int, test: Equivalence) -> str:
    where = "" if test.output == "*" else f" in {test.output}"
    return f"equivalence {number + 1} ({test.path}{where})"


def _warnings(tests: Sequence[Equivalence], live: Mapping[int, Equivalence], hits: set[int]) -> Iterator[str]:
    for number, test in enumerate(tests):
        if number not in live:
            yield f"{_label(number, test)}: expired on {test.expires}, no longer applied"
        elif number not in hits:
            yield f"{_label(number, test)}: {NOTHING}"


def _values(members: Iterable[Members]) -> tuple[str, ...]:
    return tuple(sorted({value for found in members for value in found}, key=_rank))


def _rank(value: str) -> tuple[float, str]:
    """Numbers by size, before other texts."""
    try:
        return float(value), value
    except ValueError:
        return math.inf, value


class _UnreadableError(FormatError):
    """An observed file is not what it must be."""


def _trees(members: Members) -> dict[str, Tree]:
    trees = {}
    for value, path in members.items():
        data = content(path, str(path))
        if folder_of(data, name=path.name) is not None:
            raise FormatError(f"{path}: an archive, whose files are not tested", hint="unpack it")
        trees[value] = read(data, name=str(path))
    return trees


def _observed(members: Members) -> dict[str, Tree]:
    try:
        return _trees(members)
    except FormatError as error:
        raise _UnreadableError(error.message) from error


class _Output:
    """One output file of both ensembles, and the declarations that may speak of it."""

    def __init__(
        self,
        name: str,
        baseline: dict[str, Tree],
        observed: dict[str, Tree],
        tests: Mapping[int, Equivalence],
    ) -> None:
        self.name, self.baseline, self.observed, self.tests = name, baseline, observed, tests
        self.untested: list[str] = []
        self.hits: set[int] = set()

    def paths(self) -> list[EnsemblePath]:
        """What was found at each leaf that is selected; every run of both sides must have it alike."""
        trees = (*self.baseline.values(), *self.observed.values())
        leaves = {path: leaf for tree in reversed(trees) for path, leaf in tree.items()}
        found: list[EnsemblePath] = []
        for path in dict.fromkeys((*trees[0], *leaves)):
            owners = self._owners(path, _shape(leaves[path]))
            if (owners < 0).any():
                self.untested.append(f"{self.name}: {path_text(path)}")
            for number in np.unique(owners[owners >= 0]).tolist():
                self.hits.add(number)
                found.append(self._part(path, number, np.flatnonzero(owners == number)))
        return found

    def _owners(self, path: TreePath, shape: tuple[int, ...]) -> NDArray[np.intp]:
        """The number of the declaration that decides about each value of a leaf, -1 for none."""
        owners = np.full(shape, -1, dtype=np.intp)
        for number, test in self.tests.items():
            for region in test.pattern.regions(path, shape):
                owners[region] = number
        return owners

    def _part(self, path: TreePath, number: int, flat: NDArray[np.intp]) -> EnsemblePath:
        test = self.tests[number]
        base = EnsemblePath(
            path=path_text(path),
            output=self.name,
            verdict=Verdict.NOT_MEASURED,
            rule=_label(number, test),
            values=len(flat),
        )
        if apart := self._apart(path):
            return replace(base, verdict=Verdict.STRUCTURE, reason=apart)
        leaf = next(iter(self.baseline.values()))[path]
        if kind_of(leaf) not in NUMBERS:
            return replace(base, reason=f"{kind_of(leaf)}: has no mean")
        ours, theirs = len(self.observed), len(self.baseline)
        if min(ours, theirs) < test.min_runs:
            wanted = f"at least {test.min_runs} on each side are needed"
            return replace(base, reason=f"{ours} against {theirs} runs, {wanted}")
        baseline, observed = (_stacked(trees, path)[:, flat] for trees in (self.baseline, self.observed))
        for side, trees, runs in (
            ("baseline", self.baseline, baseline),
            ("observed", self.observed, observed),
        ):
            if not np.isfinite(runs).all():
                run, at = (int(axis[0]) for axis in np.nonzero(~np.isfinite(runs)))
                index = "".join(f"[{axis}]" for axis in np.unravel_index(flat[at], _shape(leaf)))
                reason = f"{runs[run, at]} in {side} run {list(trees)[run]}{index and ' at ' + index}"
                return replace(base, verdict=Verdict.PATTERN, reason=reason)
        found = _judged(base, test, Sample.of(baseline), Sample.of(observed))
        return _placed(found, flat, _shape(leaf))

    def _apart(self, path: TreePath) -> str:
        """How a leaf differs in structure between runs, "" where it does not."""
        first = next(iter(self.baseline.values())).get(path)
        for side, trees in (("baseline", self.baseline), ("observed", self.observed)):
            for value, tree in trees.items():
                if path not in tree:
                    return f"missing in {side} run {value}"
                if first is not None and _form(tree[path]) != _form(first):
                    return f"{_words(first)} in the first run, {_words(tree[path])} in {side} run {value}"
        return ""


def _judged(
    base: EnsemblePath,
    test: Equivalence,
    baseline: Sample,
    observed: Sample,
) -> EnsemblePath:
    unit: Any = {"mean": np.abs(baseline.mean), "sd": baseline.sd}.get(test.relative_to, 1.0)
    with np.errstate(over="ignore"):
        margin = np.broadcast_to(test.margin * unit, baseline.mean.shape).astype(np.float64)
    outcome = tost(baseline, observed, margin, test.alpha)
    verdicts = [
        Verdict.MATCH if equivalent else Verdict.NOT_MEASURED if small else Verdict.DRIFT
        for equivalent, small in zip(outcome.equivalent, outcome.too_small, strict=True)
    ]
    verdict = worst(verdicts)
    p = np.maximum(outcome.p_lower, outcome.p_upper)
    at = max((at for at, own in enumerate(verdicts) if own is verdict), key=lambda at: float(p[at]))
    return replace(
        base,
        verdict=verdict,
        reason=_reason(verdict, outcome, at, test),
        failing=int(np.count_nonzero(~outcome.equivalent)),
        weakest=_tested(outcome, baseline, observed, at, test.alpha),
    )


def _placed(found: EnsemblePath, flat: NDArray[np.intp], shape: tuple[int, ...]) -> EnsemblePath:
    """The same with the index of the weakest value in the whole leaf."""
    if found.weakest is None or not shape:
        return replace(found, weakest=found.weakest and replace(found.weakest, index=()))
    index = tuple(int(axis) for axis in np.unravel_index(flat[found.weakest.index[0]], shape))
    return replace(found, weakest=replace(found.weakest, index=index))


def _reason(verdict: Verdict, outcome: Outcome, at: int, test: Equivalence) -> str:
    if verdict is Verdict.MATCH:
        return "equivalent"
    if verdict is Verdict.DRIFT:
        if outcome.apart[at]:
            return "the means differ by more than the margin"
        return "equivalence is not shown: the interval reaches beyond the margin"
    if outcome.margin[at] == 0:
        return (
            f"the margin is 0 here, as is the baseline's {test.relative_to}: declare one in the value's unit"
        )
    return "too few runs to show equivalence within this margin"


def _tested(outcome: Outcome, baseline: Sample, observed: Sample, at: int, alpha: float) -> Means:
    margin = float(outcome.margin[at])
    sd = math.hypot(float(baseline.sd[at]), float(observed.sd[at])) / math.sqrt(2)
    open_ = not outcome.equivalent[at] and not outcome.apart[at]
    needed = runs_needed(sd, margin, alpha) if open_ else None
    return Means(
        index=(at,),
        mean_baseline=float(baseline.mean[at]),
        mean_observed=float(observed.mean[at]),
        sd_baseline=float(baseline.sd[at]),
        sd_observed=float(observed.sd[at]),
        difference=float(outcome.difference[at]),
        low=float(outcome.low[at]),
        high=float(outcome.high[at]),
        margin=margin,
        alpha=alpha,
        freedom=float(outcome.freedom[at]),
        p_lower=float(outcome.p_lower[at]),
        p_upper=float(outcome.p_upper[at]),
        needed=needed if needed and needed > min(baseline.count, observed.count) else None,
    )


def _shape(leaf: Leaf) -> tuple[int, ...]:
    return leaf.values.shape if isinstance(leaf, Array) else ()


def _form(leaf: Leaf) -> tuple[str, tuple[int, ...]]:
    kind = kind_of(leaf)
    return "number" if kind in NUMBERS else kind, _shape(leaf)


def _words(leaf: Leaf) -> str:
    kind, shape = _form(leaf)
    return f"{kind} of shape {'x'.join(map(str, shape))}" if shape else kind


def _stacked(trees: Mapping[str, Tree], path: TreePath) -> NDArray[np.float64]:
    """The values of a leaf as doubles, runs by values; an integer beyond them is infinite."""
    rows = []
    for tree in trees.values():
        leaf = tree[path]
        rows.append(leaf.values.reshape(-1) if isinstance(leaf, Array) else [_double(leaf)])
    return np.array(rows, dtype=np.float64)


def _double(leaf: Any) -> float:  # noqa: ANN401 - an integer or real leaf
    try:
        return float(leaf)
    except OverflowError:
        return math.inf
