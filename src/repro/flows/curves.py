"""Series of two result files read again for drawing: thinned, with the place of the first divergence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.core.errors import ReproError
from repro.drift.pattern import parse_path, path_text
from repro.drift.readers.choose import folder_of, read
from repro.drift.sides import content
from repro.drift.tree import Array

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from repro.drift.pattern import TreePath
    from repro.drift.report import OutputReport, PathReport
    from repro.drift.tree import Tree

    Sides = tuple[Tree, Tree]

BUCKETS: Final = 240
"""Parts of a series that are drawn; of each its smallest and its largest value."""

LEAST: Final = 5
"""Values that make a series."""

Point = tuple[int, float]
"""Index and value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One series of both sides, ready to be drawn.

    `selection` says which line of an array of several axes it is (`[:, 3]`). `baseline` and `observed` hold
    points in order, None where the line breaks at NaN or infinity; `distance` the largest |x - r| of each
    part, zeros left out. `first_difference` and `first_over` are indices, `marked` the two values there.
    """

    output: str
    path: str
    selection: str
    count: int
    baseline: tuple[Point | None, ...]
    observed: tuple[Point | None, ...]
    distance: tuple[Point, ...]
    first_difference: int | None
    first_over: int | None
    marked: tuple[float, float] | None


def curves(output: OutputReport, baseline: Path, observed: Path, *, limit: int) -> tuple[Curve, ...]:
    """The series among the findings of one output, worst first, at most `limit`.

    What cannot be read again or is no series is left out: the report itself says what is wrong with it.
    """
    if limit < 1 or not any(finding.count for finding in output.findings):
        return ()
    try:
        sides = (_tree(baseline, output.name), _tree(observed, output.name))
    except (ReproError, OSError, KeyError):
        return ()
    found: dict[str, Curve] = {}
    for finding in output.findings:
        curve = _curve(finding, output.findings, sides)
        if curve is not None:
            found.setdefault(curve.path + curve.selection, curve)
        if len(found) == limit:
            break
    return tuple(found.values())


def _tree(path: Path, name: str) -> Tree:
    """The tree of a file; of an archive that of the member that an output is named after (`a.zip/r.json`)."""
    data = content(path, path.name)
    members = folder_of(data, name=path.name)
    if members is None:
        return read(data, name=path.name)
    member = name.partition(f"{path.name}/")[2]
    return read(members[member], name=member)


def _curve(finding: PathReport, findings: Sequence[PathReport], sides: Sides) -> Curve | None:
    path = parse_path(finding.path)
    r, x = (side.get(path) for side in sides)
    if isinstance(r, Array) and isinstance(x, Array):
        return _of_array(finding, r.values, x.values)
    return _of_scalars(finding, findings, path, sides)


def _of_array(finding: PathReport, r: NDArray[Any], x: NDArray[Any]) -> Curve | None:
    drawable = r.shape == x.shape and r.ndim > 0 and {r.dtype.kind, x.dtype.kind} <= set("biuf")
    if not drawable or r.shape[0] < LEAST:
        return None
    rest = _column(finding, r.ndim)
    line: tuple[Any, ...] = (slice(None), *rest)
    return _made(
        finding,
        (finding.path, f"[:, {', '.join(map(str, rest))}]" if rest else ""),
        (r[line], x[line]),
        (finding.first_difference, finding.first_over),
    )


def _column(finding: PathReport, axes: int) -> tuple[int, ...]:
    """Which line along the first axis to draw: the one with the largest error."""
    for sort in ("pattern", "absolute", "relative", "value"):
        worst = finding.worst.get(sort)
        if worst is not None and len(worst.index) == axes:
            return worst.index[1:]
    return (0,) * (axes - 1)


def _of_scalars(
    finding: PathReport, findings: Sequence[PathReport], path: TreePath, sides: Sides
) -> Curve | None:
    """The series that single numbers make whose paths differ in one index: `trials[*].regret`."""
    at = next((axis for axis in range(len(path) - 1, -1, -1) if isinstance(path[axis], int)), None)
    if at is None:
        return None
    paths = list(_numbered(path, at, sides))
    if len(paths) < LEAST:
        return None
    r, x = (np.array([float(side[place]) for place in paths]) for side in sides)  # type: ignore[arg-type]
    wrong = {other.path for other in findings}
    over = next((number for number, place in enumerate(paths) if path_text(place) in wrong), None)
    before, after = path_text(path[:at]) if at else "", path[at + 1 :]
    title = f"{before}[*]{path_text(('x', *after))[1:] if after else ''}"
    differ = np.flatnonzero(~((r == x) | (np.isnan(r) & np.isnan(x))))
    return _made(finding, (title, ""), (r, x), (int(differ[0]) if differ.size else None, over))


def _numbered(path: TreePath, at: int, sides: Sides) -> Iterator[TreePath]:
    """The paths with 0, 1, 2, … at one place, as long as both sides have a number there."""
    number = 0
    while all(type(side.get((*path[:at], number, *path[at + 1 :]))) in {int, float} for side in sides):
        yield (*path[:at], number, *path[at + 1 :])
        number += 1


def _made(
    finding: PathReport,
    title: tuple[str, str],
    values: tuple[NDArray[Any], NDArray[Any]],
    firsts: tuple[int | None, int | None],
) -> Curve:
    r, x = (side.astype(np.float64) for side in values)
    first = firsts[1] if firsts[1] is not None else firsts[0]
    return Curve(
        output=finding.output,
        path=title[0],
        selection=title[1],
        count=int(r.size),
        baseline=thinned(r),
        observed=thinned(x),
        distance=_distance(r, x),
        first_difference=firsts[0],
        first_over=firsts[1],
        marked=None if first is None else (float(r[first]), float(x[first])),
    )


def thinned(values: NDArray[np.float64]) -> tuple[Point | None, ...]:
    """The smallest and the largest value of each part of (n,) values, in order; None for a break."""
    points: list[Point | None] = []
    for start, stop in _parts(values.size):
        finite = np.flatnonzero(np.isfinite(values[start:stop])) + start
        if not finite.size:
            if points and points[-1] is not None:
                points.append(None)
            continue
        ends = {int(finite[np.argmin(values[finite])]), int(finite[np.argmax(values[finite])])}
        points += [(at, float(values[at])) for at in sorted(ends)]
    return tuple(points)


def _distance(r: NDArray[np.float64], x: NDArray[np.float64]) -> tuple[Point, ...]:
    with np.errstate(all="ignore"):
        distance = np.abs(x - r)
    distance = np.where(np.isfinite(distance), distance, 0.0)
    largest = [start + int(np.argmax(distance[start:stop])) for start, stop in _parts(r.size)]
    return tuple((at, float(distance[at])) for at in largest if distance[at] > 0)


def _parts(count: int) -> Iterator[tuple[int, int]]:
    """At most `BUCKETS` parts, or each value alone where there are few."""
    parts = count if count <= 2 * BUCKETS else BUCKETS
    for number in range(parts):
        yield number * count // parts, (number + 1) * count // parts
