"""How long SBOM documents take to be written and read, by components, beside the library's own serialiser.

    python benchmarks/bench_sbom_documents.py [COMPONENTS...]

Seconds of processor time, the least of three; `per 1k` shows whether the cost grows linearly. The peer is
cyclonedx-python-lib's own output, up to a size at which its quadratic cost is plain.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import warnings
from typing import TYPE_CHECKING

from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion

from repro.core.digest import Digest
from repro.sbom.component import Component, Inventory, Licence, Reference
from repro.sbom.cyclonedx_xml import bom_of
from repro.sbom.document import Format, written
from repro.sbom.reading import parse_sbom

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (1_000, 5_000, 20_000, 100_000)
PEER_LIMIT = 5_000
XML_LIMIT = 20_000
NEEDS = 4


def inventory(count: int) -> Inventory:
    """Components as of a Python environment, each needing the four before it."""
    parts = tuple(
        Component(
            ref=f"pkg:pypi/package-{number}@1",
            name=f"package-{number}",
            version="1",
            purl=f"pkg:pypi/package-{number}@1",
            licences=(Licence(expression=("MIT", "Apache-2.0 OR MIT")[number % 2]),),
            digests=(Digest("sha256", f"{number:064x}"),),
            references=(Reference(kind="website", url=f"https://example.org/{number}"),),
            properties=(("repro:content", f"sha256:{number:064x}"), ("repro:kind", "wheel")),
        )
        for number in range(count)
    )
    needs = {
        part.ref: tuple(parts[other].ref for other in range(max(0, n - NEEDS), n))
        for n, part in enumerate(parts)
    }
    return Inventory(target=Component(ref="root", name="root"), components=parts, needs=needs)


def least(work: Callable[[], object], turns: int = 3) -> float:
    """The least processor time of some turns, in seconds."""
    found = []
    for _ in range(turns):
        gc.collect()
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def by_library(data: bytes) -> float:
    """The library's time to build its model and serialise it; one turn."""
    value = json.loads(data)

    def work() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            make_outputter(bom_of(value), OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()

    return least(work, 1)


def main(sizes: tuple[int, ...]) -> None:
    """Print the table."""
    print(
        f"{'components':>10} {'MB':>6} {'write':>8} {'per 1k':>8} {'read':>8} {'per 1k':>8} {'XML':>8}",
        end="",
    )
    print(f" {'library':>9} {'ratio':>7}")
    for count in sizes:
        made = inventory(count)
        data = written(made)
        write = least(lambda made=made: written(made))  # type: ignore[misc]
        read = least(lambda data=data: parse_sbom(data, name="sbom"))  # type: ignore[misc]
        line = f"{count:>10} {len(data) / 1e6:>6.1f} {write:>7.3f}s {write * 1e6 / count:>6.1f}ms"
        line += f" {read:>7.3f}s {read * 1e6 / count:>6.1f}ms"
        if count <= XML_LIMIT:
            xml = least(lambda made=made: written(made, form=Format.CYCLONEDX_XML), 1)  # type: ignore[misc]
            line += f" {xml:>7.2f}s"
        if count <= PEER_LIMIT:
            peer = by_library(data)
            line += f" {peer:>8.2f}s {write / peer:>7.4f}"
        print(line, flush=True)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)
