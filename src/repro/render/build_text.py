"""What building again showed, as text: derivations, their outputs, and why they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.build.report import Outcome
from repro.render.words import Palette, plural, printable, seconds, shorten, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.build.report import BuildReport, Comparison, DerivationReport, Difference, Round

SHOWN = 10
"""Differences of one output that are shown; the document has more."""


def build_text(report: BuildReport, palette: Palette | None = None) -> str:
    """The report in lines, the outcome last."""
    paint = palette or Palette()
    lines = [line for derivation in report.derivations for line in _derivation(derivation, paint)]
    lines += [paint.dim(f"note: {printable(note)}") for note in report.notes]
    work = report.work
    lines.append(
        paint.dim(
            f"{report.nix}: {plural(work.built, 'builder')} ran for the first build, "
            f"{plural(work.fetched, 'path')} fetched from caches, {seconds(work.seconds)}"
        )
    )
    lines.append(_paint(report.outcome, str(report.outcome), paint))
    return "\n".join(lines) + "\n"


def _derivation(derivation: DerivationReport, paint: Palette) -> Iterator[str]:
    took = f" in {seconds(derivation.seconds)}" if derivation.seconds is not None else ""
    outcome = _paint(derivation.outcome, str(derivation.outcome), paint)
    yield f"{paint.bold(printable(derivation.name))}: {outcome} ({derivation.origin}{took})"
    for output in derivation.outputs:
        sizes = f"{size(output.nar_size)}, closure {size(output.closure_size)}"
        yield f"  {output.name}  {output.path}"
        yield paint.dim(f"    {output.nar_hash}  {sizes}")
    for one in derivation.rounds:
        yield f"  {_round(one)}"
    for comparison in derivation.comparisons:
        yield from _comparison(comparison, paint)


def _round(one: Round) -> str:
    if not one.proven:
        return f"rebuild {one.number}: no proof that it ran"
    varied = ", ".join(f"{name} {value}" for name, value in sorted(one.varied.items()))
    return f"rebuild {one.number}: its builder ran {seconds(one.seconds)} ({varied})"


def _comparison(comparison: Comparison, paint: Palette) -> Iterator[str]:
    outcome = _paint(comparison.outcome, str(comparison.outcome), paint)
    first, *others = _printable_lines(comparison.reason)
    yield f"  {comparison.output} against {printable(comparison.against)}: {outcome}" + (
        f", {first}" if first else ""
    )
    yield from (f"    {line}" for line in others)
    for difference in comparison.differences[:SHOWN]:
        yield from _difference(difference)
    hidden = comparison.left_out + len(comparison.differences[SHOWN:])
    if hidden:
        yield f"    {plural(hidden, 'more difference')} not shown"
    if comparison.kept:
        yield f"    kept in {comparison.kept}"


def _difference(difference: Difference) -> Iterator[str]:
    place = printable(difference.path) or "(the path itself)"
    at = f", byte {difference.offset}" if difference.offset is not None else ""
    yield f"    {place}: {difference.kind}, {difference.evidence}{at}"
    if difference.first or difference.second:
        yield f"      first   {shorten(printable(difference.first), 100)}"
        yield f"      second  {shorten(printable(difference.second), 100)}"


def _printable_lines(text: str) -> list[str]:
    """The lines of a text with control characters made visible; at least one."""
    return [printable(line) for line in text.splitlines()] or [""]


def _paint(outcome: Outcome, text: str, paint: Palette) -> str:
    paints = {
        Outcome.REPRODUCIBLE: paint.good,
        Outcome.DIFFERS: paint.bad,
        Outcome.NOT_MEASURED: paint.unsure,
    }
    return paints[outcome](text)
