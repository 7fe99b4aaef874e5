"""What is told beside an SBOM that was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.render.words import one_line, plural
from repro.sbom.component import HASHES
from repro.sbom.evidence import distributions, evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.flows.sbom import Made

SHOWN = 20
"""Findings that are shown; the SBOM has all."""


def made_lines(made: Made, out: str) -> Iterator[str]:
    """What is told beside an SBOM: how much it holds, where it is, and what was found wrong on the way."""
    inventory = made.inventory
    for finding in inventory.findings[:SHOWN]:
        yield f"note: {one_line(finding.where)}: {one_line(finding.what)}"
    if len(inventory.findings) > SHOWN:
        yield f"note: {len(inventory.findings) - SHOWN} more are in the SBOM, as repro:finding"
    if made.exit is Exit.NOT_CHECKED:
        yield "note: no RECORD states a digest, so --verify had nothing to compare the files with"
    if not made.verified and any((HASHES, "RECORD") in each.properties for each in inventory.components):
        yield "note: digests of files are those that RECORD states; --verify and repro sbom check read them"
    bare = sum(not (evidence(each) or distributions(each)) for each in inventory.components)
    count = plural(len(inventory.components), "component") + (f", {bare} without a hash" if bare else "")
    yield f"SBOM of {one_line(inventory.target.name)}: {count}" + (f", written to {out}" if out else "")
