"""A drift report as text for a terminal of any width from 40 columns."""

from __future__ import annotations

import json
import math
import textwrap
from typing import TYPE_CHECKING

from repro.core.verdict import Verdict
from repro.render.ensemble_text import ensemble_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.drift.ensemble_report import EnsembleReport
    from repro.drift.explain import Explanation
    from repro.drift.report import DriftReport, Growth, OutputReport, PathReport, Worst

LIMIT = 20
"""Drifted paths shown per output, unless more are asked for; the report itself holds more."""

LEAST_WIDTH = 40
HUNDRED = 100
"""Values from which a percentile says more than the worst."""

INDENT = "    "
SORTS = {
    "absolute": "abs",
    "relative": "rel",
    "scaled": "scaled",
    "ulp": "ulp",
    "value": "",
    "pattern": "",
}
"""Sorts of errors in the order in which they are shown, and their names in a column."""


def drift_text(report: DriftReport, *, width: int = 80, limit: int = LIMIT) -> str:
    """The report in lines of at most `width` columns (40 or more), ended by a newline.

    At most `limit` drifted paths per output are shown, and the number of the others is stated. What comes
    from files (paths, values, reasons) is shown with every control character escaped.
    """
    width = max(width, LEAST_WIDTH)
    lines: list[str] = []
    for output in report.outputs:
        lines += _output(output, width, limit)
    for line in stages_text(report):
        lines += _wrapped(line, width)
    for ensemble in report.ensembles:
        lines += ensemble_text(ensemble, width=width)
    for warning in report.warnings:
        lines += _wrapped(f"warning: {warning}", width)
    lines += _wrapped(_summary(report), width)
    return "\n".join(lines) + "\n"


def ensemble_text(report: EnsembleReport, *, width: int = 80) -> list[str]:
    """The test of an ensemble in lines of at most `width` columns, control characters escaped."""
    return [part for indent, line in ensemble_lines(report) for part in _wrapped(line, width, indent)]


def rules_text(explanation: Explanation, *, width: int = 80) -> str:
    """Which rule decides about each path, in lines of at most `width` columns."""
    lines: list[str] = []
    output = None
    for leaf in explanation.leaves:
        if leaf.output != output:
            output = leaf.output
            lines += _wrapped(output, width)
        lines += _wrapped(f"{leaf.path}, {_many(leaf.values, 'value')}: {leaf.rule}", width, "  ")
        lines += _wrapped(f"grants {leaf.grants}{f': {leaf.reason}' if leaf.reason else ''}", width, INDENT)
        if leaf.over:
            lines += _wrapped(f"the last match wins, over {', '.join(leaf.over)}", width, INDENT)
    for warning in explanation.warnings:
        lines += _wrapped(f"warning: {warning}", width)
    return "\n".join(lines) + "\n"


def _summary(report: DriftReport) -> str:
    counts = report.counts
    drifted = f", {_many(counts['drifted'], 'path')} drifted" if counts["drifted"] else ""
    ignored = f", {counts['ignored']} ignored" if counts["ignored"] else ""
    tested = f", {_many(len(report.ensembles), 'ensemble')} tested" if report.ensembles else ""
    if tested and not report.outputs:
        return f"{report.verdict}{tested}"
    return (
        f"{report.verdict}: {_many(counts['values'], 'value')} at {_many(counts['paths'], 'path')} "
        f"of {_many(counts['outputs'], 'output')} compared{drifted}{ignored}{tested}"
    )


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _output(output: OutputReport, width: int, limit: int) -> Iterator[str]:
    head = f"{output.name}: {output.verdict}"
    if output.verdict is Verdict.MATCH:
        yield from _wrapped(f"{head}, {_many(output.values, 'value')}{_admitted(output.admitted)}", width)
        return
    yield from _wrapped(f"{head}, {output.reason}" if output.reason else head, width)
    for path in output.findings[:limit]:
        yield from _path(path, width)
    hidden = output.left_out + len(output.findings[limit:])
    if hidden:
        yield from _wrapped(f"{_many(hidden, 'more path')} drifted and not shown", width, "  ")


def _path(path: PathReport, width: int) -> Iterator[str]:
    reason = f", {path.reason}" if path.reason else ""
    yield from _wrapped(f"{path.path}: {path.verdict}{reason}", width, "  ")
    if path.count:
        yield from _wrapped(_count(path), width, INDENT)
    yield from _errors(path, width)
    for line in _details(path):
        yield from _wrapped(line, width, INDENT)


def _count(path: PathReport) -> str:
    pattern = f", {path.pattern} of them NaN or infinite on one side" if path.pattern else ""
    return (
        f"{path.over} of {_many(path.count, 'value')} over ({_ppm(path.ppm)} ppm), "
        f"{path.differing} differ{pattern}{_admitted(path.admitted)}"
    )


def _ppm(ppm: float) -> str:
    return f"{ppm:.0f}" if ppm >= 1 else f"{ppm:.2g}"


def _admitted(admitted: dict[str, int]) -> str:
    terms = [f"{count} by {term}" for term, count in sorted(admitted.items()) if count and term != "exact"]
    return f", admitted {', '.join(terms)}" if terms else ""


def _errors(path: PathReport, width: int) -> Iterator[str]:
    """One line per place: errors that are largest at the same place share its line."""
    places: dict[tuple[object, ...], list[str]] = {}
    for sort, name in SORTS.items():
        worst = path.worst.get(sort)
        if worst is None:
            continue
        places.setdefault(_where(worst), []).append(f"{name} {_error(worst.error)}" if name else "")
    for (at, baseline, observed), errors in places.items():
        yield from _wrapped(f"{at}baseline {baseline}, observed {observed}", width, INDENT)
        known = ", ".join(error for error in errors if error)
        if known:
            yield from _wrapped(known, width, INDENT + "  ")


def _where(worst: Worst) -> tuple[str, str, str]:
    index = "".join(f"[{axis}]" for axis in worst.index)
    place = f" ({worst.place})" if worst.place else ""
    return f"{index}{place}: " if index or place else "", _value(worst.baseline), _value(worst.observed)


def _value(value: object) -> str:
    """A value as JSON and Python's json write it."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    return str(value)


def _error(error: float) -> str:
    """Three digits of an error; whole numbers are whole."""
    return str(error) if isinstance(error, int) else f"{error:.3g}"


def _details(path: PathReport) -> Iterator[str]:
    if path.digits is not None:
        held = [(digit, count) for digit, count in enumerate(path.digits.histogram) if count]
        classes = ", ".join(f"{digit}: {count}" for digit, count in held) if path.count > 1 else ""
        spread = f", median {path.digits.median:.1f} (values per digit {classes})" if classes else ""
        yield f"digits of agreement: worst {path.digits.worst:.1f}{_low(path)}{spread}"
    if path.first_difference is not None and path.count > 1:
        over = "" if path.first_over is None else f", over tolerance from [{path.first_over}]"
        place = f" ({path.first_place})" if path.first_place else ""
        yield f"differs from [{path.first_difference}]{over}{place}{_bias(path.bias)}"
    if path.growth is not None:
        yield growth_text(path.growth)
    yield f"decided by {path.rule if path.rule != 'default' else 'the default rule'}"
    if path.advice:
        yield f"advice: {path.advice}"


def _low(path: PathReport) -> str:
    if path.digits is None or path.digits.low is None or path.count < HUNDRED:
        return ""
    low = f"{path.digits.low:.1f}"
    return "" if low == f"{path.digits.worst:.1f}" else f", 1st percentile {low}"


def growth_text(growth: Growth) -> str:
    """What the law of growth suggests, in words."""
    unit = f"unit of {growth.along}" if growth.along else "row"
    span = f"from {growth.start:.1e} to {growth.end:.1e} of the scale"
    if growth.kind == "exponential":
        doubling = f", doubles every {math.log(2) / growth.rate:.3g}" if growth.rate > 0 else ""
        return f"grows exponentially, {growth.rate:.3g} per {unit}{doubling}, {span}: amplified, as in chaos"
    if growth.kind == "power":
        of_what = growth.along or "the row"
        return f"grows as a power of {of_what}, exponent {growth.rate:.2g}, {span}: accumulated"
    if growth.kind == "step":
        return f"large where it begins, {span}: a change, not amplified rounding"
    return f"does not grow, {span}"


def stages_text(report: DriftReport) -> Iterator[str]:
    """Where in the order of the outputs the difference comes from, and what it becomes."""
    begun = [stage for stage in report.stages if stage.deviation > 0]
    if len(begun) > 1:
        told = [f"created in {begun[0].output} at {begun[0].deviation:.1e} of its scale"]
        told += [
            f"{stage.gain:.1e} times that in {stage.output}" for stage in begun[1:] if stage.gain is not None
        ]
        yield ", ".join(told)


def _bias(bias: float | None) -> str:
    """Only a lean to one side is worth a word."""
    if not bias:
        return ""
    return f", bias {bias:+.2f}"


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(
        _escaped(text),
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_on_hyphens=False,
        replace_whitespace=False,
        drop_whitespace=True,
    )


def _escaped(text: str) -> str:
    """Control, format and unpaired characters as Python escapes: nothing in a file may steer a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
