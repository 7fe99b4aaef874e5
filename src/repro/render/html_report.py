"""A replay, or a comparison of two files or folders, as one HTML file to look at, print and send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.flows.evidence import Evidence
from repro.render.html_drift import comparison_html
from repro.render.html_ensemble import ensembles_html
from repro.render.html_page import page
from repro.render.html_text import badge, code, esc, table
from repro.render.replay_text import told
from repro.render.summary import by_experiment, row
from repro.render.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from repro.drift.report import DriftReport
    from repro.flows.attempt import Result
    from repro.flows.replay import Replayed

DETAILED: Final = 50
"""Runs whose findings are shown in full."""


def drift_html(report: DriftReport, evidence: Evidence, *, baseline: str, observed: str) -> str:
    """The page about one comparison of two files or folders of those names."""
    counts = report.counts
    header = (
        f"<h1>{code(observed)} compared with {code(baseline)}</h1>\n<p>{badge(report.verdict)} "
        f"{plural(counts['values'], 'value')} at {plural(counts['paths'], 'path')} of "
        f"{plural(counts['outputs'], 'output')} compared, {plural(counts['over'], 'value')} over tolerance, "
        f"{plural(counts['drifted'], 'path')} not matching.</p>"
    )
    body = comparison_html(report, evidence, key="c", level=2)
    return page(f"{report.verdict}: {observed} compared with {baseline}", header, body)


def replay_html(replayed: Replayed, evidence: Mapping[str, Evidence]) -> str:
    """The page about a replay; `evidence` by the name of the run."""
    troubled = [result for result in replayed.results if result.exit is not Exit.GOOD and not told(result)]
    shown = troubled[:DETAILED]
    body = [_overview(replayed.results), ensembles_html(replayed.ensembles, key="e", level=2), *_links(shown)]
    body += [_run(result, evidence, f"r{number}") for number, result in enumerate(shown)]
    if len(troubled) > DETAILED:
        body.append(f"<p>And {plural(len(troubled) - DETAILED, 'run')} more like these.</p>")
    return page(f"Replay: {_words(replayed)}", _header(replayed), "\n".join(body))


def _words(replayed: Replayed) -> str:
    counts = dict.fromkeys(Verdict, 0)
    for result in replayed.results:
        counts[result.verdict] += 1
    parts = [f"{count} {verdict}" for verdict, count in counts.items() if count]
    return f"{plural(len(replayed.results), 'run')}: {', '.join(parts) or 'nothing was replayed'}"


def _header(replayed: Replayed) -> str:
    tree = replayed.tree
    commit = f"commit {tree['commit'][:12] or '(none yet)'}" + (", with changes" if tree["dirty"] else "")
    source = f"{tree['revision']}, " if tree["revision"] else ""
    kind = {Exit.GOOD: "good", Exit.WRONG: "bad"}.get(replayed.exit, "unsure")
    verdict = badge(Verdict.MATCH, _words(replayed), kind=kind)
    notes = "".join(f"\n<p>{esc(note)}</p>" for note in replayed.notes)
    return f"<h1>Replay of {esc(source + commit)}</h1>\n<p>{verdict}</p>{notes}"


def _overview(results: Sequence[Result]) -> str:
    head = ("experiment", "#runs", "verdict", "had by", "#time", "compared with")
    rows = []
    for name, runs in by_experiment(results).items():
        line = row(name, runs)
        kind = "good" if line.good else "unsure" if line.verdict is Verdict.NOT_MEASURED else "bad"
        verdict = badge(line.verdict, line.verdict_text, kind=kind)
        rows.append(
            (code(name), str(line.runs), verdict, esc(line.had_by), esc(line.time), esc(line.compared_with))
        )
    return "<h2>Experiments</h2>\n" + table("Verdict per experiment", head, rows, key="experiments")


def _links(shown: Sequence[Result]) -> Iterator[str]:
    if len(shown) > 1:
        items = "".join(
            f'<li><a href="#r{number}">{esc(result.run)}: {esc(result.verdict)}</a></li>'
            for number, result in enumerate(shown)
        )
        yield f'<nav aria-label="Runs that do not match">\n<ul>{items}</ul>\n</nav>'


def _run(result: Result, evidence: Mapping[str, Evidence], key: str) -> str:
    """One run that is not good."""
    parts = [f'<h2 id="{key}">{code(result.run)} {badge(result.verdict)}</h2>', *_about(result)]
    if result.error:
        hint = f"\n{esc(result.error.hint)}" if result.error.hint else ""
        lines = "\n".join(map(esc, result.error.message.splitlines()))
        parts.append(f'<p class="problem">{lines}{hint}</p>')
    if result.repetition and not result.repetition.stable:
        moving = "".join(f"<li>{code(path)}</li>" for path in result.repetition.paths)
        runs = plural(len(result.repetition.run_ids), "repetition")
        parts.append(f"<h3>Unstable over {runs}; what moves</h3>\n<ul>{moving}</ul>")
    if result.judgement and result.verdict is not Verdict.MATCH:
        found = evidence.get(result.run, Evidence())
        parts.append(comparison_html(result.judgement.loaded(), found, key=key, level=3))
    return f'<section aria-labelledby="{key}">\n' + "\n".join(parts) + "\n</section>"


def _about(result: Result) -> Iterator[str]:
    if result.judgement:
        reference = result.judgement.reference
        yield f"<p>Compared with {esc(reference.what)}: {esc(reference.why)}.</p>"
    if result.run_id:
        yield f'<p class="quiet">Run {code(result.run_id)}, {esc(result.state)}.</p>'
