"""How long SBOMs of Nix closures take, side by side with sbomnix, and how the cost grows.

    python benchmarks/bench_sbom_nix.py [--sbomnix PROGRAM] [--paths 1000 20000] [--rounds 3] [--curve 1000 …]

Stores are generated: the derivations of `sbom_nix_store.nix` are instantiated, their outputs registered, in
one store with the derivations there, in another without them, as a binary cache leaves it. Both programs read
the same store in turns, as whole processes from start to exit, and write CycloneDX JSON. sbomnix runs with
`--exclude-meta --exclude-cpe-matching`; it needs Nix 2.33 or newer on PATH. Both run from compiled
bytecode, as an installer leaves it. The curve is of recorded graphs.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import stopwatch

import repro

if TYPE_CHECKING:
    from collections.abc import Sequence

EXPRESSION = Path(__file__).with_name("sbom_nix_store.nix")
LARGE = 5000
"""From so many paths on sbomnix is not asked about derivers that are unknown: it would take half an hour."""


class Store:
    """A store of its own in a folder, and the closure of one path in it."""

    def __init__(self, home: Path) -> None:
        self.paths = home / "store"
        self.env = {
            **os.environ,
            "NIX_STORE_DIR": str(self.paths),
            "NIX_STATE_DIR": str(home / "var"),
            "NIX_LOCALSTATE_DIR": str(home / "var"),
            "NIX_LOG_DIR": str(home / "log"),
            "NIX_CONF_DIR": str(home / "etc"),
            "NIX_REMOTE": "local",
            "HOME": str(home),
        }
        for name in ("store", "var", "log", "etc"):
            (home / name).mkdir(parents=True)
        settings = "experimental-features = nix-command flakes\nbuild-users-group =\nsubstituters =\n"
        (home / "etc" / "nix.conf").write_text(settings, encoding="utf-8")

    def ask(self, *argv: str, stdin: str = "") -> str:
        """What a program of Nix prints."""
        done = subprocess.run(argv, env=self.env, input=stdin, capture_output=True, text=True, check=True)
        return done.stdout

    def register(self, records: str) -> None:
        """Make paths valid: what `nix-store --dump-db` writes."""
        self.ask("nix-store", "--load-db", stdin=records)
        for line in records.splitlines():
            if line.startswith(str(self.paths)) and not line.endswith(".drv"):
                Path(line).write_text("x", encoding="utf-8")


def stores(folder: Path, count: int) -> tuple[tuple[str, Store, str], ...]:
    """Two stores with the same closure, with and without its derivations, and the path that is asked for."""
    known, unknown = Store(folder / "known"), Store(folder / "plain")
    drv = known.ask("nix-instantiate", str(EXPRESSION), "--arg", "count", str(count)).strip()
    shown = json.loads(known.ask("nix", "derivation", "show", "--recursive", drv))
    entries = shown.get("derivations", shown)
    names = {Path(path).name: entry for path, entry in entries.items()}
    outputs = {
        name: f"{known.paths}/{Path(entry['outputs']['out']['path']).name}"
        for name, entry in names.items()
        if not entry["outputs"]["out"].get("hash")
    }
    records = []
    for name, out in outputs.items():
        inputs = names[name].get("inputDrvs") or names[name]["inputs"]["drvs"]
        needed = [outputs[Path(each).name] for each in inputs if Path(each).name in outputs]
        digest = hashlib.sha256(out.encode()).hexdigest()
        records += [out, digest, "120", f"{known.paths}/{name}", str(len(needed)), *needed]
    text = "\n".join(records) + "\n"
    known.register(text)
    unknown.register(text.replace(str(known.paths), str(unknown.paths)))
    top = outputs[Path(drv).name]
    return (
        ("derivations there", known, top),
        ("derivers unknown", unknown, top.replace(str(known.paths), str(unknown.paths))),
    )


def side_by_side(sbomnix: str, count: int, rounds: int, folder: Path) -> None:
    """Both programs on both stores of `count` paths."""
    for label, store, top in stores(folder, count):
        repro = [str(Path(sys.executable).with_name("repro")), "sbom", top, "--out", str(folder / "ours")]
        ours = stopwatch.process(repro, cwd=folder, env=store.env)
        peer = [sbomnix, "--exclude-meta", "--exclude-cpe-matching", top]
        peer += [f"--{kind}={folder / kind}" for kind in ("cdx", "spdx", "csv")]
        unasked = "no --sbomnix" if not sbomnix else "too slow" if count > LARGE and label[-1] == "n" else ""
        if unasked:
            (mine,) = stopwatch.alternate(rounds, ours)
            told = f"{'-':>9} {'-':>7}  ({unasked})"
        else:
            theirs = stopwatch.process(peer, cwd=folder, env=store.env)
            mine, other = stopwatch.alternate(rounds, ours, theirs)
            told = f"{other.wall:>7.2f} s {stopwatch.ratio(mine, other):>7.3f}"
            told += f"  {missing(folder / 'ours', folder / 'cdx')} of its parts not in ours"
        print(
            f"{label:<18} {count:>6} {mine.wall:>7.2f} s {mine.cpu:>7.2f} s {mine.peak / 1e6:>5.0f} MB {told}"
        )


def missing(ours: Path, theirs: Path) -> int:
    """How many components and needs of one document, by name and version, the other does not have."""

    def said(file: Path) -> set[object]:
        document = json.loads(file.read_bytes())
        parts = [document["metadata"]["component"], *document["components"]]
        named = {part["bom-ref"]: (part["name"], part.get("version", "")) for part in parts}
        needs = {
            (named[each["ref"]], named[other])
            for each in document["dependencies"]
            for other in each.get("dependsOn", ())
        }
        return {*named.values(), *needs}

    return len(said(theirs) - said(ours))


def recorded(count: int) -> tuple[bytes, bytes]:
    """A closure of `count` paths and its derivations, as Nix 2.34 prints them."""
    import nix_closure

    infos, recipes = nix_closure.path_info(count), nix_closure.derivations(count)
    return json.dumps(infos).encode(), json.dumps(recipes).encode()


def measure(count: int) -> None:
    """Read a recorded graph and write it, and print seconds of processor time and the peak in MB."""
    import nix_closure

    from repro.sbom.document import written
    from repro.sbom.nix_component import Known
    from repro.sbom.nix_runtime import of_infos
    from repro.tools.collector import collector_paused
    from repro.tools.nix_json import parse_path_info
    from repro.tools.nix_recipes import parse_recipes

    infos, recipes = (Path(f"{kind}-{count}.json").read_bytes() for kind in ("infos", "recipes"))
    start = time.process_time()
    with collector_paused():  # as `repro sbom` does
        known = Known(recipes=parse_recipes(recipes))
        del recipes
        read = time.process_time()
        inventory = of_infos(parse_path_info(infos), known)
        made = time.process_time()
        document = written(inventory)
        seconds = time.process_time() - made
    assert document
    print(read - start, made - read, seconds, nix_closure.resident("VmHWM"))


def curve(counts: Sequence[int], folder: Path) -> None:
    """The cost per component of recorded graphs."""
    print(
        f"\n{'paths':>7} {'derivations':>12} {'inventory':>10} {'document':>9} {'all, each':>12} {'peak':>8}"
    )
    for count in counts:
        for kind, data in zip(("infos", "recipes"), recorded(count), strict=True):
            (folder / f"{kind}-{count}.json").write_bytes(data)
            del data
        argv = [sys.executable, __file__, "--measure", str(count)]
        said = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True).stdout.split()
        drvs, made, document, peak = map(float, said)
        each = (drvs + made + document) / count * 1e6
        print(f"{count:>7} {drvs:>10.2f} s {made:>8.2f} s {document:>7.2f} s {each:>9.0f} µs {peak:>5.0f} MB")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sbomnix", default="", help="the program to compare with")
    parser.add_argument("--paths", type=int, nargs="*", default=[1000, 20_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--curve", type=int, nargs="*", default=[1000, 5000, 20_000, 100_000])
    parser.add_argument("--measure", type=int, default=0, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.measure:
        measure(wanted.measure)
    else:
        # Where it is installed editable, an edit leaves it stale.
        compileall.compile_dir(Path(repro.__file__).parent, quiet=1)
        with tempfile.TemporaryDirectory() as folder:
            tables(wanted, Path(folder))


def tables(wanted: argparse.Namespace, folder: Path) -> None:
    """Both tables; a column or table that cannot be had says why."""
    if shutil.which("nix-instantiate") is None:
        print("no stores: there is no Nix on PATH")
    else:
        print(f"{'store':<18} {'paths':>6} {'repro':>9} {'cpu':>9} {'peak':>8} {'sbomnix':>9} {'ratio':>7}")
        for count in wanted.paths:
            place = folder / str(count)
            side_by_side(wanted.sbomnix, count, wanted.rounds, place)
            shutil.rmtree(place)
    curve(wanted.curve, folder)


if __name__ == "__main__":
    main()
