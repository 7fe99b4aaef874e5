"""Is this the SBOM of what is there? Added, missing and changed components, by hash where both have one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from repro.core.check import Check, Status
from repro.core.exits import Exit
from repro.sbom.identity import By, compared, label_of, name_of, paired

if TYPE_CHECKING:
    from repro.sbom.component import Component, Finding, Inventory


class Deviation(StrEnum):
    """How what is there deviates from the SBOM."""

    ADDED = "added"
    MISSING = "missing"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviating:
    """One component that is not as the SBOM says: which, how, and what the SBOM says and what is there."""

    kind: Deviation
    name: str
    stated: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What came out: deviations, and by what the components that agree were compared.

    `by_hash` counts components whose bytes were compared; `by_version` names those where one side states no
    hash that the other has: their names and versions agree, and nothing more is known. Requirements that
    nothing has met have no bytes: of those that agree, neither tells. `within` counts components that have no
    hash and lie inside one that was compared by hash: their bytes are among its own. `belied` names what is
    not as the target itself states, such as the files of a package that are not what its RECORD says: where a
    package changed, they say by which files; where the SBOM states the same, it is that of what is there.
    """

    deviations: tuple[Deviating, ...]
    by_hash: int
    by_version: tuple[str, ...]
    within: int = 0
    belied: tuple[Finding, ...] = ()

    def exit(self, *, strict: bool = False) -> Exit:
        """1 on a deviation, 3 where no component was compared by hash; `strict`: 1 where one was not."""
        if self.deviations or (strict and self.by_hash and self.by_version):
            return Exit.WRONG
        return Exit.GOOD if self.by_hash else Exit.NOT_CHECKED

    def checks(self) -> list[Check]:
        """One check per component that was not compared or deviates, and one for all that agree."""
        found = [Check(name=each.name, status=Status.FAIL, reason=_reason(each)) for each in self.deviations]
        found += [
            Check(name=name, status=Status.SKIP, reason="no hash on both sides: compared by version only")
            for name in self.by_version
        ]
        if self.by_hash:
            found.append(Check(name="same bytes", status=Status.PASS, reason=f"{self.by_hash} by hash"))
        return found

    def to_dict(self, *, strict: bool = False) -> dict[str, Any]:
        """For `--json`."""
        return {
            "version": 1,
            "exit": int(self.exit(strict=strict)),
            "compared": {
                "by_hash": self.by_hash,
                "within": self.within,
                "by_version_only": list(self.by_version),
            },
            "deviations": [
                {"kind": str(each.kind), "name": each.name, "stated": each.stated, "found": each.found}
                for each in self.deviations
            ],
            "belied": [{"where": each.where, "what": each.what} for each in self.belied],
        }


def checked(stated: Inventory, found: Inventory) -> Checked:
    """Compare what an SBOM states with what was found in the target, component by component."""
    pairing = paired(stated.components, found.components)
    deviations = [
        Deviating(kind=Deviation.MISSING, name=name_of(each), stated=label_of(each))
        for each in pairing.only_first
    ]
    deviations += [
        Deviating(kind=Deviation.ADDED, name=name_of(each), found=label_of(each))
        for each in pairing.only_second
    ]
    holders, bare = _Holders(stated, found), []
    targets = [(stated.target, found.target)] if compared(stated.target, found.target).by else []
    for first, second in (*targets, *pairing.pairs):
        same = compared(first, second)
        if first.version != second.version:
            deviations.append(_changed(name_of(second), label_of(first), label_of(second)))
        elif same.differs:
            deviations.append(_changed(label_of(second), same.first, same.second))
        elif same.by is By.HASH:
            holders.agree(first, second)
        elif same.by is By.NOTHING:
            bare.append((first, second))
    by_version = [label_of(second) for first, second in bare if not holders.hold(first, second)]
    return Checked(
        deviations=tuple(sorted(deviations, key=lambda each: (each.name, each.kind, each.stated))),
        by_hash=holders.count,
        by_version=tuple(sorted(by_version)),
        within=len(bare) - len(by_version),
        belied=tuple(each for each in found.findings if each.belies),
    )


class _Holders:
    """Which components agree by hash, and so vouch for what lies inside them on both sides."""

    def __init__(self, stated: Inventory, found: Inventory) -> None:
        self.first, self.second = (
            {each.ref: each for each in (side.target, *side.components)} for side in (stated, found)
        )
        self.agreed: dict[str, str] = {}

    @property
    def count(self) -> int:
        """How many agree."""
        return len(self.agreed)

    def agree(self, first: Component, second: Component) -> None:
        """Remember a pair whose bytes are the same."""
        self.agreed[second.ref] = first.ref

    def hold(self, first: Component, second: Component) -> bool:
        """Whether both lie, at whatever depth, inside one pair that agrees."""
        seen: set[str] = set()
        while first.inside in self.first and second.inside in self.second and second.ref not in seen:
            if self.agreed.get(second.inside) == first.inside:
                return True
            seen.add(second.ref)  # SPDX can say that two packages hold each other
            first, second = self.first[first.inside], self.second[second.inside]
        return False


def _changed(name: str, stated: str, found: str) -> Deviating:
    return Deviating(kind=Deviation.CHANGED, name=name, stated=stated, found=found)


def _reason(each: Deviating) -> str:
    words = {
        Deviation.ADDED: "not in the SBOM",
        Deviation.MISSING: "in the SBOM, and not there",
        Deviation.CHANGED: f"{each.stated}, found {each.found}",
    }
    return words[each.kind]
