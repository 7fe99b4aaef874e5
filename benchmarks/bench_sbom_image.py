"""How fast the layers of an image are read, checked and inventoried, beside programs that only list them.

    python benchmarks/bench_sbom_image.py [MEGABYTES [ROUNDS]]

One layer of that size, of files of 4 kB to 1 MB, stored plain, by gzip and by zstd; `nix` is the plain one
with its files in a hundred store paths, whose NAR hashes take a second reading. `repro` checks the digests of
blob and layer and hashes every file; `tar tf` and Python's tarfile only list names, and in a plain
layer step over contents; `sha256sum` hashes the blob once. Processes in turns in one run; the table shows
MB/s of the decompressed layer, the peak in MB, and the median of the ratios of time.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard
from stopwatch import alternate, process, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

MEGABYTES = 400
ROUNDS = 5

OURS = "import sys; from pathlib import Path; from repro.sbom.oci import image; image(Path(sys.argv[1]))"
LISTED = "import sys, tarfile\nwith tarfile.open(sys.argv[1]) as archive:\n    archive.getnames()"
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
}
KIND = "application/vnd.oci.image"

NIX = "nix/store/0123456789abcdfghijklmnpqrsvwx{:02}-part"


def layer(megabytes: int, place: str = "usr/share/part{:02}") -> bytes:
    """A tar of files that shrink to about a third, the same each time, in a hundred folders."""
    draw = random.Random(1)  # noqa: S311 - the same layer each time
    words = [draw.randbytes(12) for _ in range(4000)]
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        number = 0
        while file.tell() < megabytes << 20:
            size = int(4096 * 256 ** draw.random())
            data = b"".join(draw.choices(words, k=size // 12))
            info = tarfile.TarInfo(f"{place.format(number % 100)}/file{number:06}")
            info.size, number = len(data), number + 1
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def write(root: Path, plain: bytes, stored: bytes) -> Path:
    """A layout of one layer; the path of its blob."""

    def put(data: bytes, kind: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (root / "blobs/sha256" / digest).write_bytes(data)
        return {"mediaType": f"{KIND}.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    (root / "blobs/sha256").mkdir(parents=True)
    diff_id = f"sha256:{hashlib.sha256(plain).hexdigest()}"
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
    blob = put(stored, "layer.v1.tar")
    body = {
        "schemaVersion": 2,
        "config": put(json.dumps(config).encode(), "config.v1+json"),
        "layers": [blob],
    }
    manifest = put(json.dumps(body).encode(), "manifest.v1+json")
    (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    return root / "blobs" / str(blob["digest"]).replace(":", "/")


def make(folder: Path, megabytes: int) -> None:
    """Write the layouts, in a process of its own: what it holds would count as the peak of its children."""
    plain = layer(megabytes)
    blobs = {name: str(write(folder / name, plain, pack(plain))) for name, pack in COMPRESSIONS.items()}
    stored = layer(megabytes, NIX)
    blobs["nix"] = str(write(folder / "nix", stored, stored))
    (folder / "made.json").write_text(json.dumps({"bytes": len(plain), "blobs": blobs}))


def main(megabytes: int, rounds: int) -> None:
    """Print the table."""
    print(f"{'stored':<8}{'program':<12}{'MB/s':>8}{'peak MB':>9}{'repro takes':>13}")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, "--make", folder, str(megabytes)], check=True)
        made = json.loads((Path(folder) / "made.json").read_text())
        for name, blob in made["blobs"].items():
            argvs = {
                "repro": [sys.executable, "-c", OURS, str(Path(folder) / name)],
                "tar tf": ["tar", "tf", blob, *(["--zstd"] if name == "zstd" else [])],
                "sha256sum": ["sha256sum", blob],
            }
            if name != "zstd":  # which Python reads from 3.14 on
                argvs["tarfile"] = [sys.executable, "-c", LISTED, blob]
            works = [process(argv, cwd=Path(folder), env=dict(os.environ)) for argv in argvs.values()]
            found = dict(zip(argvs, alternate(rounds, *works), strict=True))
            for program, series in found.items():
                speed = made["bytes"] / 1e6 / series.wall
                times = ratio(found["repro"], series)
                print(f"{name:<8}{program:<12}{speed:>8.0f}{series.peak / 1e6:>9.0f}{times:>11.2f} x")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--make"]:
        make(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        numbers = [int(word) for word in sys.argv[1:3]]
        main(*numbers, *(MEGABYTES, ROUNDS)[len(numbers) :])
