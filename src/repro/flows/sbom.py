"""`repro sbom`: make an SBOM, and ask whether one is that of what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import UsageError
from repro.flows.sbom_target import Closure, inventory_of
from repro.sbom.check import checked
from repro.sbom.cyclonedx import DEFAULT_SPEC
from repro.sbom.document import Format, written
from repro.sbom.reading import MAX_BYTES, parse_sbom
from repro.tools import host
from repro.tools.files import disk_errors, read_capped

if TYPE_CHECKING:
    from pathlib import Path

    from repro.sbom.check import Checked
    from repro.sbom.component import Inventory
    from repro.sbom.reading import Sbom


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for; `target` "" and None elsewhere stand for what `repro.toml` says, or the default."""

    target: str = ""
    form: Format | None = None
    spec: str = ""
    closure: Closure | None = None
    platform: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An SBOM's bytes, and the inventory that they state."""

    inventory: Inventory
    data: bytes


def make(folder: Path, wishes: Wishes) -> Made:
    """The SBOM of a target seen from `folder`; its only time is that of SOURCE_DATE_EPOCH."""
    form = wishes.form or Format.CYCLONEDX_JSON
    if wishes.spec and form is Format.SPDX_JSON:
        raise UsageError("--spec is for CycloneDX; SPDX is written as 2.3", hint="leave --spec out")
    inventory = inventory_of(folder, wishes.target, closure=wishes.closure, platform=wishes.platform)
    data = written(
        inventory,
        form=form,
        spec=wishes.spec or DEFAULT_SPEC,
        epoch=host.variables().get("SOURCE_DATE_EPOCH", ""),
    )
    return Made(inventory=inventory, data=data)


def read(path: Path) -> Sbom:
    """The SBOM in a file."""
    with disk_errors(f"reading {path.name}"):
        return parse_sbom(read_capped(path, MAX_BYTES), name=path.name)


def check(folder: Path, file: Path, wishes: Wishes) -> Checked:
    """Whether the SBOM in `file` is that of the target, which is read anew."""
    stated = read(folder / file)
    found = inventory_of(folder, wishes.target, closure=wishes.closure, platform=wishes.platform)
    return checked(stated.inventory, found)
