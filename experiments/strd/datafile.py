"""The files of the Statistical Reference Datasets (StRD): certified values above, data from line 61 on."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEADER_LINES = 60
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[Ee][-+]?\d+)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a model: the starts NIST proposes, its certified value and standard deviation."""

    starts: tuple[float, ...]
    value: float
    deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """A regression dataset: parameters, residual sum of squares, and rows of text, the response first."""

    parameters: tuple[Parameter, ...]
    rss: float
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Anova:
    """A one-way analysis of variance: certified statistics by name, and rows of treatment and response."""

    certified: dict[str, float]
    rows: tuple[tuple[str, ...], ...]


def read(folder: Path, name: str) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """Header and data rows, as text, of `name`.dat or `name`.dat.gz."""
    path = folder / f"{name}.dat"
    if path.exists():
        content = path.read_bytes()
    else:
        content = gzip.decompress(path.with_suffix(".dat.gz").read_bytes())
    lines = content.decode("ascii").splitlines()
    rows = tuple(tuple(line.split()) for line in lines[HEADER_LINES:] if line.strip())
    return "\n".join(lines[:HEADER_LINES]), rows


def nonlinear(folder: Path, name: str) -> Regression:
    """A dataset of nonlinear regression; a line `b1 = ...` holds two starts, value and deviation."""
    header, rows = read(folder, name)
    lines = re.findall(r"^ *b\d+ *=(.*)$", header, re.MULTILINE)
    parameters = tuple(
        Parameter(starts=(first, second), value=value, deviation=deviation)
        for first, second, value, deviation in (map(float, line.split()) for line in lines)
    )
    return Regression(parameters=parameters, rss=_labelled(header, "Residual Sum of Squares:"), rows=rows)


def linear(folder: Path, name: str) -> Regression:
    """A dataset of linear regression, which needs no start."""
    header, rows = read(folder, name)
    parameters = tuple(
        Parameter(starts=(), value=float(value), deviation=float(deviation))
        for value, deviation in re.findall(rf"^ +B\d+ +({NUMBER}) +({NUMBER})", header, re.MULTILINE)
    )
    return Regression(parameters=parameters, rss=_labelled(header, r"\nResidual +\d+"), rows=rows)


def anova(folder: Path, name: str) -> Anova:
    """A dataset of one-way analysis of variance."""
    header, rows = read(folder, name)
    certified = {
        "between_ss": _labelled(header, r"\nBetween \w+ +\d+"),
        "within_ss": _labelled(header, r"\nWithin \w+ +\d+"),
        "f": float(re.findall(rf"\nBetween .* ({NUMBER}) *\n", header)[0]),
        "r_squared": _labelled(header, "Certified R-Squared"),
        "residual_deviation": _labelled(header, "Standard Deviation"),
    }
    return Anova(certified=certified, rows=rows)


def _labelled(header: str, label: str) -> float:
    """The first number after `label`, a regular expression."""
    return float(re.findall(rf"{label} +({NUMBER})", header)[0])
