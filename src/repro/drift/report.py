"""What a comparison found: values only, JSON-able, free of numpy."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields
from typing import Any, Final

from repro.core.errors import FormatError
from repro.core.verdict import Verdict
from repro.drift.ensemble_report import EnsemblePath, EnsembleReport, Means

VERSION: Final = 1
"""Of the JSON form; raised when a reader of the old form would misunderstand the new one."""

LISTED: Final = 100
"""Drifted paths that are listed per output; the rest is counted."""

DIGITS: Final = 18
"""Classes of the histogram: 0 to 17 decimal digits of agreement, 17 for values that are stored alike."""

MAX_TEXT: Final = 200
"""Characters of a string value that a report repeats."""

Value = bool | int | float | str | None
"""A value of the data: a string is written as JSON (with its quotes), a complex number as `1.0+2.0j`."""

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The largest error of one sort: its size, where in the leaf, and both values.

    `place` says it for people where the index alone does not (`line 12`).
    """

    error: float | int
    index: tuple[int, ...] = ()
    baseline: Value = None
    observed: Value = None
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digits:
    """Decimal digits of agreement, -log10 of the relative error: per class 0 to 17 a count, worst, median.

    `low`: the 1st percentile. Of more values than fit one block, median and percentile are to 1/64 digit.
    """

    histogram: tuple[int, ...]
    worst: float
    median: float
    low: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How the distance of two series grows along their first axis, relative to the scale.

    `kind`: `exponential` (amplified rounding or chaos), `power` (it accumulates), `step` (large at once: a
    change) or `steady` (rounding that does not grow). `rate`: per unit of the coordinate `along` (of the
    index if empty), or for `power` the exponent. `start`: where they part, `end`: the largest. `fit`: the
    share of the variance that the law explains.
    """

    kind: str
    start: float
    end: float
    rate: float
    fit: float
    along: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The deviation of one output: its largest error relative to the scale, admitted errors included.

    `gain`: how many times that of the first output before it that deviates; None where there is none.
    """

    output: str
    deviation: float
    gain: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PathReport:
    """One leaf, or the part of it that one rule decides, which does not match.

    `count` values, `differing` of them unequal, `over` not admitted, `pattern` of these because of NaN or
    infinity. `worst` by sort: absolute, relative (to |r|), scaled (to the scale), ulp, pattern, value.
    `bias`: (larger - smaller)/differing, from -1 to 1. `first_difference`, `first_over`: on the first axis;
    `first_place`: the first of the two that is not None, on the coordinate (`t = 3.5`).
    `admitted`, `alone`: values per term that let them pass, and that would not have passed without it.
    `rule` decided; `advice` names a rule that would admit everything, if all differences are tiny.
    """

    path: str
    output: str
    verdict: Verdict
    reason: str = ""
    kind: str = ""
    count: int = 0
    differing: int = 0
    over: int = 0
    pattern: int = 0
    worst: dict[str, Worst] = field(default_factory=dict)
    digits: Digits | None = None
    bias: float | None = None
    first_difference: int | None = None
    first_over: int | None = None
    first_place: str = ""
    growth: Growth | None = None
    admitted: dict[str, int] = field(default_factory=dict)
    alone: dict[str, int] = field(default_factory=dict)
    rule: str = "default"
    advice: str = ""

    @property
    def ppm(self) -> float:
        """Values not admitted, in parts per million."""
        return 1e6 * self.over / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputReport:
    """One output file: `paths` leaves and `values` values compared, `ignored` leaves left out by rules.

    `deviation`: the largest error relative to the scale of its leaf, errors within the tolerance included.

    `findings` are the paths that do not match, worst first, at most `LISTED`; `left_out` more are counted.
    """

    name: str
    verdict: Verdict
    reason: str = ""
    paths: int = 0
    values: int = 0
    over: int = 0
    ignored: int = 0
    deviation: float = 0.0
    admitted: dict[str, int] = field(default_factory=dict)
    alone: dict[str, int] = field(default_factory=dict)
    findings: tuple[PathReport, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """A whole comparison; `stages`: the outputs in the order in which they come about, if that is known.

    `ensembles`: runs under other seeds, which are compared by their means.
    """

    verdict: Verdict
    outputs: tuple[OutputReport, ...] = ()
    stages: tuple[Stage, ...] = ()
    warnings: tuple[str, ...] = ()
    ensembles: tuple[EnsembleReport, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Sums over the outputs; `drifted`: paths that do not match."""
        return {
            "outputs": len(self.outputs),
            "paths": sum(output.paths for output in self.outputs),
            "values": sum(output.values for output in self.outputs),
            "over": sum(output.over for output in self.outputs),
            "ignored": sum(output.ignored for output in self.outputs),
            "drifted": sum(len(output.findings) + output.left_out for output in self.outputs),
        }

    def to_dict(self) -> dict[str, Any]:
        """The report as canonical JSON takes it."""
        return {"version": VERSION, "counts": self.counts, **_encoded(self)}

    @classmethod
    def from_dict(cls, table: Any) -> DriftReport:  # noqa: ANN401 - any JSON
        """The inverse of `to_dict`; FormatError for what is no report of this version."""
        if not isinstance(table, dict) or table.get("version") != VERSION:
            raise FormatError(f"not a drift report of version {VERSION}")
        try:
            return cls(
                verdict=Verdict(table["verdict"]),
                outputs=tuple(_output(item) for item in table["outputs"]),
                stages=tuple(_stage(item) for item in table.get("stages", ())),
                warnings=tuple(table["warnings"]),
                ensembles=tuple(_ensemble(item) for item in table.get("ensembles", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError(f"not a drift report: {type(error).__name__}: {error}") from error


NOUNS = (
    PathReport,
    OutputReport,
    DriftReport,
    Worst,
    Digits,
    Growth,
    Stage,
    EnsembleReport,
    EnsemblePath,
    Means,
)


def ensemble_dict(report: EnsembleReport) -> dict[str, Any]:
    """The report of one ensemble as canonical JSON takes it."""
    table: dict[str, Any] = _encoded(report)
    return table


def shown(value: object) -> Value:
    """A value of the data in the form that a report holds."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, complex):
        return f"{value.real!r}{'+' if math.copysign(1, value.imag) > 0 else '-'}{abs(value.imag)!r}j"
    text = value if isinstance(value, str) else str(value)
    return _quoted(text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…")


def _quoted(text: str) -> str:
    """Text as JSON writes it; what does not print, or prints like other text, in escapes."""
    if text.isascii():
        return json.dumps(text)
    import unicodedata

    return json.dumps(text, ensure_ascii=not (text.isprintable() and unicodedata.is_normalized("NFC", text)))


def _encoded(value: object) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, Verdict):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _encoded(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_encoded(item) for item in value]
    if isinstance(value, NOUNS):
        table = {item.name: _encoded(getattr(value, item.name)) for item in fields(value)}
        return {**table, "ppm": value.ppm} if isinstance(value, PathReport) else table
    return value


def _number(value: Any) -> Any:  # noqa: ANN401 - any JSON
    return NON_FINITE.get(value, value) if isinstance(value, str) else value


def _output(table: dict[str, Any]) -> OutputReport:
    known = {**table, "verdict": Verdict(table["verdict"])}
    known["deviation"] = _number(table.get("deviation", 0.0))
    return OutputReport(**{**known, "findings": tuple(_path(item) for item in table["findings"])})


def _ensemble(table: dict[str, Any]) -> EnsembleReport:
    lists = {name: tuple(table[name]) for name in ("baseline", "observed", "untested", "warnings")}
    paths = tuple(_ensemble_path(item) for item in table["paths"])
    return EnsembleReport(**{**table, **lists, "verdict": Verdict(table["verdict"]), "paths": paths})


def _ensemble_path(table: dict[str, Any]) -> EnsemblePath:
    weakest = table["weakest"]
    if weakest is not None:
        numbers = {key: _number(value) for key, value in weakest.items()}
        weakest = Means(**{**numbers, "index": tuple(weakest["index"])})
    return EnsemblePath(**{**table, "verdict": Verdict(table["verdict"]), "weakest": weakest})


def _stage(table: dict[str, Any]) -> Stage:
    return Stage(**{key: value if key == "output" else _number(value) for key, value in table.items()})


def _path(table: dict[str, Any]) -> PathReport:
    known = {key: _number(value) if key == "bias" else value for key, value in table.items() if key != "ppm"}
    known["verdict"] = Verdict(table["verdict"])
    known["worst"] = {sort: _worst(item) for sort, item in table["worst"].items()}
    known["digits"] = _digits(table["digits"])
    growth = table.get("growth")
    known["growth"] = None if growth is None else Growth(**{**growth, **_numbers(growth)})
    return PathReport(**known)


def _numbers(growth: dict[str, Any]) -> dict[str, Any]:
    return {key: _number(growth[key]) for key in ("start", "end", "rate", "fit")}


def _worst(table: dict[str, Any]) -> Worst:
    numbers = {key: _number(table[key]) for key in ("error", "baseline", "observed")}
    return Worst(**{**table, **numbers, "index": tuple(table["index"])})


def _digits(table: dict[str, Any] | None) -> Digits | None:
    if table is None:
        return None
    return Digits(
        histogram=tuple(table["histogram"]),
        worst=_number(table["worst"]),
        median=_number(table["median"]),
        low=_number(table.get("low")),
    )
