"""What a policy's questions need beside evidence: what is in an artifact, and documents by their digest."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from repro.core.digest import of_bytes
from repro.core.errors import EvidenceError, UsageError
from repro.tools.files import copy_hashed, disk_errors, read_capped

if TYPE_CHECKING:
    from datetime import datetime

    from repro.flows.verify_targets import Item
    from repro.sbom.audit import Audit
    from repro.sbom.component import Inventory
    from repro.verify.artifact import Artifact
    from repro.verify.discovery import Found

MAX_DOCUMENT = 512 << 20
"""Cap on a document that an attestation refers to, in bytes."""

SUFFIXES = (".cdx.json", ".spdx.json", ".sbom.json", ".json")
"""How the name of an artifact goes on in that of its SBOM."""


def inventory_of(item: Item, artifact: Artifact) -> Inventory:
    """What is in the artifact, every file of it. Raises ReproError where nothing tells.

    A file is read from a copy that has the digest which was verified: another may bear its name by now. What
    is no file is read where it lies, and must be what was verified after that too.
    """
    from repro.flows.sbom_target import inventory_of as read
    from repro.flows.sbom_target import target_of

    path = item.path
    if path is None:
        raise EvidenceError("the artifact is not at hand, so nothing tells what is in it")
    if path.is_file() and not target_of(path.parent, path.name).stored:
        with disk_errors(f"copying {item.name}"), TemporaryDirectory() as place:
            copy = Path(place) / path.name
            if artifact.content is not None:
                copy.write_bytes(artifact.content)
            elif copy_hashed(path, copy).hex != artifact.sha256:
                raise EvidenceError(f"{item.name}: changed after it was hashed")
            return read(copy.parent, copy.name, measured=True)
    inventory = read(path.parent, path.name, measured=True)
    if dict(item.open().digests) != dict(artifact.digests):
        raise EvidenceError(f"{item.name}: changed after it was hashed")
    return inventory


def audit_of(folder: Path, now: datetime, inventory: Inventory) -> Audit:
    """Known vulnerabilities of what an SBOM states, by the database that `[audit]` of repro.toml names.

    `folder` is the policy's: who trusts it trusts what lies there, and not what lies beside an artifact.
    """
    from repro.flows import audit

    try:
        wishes = audit.completed(folder, audit.Wishes())
    except UsageError as error:
        raise EvidenceError(f"cannot be checked: {error.message}") from error
    return audit.audit_inventory(folder, inventory, wishes, now=now)


def document_of(item: Item, found: Found, sha256: str) -> bytes:
    """The document with a digest: among the evidence, or beside the artifact."""
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
