"""How long an audit takes, by entries of the database and by components.

    python benchmarks/bench_audit.py

Seconds of processor time, the least of three, of databases and SBOMs that are made here: one entry in fifty
is about a component. `per 1k` shows whether the cost grows linearly. The peer is the least that any audit
in Python must do: its own zipfile and json reading the same zip, with no check of anything.
"""

from __future__ import annotations

import gc
import json
import tempfile
import time
import zipfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from repro.sbom.audit import audited
from repro.sbom.component import Component, Inventory
from repro.sbom.osv_database import read_database

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SIZES = ((5_000, 1_000), (20_000, 1_000), (80_000, 1_000), (20_000, 10_000))


def database_of(path: Path, entries: int, packages: int) -> Path:
    """A zip of entries, each with 60 versions and words as real ones have, in the form of OSV's exports."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(entries):
            name = f"package-{number % packages}" if number % 50 == 0 else f"other-{number}"
            archive.writestr(f"GHSA-{number}.json", json.dumps(_entry(number, name)))
    return path


def _entry(number: int, name: str) -> dict[str, object]:
    events = [{"introduced": "0"}, {"fixed": f"1.{number % 40}"}]
    return {
        "schema_version": "1.7.0",
        "id": f"GHSA-{number}",
        "modified": "2026-11-20T00:00:00Z",
        "aliases": [f"CVE-2026-{number}"],
        "summary": f"A flaw in {name}",
        "details": "What it is, who found it and what to do about it. " * 20,
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": name, "purl": f"pkg:pypi/{name}"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
                "versions": [f"1.{minor}" for minor in range(60)],
            }
        ],
        "references": [{"type": "WEB", "url": f"https://example.org/{number}/{n}"} for n in range(6)],
        "database_specific": {"severity": "HIGH", "cwe_ids": ["CWE-79"], "github_reviewed": True},
    }


def inventory_of(count: int) -> Inventory:
    """So many packages of PyPI."""
    parts = tuple(
        Component(ref=f"p{n}", name=f"package-{n}", version="1.20", purl=f"pkg:pypi/package-{n}@1.20")
        for n in range(count)
    )
    return Inventory(target=Component(ref="root", name="root"), components=parts, needs={})


def least(work: Callable[[], object], turns: int = 3) -> float:
    """The least processor time of some turns, in seconds."""
    found = []
    for _ in range(turns):
        gc.collect()
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def floor(path: Path) -> None:
    """Read and parse every entry, and nothing else."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            json.loads(archive.read(info))


def main() -> None:
    """Print the table."""
    print(f"{'entries':>8} {'components':>10} {'MB':>6} {'audit':>8} {'per 1k':>8} {'floor':>8} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for entries, components in SIZES:
            path = database_of(Path(folder) / "all.zip", entries, components)
            inventory = inventory_of(components)
            ours = least(lambda: audited(inventory, partial(read_database, path), now=NOW))  # noqa: B023
            theirs = least(lambda: floor(path))  # noqa: B023
            line = f"{entries:>8} {components:>10} {path.stat().st_size / 1e6:>6.1f} {ours:>7.2f}s"
            print(f"{line} {ours * 1e6 / entries:>6.1f}ms {theirs:>7.2f}s {ours / theirs:>6.2f}", flush=True)


if __name__ == "__main__":
    main()
