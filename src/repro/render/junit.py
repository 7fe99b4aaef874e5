"""A replay as JUnit XML, as test reporters of CI systems read it: a suite per experiment, a case per run."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.render.drift_text import drift_text
from repro.render.words import printable

if TYPE_CHECKING:
    from repro.flows.attempt import Result
    from repro.flows.replay import Replayed


def junit(replayed: Replayed) -> str:
    """The document. A drift is a failure; what could not be measured is an error, never a pass."""
    root = ET.Element("testsuites", name="repro replay")
    for name, group in itertools.groupby(replayed.results, key=lambda result: result.experiment):
        results = list(group)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=name,
            tests=str(len(results)),
            failures=str(sum(result.exit is Exit.WRONG for result in results)),
            errors=str(sum(result.exit not in {Exit.WRONG, Exit.GOOD} for result in results)),
        )
        for result in results:
            _case(suite, result)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, result: Result) -> None:
    wall = sum(stage["wall_seconds"] for stage in result.stages if stage["name"] == "run")
    case = ET.SubElement(suite, "testcase", classname=result.experiment, name=result.run, time=f"{wall:.3f}")
    if result.exit is Exit.GOOD:
        return
    kind = "failure" if result.exit is Exit.WRONG else "error"
    message = result.error.message if result.error else str(result.verdict)
    problem = ET.SubElement(case, kind, message=printable(message), type=str(result.verdict))
    if result.judgement and result.verdict is not Verdict.MATCH:
        problem.text = printable(drift_text(result.judgement.loaded()))
    elif result.error:
        problem.text = printable(result.error.hint)
    elif result.repetition:
        problem.text = printable("\n".join((result.repetition.outcome, *result.repetition.paths)))
