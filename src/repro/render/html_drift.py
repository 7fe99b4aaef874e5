"""One comparison as HTML: its outputs, their paths, the pictures, and the conditions that differ."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from repro.render.drift_text import growth_text, stages_text
from repro.render.html_ensemble import ensembles_html
from repro.render.html_text import badge, code, error, esc, table, value
from repro.render.svg import curve_svg, histogram_svg
from repro.render.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from repro.drift.report import Digits, DriftReport, OutputReport, PathReport, Worst
    from repro.flows.curves import Curve
    from repro.flows.evidence import Condition, Evidence

FIGURES: Final = 12
"""Pictures per comparison."""

DIGEST: Final = re.compile(r"\b((?:sha256:|md5:)?[0-9a-f]{12})[0-9a-f]{20,52}\b")
"""A digest or commit, and its beginning."""

ADVICE: Final = 4
"""Advice given per output."""

HEAD: Final = (
    "path",
    "verdict",
    "#over",
    "#absolute",
    "#relative",
    "#ulp",
    "worst at",
    "baseline",
    "observed",
    "#digits",
    "#first over",
)
SORTS: Final = ("pattern", "absolute", "value", "relative", "ulp")
"""Which place is shown in a row, the first that there is."""


def comparison_html(report: DriftReport, evidence: Evidence, *, key: str, level: int) -> str:
    """The parts of one comparison under headings of `level`; `key` makes its ids unique."""
    drifted = [output for output in report.outputs if output.findings]
    parts = [outputs_table(report, key=key)]
    parts += [f"<p>Through the outputs: {esc(line)}.</p>" for line in stages_text(report)]
    parts += [f'<p class="unsure">Warning: {esc(warning)}</p>' for warning in report.warnings]
    if figures := _figures(report, evidence.curves, key=key, level=level + 1):
        parts += [f"<h{level}>Where the numbers part</h{level}>", figures]
    if evidence.conditions is not None:
        parts += [f"<h{level}>Conditions that differ</h{level}>", _conditions(evidence.conditions, key=key)]
    if report.ensembles:
        parts.append(ensembles_html(report.ensembles, key=key, level=level))
    if drifted:
        parts.append(f"<h{level}>Paths that do not match</h{level}>")
        parts += [_output(output, key=f"{key}-o{number}") for number, output in enumerate(drifted)]
    return "\n".join(parts)


def outputs_table(report: DriftReport, *, key: str) -> str:
    """One row per output."""
    head = ("output", "verdict", "#paths", "#values", "#over", "#ignored", "admitted by")
    rows = [
        (
            code(output.name) + _more(output.reason),
            badge(output.verdict),
            f"{output.paths:,}",
            f"{output.values:,}",
            f"{output.over:,}",
            f"{output.ignored:,}",
            _admitted(output),
        )
        for output in report.outputs
    ]
    return table("Outputs", head, rows, key=f"{key}-outputs")


def _admitted(output: OutputReport) -> str:
    """Values per term, and how many would not have passed without it."""
    words = []
    for term, count in sorted(output.admitted.items()):
        alone = output.alone.get(term, 0)
        if count:
            words.append(f"{esc(term)} {count:,}" + (f" ({alone:,} by it alone)" if alone else ""))
    return ", ".join(words)


def _output(output: OutputReport, *, key: str) -> str:
    """The paths of one output that do not match, and what would admit those that barely do not."""
    hidden = f"; {plural(output.left_out, 'more path')} not listed" if output.left_out else ""
    caption = f"{output.name}: {plural(len(output.findings), 'path')}, worst first{hidden}"
    rows = [_row(finding) for finding in output.findings]
    shown = [i for i in range(len(HEAD)) if i < 2 or any(row[i] for row in rows)]  # noqa: PLR2004 - path and verdict
    found = table(
        caption, [HEAD[i] for i in shown], [[row[i] for i in shown] for row in rows], key=f"{key}-paths"
    )
    advice = [finding for finding in output.findings if finding.advice]
    items = [f"<li>{code(finding.path)}: {esc(finding.advice)}</li>" for finding in advice[:ADVICE]]
    if len(advice) > ADVICE:
        items.append(f"<li>the same is said of {plural(len(advice) - ADVICE, 'more path')}</li>")
    return found + (f'\n<ul class="advice">{"".join(items)}</ul>' if items else "")


def _row(finding: PathReport) -> tuple[str, ...]:
    worst = next((finding.worst[sort] for sort in SORTS if sort in finding.worst), None)
    first = finding.first_over if finding.count > 1 else None
    return (
        code(finding.path) + _more(finding.reason) + _more(_decided(finding)),
        badge(finding.verdict),
        f"{finding.over:,} of {finding.count:,}" if finding.count else "",
        *(_size(finding.worst.get(sort)) for sort in ("absolute", "relative", "ulp")),
        _place(worst),
        value(worst.baseline) if worst else "",
        value(worst.observed) if worst else "",
        f"{finding.digits.worst:.1f}" if finding.digits else "",
        f"[{first}]" if first is not None else "",
    )


def _decided(finding: PathReport) -> str:
    return f"decided by {finding.rule}" if finding.rule != "default" else ""


def _size(worst: Worst | None) -> str:
    return "" if worst is None else error(worst.error)


def _place(worst: Worst | None) -> str:
    if worst is None:
        return ""
    index = "".join(f"[{axis}]" for axis in worst.index)
    return (code(index) if index else "") + (f" {esc(worst.place)}" if worst.place else "")


def _more(text: str) -> str:
    return f'<span class="more">{esc(text)}</span>' if text else ""


def _figures(report: DriftReport, curves: Sequence[Curve], *, key: str, level: int) -> str:
    """Series first, then what has digits to show and is no series."""
    findings = {(f.output, f.path): f for o in report.outputs for f in o.findings}
    digits = {name: found.digits for name, found in findings.items() if found.count > 1}
    figures = [
        _figure(curve.output, curve.path + curve.selection, level, said=_parted(curve, findings))
        + _boxes(_pictures(curve, digits, f"{key}-f{number}"))
        for number, curve in enumerate(curves[:FIGURES])
    ]
    drawn = {(curve.output, curve.path) for curve in curves}
    left = [(name, known) for name, known in digits.items() if known is not None and name not in drawn]
    for number, ((output, path), known) in enumerate(left[: max(0, FIGURES - len(figures))]):
        picture = histogram_svg(known, path, key=f"{key}-h{number}")
        figures.append(_figure(output, path, level) + _boxes([picture]))
    return "\n".join(['<div class="figures">', *figures, "</div>"]) if figures else ""


def _pictures(curve: Curve, digits: dict[tuple[str, str], Digits | None], key: str) -> Iterator[str]:
    yield curve_svg(curve, key=f"{key}-curve")
    known = digits.get((curve.output, curve.path))
    if known is not None:
        yield histogram_svg(known, curve.path, key=f"{key}-digits")


def _parted(curve: Curve, findings: dict[tuple[str, str], PathReport]) -> str:
    """Where a series parts and how its distance grows, in words: a narrow screen cuts the picture."""
    found = findings.get((curve.output, curve.path))
    over, differs = curve.first_over, curve.first_difference
    place = f" ({found.first_place})" if found and found.first_place else ""
    parts = [f"first over tolerance at [{over}]{place}"] if over is not None else []
    if differs is not None and differs != over:
        parts.append(f"first difference at [{differs}]" + (place if over is None else ""))
    if found and found.growth:
        parts.append(growth_text(found.growth))
    return "".join(f", {part}" for part in parts)


def _figure(output: str, name: str, level: int, *, said: str = "") -> str:
    heading = f"<h{level}>{code(name)}</h{level}>"
    return f"<figure>\n<figcaption>{heading}in {esc(output)}{esc(said)}</figcaption>\n"


def _boxes(pictures: Iterable[str]) -> str:
    boxes = "\n".join(
        f'<div class="scroll" role="group" aria-label="picture" tabindex="0">{picture}</div>'
        for picture in pictures
    )
    return f"{boxes}\n</figure>"


def _conditions(conditions: tuple[Condition, ...], *, key: str) -> str:
    """What the two runs do not share."""
    if not conditions:
        return "<p>None: every recorded condition of the two runs is the same.</p>"
    rows = [(code(item.name), _condition(item.baseline), _condition(item.observed)) for item in conditions]
    caption = f"{plural(len(rows), 'condition')} in which the two runs differ"
    return table(caption, ("condition", "baseline", "observed"), rows, key=f"{key}-conditions")


def _condition(text: str) -> str:
    """A condition's value; of a digest its beginning, which tells two apart."""
    return code(DIGEST.sub(r"\1…", text)) if text != "None" else '<span class="quiet">not recorded</span>'
