"""The table of speeds: each row beside a peer that is measured in turns with it, in the same run.

It works in a temporary clone with caches of its own. Times are medians of wall clock, with the least of them
and the median of the CPU below; a ratio is the median over the pairs. What misses its target is said, and the
exit code is 0 all the same: a busy machine is no defect.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laboratory import Laboratory
from stopwatch import Sample, Series, alternate, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

TURNS, SOME, FEW = 20, 10, 3
LORENZ = ["experiments/lorenz.py", "experiments/reporting.py", "data/lorenz/initial.csv"]
SPIN = "n = 0\nfor i in range(12_000_000): n += i"
START_SECONDS, HALF, FIXED_SECONDS, SHARE = 0.15, 0.5, 0.5, 0.03
ALL_SECONDS, ALL_BYTES, JOBS = 2.0, 150e6, 1.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: what is measured, its peer, the figure that counts, and the target.

    The figure is the ratio where nothing else is given; `met` is None where no target is set.
    """

    name: str
    ours: Series | None = None
    against: str = ""
    peer: Series | None = None
    figure: str = ""
    target: str = ""
    met: bool | None = None

    @property
    def lines(self) -> list[str]:
        """At most two lines of at most 80 characters."""
        figure = self.figure or (f"{ratio(self.ours, self.peer):.2f} x" if self.ours and self.peer else "")
        met = {None: "", True: "yes", False: "NO"}[self.met]
        first = (
            f"{self.name:34}{_seconds(self.ours)}{_seconds(self.peer)}{figure:>10} {self.target:>12} {met}"
        )
        if not self.ours:
            return [first.rstrip()]
        least = " / ".join(f"{series.least:.3f}" for series in (self.ours, self.peer) if series)
        cpu = " / ".join(f"{series.cpu:.3f}" for series in (self.ours, self.peer) if series)
        against = f"/ {self.against}" if self.against else ""
        return [first.rstrip(), f"  {against:32} least {least}, cpu {cpu}"]


def _seconds(series: Series | None) -> str:
    return f"{series.wall:7.3f} s" if series else " " * 9


def starting(lab: Laboratory) -> Iterator[Row]:
    """What every command pays first."""
    commands = (["repro", "--help"], ["python", "-c", "pass"], ["dvc", "--help"])
    ours, python, dvc = alternate(TURNS, *(lab.run(*command) for command in commands))
    yield Row(
        name="repro --help",
        ours=ours,
        against="python -c pass",
        peer=python,
        target=f"< {START_SECONDS} s",
        met=ours.wall < START_SECONDS,
    )
    yield Row(name="repro --help", ours=ours, against="dvc --help", peer=dvc)


def unchanged(lab: Laboratory) -> Iterator[Row]:
    """One experiment of which nothing has changed, by both tools, over the same files."""
    lab.replay("lorenz")()
    lab.pipeline("lorenz", LORENZ)
    ours, peer = alternate(TURNS, lab.replay("lorenz"), lab.run("dvc", "repro", "lorenz"))
    yield Row(
        name="replay lorenz, cached",
        ours=ours,
        against="dvc repro, nothing to do",
        peer=peer,
        target=f"<= {HALF} x",
        met=ratio(ours, peer) <= HALF,
    )


def overhead(lab: Laboratory, experiment: str, turns: int) -> Iterator[Row]:
    """A run with all that surrounds it, against the command alone in the same environment and variables."""
    lab.replay(experiment)()
    ours, bare = alternate(turns, lab.replay(experiment, "--no-cache"), lab.bare(experiment))
    extra = ours.wall - bare.wall
    yield Row(
        name=f"replay {experiment} --no-cache",
        ours=ours,
        against="the command alone",
        peer=bare,
        figure=f"+{extra:.2f} s",
        target="<= .5 s + 3%",
        met=extra <= FIXED_SECONDS + SHARE * bare.wall,
    )


def many(lab: Laboratory) -> Iterator[Row]:
    """The matrix of 205 runs when nothing has changed, and of parts of it."""
    lab.replay("noise")()
    fifty = [f"noise[seed={seed}]" for seed in range(10)]
    one, part, whole = alternate(
        SOME, lab.replay("noise[sigma=0,seed=0]"), lab.replay(*fifty), lab.replay("noise")
    )
    yield Row(name="replay, 1 cached run", ours=one)
    yield Row(name="replay, 50 cached runs", ours=part, against="1 cached run", peer=one)
    yield Row(
        name="replay noise, 205 cached runs",
        ours=whole,
        against="1 cached run",
        peer=one,
        target=f"< {ALL_SECONDS:g} s",
        met=whole.wall < ALL_SECONDS,
    )
    yield Row(
        name="  its peak memory",
        figure=f"{whole.peak / 1e6:.0f} MB",
        target=f"< {ALL_BYTES / 1e6:.0f} MB",
        met=whole.peak < ALL_BYTES,
    )


def parallel(lab: Laboratory) -> Iterator[Row]:
    """Twenty runs one after another and two at a time; beside it what two processes of this machine gain."""
    runs = [f"noise[seed={seed}]" for seed in range(4)]
    spin = lab.run("python", "-c", SPIN)
    script = f"import os, subprocess as s, sys; c = [sys.executable, '-c', {SPIN!r}]\n"
    both = lab.run("python", "-c", script + "[p.wait() for p in [s.Popen(c), s.Popen(c)]]")
    works = [lab.replay(*runs, "--no-cache", "--jobs", jobs) for jobs in ("1", "2")]
    one, two, alone, pair = alternate(FEW, *works, spin, both)
    gain, possible = ratio(one, two), 2 * ratio(alone, pair)
    yield Row(
        name="replay of 20 runs, --jobs 2",
        ours=two,
        against="--jobs 1",
        peer=one,
        figure=f"{gain:.2f} x",
        target=f">= {JOBS} x",
        met=gain >= JOBS,
    )
    yield Row(
        name="  two loops that share nothing",
        ours=pair,
        against="one such loop",
        peer=alone,
        figure=f"{possible:.2f} x",
    )


def comparing(lab: Laboratory) -> Iterator[Row]:
    """Files of numbers that differ at every place, within the tolerance; measured in a process of its own."""
    folder = lab.clone.parent / "kernel"
    folder.mkdir()
    out = folder / "times.json"
    lab.run("python", str(Path(__file__).with_name("kernel.py")), str(folder), str(out))()
    found: dict[str, list[list[dict[str, float]]]] = json.loads(out.read_bytes())
    for name, pairs in found.items():
        ours, plain = (
            Series(samples=tuple(Sample(wall=pair[i]["wall"], cpu=pair[i]["cpu"]) for pair in pairs))
            for i in (0, 1)
        )
        yield Row(name=f"compare {name} values", ours=ours, against="numpy: read, allclose", peer=plain)


def machine() -> dict[str, Any]:
    """Where this was measured."""
    info = Path("/proc/cpuinfo")
    models = [line for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    return {
        "processor": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
    }


def load() -> str:
    """How busy the machine is: processes that wanted to run, over the last minute."""
    return f"{os.getloadavg()[0]:.2f}"


def main() -> None:
    """Measure row by row; each is printed as soon as it is known."""
    start = time.perf_counter()
    facts = machine()
    print(f"{facts['processor']}, {facts['cores']} cores, Python {facts['python']}, load {load()}")
    print(f"{'measured / peer':34}{'ours':>9}{'peer':>9}{'ratio':>10} {'target':>12} met")
    missed = 0
    with tempfile.TemporaryDirectory(prefix="repro-bench-") as folder:
        lab = Laboratory(Path(folder))
        for rows in (
            starting(lab),
            unchanged(lab),
            overhead(lab, "lorenz", SOME),
            overhead(lab, "nist", 2 * FEW),
            many(lab),
            parallel(lab),
            comparing(lab),
        ):
            for row in rows:
                print("\n".join(row.lines), flush=True)
                missed += row.met is False
    print(f"load {load()} at the end; {missed} target(s) missed; {time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
