"""How long the inventory of a Python environment takes beside cyclonedx-py's, in the same run.

    python benchmarks/bench_sbom_python.py [ENVIRONMENT ...]

Without arguments an environment of 150 packages with 60 modules each is made. Whole processes are timed,
start and imports included, in turns; the table shows the least and the median of wall clock and of processor
time, and how many times the peer takes of each (medians). cyclonedx-py reads no installed file and writes no
hash. `repro sbom` takes digests from RECORD and looks at each file; with `--verify` it reads them all, and
the document must be the same, byte for byte. `repro --version` is the start, a part of every verb. Both
programs run from compiled bytecode, as an installer leaves it, and files are in the machine's memory.
"""

from __future__ import annotations

import base64
import compileall
import hashlib
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import stopwatch

import repro

PACKAGES = 150
MODULES = 60
MODULE_BYTES = 6000
DESCRIPTION_BYTES = 8000
ROUNDS = 5

READ = (
    "import sys; from pathlib import Path; from repro.sbom.python_environment import environment;"
    "environment(Path(sys.argv[1]))"
)


def metadata(number: int, draw: random.Random) -> bytes:
    """Core metadata as packages of the index have it: classifiers, requirements and extras, a long text."""
    others = sorted({draw.randrange(number) for _ in range(3)}) if number else []
    lines = ["Metadata-Version: 2.4", f"Name: package-{number}", f"Version: {number % 9}.{number % 7}.0"]
    lines += [
        "Summary: A package of the benchmark",
        "Home-page: https://host.example/p",
        "License-File: LICENSE",
    ]
    lines += [f"License-Expression: {('MIT', 'Apache-2.0', 'BSD-3-Clause OR MIT')[number % 3]}"]
    lines += [f"Classifier: Programming Language :: Python :: 3.{minor}" for minor in range(9, 15)]
    lines += [f"Project-URL: {label}, https://host.example/{label}" for label in ("Source", "Changelog")]
    lines += [f'Requires-Dist: package-{other} >=0; python_version >= "3.8"' for other in others]
    lines += [f'Requires-Dist: test-{each}; extra == "test"' for each in range(5)]
    return "\n".join([*lines, "", "words " * (DESCRIPTION_BYTES // 6), ""]).encode()


def made(root: Path) -> Path:
    """A virtual environment that Python itself made, with packages as an installer lays them."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root)], check=True)
    site = next(root.glob("lib/python*/site-packages"))
    draw = random.Random(1)  # noqa: S311 - the same environment each time
    for number in range(PACKAGES):
        name, info = f"package_{number}", f"package_{number}-{number % 9}.{number % 7}.0.dist-info"
        files = {f"{name}/part{each % 6}/m{each}.py": draw.randbytes(MODULE_BYTES) for each in range(MODULES)}
        files[f"{info}/METADATA"] = metadata(number, draw)
        files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nTag: py3-none-any\n"
        files[f"{info}/licenses/LICENSE"] = b"Permission is granted. " * 50
        record = ""
        for path, data in files.items():
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            (site / path).write_bytes(data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(data)}\n"
        (site / info / "RECORD").write_text(f"{record}{info}/RECORD,,\n")
    return root


def compare(environment: Path, work: Path) -> None:
    """Print the table for one environment."""
    beside = Path(sys.executable).parent
    repro, first, second = str(beside / "repro"), str(work / "sbom.json"), str(work / "verified.json")
    peer = [str(beside / "cyclonedx-py"), "environment", "--no-validate", "-o", str(work / "peer.json")]
    works = {
        "cyclonedx-py environment --no-validate": [*peer, str(environment)],
        "repro sbom": [repro, "-q", "sbom", str(environment), "--out", first],
        "repro sbom --verify": [repro, "-q", "sbom", str(environment), "--verify", "--out", second],
        "its inventory alone, from Python": [sys.executable, "-c", READ, str(environment)],
        "repro --version": [repro, "--version"],
    }
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    series = stopwatch.alternate(
        ROUNDS, *(stopwatch.process(argv, cwd=work, env=clean) for argv in works.values())
    )
    count = len(list(environment.glob("lib/python*/site-packages/*.dist-info")))
    size = sum(path.lstat().st_size for path in environment.rglob("*") if path.is_file())
    print(f"\n{count} packages, {size / 1e6:.0f} MB")
    print(f"{'':40} {'wall s':>13} {'cpu s':>13} {'wall x':>8} {'cpu x':>8}")
    for name, each in zip(works, series, strict=True):
        least = min(sample.cpu for sample in each.samples)
        ratios = f"{series[0].wall / each.wall:8.1f} {series[0].cpu / each.cpu:8.1f}"
        print(f"{name:40} {each.least:6.2f} {each.wall:6.2f} {least:6.2f} {each.cpu:6.2f} {ratios}")
    same = Path(first).read_bytes() == Path(second).read_bytes()
    print("with and without --verify: " + ("the same bytes" if same else "NOT the same bytes"))


def main() -> None:
    """Compare on the environments that are named, else on one that is made."""
    # Where it is installed editable, an edit leaves it stale.
    compileall.compile_dir(Path(repro.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for environment in [Path(text).absolute() for text in sys.argv[1:]] or [made(work / "venv")]:
            compare(environment, work)


if __name__ == "__main__":
    main()
