"""The fixture's body: values compared with the reference of a test, and what is said if they differ."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from repro.core.digest import of_bytes
from repro.core.errors import FormatError, ReproError, UsageError
from repro.core.verdict import Verdict
from repro.drift.match import compare_trees
from repro.drift.report import DriftReport
from repro.drift.resolve import Resolver
from repro.drift.rules import Rules, parse_rules
from repro.render.drift_text import drift_text
from repro.testing import reference
from repro.testing.plugin import ACCEPTED
from repro.testing.values import tree_of
from repro.tools import clock
from repro.tools.files import disk_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from repro.drift.tree import Tree

ALLOWED: Final = re.compile(r"[A-Za-z0-9_.=,+-]{1,120}")
"""Names that are names of files everywhere."""

OBTAINED: Final = "obtained"


class DriftWarning(UserWarning):
    """A rule that matched nothing, or has expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The references of one test: they lie in `folder` and are called `stem`.

    `accept`: take what is obtained; `properties`: where the test's report keeps what was accepted.
    """

    folder: Path
    stem: str
    root: Path
    nodeid: str
    accept: bool
    properties: list[tuple[str, object]]
    used: set[str] = field(default_factory=set)

    def check(
        self, values: object, *, rules: Rules | Sequence[Mapping[str, Any]] = (), name: str = ""
    ) -> DriftReport:
        """Compare `values` (nested dicts, lists, arrays, scalars) with the reference of this test.

        Without a reference it is written, and the test fails. Where they differ the test fails, and what was
        obtained lies beside the reference. `rules` as in `repro.toml`; `name` tells several checks of one
        test apart. Returns the report of what matches.
        """
        __tracebackhide__ = True
        try:
            with disk_errors("comparing with a reference"):
                return self._checked(values, _rules(rules), self._file(name))
        except ReproError as error:
            hint = f"\n-> {error.hint}" if error.hint else ""
            pytest.fail(f"drift: {error.message}{hint}", pytrace=False)

    def _checked(self, values: object, rules: Rules, file: Path) -> DriftReport:
        tree = tree_of(values)
        if not file.exists():
            return self._first(file, tree, rules)
        try:
            baseline = reference.read(file)
        except FormatError:
            if not self.accept:
                raise
            return self._first(file, tree, rules)
        report = _compared(file.name, baseline, tree, rules)
        if report.verdict is Verdict.MATCH:
            reference.remove(self._obtained(file))
            return report
        return self._changed(file, tree, report)

    def _first(self, file: Path, tree: Tree, rules: Rules) -> DriftReport:
        report = _compared(file.name, tree, tree, rules)
        if report.verdict is not Verdict.MATCH:
            raise UsageError(
                f"{self._shown(file)} would hold nothing to compare: {report.outputs[0].reason}",
                hint="hand over at least one value that no rule ignores",
            )
        reference.write(file, tree)
        if not self.accept:
            raise ReproError(
                f"no reference yet: wrote {self._shown(file)}",
                hint="look at it, commit it, and run the test again",
            )
        self._say(f"new: {self._shown(file)}")
        return report

    def _changed(self, file: Path, tree: Tree, report: DriftReport) -> DriftReport:
        obtained = self._obtained(file)
        if self.accept and report.verdict is not Verdict.NOT_MEASURED:
            reference.write(file, tree)
            reference.remove(obtained)
            self._say(f"changed: {self._shown(file)}\n{drift_text(report)}".rstrip())
            return report
        reference.write(obtained, tree)
        text = drift_text(report).rstrip()
        raise FormatError(
            f"{text}\nreference: {self._shown(file)}\nobtained:  {self._shown(obtained)}",
            hint=f"if the new values are right: pytest '{self.nodeid}' --drift-accept",
        )

    def _say(self, text: str) -> None:
        self.properties.append((ACCEPTED, text))

    def _file(self, name: str) -> Path:
        if name and (not ALLOWED.fullmatch(name) or name == OBTAINED or name.endswith(f".{OBTAINED}")):
            raise UsageError(
                f"not a name for a check: {name!r}", hint="use letters, digits, '.', '-' and '_'"
            )
        if name in self.used:
            which = f"the check {name!r}" if name else "a check without a name"
            raise UsageError(
                f"{which} was made before in this test", hint='tell them apart: drift.check(…, name="after")'
            )
        self.used.add(name)
        return self.folder / (f"{self.stem}.{name}.json" if name else f"{self.stem}.json")

    def _obtained(self, file: Path) -> Path:
        return file.with_name(f"{file.name.removesuffix('.json')}.{OBTAINED}.json")

    def _shown(self, file: Path) -> str:
        return file.relative_to(self.root).as_posix() if file.is_relative_to(self.root) else str(file)


def of_request(request: pytest.FixtureRequest) -> Drift:
    """The references of the test that asks: beside its file, in a folder of the file's name."""
    node = request.node
    names = [part.name for part in node.listchain() if isinstance(part, pytest.Class | pytest.Function)]
    return Drift(
        folder=request.path.with_suffix(".drift"),
        stem=stem_of(".".join(names) or node.name),
        root=request.config.rootpath,
        nodeid=node.nodeid,
        accept=bool(request.config.getoption("--drift-accept")),
        properties=node.user_properties,
    )


def stem_of(name: str) -> str:
    """A file name for a test: `test_loss[adam]` is `test_loss-adam`; what is no file name gets a digest."""
    simple = name.replace("[", "-", 1).removesuffix("]")
    if ALLOWED.fullmatch(simple) and not simple.startswith("."):
        return simple
    cut = re.sub(r"[^A-Za-z0-9_.=,+-]+", "-", simple)[:80].strip("-.")
    return f"{cut}-{of_bytes(name.encode(errors='surrogatepass')).hex[:8]}"


def _rules(rules: Rules | Sequence[Mapping[str, Any]]) -> Rules:
    if isinstance(rules, Rules):
        return rules
    return parse_rules([dict(rule) for rule in rules], where="drift.check: rules")


def _compared(name: str, baseline: Tree, tree: Tree, rules: Rules) -> DriftReport:
    resolver = Resolver(rules, clock.now().date())
    output = compare_trees(name, baseline, tree, resolver.for_output(name))
    for text in resolver.warnings(complete=True):
        warnings.warn(text, DriftWarning, stacklevel=4)
    return DriftReport(verdict=output.verdict, outputs=(output,))
