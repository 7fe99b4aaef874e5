"""`repro sbom`: make an SBOM, and ask whether one is that of what is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from repro.core.errors import DataError, UsageError
from repro.core.exits import Exit
from repro.flows.sbom_target import Closure, Sort, inventory_of, target_of
from repro.sbom.component import HASHES
from repro.sbom.cyclonedx import DEFAULT_SPEC
from repro.sbom.document import Format, written
from repro.tools import host
from repro.tools.collector import collector_paused
from repro.tools.files import disk_errors, read_capped

if TYPE_CHECKING:
    from repro.sbom.check import Checked
    from repro.sbom.component import Inventory
    from repro.sbom.difference import Difference
    from repro.sbom.licences import Judged
    from repro.sbom.reading import Sbom
    from repro.sbom.validate import Validated

DOCUMENTS = (".json", ".xml")
"""How the names of SBOMs end; no target's name ends so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for; `target` "" and None elsewhere stand for what `repro.toml` says, or the default.

    `verify`: read every file of an environment, to prove what RECORD states of it.
    """

    target: str = ""
    form: Format | None = None
    spec: str = ""
    closure: Closure | None = None
    platform: str = ""
    verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An SBOM's bytes, and the inventory that they state; whether every file was read to prove RECORD."""

    inventory: Inventory
    data: bytes
    verified: bool = False

    @property
    def exit(self) -> Exit:
        """Where all should be proved to be as RECORD states: 1 if something is not, 3 if none states it."""
        if not self.verified:
            return Exit.GOOD
        if any(each.belies for each in self.inventory.findings):
            return Exit.WRONG
        stated = any((HASHES, "RECORD") in each.properties for each in self.inventory.components)
        return Exit.GOOD if stated else Exit.NOT_CHECKED


def make(folder: Path, wishes: Wishes) -> Made:
    """The SBOM of a target seen from `folder`; its only time is that of SOURCE_DATE_EPOCH."""
    folder, wishes = completed(folder, wishes)
    form = wishes.form or Format.CYCLONEDX_JSON
    if wishes.spec and form is Format.SPDX_JSON:
        raise UsageError("--spec is for CycloneDX; SPDX is written as 2.3", hint="leave --spec out")
    if wishes.verify and target_of(folder, wishes.target).sort is not Sort.ENVIRONMENT:
        raise UsageError(
            f"--verify is for Python environments, and {wishes.target} is none", hint="leave --verify out"
        )
    with collector_paused():
        inventory = _read(folder, wishes, measured=wishes.verify)
        data = written(
            inventory,
            form=form,
            spec=wishes.spec or DEFAULT_SPEC,
            epoch=host.variables().get("SOURCE_DATE_EPOCH", ""),
        )
    return Made(inventory=inventory, data=data, verified=wishes.verify)


def _read(folder: Path, wishes: Wishes, *, measured: bool) -> Inventory:
    return inventory_of(
        folder, wishes.target, closure=wishes.closure, platform=wishes.platform, measured=measured
    )


def completed(folder: Path, wishes: Wishes) -> tuple[Path, Wishes]:
    """Where no target is named, that of `repro.toml` with what stands beside it, seen from its folder."""
    if wishes.target:
        return folder, wishes
    from repro.flows import config, sbom_tables

    root = config.find(folder)
    table = sbom_tables.tables_of(root).sbom
    if table is None:
        raise UsageError(
            "no target is named, and repro.toml has no table [sbom]",
            hint='name one, such as .venv, or write [sbom] with target = ".venv"',
        )
    closure = wishes.closure or (Closure(table.closure) if table.closure else None)
    form = wishes.form or Format(table.format)
    spec = wishes.spec or (table.spec or "" if form is not Format.SPDX_JSON else "")
    return root, replace(wishes, target=table.target, form=form, spec=spec, closure=closure)


def read(folder: Path, file: Path) -> Sbom:
    """The SBOM in a file."""
    from repro.sbom.reading import parse_sbom

    return parse_sbom(_bytes(folder, file), name=str(file))


def _bytes(folder: Path, file: Path) -> bytes:
    from repro.sbom.reading import MAX_BYTES

    if not (folder / file).is_file():
        raise DataError(f"no file {file}", hint="make one: repro sbom TARGET --out FILE")
    with disk_errors(f"reading {file}"):
        return read_capped(folder / file, MAX_BYTES)


def validate(folder: Path, file: Path) -> Validated:
    """Whether a file is valid by the official schema of what it says it is."""
    from repro.sbom.validate import validated

    return validated(_bytes(folder, file), name=str(file))


def diff(folder: Path, first: Path, second: Path) -> Difference:
    """What tells two SBOMs apart."""
    from repro.sbom.difference import difference

    return difference(read(folder, first).inventory, read(folder, second).inventory)


def licences(folder: Path, subject: str, wishes: Wishes) -> Judged:
    """The components of an SBOM or of a target, held against the policy of `repro.toml`."""
    from repro.flows import config, sbom_tables
    from repro.sbom.licences import judged
    from repro.tools import clock

    rules = sbom_tables.policy_of(config.find(folder))
    if subject and (folder / subject).is_file() and subject.lower().endswith(DOCUMENTS):
        inventory = read(folder, Path(subject)).inventory
    else:
        place, wishes = completed(folder, replace(wishes, target=subject))
        inventory = _read(place, wishes, measured=False)
    return judged(inventory, rules, today=clock.now().date())


def check(folder: Path, file: Path, wishes: Wishes) -> Checked:
    """Whether the SBOM in `file` is that of the target, which is read anew, every file of it."""
    from repro.sbom.check import checked

    with collector_paused():
        stated = read(folder, file)
        folder, wishes = completed(folder, wishes)
        return checked(stated.inventory, _read(folder, wishes, measured=True))
