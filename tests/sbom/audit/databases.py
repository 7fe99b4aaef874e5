"""Small databases and inventories that tests of the audit are made of."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from repro.sbom.audit import Audit, audited
from repro.sbom.component import Component, Inventory
from repro.sbom.osv_database import read_database

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from repro.sbom.vex import Statement

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FRESH = "2026-11-20T00:00:00Z"
V3 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}
"""A score of 7.5."""


def entry(
    name: str = "GHSA-1",
    *,
    package: str = "demo",
    ecosystem: str = "PyPI",
    events: Sequence[dict[str, str]] = ({"introduced": "0"}, {"fixed": "2.0"}),
    kind: str = "ECOSYSTEM",
    modified: str = FRESH,
    **more: Any,  # noqa: ANN401 - JSON
) -> dict[str, Any]:
    """An entry about one package; `more` adds to it or takes the place of parts."""
    ranges = [{"type": kind, "events": list(events)}] if events else []
    affected = [{"package": {"ecosystem": ecosystem, "name": package}, "ranges": ranges}]
    return {
        "id": name,
        "modified": modified,
        "summary": f"{name} in {package}",
        "severity": [V3],
        "affected": affected,
        **more,
    }


def folder_of(path: Path, *entries: dict[str, Any]) -> Path:
    """A database as a folder."""
    path.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(entries):
        (path / f"{number}.json").write_text(json.dumps(each), encoding="utf-8")
    return path


def zip_of(path: Path, *entries: dict[str, Any]) -> Path:
    """A database as a zip, as exports are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in entries:
            archive.writestr(f"{each['id']}.json", json.dumps(each))
    return path


def part(purl: str, **fields: Any) -> Component:  # noqa: ANN401 - fields of a component
    """A component that is named by its package URL."""
    name, _, version = purl.partition("?")[0].rpartition("/")[2].partition("@")
    return Component(**{"ref": purl, "name": name, "version": version, "purl": purl, **fields})


def inventory_of(*parts: Component | str, target: str = "pkg:generic/app@1") -> Inventory:
    """Components, given whole or by package URL, of one target."""
    components = tuple(each if isinstance(each, Component) else part(each) for each in parts)
    return Inventory(target=part(target, ref="app"), components=components, needs={})


def audit_of(
    database: Path,
    *parts: Component | str,
    vex: Sequence[Statement] = (),
    **more: Any,  # noqa: ANN401
) -> Audit:
    """The audit of components at `NOW`."""
    return audited(inventory_of(*parts), partial(read_database, database), vex, **{"now": NOW, **more})
