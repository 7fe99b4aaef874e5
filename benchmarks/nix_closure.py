"""How long Nix's answers about a closure of 20,000 paths take to be read, and how much memory.

    python benchmarks/nix_closure.py [PATHS]

Each document is read in a process of its own, beside the standard library's reader of the same bytes in
another; the table shows seconds of processor time, peak memory above the start, and the ratio of both times.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from repro.tools import nix_json

PATHS = 20_000
REFERENCES = 8
VARIABLES = 12


def digest(text: str) -> bytes:
    """Bytes that look like a hash."""
    return hashlib.sha256(text.encode()).digest()


def names(count: int) -> list[tuple[str, str]]:
    """The last parts of paths and of their derivations."""
    return [
        (f"{digest(f'o{n}').hex()[:32]}-package-{n}-1.2", f"{digest(f'd{n}').hex()[:32]}-package-{n}-1.2.drv")
        for n in range(count)
    ]


def path_info(count: int) -> dict[str, Any]:
    """A closure as `nix path-info --json --json-format 1` prints it."""
    draw = random.Random(1)  # noqa: S311 - the same closure each time
    known = [f"/nix/store/{path}" for path, _ in names(count)]
    return {
        path: {
            "ca": None,
            "closureSize": 1000 * n,
            "deriver": f"/nix/store/{names_of[1]}",
            "narHash": "sha256-" + base64.b64encode(digest(path)).decode(),
            "narSize": 10 * n,
            "references": [known[draw.randrange(n)] for _ in range(min(n, REFERENCES))],
            "registrationTime": 1_795_162_905,
            "signatures": ["cache.example-1:" + base64.b64encode(digest(path) * 2).decode()],
            "storeDir": "/nix/store",
            "ultimate": False,
            "version": 1,
        }
        for n, (path, names_of) in enumerate(zip(known, names(count), strict=True))
    }


def derivations(count: int) -> dict[str, Any]:
    """The same closure as `nix derivation show --recursive` of 2.34 prints it, about 2 kB each."""
    draw = random.Random(2)  # noqa: S311 - the same closure each time
    known = names(count)
    bash = f"/nix/store/{known[0][0]}/bin/bash"
    found = {}
    for n, (path, drv) in enumerate(known):
        inputs = {known[draw.randrange(n)][1] for _ in range(min(n, REFERENCES))}
        env = {f"variable{k}": f"value {k} of {n}" for k in range(VARIABLES)}
        env |= {
            "out": f"/nix/store/{path}",
            "builder": bash,
            "name": f"package-{n}-1.2",
            "buildInputs": " ".join(f"/nix/store/{known[draw.randrange(count)][0]}" for _ in range(5)),
            "buildPhase": "make all\n" * 12,
        }
        found[drv] = {
            "args": ["-e", "/nix/store/default-builder.sh"],
            "builder": bash,
            "env": env,
            "inputs": {
                "drvs": {name: {"dynamicOutputs": {}, "outputs": ["out"]} for name in sorted(inputs)},
                "srcs": [known[0][0]],
            },
            "name": f"package-{n}-1.2",
            "outputs": {"out": {"path": path}},
            "system": "x86_64-linux",
            "version": 4,
        }
    return {"derivations": found, "version": 4}


READERS = {"path-info": nix_json.parse_path_info, "derivation show": nix_json.parse_derivations}


def resident(field: str) -> float:
    """A field of this process's status, in MB; the highest since its start for VmHWM."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def measure(kind: str, reader: str, file: Path) -> None:
    """Read one document and print processor seconds and peak memory in MB."""
    gc.collect()
    before = resident("VmRSS")
    data = file.read_bytes()
    started = time.process_time()
    found = READERS[kind](data) if reader == "repro" else json.loads(data)
    seconds = time.process_time() - started
    assert found
    print(seconds, resident("VmHWM") - before)


def measured(kind: str, reader: str, file: Path) -> tuple[float, float]:
    """The better of three processes."""
    argv = [sys.executable, __file__, "--measure", kind, reader, str(file)]
    runs = [subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split() for _ in range(3)]
    return min(float(run[0]) for run in runs), min(float(run[1]) for run in runs)


def main(count: int) -> None:
    """Print the table."""
    print(f"{'document':<16} {'size':>7} {'repro':>8} {'memory':>8} {'json':>8} {'memory':>8} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for kind, document in (("path-info", path_info(count)), ("derivation show", derivations(count))):
            file = Path(folder) / "document.json"
            file.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
            own, own_memory = measured(kind, "repro", file)
            peer, peer_memory = measured(kind, "json", file)
            print(
                f"{kind:<16} {file.stat().st_size / 1e6:>4.0f} MB {own:>6.2f} s {own_memory:>5.0f} MB "
                f"{peer:>6.2f} s {peer_memory:>5.0f} MB {own / peer:>6.2f}"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else PATHS)
