"""What two SBOMs say differently: added, removed and upgraded components, contents, licences, patches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from repro.core.exits import Exit
from repro.sbom.expression import is_expression, normal
from repro.sbom.identity import compared, label_of, name_of, paired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.sbom.component import Component, Inventory


class Sort(StrEnum):
    """Kinds of changes, in the order in which they are told."""

    ADDED = "added"
    REMOVED = "removed"
    VERSION = "version"
    CONTENT = "content"
    LICENCE = "licence"
    PATCH = "patch"
    NEEDS = "needs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one component: its name, and what the first and the second SBOM say."""

    sort: Sort
    name: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All changes; `same` counts components that both state alike."""

    changes: tuple[Change, ...]
    same: int

    @property
    def exit(self) -> Exit:
        """0 where both state the same, 1 where they differ, 3 where neither states anything."""
        if self.changes:
            return Exit.WRONG
        return Exit.GOOD if self.same else Exit.NOT_CHECKED

    def of(self, sort: Sort) -> tuple[Change, ...]:
        """The changes of one kind."""
        return tuple(change for change in self.changes if change.sort is sort)

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "version": 1,
            "exit": int(self.exit),
            "same": self.same,
            "changes": [
                {"kind": str(each.sort), "name": each.name, "before": each.before, "after": each.after}
                for each in self.changes
            ],
        }


def difference(first: Inventory, second: Inventory) -> Difference:
    """Every change from the first to the second, sorted by kind and name."""
    pairing = paired(first.components, second.components)
    changes = [
        Change(sort=Sort.REMOVED, name=name_of(each), before=label_of(each)) for each in pairing.only_first
    ]
    changes += [
        Change(sort=Sort.ADDED, name=name_of(each), after=label_of(each)) for each in pairing.only_second
    ]
    names = [_labels(first), _labels(second)]
    same = 0
    for before, after in ((first.target, second.target), *pairing.pairs):
        found = list(_changes(before, after))
        needs = [
            {labels.get(ref, ref) for ref in inventory.needs.get(each.ref, ())}
            for labels, inventory, each in zip(names, (first, second), (before, after), strict=True)
        ]
        if needs[0] != needs[1]:
            lost, gained = sorted(needs[0] - needs[1]), sorted(needs[1] - needs[0])
            found.append(_change(Sort.NEEDS, after, ", ".join(lost), ", ".join(gained)))
        changes += found
        same += not found and before is not first.target
    order = list(Sort)
    return Difference(
        changes=tuple(
            sorted(changes, key=lambda each: (order.index(each.sort), each.name, each.before, each.after))
        ),
        same=same,
    )


def _labels(inventory: Inventory) -> dict[str, str]:
    """What the graph's references are called on both sides: names without versions, which change together."""
    return {each.ref: name_of(each) for each in (inventory.target, *inventory.components)}


def _changes(before: Component, after: Component) -> Iterator[Change]:
    if before.version != after.version:
        yield _change(Sort.VERSION, after, before.version, after.version)
    else:
        same = compared(before, after)
        if same.differs:
            yield _change(Sort.CONTENT, after, same.first, same.second)
    licences = [_licences(before), _licences(after)]
    if licences[0] != licences[1]:
        yield _change(Sort.LICENCE, after, *licences)
    patches = [_patches(before), _patches(after)]
    if patches[0] != patches[1]:
        lost, gained = sorted(patches[0] - patches[1]), sorted(patches[1] - patches[0])
        yield _change(Sort.PATCH, after, ", ".join(map(_patch, lost)), ", ".join(map(_patch, gained)))


def _change(sort: Sort, component: Component, before: str, after: str) -> Change:
    return Change(sort=sort, name=name_of(component), before=before, after=after)


def _licences(component: Component) -> str:
    """The licences in one line, the same however they are ordered and spelt."""
    stated = {
        normal(each.expression) if is_expression(each.expression) else each.expression or each.name
        for each in component.licences
    }
    return " AND ".join(f"({each})" if " " in each and len(stated) > 1 else each for each in sorted(stated))


def _patches(component: Component) -> set[tuple[str, str, str]]:
    return {(each.name, ", ".join(sorted(each.resolves)), each.diff) for each in component.patches}


def _patch(patch: tuple[str, str, str]) -> str:
    name, resolves, _ = patch
    return f"{name or 'a patch'} ({resolves})" if resolves else name or "a patch"
