from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from repro.drift.ensemble_report import EnsemblePath, EnsembleReport, Means
from repro.drift.report import Digits, DriftReport, Growth, OutputReport, PathReport, Stage, Worst
from repro.flows.compare import compare_paths

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs/reference/drift.schema.json").read_text(encoding="utf-8")
)


def _save(folder: Path, shift: float) -> None:
    folder.mkdir()
    wave = np.sin(np.arange(200) / 9)
    np.savez(
        folder / "r.npz",
        wave=wave * (1 + shift * 1e-9),
        z=wave * 1j + shift,
        labels=np.arange(5) + int(shift),
    )
    np.save(folder / "half.npy", wave.astype(np.float16) + np.float16(shift))
    document = {
        "nan": float("nan") if shift else 1.0,
        "inf": [1.0, float("inf")],
        "text": f"t{shift}",
        "n": 1,
    }
    (folder / "r.json").write_text(json.dumps(document if shift else {**document, "gone": [1]}))
    (folder / "log.txt").write_text(f"loss {0.5 + shift}\n")
    (folder / "opaque.bin").write_bytes(b"\x00\xff" + str(shift).encode())


@pytest.mark.parametrize("shift", [0.0, 1e-9, 1.0])
def test_documents_are_what_the_schema_says(tmp_path: Path, shift: float) -> None:
    """Reports of every sort of difference, and of none, fit the schema after a round through JSON."""
    _save(tmp_path / "a", 0.0)
    _save(tmp_path / "b", shift)
    report = compare_paths(tmp_path / "a", tmp_path / "b", tolerances={}, rules_file=None)
    document = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    jsonschema.validate(document, SCHEMA)
    assert DriftReport.from_dict(document).to_dict() == report.to_dict()
    assert (document["counts"]["drifted"] > 0) == (shift > 0)


def _named(part: str) -> set[str]:
    table: dict[str, Any] = SCHEMA if part == "report" else SCHEMA["$defs"][part]
    return set(table["properties"])


@pytest.mark.parametrize(
    ("part", "noun"),
    [
        ("report", DriftReport),
        ("output", OutputReport),
        ("finding", PathReport),
        ("worst", Worst),
        ("digits", Digits),
        ("growth", Growth),
        ("stage", Stage),
        ("ensemble", EnsembleReport),
        ("ensemble_path", EnsemblePath),
        ("tested", Means),
    ],
)
def test_the_schema_names_every_part(part: str, noun: Any) -> None:  # noqa: ANN401 - a dataclass
    """No field of a report is missing in the schema."""
    assert {item.name for item in fields(noun)} <= _named(part)
