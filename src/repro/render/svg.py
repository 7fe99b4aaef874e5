"""Pictures as inline SVG, drawn here: two series with their first divergence, and digits of agreement."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from repro.render.html_text import esc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from repro.drift.report import Digits
    from repro.flows.curves import Curve, Point

WIDTH: Final = 720
LEFT, RIGHT = 84, 16
TOP, SERIES, GAP, ERRORS, BOTTOM = 52, 190, 34, 96, 44
"""Heights in units of the picture: legend, series, between, differences, axis."""

BARS = 170
DECADES = 5
"""Labels of the axis of differences, at most."""

SHORTEST = 0.2
"""Decades that the smallest difference rises above the axis, so that it is seen."""

DOTTED = 100
"""Differences whose tips are drawn as dots; more would be a band."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A linear scale: values from `low` to `high` lie between the coordinates `start` and `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The coordinate of a value, to a tenth; halves, so that no finite span overflows."""
        span = self.high / 2 - self.low / 2
        part = (value / 2 - self.low / 2) / span if span else 0.5
        return round(self.start + part * (self.end - self.start), 1)


def ticks(low: float, high: float, most: int = 5) -> list[tuple[float, str]]:
    """Round values from `low` to `high`, about `most`, and how they are written; none without a span."""
    span = high / 2 - low / 2
    if not span > 0 or not math.isfinite(span):
        return []
    raw = span / most * 2
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 0.0
    step = next((power * part for part in (1, 2, 5, 10) if power * part >= raw), 0.0)
    if not step > 0 or not math.isfinite(step):
        return []
    digits = max(1, min(12, math.ceil(math.log10(max(abs(low), abs(high)) / step) + 1e-9) + 1))
    first = math.ceil(low / step)
    values = {(first + number) * step for number in range(most + 1)}
    return [(value, f"{value + 0.0:.{digits}g}") for value in sorted(values) if low <= value <= high]


def curve_svg(curve: Curve, *, key: str) -> str:
    """The two series over each other, their difference below, and a mark where they part."""
    x = Axis(low=0, high=max(curve.count - 1, 1), start=LEFT, end=WIDTH - RIGHT)
    height = TOP + SERIES + GAP + ERRORS + BOTTOM
    parts = [
        _series(curve, x),
        _distances(curve, x),
        _index_axis(x, TOP + SERIES + GAP + ERRORS),
        _legend(),
        _mark(curve, x),
    ]
    title = f"{curve.path}{curve.selection}: baseline and observed"
    return _picture(key, title, _told(curve), height, parts)


def _told(curve: Curve) -> str:
    """The picture in words."""
    largest = max(curve.distance, key=lambda point: point[1], default=None)
    words = [f"{curve.count} values of both sides as lines over their index, and the differences below."]
    if curve.first_over is not None:
        words.append(f"The first value over tolerance is [{curve.first_over}].")
    if curve.first_difference is not None:
        words.append(f"The first difference is at [{curve.first_difference}].")
    if largest is not None:
        words.append(f"The largest difference is {largest[1]:.3g} at [{largest[0]}].")
    return " ".join(words)


def _picture(key: str, title: str, told: str, height: int, parts: Iterable[str]) -> str:
    body = "\n".join(part for part in parts if part)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{key}-title {key}-desc">\n'
        f'<title id="{key}-title">{esc(title)}</title>\n<desc id="{key}-desc">{esc(told)}</desc>\n'
        f"{body}\n</svg>"
    )


def _series(curve: Curve, x: Axis) -> str:
    values = [point[1] for line in (curve.baseline, curve.observed) for point in line if point is not None]
    if not values:
        return _note("no finite value on either side", TOP + SERIES / 2)
    low, high = min(values), max(values)
    margin = (high / 2 - low / 2) * 0.1
    y = Axis(low=low - margin, high=high + margin, start=TOP + SERIES, end=TOP)
    if not math.isfinite(y.low) or not math.isfinite(y.high):
        y = Axis(low=low, high=high, start=TOP + SERIES, end=TOP)
    return "\n".join(
        [
            *(_grid(y.at(value), text) for value, text in ticks(y.low, y.high)),
            _frame(TOP, SERIES),
            f'<path class="line baseline" d="{_path(curve.baseline, x, y)}"/>',
            f'<path class="line observed" d="{_path(curve.observed, x, y)}"/>',
            _dots(curve, x, y),
        ]
    )


def _path(points: Sequence[Point | None], x: Axis, y: Axis) -> str:
    """SVG path data; a point between two breaks becomes a dot (a line of no length with round ends)."""
    words: list[str] = []
    pen = False
    for point in points:
        if point is None:
            pen = False
            continue
        words.append(f"{'L' if pen else 'M'}{x.at(point[0])} {y.at(point[1])}" + ("" if pen else "h0"))
        pen = True
    return "".join(words)


def _dots(curve: Curve, x: Axis, y: Axis) -> str:
    """Both values at the divergence."""
    first = _first(curve)
    if first is None or curve.marked is None:
        return ""
    return "".join(
        f'<circle class="dot {side}" cx="{x.at(first)}" cy="{y.at(value)}" r="4"/>'
        for side, value in zip(("baseline", "observed"), curve.marked, strict=True)
        if math.isfinite(value)
    )


def _first(curve: Curve) -> int | None:
    return curve.first_over if curve.first_over is not None else curve.first_difference


def _mark(curve: Curve, x: Axis) -> str:
    """The first divergence: a line through both panels, a triangle on top, and its index in words."""
    first = _first(curve)
    if first is None:
        return ""
    at, bottom = x.at(first), TOP + SERIES + GAP + ERRORS
    text = "first over tolerance" if curve.first_over is not None else "first difference"
    late = at > WIDTH * 0.6
    anchor, shift = ("end", -9) if late else ("start", 9)
    return (
        f'<g class="divergence" data-index="{first}">'
        f'<path class="mark" d="M{at} {TOP}V{bottom}"/>'
        f'<path class="triangle" d="M{at - 6} {TOP - 10}h12l-6 10z"/>'
        f'<text x="{at + shift}" y="{TOP - 6}" text-anchor="{anchor}">{text}: [{first}]</text></g>'
    )


def _distances(curve: Curve, x: Axis) -> str:
    """|observed - baseline| on a logarithmic axis, as stems; equal values have none."""
    top = TOP + SERIES + GAP
    if not curve.distance:
        return _note("no finite difference", top + ERRORS / 2)
    logs = [(at, math.log10(size)) for at, size in curve.distance]
    least, most = min(log for _, log in logs), max(log for _, log in logs)
    low, high = math.floor(least - SHORTEST), math.ceil(most)
    y = Axis(low=low, high=high, start=top + ERRORS, end=top)
    step = max(1, math.ceil((high - low) / DECADES))
    dots = "".join(f"M{x.at(at)} {y.at(log)}h0" for at, log in logs) if len(logs) <= DOTTED else ""
    stems = "".join(f"M{x.at(at)} {top + ERRORS}V{y.at(log)}" for at, log in logs)
    return "\n".join(
        [
            *(_grid(y.at(power), f"1e{power}") for power in range(high, low - 1, -step)),
            _frame(top, ERRORS),
            f'<path class="stems" d="{stems}"/><path class="tips" d="{dots}"/>',
            f'<text class="label" x="{LEFT}" y="{top - 8}">|observed - baseline|, logarithmic</text>',
        ]
    )


def _index_axis(x: Axis, bottom: int) -> str:
    middle = (LEFT + WIDTH - RIGHT) / 2
    marks = [value for value, _ in ticks(x.low, x.high, 8) if value == int(value)]
    return "".join(
        f'<path class="grid" d="M{x.at(value)} {bottom}v5"/>' + _tick(x.at(value), bottom + 18, int(value))
        for value in marks
    ) + (f'<text class="label" x="{middle}" y="{bottom + 36}" text-anchor="middle">index</text>')


def _tick(x: float, y: float, text: object) -> str:
    return f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{text}</text>'


def _legend() -> str:
    return (
        f'<path class="line baseline" d="M{LEFT} 14h30"/><text x="{LEFT + 38}" y="18">baseline</text>'
        f'<path class="line observed" d="M{LEFT + 120} 14h30"/><text x="{LEFT + 158}" y="18">observed</text>'
    )


def _grid(y: float, text: str) -> str:
    return (
        f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>'
        f'<text class="tick" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{text}</text>'
    )


def _frame(top: float, height: float) -> str:
    return f'<path class="frame" d="M{LEFT} {top}v{height}H{WIDTH - RIGHT}"/>'


def _note(text: str, y: float) -> str:
    return f'<text class="label" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{y}" text-anchor="middle">{text}</text>'


def histogram_svg(digits: Digits, name: str, *, key: str) -> str:
    """Values per number of decimal digits that agree; the heights are logarithmic: a single value shows."""
    most = math.log10(1 + max(digits.histogram, default=0)) or 1.0
    floor = TOP - 24 + BARS
    parts = [
        _bar(digit, count, (len(digits.histogram), floor, BARS * math.log10(1 + count) / most))
        for digit, count in enumerate(digits.histogram)
    ]
    parts.append(f'<path class="frame" d="M{LEFT} {floor}H{WIDTH - RIGHT}"/>')
    parts.append(_note("decimal digits that agree (17: equal); heights logarithmic", TOP + BARS + 16))
    held = ", ".join(f"{digit}: {count}" for digit, count in enumerate(digits.histogram) if count)
    told = f"Values per digits of agreement: {held}. Worst {digits.worst:.1f}, median {digits.median:.1f}."
    return _picture(key, f"{name}: digits of agreement", told, TOP + BARS + 28, parts)


def _bar(digit: int, count: int, size: tuple[int, float, float]) -> str:
    """One class: `size` is the number of classes, the floor's coordinate and the bar's height."""
    classes, floor, height = size
    step = (WIDTH - LEFT - RIGHT) / classes
    x = LEFT + digit * step
    top = floor - height
    label = _tick(x + step / 2, floor + 18, digit)
    if not count:
        return label
    text = f"{count}" if count < 10_000 else f"{count:.1e}"  # noqa: PLR2004 - what fits above a bar
    bar = f'<rect class="bar" x="{x + 3:.1f}" y="{top:.1f}" width="{step - 6:.1f}" height="{height:.1f}"/>'
    return bar + _tick(x + step / 2, top - 6, text) + label
