"""What a policy's questions need beside evidence: what is in an artifact, and documents by their digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.digest import of_bytes
from repro.core.errors import EvidenceError, UsageError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from repro.flows.verify_targets import Item
    from repro.sbom.audit import Audit
    from repro.sbom.component import Inventory
    from repro.verify.discovery import Found

MAX_DOCUMENT = 512 << 20
"""Cap on a document that an attestation refers to, in bytes."""

SUFFIXES = (".cdx.json", ".spdx.json", ".sbom.json", ".json")
"""How the name of an artifact goes on in that of its SBOM."""


def inventory_of(item: Item) -> Inventory:
    """What is in the artifact, read anew, every file of it. Raises ReproError where nothing tells."""
    from repro.flows.sbom_target import inventory_of as read

    if item.path is None:
        raise EvidenceError("the artifact is not at hand, so nothing tells what is in it")
    return read(item.path.parent, item.path.name, measured=True)


def audit_of(folder: Path, now: datetime, inventory: Inventory) -> Audit:
    """Known vulnerabilities of what an SBOM states, by the database that `[audit]` of repro.toml names."""
    from repro.flows import audit

    try:
        wishes = audit.completed(folder, audit.Wishes())
    except UsageError as error:
        raise EvidenceError(f"cannot be checked: {error.message}") from error
    return audit.audit_inventory(folder, inventory, wishes, now=now)


def document_of(item: Item, found: Found, sha256: str) -> bytes:
    """The document with a digest: among the evidence, or beside the artifact."""
    from repro.tools.files import disk_errors, read_capped
    from repro.verify.discovery import Listings

    for one in found.evidence:
        if of_bytes(one.raw).hex == sha256:
            return one.raw
    if item.path is not None:
        for name in Listings().of(item.path.parent):
            is_file = item.path.with_name(name).is_file()  # for a pipe nobody waits
            if is_file and name.startswith(item.path.name) and name.endswith(SUFFIXES):
                with disk_errors(f"reading {name}"):
                    data = read_capped(item.path.with_name(name), MAX_DOCUMENT)
                if of_bytes(data).hex == sha256:
                    return data
    raise EvidenceError(f"no document with sha256 {sha256[:80]} is at hand")
