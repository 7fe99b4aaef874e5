"""What it costs to enter a replay through the shell of a flake, beside `nix develop -c` for the same command.

    python benchmarks/nix_enter.py PROJECT EXPERIMENT ENVIRONMENT

The project is one that is committed, whose experiment does nearly nothing and has an environment of kind
`nix`. The peer starts the shell and runs the same words. Beside it stand the stages of a replay that find the
shell, isolate, measure and run; and the whole replay, which starts Python, looks for the experiment, compares
and records as well. Times are medians of wall clock, taken in turns.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

from stopwatch import alternate, process

from repro.flows import config
from repro.store.runs import Store

TURNS = 10
TARGET_SECONDS = 0.3
ENTERING = ("environment", "run")
"""The stages of a replay that stand for what the peer does."""


def main(folder: str, name: str, environment: str) -> None:
    """Print one line per command, and the difference beside the target."""
    root = Path(folder).resolve()
    project = config.load(root)
    table, command = project.environments[environment], project.experiment(name).command
    assert table.kind == "nix", f"{environment} is of kind {table.kind}"
    nix = os.environ.get("REPRO_NIX") or "nix"
    flake = f"{root / table.flake}#{table.shell}"
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    features = ("--extra-experimental-features", "nix-command flakes")
    with tempfile.TemporaryDirectory() as out:
        words = [word.replace("{out}", out).replace("{code}", str(root)) for word in command]
        # Who owns the store, as root does here and there, would write bytecode into it.
        kept = ("--ignore-environment", "--keep", "PYTHONDONTWRITEBYTECODE")
        peer = [nix, *features, "develop", *kept, flake, "--command", *words]
        ours = [sys.executable, "-m", "repro", "-q", "replay", name, "--env", environment, "--no-cache"]
        mine, theirs = alternate(TURNS, *(process(argv, cwd=root, env=variables) for argv in (ours, peer)))
    records = list(Store(root).all())[-TURNS:]
    entered = statistics.median(
        sum(stage["wall_seconds"] for stage in record.stages if stage["name"] in ENTERING)
        for record in records
    )
    more = entered - theirs.wall
    print(f"nix develop -c              {theirs.wall:6.3f} s, least {theirs.least:.3f}, cpu {theirs.cpu:.3f}")
    print(f"replay, environment and run {entered:6.3f} s, as its records have it")
    print(f"replay, whole process       {mine.wall:6.3f} s, least {mine.least:.3f}, cpu {mine.cpu:.3f}")
    met = "yes" if more <= TARGET_SECONDS else "NO"
    print(f"entering costs more by      {more:6.3f} s, target {TARGET_SECONDS} s: {met}")


if __name__ == "__main__":
    main(*sys.argv[1:4])
