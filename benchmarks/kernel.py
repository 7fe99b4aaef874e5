"""Compares files of numbers against the plainest reading and comparing of the same files with numpy.

Run as `kernel.py FOLDER OUT`: writes its files in the folder, and the times as JSON to the file.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from repro.core.verdict import Verdict
from repro.drift.compare import compare
from repro.drift.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

TURNS = 5
SIZES = (100_000, 1_000_000, 10_000_000)
TEXT_SIZE = 1_000_000
RTOL = 1e-10


def numbers(size: int) -> tuple[Numbers, Numbers]:
    """A baseline, and the same with differences within the default tolerance at every place."""
    random = np.random.default_rng(0)
    baseline = random.standard_normal(size)
    return baseline, baseline * (1 + 1e-12 * random.uniform(1, 2, size))


def write_npy(path: Path, values: Numbers) -> None:
    """As one array of doubles."""
    np.save(path, values)


def write_json(path: Path, values: Numbers) -> None:
    """As one object with one list."""
    path.write_text(json.dumps({"values": values.tolist()}))


def write_csv(path: Path, values: Numbers) -> None:
    """As a table of ten columns with a header."""
    header = ",".join(f"c{n}" for n in range(10))
    np.savetxt(path, values.reshape(-1, 10), fmt="%.17g", delimiter=",", header=header, comments="")


def read_npy(path: Path) -> Numbers:
    """As numpy does."""
    return np.asarray(np.load(path))


def read_json(path: Path) -> Numbers:
    """Parsed by the standard library."""
    return np.asarray(json.loads(path.read_bytes())["values"])


def read_csv(path: Path) -> Numbers:
    """Parsed by numpy."""
    return np.loadtxt(path, delimiter=",", skiprows=1)


FORMATS: dict[str, tuple[Callable[[Path, Numbers], None], Callable[[Path], Numbers]]] = {
    "npy": (write_npy, read_npy),
    "json": (write_json, read_json),
    "csv": (write_csv, read_csv),
}


def ours(baseline: Path, observed: Path) -> None:
    """Read, compare and report as `repro drift` does."""
    report = compare(baseline, observed, Rules(), today=date(2026, 1, 1))
    assert report.verdict is Verdict.MATCH


def plain(read: Callable[[Path], Numbers]) -> Callable[[Path, Path], None]:
    """Read both and ask numpy whether they are close."""

    def work(baseline: Path, observed: Path) -> None:
        np.testing.assert_allclose(read(observed), read(baseline), rtol=RTOL, atol=0)

    return work


def timed(work: Callable[[Path, Path], None], files: tuple[Path, Path]) -> dict[str, float]:
    """Seconds of wall clock and CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work(*files)
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def pairs(folder: Path, suffix: str, size: int) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Times of both works in turns, after one turn that does not count."""
    write, read = FORMATS[suffix]
    files = (folder / f"baseline.{suffix}", folder / f"observed.{suffix}")
    for path, values in zip(files, numbers(size), strict=True):
        write(path, values)
    works = (ours, plain(read))
    turns = [(timed(works[0], files), timed(works[1], files)) for _ in range(TURNS + 1)]
    return turns[1:]


def main(folder: Path, out: Path) -> None:
    """Measure everything and write it down."""
    found = {f"npy {size}": pairs(folder, "npy", size) for size in SIZES}
    found |= {f"{suffix} {TEXT_SIZE}": pairs(folder, suffix, TEXT_SIZE) for suffix in ("json", "csv")}
    out.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
