"""Many small files: `repro data pull` beside `dvc pull` on the same remote, each in a fresh clone.

    python -m benchmarks.bench_data [FILES] [ROUNDS]

Both end with every file in the cache and in the work tree. Rounds alternate; the median counts.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from repro.tools import host, process
from repro.tools.clock import Stopwatch

FILES = 10_000
ROUNDS = 3
CONFIG = """\
version = 1
[environments.here]
kind = "host"
[experiments.it]
environment = "here"
command = ["true", "{out}"]
inputs = ["data"]
outputs = ["none.json"]
"""
REPRO = (sys.executable, "-c", "from repro.cli.main import main; main()", "data", "pull", "--quiet")
PEERS = {
    "dvc pull": (sys.executable, "-m", "dvc", "pull", "--quiet"),
    "dvc fetch": (sys.executable, "-m", "dvc", "fetch", "--quiet"),
    "repro data pull --link": (*REPRO, "--link"),
    "repro data pull": REPRO,
}


def call(argv: tuple[str, ...], root: Path, variables: dict[str, str]) -> float:
    """Seconds that a call takes; it must end well."""
    watch = Stopwatch()
    process.run(argv, cwd=root, env=variables, timeout_seconds=3600)
    return watch.read().wall_seconds


def make(root: Path, files: int, variables: dict[str, str]) -> None:
    """A repository whose folder `data` of small files lies in a remote beside it, and nowhere else."""
    (root / "data").mkdir(parents=True)
    for number in range(files):
        (root / "data" / f"{number:06}.txt").write_text(f"{number}\n" * 40)
    (root / "repro.toml").write_text(CONFIG)
    for argv in (
        ("git", "init", "--quiet"),
        (sys.executable, "-m", "dvc", "init", "--quiet"),
        (sys.executable, "-m", "dvc", "remote", "add", "-d", "shelf", "../shelf"),
        (sys.executable, "-m", "dvc", "add", "--quiet", "data"),
        (sys.executable, "-m", "dvc", "push", "--quiet"),
        ("git", "add", "-A"),
    ):
        process.run(argv, cwd=root, env=variables, timeout_seconds=3600)


def main(files: int, rounds: int) -> None:
    """Measure every peer in turn, and print medians and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        places = ("GLOBAL_CONFIG", "SYSTEM_CONFIG", "SITE_CACHE")
        own = {f"DVC_{place}_DIR": str(top / place) for place in places}
        variables = {
            **host.variables(),
            **own,
            "DVC_NO_ANALYTICS": "1",
            "REPRO_CACHE_DIR": str(top / "repro"),
        }
        root = top / "project"
        make(root, files, variables)
        taken: dict[str, list[float]] = {name: [] for name in PEERS}
        for _ in range(rounds):
            for name, argv in PEERS.items():
                for gone in (root / "data", root / ".dvc/cache", root / ".dvc/tmp", top / "SITE_CACHE"):
                    shutil.rmtree(gone, ignore_errors=True)
                taken[name].append(call(argv, root, variables))
    medians = {name: statistics.median(values) for name, values in taken.items()}
    for name, median in medians.items():
        print(f"{name:24} {median:7.2f} s   {medians['dvc pull'] / median:5.2f} x dvc pull")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:3]]
    main(*(given + [FILES, ROUNDS][len(given) :]))
