"""The test of an ensemble in words: samples, difference, interval, margin, p values and the verdict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from repro.render.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.drift.ensemble_report import EnsemblePath, EnsembleReport, Means

SHOWN: Final = 20
"""Paths that are shown of one ensemble."""

NAMED: Final = 5
"""Paths without a test that are named."""


def ensemble_lines(report: EnsembleReport) -> Iterator[tuple[str, str]]:
    """The report line by line, each with its indent; text of files is not escaped yet."""
    reason = f", {report.reason}" if report.reason else ""
    yield "", f"{report.name}: {report.verdict}{reason}"
    ours, theirs = (values_text(report.over, values) for values in (report.observed, report.baseline))
    yield "  ", f"observed {ours}; baseline {theirs}"
    for path in report.paths[:SHOWN]:
        yield from _path(path)
    if len(report.paths) > SHOWN:
        yield "  ", f"and {plural(len(report.paths) - SHOWN, 'path')} more, the best; all of them: --json"
    if report.untested:
        count = len(report.untested) + report.left_out
        more = ", …" if count > NAMED else ""
        yield "  ", f"not compared, for no test selects {count}: {', '.join(report.untested[:NAMED])}{more}"
    for warning in report.warnings:
        yield "  ", f"warning: {warning}"


def values_text(over: str, values: tuple[str, ...]) -> str:
    """How many runs, and the values of the axis; a long list by its ends."""
    shown = f"{values[0]} to {values[-1]}" if len(values) > NAMED else ", ".join(values)
    return f"{plural(len(values), 'run')}, {over} {shown}"


def _path(path: EnsemblePath) -> Iterator[tuple[str, str]]:
    name = f"{path.output} {path.path}".strip()
    yield "  ", f"{name}: {path.verdict}, {path.reason}"
    test = path.weakest
    if test is None:
        return
    index = "".join(f"[{axis}]" for axis in test.index)
    if path.values > 1:
        count = f"{path.failing} of {path.values} values are not shown to be equivalent"
        yield "    ", f"{count if path.failing else f'{path.values} values'}; the least sure, {index}:"
    elif index:
        yield "    ", f"{index}:"
    yield "    ", _means(test)
    yield "    ", _decision(test)
    if test.needed is not None:
        wanted = f"about {test.needed} runs on each side"
        yield "    ", f"{wanted} would show it with probability 80 % where the means are equal"
    yield "    ", f"decided by {path.rule}"


def _means(test: Means) -> str:
    return (
        f"mean {test.mean_observed:.6g} (sd {test.sd_observed:.3g}) against {test.mean_baseline:.6g} "
        f"(sd {test.sd_baseline:.3g}), difference {test.difference:+.3g}"
    )


def _decision(test: Means) -> str:
    level = 100 * (1 - 2 * test.alpha)
    if test.sd_baseline == test.sd_observed == 0:
        return f"no value varies, so the difference is exact; margin {test.margin:.3g}"
    return (
        f"{level:.4g} % interval {test.low:+.3g} to {test.high:+.3g}, margin {test.margin:.3g}, "
        f"p {_p(test.p_lower)} and {_p(test.p_upper)} (alpha {test.alpha:g})"
    )


def _p(value: float) -> str:
    return f"{value:.2g}" if math.isfinite(value) else str(value)
