"""The comparison beside its peers, in one run: prints a table of seconds and ratios as Markdown.

Run as `drift_formats.py [--deepdiff PYTHON] [--gibibytes N]`. Peers: numpy; numdiff and h5diff (Debian's
numdiff and hdf5-tools) where they are on the PATH; deepdiff where PYTHON has it. Every value differs, within
the tolerance, unless the row says otherwise. Seconds are the best of three, of the whole process for files
that a command compares.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from repro.core.verdict import Verdict
from repro.drift.compare import compare
from repro.drift.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Callable

TURNS = 3
REPRO = [sys.executable, "-m", "repro", "drift"]
WITHOUT_ARROW = "import sys; sys.modules['pyarrow'] = None; from repro.cli.main import main; main()"
DEEPDIFF = """
import json, sys
from deepdiff import DeepDiff
one, other = (json.load(open(name)) for name in sys.argv[1:])
DeepDiff(one, other, significant_digits=9)
"""


def best(call: Callable[[], object]) -> float:
    """The least of a few times, in seconds."""
    times = []
    for _ in range(TURNS):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return min(times)


def command(*argv: str | Path, code: int = 0) -> float:
    """The time of a command that must end with an exit code."""

    def run() -> None:
        done = subprocess.run([str(part) for part in argv], check=False, capture_output=True)
        assert done.returncode == code, done.stderr.decode()

    return best(run)


def mapped(*files: Path) -> list[Any]:
    """Arrays of NPY files, mapped anew as a comparison maps them."""
    return [np.load(file, mmap_mode="r") for file in files]


def allclose(observed: Path, baseline: Path) -> None:
    """What numpy's users write."""
    x, r = mapped(observed, baseline)
    np.testing.assert_allclose(x, r, rtol=1e-10)


def row(what: str, ours: float, peer: str, theirs: float) -> None:
    """Print a line of the table."""
    print(f"| {what} | {ours:.2f} | {peer} | {theirs:.2f} | {theirs / ours:.1f} |", flush=True)


def anonymous() -> int:
    """Bytes of this process that are no mapped file."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024


def peak(call: Callable[[], object]) -> int:
    """How many bytes beyond mapped files a call takes at most."""
    before = most = anonymous()
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.005):
            most = max(most, anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    call()
    done.set()
    watcher.join()
    return most - before


def matched(one: Path, other: Path) -> None:
    """Compare two files that match."""
    assert compare(one, other, Rules(), today=date(2030, 1, 1)).verdict is Verdict.MATCH


def arrays(folder: Path, gibibytes: float) -> None:
    """The kernel on mapped NPY files, against numpy on the same mapped files."""
    size = int(gibibytes * (1 << 27))
    rng = np.random.default_rng(0)
    values = rng.standard_normal(size)
    np.save(folder / "a.npy", values)
    np.save(folder / "same.npy", values)
    values *= 1 + 1e-12 * rng.standard_normal(size)
    np.save(folder / "b.npy", values)
    del values
    a, same, b = (folder / f"{name}.npy" for name in ("a", "same", "b"))
    name = f"NPY, {gibibytes:g} GiB of float64"
    ours = best(lambda: matched(a, same))
    row(f"{name}, identical", ours, "`numpy.array_equal`", best(lambda: np.array_equal(*mapped(a, same))))
    ours = best(lambda: matched(a, b))
    theirs = best(lambda: allclose(b, a))
    row(f"{name}, full statistics", ours, "`numpy.testing.assert_allclose`", theirs)
    most = peak(lambda: matched(a, b))
    print(f"| memory of that beyond the mapped files: {most / (1 << 20):.0f} MiB | | | | |", flush=True)


def tables(folder: Path) -> None:
    """A CSV of about 100 MB, end to end."""
    rng = np.random.default_rng(1)
    values = rng.standard_normal((1_400_000, 4))
    for name in ("a", "b"):
        np.savetxt(folder / f"{name}.csv", values, fmt="%.15g", delimiter=",", header="p,q,r,s", comments="")
        values = values * (1 + 1e-12 * rng.standard_normal(values.shape))
    files = (folder / "a.csv", folder / "b.csv")
    ours = command(*REPRO, *files)
    slow = command(sys.executable, "-c", WITHOUT_ARROW, "drift", *files)
    if shutil.which("numdiff"):
        theirs = command("numdiff", "-q", "-s", " ,\\n\\t", "-r", "1e-10", *files)
        row("CSV, 100 MB, with pyarrow", ours, "numdiff", theirs)
        row("CSV, 100 MB, without pyarrow", slow, "numdiff", theirs)


def hdf5(folder: Path) -> None:
    """HDF5 files, in one piece and in compressed chunks, end to end."""
    packed = {"chunks": (1 << 17,), "shuffle": True, "compression": "gzip", "compression_opts": 1}
    for size, layout, options in (
        ("1 GiB", "in one piece", {}),
        ("64 MiB", "in one piece", {}),
        ("64 MiB", "chunks, gzip", packed),
    ):
        rng = np.random.default_rng(2)
        values = rng.standard_normal(1 << (27 if size == "1 GiB" else 23))
        for name in ("a", "b"):
            with h5py.File(folder / f"{name}.h5", "w") as file:
                file.create_dataset("group/x", data=values, **options)
            values = values * (1 + 1e-12 * rng.standard_normal(values.shape))
        files = (folder / "a.h5", folder / "b.h5")
        ours = command(*REPRO, *files)
        if shutil.which("h5diff"):
            row(f"HDF5, {size}, {layout}", ours, "h5diff", command("h5diff", "-p", "1e-10", *files))


def nested(values: list[float]) -> dict[str, Any]:
    """Two hundred thousand floats in dicts, lists and arrays of two."""
    rest = iter(values)
    return {
        f"group{i}": [
            {"name": f"trial{j}", "mean": next(rest), "n": [next(rest), [next(rest), next(rest)]]}
            for j in range(100)
        ]
        for i in range(500)
    }


def documents(folder: Path, deepdiff: str) -> None:
    """Nested JSON of 200,000 floats, end to end."""
    rng = np.random.default_rng(3)
    values = rng.standard_normal(200_000)
    noise = rng.standard_normal(200_000)
    for name, size in (("a", 0.0), ("b", 1e-12), ("c", 1e-6)):
        document = nested((values * (1 + size * noise)).tolist())
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    for what, name, code in (("", "b", 0), (", all drift", "c", 1)):
        files = (folder / "a.json", folder / f"{name}.json")
        ours = command(*REPRO, *files, code=code)
        if deepdiff:
            row(
                f"nested JSON, 200,000 floats{what}",
                ours,
                "deepdiff",
                command(deepdiff, "-c", DEEPDIFF, *files),
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deepdiff", default="", metavar="PYTHON", help="an interpreter that has deepdiff")
    parser.add_argument("--gibibytes", default=1.0, type=float, help="size of each NPY file")
    given = parser.parse_args()
    print("| | repro, s | peer | peer, s | times as fast |\n|---|---:|---|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arrays(folder, given.gibibytes)
        tables(folder)
        hdf5(folder)
        documents(folder, given.deepdiff)


if __name__ == "__main__":
    main()
