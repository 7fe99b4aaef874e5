"""The tests of ensembles as HTML: a table for each, a row for each path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from repro.render.ensemble_text import values_text
from repro.render.html_text import badge, code, esc, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repro.drift.ensemble_report import EnsemblePath, EnsembleReport

HEAD: Final = (
    "path",
    "verdict",
    "least sure at",
    "#baseline mean",
    "#observed mean",
    "#difference",
    "interval",
    "#margin",
    "#larger p",
)


def ensembles_html(reports: Sequence[EnsembleReport], *, key: str, level: int) -> str:
    """A section for the ensembles under headings of `level`, "" where there are none."""
    parts = [f"<h{level}>Runs under other seeds</h{level}>"] if reports else []
    for number, report in enumerate(reports):
        ours, theirs = (values_text(report.over, values) for values in (report.observed, report.baseline))
        reason = f" {esc(report.reason)}." if report.reason else ""
        parts.append(f"<p>{code(report.name)} {badge(report.verdict)}{reason}</p>")
        parts.append(f"<p>Observed {esc(ours)}; baseline {esc(theirs)}.</p>")
        rows = [_row(path) for path in report.paths]
        parts.append(table(f"Equivalence of means in {report.name}", HEAD, rows, key=f"{key}-s{number}"))
        if count := len(report.untested) + report.left_out:
            parts.append(f"<p>Not compared, for no test selects them: {count} paths.</p>")
        parts += [f'<p class="unsure">Warning: {esc(warning)}</p>' for warning in report.warnings]
    return "\n".join(parts)


def _row(path: EnsemblePath) -> tuple[str, ...]:
    name = code(f"{path.output} {path.path}".strip())
    verdict = f"{badge(path.verdict)} {esc(path.reason)}"
    if path.weakest is None:
        return (name, verdict, *[""] * (len(HEAD) - 2))
    test = path.weakest
    numbers = (f"{test.mean_baseline:.6g}", f"{test.mean_observed:.6g}", f"{test.difference:+.3g}")
    interval = f"{test.low:+.3g} to {test.high:+.3g} ({100 * (1 - 2 * test.alpha):.4g} %)"
    index = "".join(f"[{axis}]" for axis in test.index)
    p = f"{max(test.p_lower, test.p_upper):.2g}"
    return (name, verdict, code(index) if index else "", *numbers, interval, f"{test.margin:.3g}", p)
