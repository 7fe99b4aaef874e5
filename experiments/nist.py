"""Our fits of the NIST Statistical Reference Datasets against the certified values, as digits of agreement.

Writes {nonlinear, linear, anova: {dataset: estimates, certified values and log relative errors (LRE)}}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import reporting
from strd import anova, datafile, fit
from strd.agreement import LINEAR_DIGITS, NONLINEAR_DIGITS, log_relative_error
from strd.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LINEAR = ("Norris",)
ANOVA = ("AtmWtAg", "SiRstv", *(f"SmLs{number:02d}" for number in range(1, 10)))
LOGARITHMIC = {"Nelson"}
"""Datasets whose model is for the logarithm of the response."""


def lre(values: Sequence[float], certified: Sequence[float], digits: float) -> list[float]:
    """Digits of agreement, one by one."""
    return [log_relative_error(v, c, digits=digits) for v, c in zip(values, certified, strict=True)]


def agreement(found: fit.Fit, data: datafile.Regression, digits: float) -> dict[str, Any]:
    """What a fit found, and how many digits of it agree."""
    return {
        "estimates": found.estimates,
        "deviations": found.deviations,
        "rss": found.rss,
        "lre": {
            "estimates": lre(found.estimates, [p.value for p in data.parameters], digits),
            "deviations": lre(found.deviations, [p.deviation for p in data.parameters], digits),
            "rss": log_relative_error(found.rss, data.rss, digits=digits),
        },
    }


def certified(data: datafile.Regression) -> dict[str, Any]:
    """NIST's values."""
    return {
        "estimates": [p.value for p in data.parameters],
        "deviations": [p.deviation for p in data.parameters],
        "rss": data.rss,
    }


def nonlinear(folder: Path, name: str) -> dict[str, Any]:
    """A nonlinear dataset, fitted from both of NIST's starts."""
    data = datafile.nonlinear(folder, name)
    table = np.array(data.rows, dtype=np.float64).T
    response = np.log(table[0]) if name in LOGARITHMIC else table[0]
    problem = fit.Problem(model=MODELS[name], x=table[1:], y=response)
    results = {"certified": certified(data)}
    for number in (0, 1):
        found = fit.nonlinear(problem, tuple(p.starts[number] for p in data.parameters))
        results[f"start{number + 1}"] = agreement(found, data, NONLINEAR_DIGITS)
    return results


def linear(folder: Path, name: str) -> dict[str, Any]:
    """A straight line through a linear dataset."""
    data = datafile.linear(folder, name)
    y, x = np.array(data.rows, dtype=np.float64).T
    found = fit.linear(np.stack([np.ones_like(x), x], axis=1), y)
    return {"certified": certified(data), "qr": agreement(found, data, LINEAR_DIGITS)}


def one_way(folder: Path, name: str) -> dict[str, Any]:
    """An analysis of variance, in exact arithmetic and in doubles."""
    data = datafile.anova(folder, name)
    results: dict[str, Any] = {"certified": data.certified}
    for method, found in (("exact", anova.exact(data.rows)), ("doubles", anova.in_doubles(data.rows))):
        digits = lre(list(found.values()), [data.certified[key] for key in found], LINEAR_DIGITS)
        results[method] = {**found, "lre": dict(zip(found, digits, strict=True))}
    return results


def main() -> None:
    """Fit everything and say where agreement is least."""
    options = reporting.arguments(__doc__).parse_args()
    results = {
        "nonlinear": {name: nonlinear(options.data, name) for name in MODELS},
        "linear": {name: linear(options.data, name) for name in LINEAR},
        "anova": {name: one_way(options.data, name) for name in ANOVA},
    }
    reporting.write(options.out, results)
    worst = min((min(run["start2"]["lre"]["estimates"]), name) for name, run in results["nonlinear"].items())
    print(f"{len(MODELS)} nonlinear fits from start 2: least agreement {worst[0]:.1f} digits, {worst[1]}")


if __name__ == "__main__":
    main()
