"""Files and folders compared, each by the reader of its format: only here does this room open files."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NoReturn

from repro.core.errors import FormatError, MissingBaseline, UsageError
from repro.core.strictjson import MAX_BYTES
from repro.core.verdict import Verdict, worst
from repro.drift.match import compare_trees
from repro.drift.readers.choose import read
from repro.drift.report import DriftReport, OutputReport
from repro.drift.resolve import Resolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from repro.drift.rules import Rules


def compare(baseline: Path, observed: Path, rules: Rules, *, today: date) -> DriftReport:
    """Compare two files, or two folders file by file, under `rules` as they apply on `today`.

    Raises MissingBaseline if there is no baseline, FormatError if it cannot be read as what it must be. An
    observed file which is missing, extra or unreadable is a `structure` verdict about that output.
    """
    if not baseline.exists():
        raise MissingBaseline(f"{baseline}: does not exist", hint="name the file or folder to compare with")
    resolver = Resolver(rules, today)
    if not baseline.is_dir() and not observed.is_dir():
        return _report([_compare_file(baseline.name, baseline, observed, resolver)], resolver)
    if not baseline.is_dir() or not observed.is_dir():
        reason = _sides(baseline, observed)
        return _report(
            [OutputReport(name=_printable(baseline.name), verdict=Verdict.STRUCTURE, reason=reason)], resolver
        )
    return _report(_compare_folders(baseline, observed, "", resolver), resolver)


def compare_outputs(
    baseline_dir: Path, observed_dir: Path, names: Sequence[str], rules: Rules, *, today: date
) -> DriftReport:
    """Compare the named outputs, files or folders, of two folders; what else they hold is not looked at.

    Raises as `compare` does, and UsageError for a name that leaves the folder.
    """
    resolver = Resolver(rules, today)
    outputs: list[OutputReport] = []
    for name in names:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or not parts.parts:
            raise UsageError(f"output {name!r} is not inside the folder", hint="name outputs relative to it")
        outputs += _compare_named(baseline_dir, observed_dir, str(parts), resolver)
    return _report(outputs, resolver)


def _compare_named(
    baseline_dir: Path, observed_dir: Path, name: str, resolver: Resolver
) -> list[OutputReport]:
    baseline, observed = baseline_dir / name, observed_dir / name
    _require_inside(baseline_dir, baseline, str(baseline))
    try:
        _require_inside(observed_dir, observed, name)
    except FormatError as error:
        return [OutputReport(name=_printable(name), verdict=Verdict.STRUCTURE, reason=error.message)]
    if baseline.is_dir() and observed.is_dir():
        return _compare_folders(baseline, observed, f"{name}/", resolver)
    if baseline.is_dir() or observed.is_dir():
        reason = _sides(baseline, observed)
        return [OutputReport(name=_printable(name), verdict=Verdict.STRUCTURE, reason=reason)]
    return [_compare_file(name, baseline, observed, resolver)]


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


def _compare_folders(baseline: Path, observed: Path, prefix: str, resolver: Resolver) -> list[OutputReport]:
    expected = _files(baseline, f"{baseline}/")
    try:
        found = _files(observed, prefix)
    except FormatError as error:
        return [OutputReport(name=_printable(prefix or "."), verdict=Verdict.STRUCTURE, reason=error.message)]
    return [
        _compare_file(prefix + name, baseline / name, observed / name, resolver)
        for name in sorted(expected | found)
    ]


def _files(root: Path, shown: str) -> set[str]:
    """Names of all files below `root`; FormatError for a link that leaves it or leads to a folder.

    `shown` stands before a name in errors: an observation is named in reports, which do not depend on where
    it lies.
    """
    names: set[str] = set()
    for folder, folders, files in os.walk(root, onerror=_unreadable):
        here = Path(folder)
        for name in folders:
            if (here / name).is_symlink():
                at = shown + (here / name).relative_to(root).as_posix()
                raise FormatError(f"{at}: a link to a folder is not followed", hint="copy the folder")
        for name in files:
            at = (here / name).relative_to(root).as_posix()
            _require_inside(root, here / name, shown + at)
            names.add(at)
    return names


def _unreadable(error: OSError) -> NoReturn:
    raise FormatError(f"{error.filename}: cannot be listed: {error.strerror}") from error


def _require_inside(root: Path, path: Path, shown: str) -> None:
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError) as error:
        raise FormatError(f"{shown}: a link that leads in a circle") from error
    if not inside:
        raise FormatError(f"{shown}: a link that leaves its folder", hint="copy the file it points to")


def _sides(baseline: Path, observed: Path) -> str:
    return f"{_sort(baseline)} in the baseline, {_sort(observed)} observed"


def _sort(path: Path) -> str:
    if not os.path.lexists(path):
        return "missing"
    return "a folder" if path.is_dir() else "a file"


def _compare_file(name: str, baseline: Path, observed: Path, resolver: Resolver) -> OutputReport:
    name = _printable(name)
    rules = resolver.for_output(name)
    if not baseline.exists() or not observed.exists():
        # a file that rules ignore as a whole may be missing
        if rules.whole(()).rule.ignore:
            return OutputReport(
                name=name, verdict=Verdict.NOT_MEASURED, reason="ignored by a rule", ignored=1
            )
        return OutputReport(name=name, verdict=Verdict.STRUCTURE, reason=_sides(baseline, observed))
    data = _bytes(baseline, str(baseline))
    expected = read(data, name=str(baseline), printed=rules.printed)
    seen = name if PurePosixPath(name).name == observed.name else observed.name
    try:
        other = _bytes(observed, seen)
        # the same bytes under the same suffix are the same tree
        same = data == other and baseline.suffix == observed.suffix
        found = expected if same else read(other, name=seen, printed=rules.printed)
    except FormatError as error:
        return OutputReport(name=name, verdict=Verdict.STRUCTURE, reason=error.message)
    return compare_trees(name, expected, found, rules)


def _bytes(path: Path, shown: str) -> bytes:
    """The content of a regular file of bounded size; anything else is a FormatError that calls it `shown`."""
    try:
        # not blocking: opening a pipe would wait for its writer
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FormatError(f"{shown}: not a regular file")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FormatError(f"{shown}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise FormatError(f"{shown}: more than the {MAX_BYTES} bytes that are read")
    return data


def _printable(name: str) -> str:
    """A file name as text: bytes of it that are not UTF-8 are escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
