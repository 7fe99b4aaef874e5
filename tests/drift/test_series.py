from __future__ import annotations

import json
import math
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from repro.core.canonical import to_bytes
from repro.drift.compare import compare, compare_outputs
from repro.drift.report import DriftReport
from repro.drift.rules import Rule, Rules
from repro.render.drift_text import drift_text

if TYPE_CHECKING:
    from pathlib import Path

    from repro.drift.report import PathReport

TODAY = date(2030, 6, 1)
T = np.linspace(0, 20, 401)


def found(tmp_path: Path, y: Any, other: Any, name: str = "t") -> PathReport:  # noqa: ANN401 - arrays
    for file, values in (("a.json", y), ("b.json", other)):
        text = json.dumps({name: T.tolist(), "y": np.asarray(values).tolist()})
        (tmp_path / file).write_text(text, encoding="utf-8")
    report = compare(tmp_path / "a.json", tmp_path / "b.json", Rules(), today=TODAY)
    assert DriftReport.from_dict(json.loads(to_bytes(report.to_dict()))) == report
    return report.outputs[0].findings[0]


WAVE = np.sin(T) + 2


@pytest.mark.parametrize(
    ("error", "kind", "rate"),
    [
        (1e-15 * np.exp(0.9 * T), "exponential", 0.9),
        (1e-13 * (T + 0.05) ** 3, "power", 3.0),
        (np.where(T > 5, 1e-3, 0), "step", 0.0),
        (np.full_like(T, 2.5e-10), "steady", 0.0),
    ],
)
def test_the_law_of_growth_is_told(
    tmp_path: Path,
    error: Any,  # noqa: ANN401 - an array
    kind: str,
    rate: float,
) -> None:
    """Amplified rounding, accumulation, a change, and rounding that stays are told apart, with rates."""
    growth = found(tmp_path, WAVE, WAVE + error).growth
    assert growth is not None
    assert (growth.kind, growth.along) == (kind, "t")
    assert growth.rate == pytest.approx(rate, rel=0.1, abs=0.05)


def test_chaos_is_exponential(tmp_path: Path) -> None:
    """Two orbits of the logistic map from starts one rounding apart diverge at its exponent, log 2."""
    one, other = [0.3], [0.3 + 1e-16]
    for _ in range(400):
        one.append(4 * one[-1] * (1 - one[-1]))
        other.append(4 * other[-1] * (1 - other[-1]))
    growth = found(tmp_path, one[:401], other[:401], "unrelated").growth
    assert growth is not None
    assert growth.kind == "exponential"
    assert growth.rate * (1 if growth.along == "" else 20 / 400) == pytest.approx(math.log(2), rel=0.25)


def test_the_first_divergence_is_on_the_coordinate(tmp_path: Path) -> None:
    """A report names where on the coordinate a series first leaves its tolerance, not only the row."""
    report = found(tmp_path, WAVE, WAVE + np.where(T > 5, 1e-3, 0))
    assert report.first_over == 101
    assert report.first_place == f"t = {T[101]!r}".replace("np.float64(", "").replace(")", "")


@pytest.mark.parametrize("times", [T[::-1].tolist(), [0.0] * 401, [*T.tolist()[:-1], "x"]])
def test_only_a_monotonic_column_is_a_coordinate(tmp_path: Path, times: list[Any]) -> None:
    """A constant or mixed column is not taken for a coordinate; a falling one is."""
    for file, values in (("a.json", WAVE), ("b.json", WAVE + 1e-3)):
        (tmp_path / file).write_text(json.dumps({"t": times, "y": values.tolist()}), encoding="utf-8")
    report = compare(tmp_path / "a.json", tmp_path / "b.json", Rules(), today=TODAY)
    assert report.outputs[0].findings[0].first_place == ("t = 20.0" if times[0] == 20.0 else "")


def test_stages_tell_where_a_difference_was_made_and_amplified(tmp_path: Path) -> None:
    """Between ordered outputs the report gives the gain over the first that deviates at all."""
    for side, factor in (("a", 0.0), ("b", 1.0)):
        (tmp_path / side).mkdir()
        for name, error in (("input", 0.0), ("fit", 1e-16), ("forecast", 1e-9)):
            values = [1.0 + factor * error * 2.5, -1.0]
            (tmp_path / side / f"{name}.json").write_text(json.dumps(values), encoding="utf-8")
    names = ["input.json", "fit.json", "forecast.json"]
    report = compare_outputs(
        tmp_path / "a", tmp_path / "b", names, Rules(rules=(Rule(rtol=1e-12),)), today=TODAY
    )
    assert [stage.output for stage in report.stages] == names
    assert [stage.deviation > 0 for stage in report.stages] == [False, True, True]
    assert report.stages[1].gain is None
    assert report.stages[2].gain == pytest.approx(1.1e7, rel=0.3)
    text = " ".join(drift_text(report, width=200).split())
    assert "created in fit.json at 2.2e-16 of its scale, 1.1e+07 times that in forecast.json" in text
    assert DriftReport.from_dict(json.loads(to_bytes(report.to_dict()))) == report
