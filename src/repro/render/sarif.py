"""What does not match, as SARIF 2.1.0 (OASIS standard): one result per path, with its file as location."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from repro import __version__
from repro.core.digest import of_value
from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.render.words import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from repro.drift.ensemble_report import EnsemblePath, EnsembleReport
    from repro.drift.report import DriftReport, OutputReport, PathReport, Worst
    from repro.flows.attempt import Result
    from repro.flows.replay import Replayed

    Where = Callable[[str], tuple[str, str]]
    """The paths of an output in the baseline and as observed."""

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
VERSION: Final = "2.1.0"

RULES: Final = {
    "drift": ("error", "A value differs from its baseline by more than its tolerance"),
    "pattern": ("error", "NaN or infinity stands in other places than in the baseline"),
    "structure": ("error", "A file, path, shape or kind is not that of the baseline"),
    "not-measured": ("warning", "There was nothing to compare, or it could not be compared"),
    "unstable": ("error", "Repetitions of one run do not agree"),
    "rule": ("note", "A tolerance rule matched nothing or has expired"),
}
"""Rule ids, their levels and what they mean."""

FIRST_LINE: Final = 1
"""Where nothing says which line of a file it is."""


def drift_sarif(report: DriftReport, where: Where) -> dict[str, Any]:
    """The document about one comparison; `where` tells the paths of an output, relative to the caller."""
    return _document(_of_report(report, where, ""), report.verdict.exit)


def replay_sarif(replayed: Replayed, root: Path) -> dict[str, Any]:
    """The document about a replay; locations are the baselines in the project at `root`."""
    results = (found for result in replayed.results for found in _of_run(result, root))
    return _document((*results, *_of_ensembles(replayed.ensembles)), replayed.exit)


def _document(results: Iterable[dict[str, Any]], exit_code: Exit) -> dict[str, Any]:
    rules = [
        {"id": f"repro/{name}", "shortDescription": {"text": text}, "defaultConfiguration": {"level": level}}
        for name, (level, text) in RULES.items()
    ]
    driver = {"name": "repro", "version": __version__, "rules": rules}
    done = exit_code in {Exit.GOOD, Exit.WRONG}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": done, "exitCode": int(exit_code)}],
        "columnKind": "unicodeCodePoints",
        "results": list(results),
    }
    return {"$schema": SCHEMA, "version": VERSION, "runs": [run]}


def _of_run(result: Result, root: Path) -> Iterator[dict[str, Any]]:
    judgement = result.judgement
    if result.error:
        hint = f"; {result.error.hint}" if result.error.hint else ""
        rule = "structure" if result.exit is Exit.WRONG else "not-measured"
        yield _result(rule, f"{result.run}: {result.error.message}{hint}", "repro.toml", key=(result.run,))
    if result.repetition is not None and not result.repetition.stable:
        text = f"{result.run}: {', '.join(result.repetition.paths)} differ between repetitions"
        yield _result("unstable", text, "repro.toml", key=(result.run,))
    if judgement and result.verdict is not Verdict.MATCH:

        def where(name: str) -> tuple[str, str]:
            assert judgement is not None  # noqa: S101 - looked at above
            out = f".repro/runs/{result.run_id}/out/{name}"
            folder = judgement.reference.folder
            inside = folder.is_relative_to(root)
            return ((folder / name).relative_to(root).as_posix() if inside else out), out

        yield from _of_report(judgement.loaded(), where, f"{result.run}: ")


def _of_report(report: DriftReport, where: Where, prefix: str) -> Iterator[dict[str, Any]]:
    for output in report.outputs:
        baseline, observed = where(output.name)
        if output.verdict is not Verdict.MATCH and not output.findings and not output.ignored:
            text = f"{prefix}{output.name}: {output.reason}"
            yield _result(_rule(output), text, observed, key=(prefix, output.name), related=baseline)
        for finding in output.findings:
            yield _of_path(finding, prefix, baseline, observed)
    yield from _of_ensembles(report.ensembles)
    for warning in report.warnings:
        yield _result("rule", prefix + warning, "repro.toml", key=(prefix, warning))


def _of_ensembles(reports: Iterable[EnsembleReport]) -> Iterator[dict[str, Any]]:
    for report in reports:
        if report.verdict is not Verdict.MATCH and report.reason:
            yield _result(_rule(report), f"{report.name}: {report.reason}", "repro.toml", key=(report.name,))
        for path in report.paths:
            if path.verdict is not Verdict.MATCH:
                where = f"{path.output} {path.path}".strip()
                text = f"{report.name}: {where}: {path.reason}"
                yield _result(_rule(path), text, "repro.toml", key=(report.name, where))


def _rule(found: OutputReport | PathReport | EnsembleReport | EnsemblePath) -> str:
    return str(found.verdict).replace(" ", "-")


def _of_path(finding: PathReport, prefix: str, baseline: str, observed: str) -> dict[str, Any]:
    worst = next(
        (finding.worst[sort] for sort in ("pattern", "absolute", "value") if sort in finding.worst), None
    )
    found = _result(
        _rule(finding),
        f"{prefix}{finding.path}: {_said(finding, worst)}",
        baseline,
        key=(prefix, finding.output, finding.path),
        related=observed,
        line=_line(worst),
    )
    found["locations"][0]["logicalLocations"] = [
        {"fullyQualifiedName": one_line(f"{finding.output}:{finding.path}"), "kind": "member"}
    ]
    found["properties"] = {
        "over": finding.over,
        "count": finding.count,
        "ppm": finding.ppm,
        "rule": finding.rule,
    }
    return found


def _said(finding: PathReport, worst: Worst | None) -> str:
    parts = [finding.reason] if finding.reason else []
    if finding.count > 1:
        parts.append(f"{finding.over} of {finding.count} values over tolerance")
    if worst is not None:
        index = "".join(f"[{axis}]" for axis in worst.index)
        parts.append(f"{index or 'the value'} was {worst.baseline} and is {worst.observed}")
    if finding.advice:
        parts.append(finding.advice)
    return "; ".join(parts)


def _line(worst: Worst | None) -> int:
    """The line that a place names, as `line 12` does."""
    word, _, number = (worst.place if worst else "").partition(" ")
    return int(number) if word == "line" and number.isascii() and number.isdigit() else FIRST_LINE


def _result(
    rule: str, text: str, place: str, *, key: tuple[str, ...], related: str = "", line: int = FIRST_LINE
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": f"repro/{rule}",
        "ruleIndex": list(RULES).index(rule),
        "level": RULES[rule][0],
        "message": {"text": one_line(text)},
        "locations": [location(place, line)],
        "partialFingerprints": {"reproPath/v1": of_value([rule, *map(one_line, key)]).hex},
    }
    if related and related != place:
        result["relatedLocations"] = [{**location(related, line), "message": {"text": "the other side"}}]
    return result


def location(place: str, line: int) -> dict[str, Any]:
    """A file as a relative reference or, where it is named absolutely, a file URI (RFC 3986, RFC 8089)."""
    path = quote(PurePosixPath(place).as_posix(), safe="/", errors="surrogateescape")
    uri = f"file://{path}" if place.startswith("/") else path.replace(":", "%3A")
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}
