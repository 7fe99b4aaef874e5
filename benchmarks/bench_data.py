"""Many small files: `repro data pull` beside DVC on the same remote, with an empty cache each time.

    python benchmarks/bench_data.py [FILES] [ROUNDS] [folder|gs]

`dvc pull` and `repro data pull --link` end with every file in the cache and in the work tree, `dvc fetch` and
`repro data pull` with every file in the cache. Rounds alternate. `gs` is the emulator of Google Cloud Storage
in a process of its own, whose processor time does not count. DVC is told there by a variable of gcsfs not to
ask by gRPC what kind of bucket it is: the emulator does not answer that, and DVC waits minutes for it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stopwatch import Sample, Series, measure

from repro.tools import host, process

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
BUCKET = """\
[core]
 remote = cloud
['remote "cloud"']
 url = gs://lab
 endpointurl = http://127.0.0.1:{port}
 allow_anonymous_login = true
"""
REPRO = (sys.executable, "-m", "repro", "data", "pull", "--quiet")
DVC = (sys.executable, "-m", "dvc")
CALLS = {
    "dvc pull": (*DVC, "pull", "--quiet"),
    "repro data pull --link": (*REPRO, "--link"),
    "dvc fetch": (*DVC, "fetch", "--quiet"),
    "repro data pull": REPRO,
}
PEER = {"repro data pull --link": "dvc pull", "repro data pull": "dvc fetch"}


def make(root: Path, files: int, variables: Mapping[str, str]) -> None:
    """A repository whose folder `data` of small files lies in a remote beside it, and nowhere else."""
    (root / "data").mkdir(parents=True)
    for number in range(files):
        (root / "data" / f"{number:06}.txt").write_text(f"{number}\n" * 40)
    (root / "repro.toml").write_text(CONFIG)
    for argv in (
        ("git", "init", "--quiet"),
        (*DVC, "init", "--quiet"),
        (*DVC, "remote", "add", "--quiet", "-d", "shelf", "../shelf"),
        (*DVC, "add", "--quiet", "data"),
        (*DVC, "push", "--quiet"),
        ("git", "add", "-A"),
    ):
        process.run(argv, cwd=root, env=variables, timeout_seconds=3600)


@contextmanager
def bucket(root: Path, shelf: Path) -> Iterator[None]:
    """What the folder `shelf` holds in a bucket, which is the repository's remote while the block lasts."""
    argv = (sys.executable, str(Path(__file__).with_name("bucket.py")), str(shelf))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout
            port = server.stdout.readline().strip()
            (root / ".dvc/config.local").write_text(BUCKET.format(port=port))
            yield
        finally:
            server.kill()


def rounds_of(top: Path, rounds: int, variables: Mapping[str, str]) -> dict[str, Series]:
    """Every call in turn, so often, each with nothing there."""
    taken: dict[str, list[Sample]] = {name: [] for name in CALLS}
    root = top / "project"
    for _ in range(rounds):
        for name, argv in CALLS.items():
            for gone in (root / "data", root / ".dvc/cache", root / ".dvc/tmp", top / "SITE_CACHE"):
                shutil.rmtree(gone, ignore_errors=True)
            taken[name].append(measure(argv, cwd=root, env=variables))
    return {name: Series(samples=tuple(samples)) for name, samples in taken.items()}


def main(files: int, rounds: int, kind: str) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        variables = {
            **host.variables(),
            **{
                f"DVC_{place}_DIR": str(top / place)
                for place in ("GLOBAL_CONFIG", "SYSTEM_CONFIG", "SITE_CACHE")
            },
            "DVC_NO_ANALYTICS": "1",
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
            "REPRO_CACHE_DIR": str(top / "repro"),
        }
        make(top / "project", files, variables)
        if kind == "gs":
            with bucket(top / "project", top / "shelf"):
                measured = rounds_of(top, rounds, variables)
        else:
            measured = rounds_of(top, rounds, variables)
    print(f"| {files} files, {kind}, {rounds} rounds | median | least | cpu | of DVC's |")
    print("|---|---|---|---|---|")
    for name, each in measured.items():
        share = f"{each.wall / measured[PEER[name]].wall:.2f}" if name in PEER else ""
        print(f"| `{name}` | {each.wall:.1f} s | {each.least:.1f} s | {each.cpu:.1f} s | {share} |")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        int(given[0]) if given else FILES,
        int(given[1]) if given[1:] else ROUNDS,
        (given[2:] or ["folder"])[0],
    )
