"""Files, folders and archives compared, each file by the reader of its format."""

from __future__ import annotations

import gc
import math
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from repro.core.errors import ExtraMissing, FormatError, MissingBaseline, UsageError
from repro.core.verdict import Verdict, worst
from repro.drift.match import compare_trees
from repro.drift.plain import compared
from repro.drift.readers.choose import folder_of, opened
from repro.drift.report import DriftReport, OutputReport, Stage
from repro.drift.resolve import Resolver
from repro.drift.sides import Folder, Members, content, printable, require_inside, same_bytes, sort_of
from repro.drift.tree import tree_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from repro.drift.readers.form import Data
    from repro.drift.rules import Rules
    from repro.drift.sides import Side
    from repro.drift.tree import Plain, Tree


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold the collector of cycles back: trees have none, and it would walk their millions of leaves."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_uncollected()
def compare(baseline: Path, observed: Path, rules: Rules, *, today: date) -> DriftReport:
    """Compare two files, or two folders or archives file by file, under `rules` as they apply on `today`.

    Raises MissingBaseline if there is no baseline, FormatError if it cannot be read as what it must be,
    ExtraMissing if a library is needed that is not installed. An observed file which is missing, extra or
    unreadable is a `structure` verdict about that output.
    """
    if not baseline.exists():
        raise MissingBaseline(f"{baseline}: does not exist", hint="name the file or folder to compare with")
    resolver = Resolver(rules, today)
    return _report(_compare_paths("", baseline.name, baseline, observed, resolver), resolver)


@_uncollected()
def compare_outputs(
    baseline_dir: Path, observed_dir: Path, names: Sequence[str], rules: Rules, *, today: date
) -> DriftReport:
    """Compare the named outputs, files or folders, of two folders; what else they hold is not looked at.

    The names are taken to stand in the order in which the outputs come about: the report's stages. Raises as
    `compare` does, and UsageError for a name that leaves the folder.
    """
    resolver = Resolver(rules, today)
    outputs: list[OutputReport] = []
    for name in names:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or not parts.parts:
            raise UsageError(f"output {name!r} is not inside the folder", hint="name outputs relative to it")
        outputs += _compare_named(baseline_dir, observed_dir, str(parts), resolver)
    report = _report(outputs, resolver)
    return replace(report, stages=_stages(report.outputs)) if len(report.outputs) > 1 else report


def _stages(outputs: tuple[OutputReport, ...]) -> tuple[Stage, ...]:
    """The deviation of each output and how many times it is that of the first one that deviates."""
    stages: list[Stage] = []
    origin = 0.0
    for output in outputs:
        gain = output.deviation / origin if origin and math.isfinite(origin) else None
        stages.append(Stage(output=output.name, deviation=output.deviation, gain=gain))
        origin = origin or output.deviation
    return tuple(stages)


def _compare_named(
    baseline_dir: Path, observed_dir: Path, name: str, resolver: Resolver
) -> list[OutputReport]:
    baseline, observed = baseline_dir / name, observed_dir / name
    require_inside(baseline_dir, baseline, str(baseline))
    try:
        require_inside(observed_dir, observed, name)
    except FormatError as error:
        return [_structure(name, error.message)]
    return _compare_paths(f"{name}/", name, baseline, observed, resolver)


def _report(outputs: Iterable[OutputReport], resolver: Resolver) -> DriftReport:
    """The whole: an output that rules ignore entirely does not keep the others from matching."""
    found = tuple(outputs)
    counted = [output for output in found if output.verdict is not Verdict.NOT_MEASURED or not output.ignored]
    # what could not be opened may be what a rule is for
    complete = all(output.paths or output.verdict is not Verdict.STRUCTURE for output in found)
    return DriftReport(
        verdict=worst(output.verdict for output in counted),
        outputs=found,
        warnings=resolver.warnings(complete=complete),
    )


def _compare_paths(
    prefix: str, name: str, baseline: Path, observed: Path, resolver: Resolver
) -> list[OutputReport]:
    """Two files, folders or archives; the files of folders are called `prefix` and their name."""
    if not baseline.is_dir() and not observed.is_dir():
        return _compare_files(name, baseline, observed, resolver)
    expected = _side(baseline, f"{baseline}/")
    try:
        found = _side(observed, prefix)
    except FormatError as error:
        return [_structure(prefix or ".", error.message)]
    if expected is None or found is None:
        return [_structure(name, f"{sort_of(baseline)} in the baseline, {sort_of(observed)} observed")]
    return _compare_sides(prefix, expected, found, f"{baseline}/", resolver)


def _side(path: Path, shown: str) -> Side | None:
    """The files of a folder or an archive, None for any other file."""
    if path.is_dir():
        return Folder(path, shown)
    if not path.exists():
        return None
    found = folder_of(content(path, shown.rstrip("/")), name=shown.rstrip("/"))
    return None if found is None else Members(found)


def _compare_sides(
    prefix: str, expected: Side, found: Side, shown: str, resolver: Resolver
) -> list[OutputReport]:
    outputs: list[OutputReport] = []
    for name in sorted(expected.names | found.names):
        whole = printable(prefix + name)
        if name not in expected.names or name not in found.names:
            outputs.append(_one_sided(whole, "a file", missing=name not in found.names, resolver=resolver))
            continue
        outputs += _guarded(
            whole,
            _Named(load=partial(expected.data, name, shown + name), name=shown + name),
            _Named(load=partial(found.data, name, whole), name=whole),
            resolver,
        )
    return outputs


def _compare_files(name: str, baseline: Path, observed: Path, resolver: Resolver) -> list[OutputReport]:
    name = printable(name)
    if not baseline.exists() or not observed.exists():
        there = sort_of(baseline if baseline.exists() else observed)
        if not baseline.exists() and not observed.exists():
            there = "missing"
        return [_one_sided(name, there, missing=baseline.exists(), resolver=resolver)]
    seen = name if PurePosixPath(name).name == observed.name else observed.name
    return _guarded(
        name,
        _Named(load=partial(content, baseline, str(baseline)), name=str(baseline)),
        _Named(load=partial(content, observed, seen), name=seen),
        resolver,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A file of one side: how its content is got, and what errors call it."""

    load: Callable[[], Data]
    name: str


def _guarded(name: str, baseline: _Named, observed: _Named, resolver: Resolver) -> list[OutputReport]:
    """Compare two files; what rules ignore as a whole need not be readable."""
    try:
        return _compare_contents(name, baseline, observed, resolver)
    except (FormatError, ExtraMissing):
        if resolver.for_output(name).whole(()).rule.ignore:
            return [_ignored(name)]
        raise


def _compare_contents(
    name: str, baseline: _Named, observed: _Named, resolver: Resolver
) -> list[OutputReport]:
    rules = resolver.for_output(name)
    data = baseline.load()
    folder = folder_of(data, name=baseline.name)
    if folder is not None:
        return _compare_archives(name, folder, baseline, observed, resolver)
    expected = opened(data, name=baseline.name, printed=rules.printed)
    try:
        other = observed.load()
        # the same bytes under the same suffix are the same tree
        suffixes = {PurePosixPath(side.name).suffix for side in (baseline, observed)}
        same = len(suffixes) == 1 and same_bytes(data, other)
        found = expected if same else opened(other, name=observed.name, printed=rules.printed)
    except FormatError as error:
        return [_structure(name, error.message)]
    report = compared(name, expected, found, rules)
    return [report or compare_trees(name, *_trees(expected, found), rules)]


def _trees(expected: Tree | Plain, found: Tree | Plain) -> tuple[Tree, Tree]:
    """Both as trees; what has been found to be the same stays one object."""
    tree = tree_of(expected)
    return tree, tree if found is expected else tree_of(found)


def _compare_archives(
    name: str, expected: dict[str, bytes], baseline: _Named, observed: _Named, resolver: Resolver
) -> list[OutputReport]:
    try:
        found = folder_of(observed.load(), name=observed.name)
    except FormatError as error:
        return [_structure(name, error.message)]
    if found is None:
        return [_structure(name, "an archive in the baseline, a file observed")]
    return _compare_sides(f"{name}/", Members(expected), Members(found), f"{baseline.name}/", resolver)


def _one_sided(name: str, there: str, *, missing: bool, resolver: Resolver) -> OutputReport:
    # a file that rules ignore as a whole may be missing
    if resolver.for_output(name).whole(()).rule.ignore:
        return _ignored(name)
    sides = (there, "missing") if missing else ("missing", there)
    return _structure(name, f"{sides[0]} in the baseline, {sides[1]} observed")


def _structure(name: str, reason: str) -> OutputReport:
    return OutputReport(name=printable(name), verdict=Verdict.STRUCTURE, reason=reason)


def _ignored(name: str) -> OutputReport:
    return OutputReport(name=name, verdict=Verdict.NOT_MEASURED, reason="ignored by a rule", ignored=1)
