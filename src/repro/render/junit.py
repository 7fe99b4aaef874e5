"""A replay as JUnit XML, as test reporters of CI systems read it: a suite per experiment, a case per run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.drift.report import DriftReport, OutputReport
from repro.render.drift_text import drift_text, ensemble_text
from repro.render.summary import by_experiment, run_seconds
from repro.render.words import one_line, printable

if TYPE_CHECKING:
    from repro.drift.ensemble_report import EnsembleReport
    from repro.flows.attempt import Result
    from repro.flows.replay import Replayed


def junit(replayed: Replayed) -> str:
    """The document. A drift is a failure; what could not be measured is an error, never a pass.

    No character that XML 1.0 (section 2.2) forbids is left in it: names and messages are escaped first.
    """
    root = ET.Element("testsuites", {"name": "repro replay", **_counts(list(replayed.results))})
    for name, results in by_experiment(replayed.results).items():
        suite = ET.SubElement(root, "testsuite", {"name": one_line(name), **_counts(results)})
        for result in results:
            _case(suite, result)
    return _document(root)


def drift_junit(report: DriftReport) -> str:
    """The document about one comparison: a case per output and ensemble; what is ignored is skipped."""
    found: list[tuple[OutputReport | EnsembleReport, DriftReport]] = [
        *((one, DriftReport(verdict=one.verdict, outputs=(one,))) for one in report.outputs),
        *((one, DriftReport(verdict=one.verdict, ensembles=(one,))) for one in report.ensembles),
    ]
    kinds = [_kind(part) for part, _ in found]
    counts = {
        "tests": str(len(kinds)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
    }
    root = ET.Element("testsuites", {"name": "repro drift", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": "repro drift", **counts})
    for (part, alone), kind in zip(found, kinds, strict=True):
        case = ET.SubElement(suite, "testcase", classname="repro drift", name=one_line(part.name))
        if kind:
            problem = ET.SubElement(case, kind, message=one_line(part.reason or str(part.verdict)))
            problem.text = printable(drift_text(alone))
    return _document(root)


def _kind(part: OutputReport | EnsembleReport) -> str:
    if part.verdict.exit is Exit.GOOD:
        return ""
    if part.verdict.exit is Exit.WRONG:
        return "failure"
    return "skipped" if isinstance(part, OutputReport) and part.ignored else "error"


def _document(root: ET.Element) -> str:
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _counts(results: list[Result]) -> dict[str, str]:
    wrong = sum(result.exit is Exit.WRONG for result in results)
    good = sum(result.exit is Exit.GOOD for result in results)
    return {
        "tests": str(len(results)),
        "failures": str(wrong),
        "errors": str(len(results) - wrong - good),
        "time": f"{sum(map(run_seconds, results)):.3f}",
    }


def _case(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=one_line(result.experiment),
        name=one_line(result.run),
        time=f"{run_seconds(result):.3f}",
    )
    if result.exit is Exit.GOOD:
        return
    kind = "failure" if result.exit is Exit.WRONG else "error"
    message = result.error.message if result.error else str(result.verdict)
    if result.repetition and not result.repetition.stable and result.verdict is Verdict.MATCH:
        message = "unstable"
    problem = ET.SubElement(case, kind, message=one_line(message), type=str(result.verdict))
    problem.text = printable(_text(result))


def _text(result: Result) -> str:
    parts = []
    if result.error:
        parts.append(result.error.message + (f"\n-> {result.error.hint}" if result.error.hint else ""))
    if result.judgement and result.verdict is not Verdict.MATCH:
        parts.append(drift_text(result.judgement.loaded()))
    if result.ensemble:
        parts.append("\n".join(ensemble_text(result.ensemble)))
    if result.repetition and not result.repetition.stable:
        parts.append("\n".join(("unstable over repetitions; what moves:", *result.repetition.paths)))
    return "\n".join(parts)
