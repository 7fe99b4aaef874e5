"""Which component of one inventory is which of another: by package URL, else by name and version."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from repro.sbom.component import REQUIRES
from repro.sbom.evidence import distributions, evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from repro.sbom.component import Component


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Components that stand for the same thing on both sides, and those that stand alone on one."""

    pairs: tuple[tuple[Component, Component], ...]
    only_first: tuple[Component, ...]
    only_second: tuple[Component, ...]


def paired(first: Iterable[Component], second: Iterable[Component]) -> Pairing:
    """Pair components of the same name: same bytes first, then same version, then what is left in order.

    Where one name stands several times (two versions, two outputs of a build), no component is paired twice.
    """
    left, right = _by_name(first), _by_name(second)
    pairs: list[tuple[Component, Component]] = []
    only_first: list[Component] = []
    only_second: list[Component] = []
    for name in sorted({*left, *right}):
        ours, theirs = left[name], right[name]
        for key in (_whole, _contents, _exact, _version):
            found, ours, theirs = _matched(ours, theirs, key)
            pairs += found
        rest = min(len(ours), len(theirs))
        pairs += zip(ours, theirs, strict=False)
        only_first += ours[rest:]
        only_second += theirs[rest:]
    return Pairing(pairs=tuple(pairs), only_first=tuple(only_first), only_second=tuple(only_second))


class By(StrEnum):
    """What of two components was compared: their bytes, requirements that nothing has met yet, or nothing."""

    HASH = "hash"
    REQUIREMENT = "requirement"
    NOTHING = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """By what a pair was compared, and where it differs what each side states; two "" where it does not."""

    by: By
    first: str = ""
    second: str = ""

    @property
    def differs(self) -> bool:
        """Whether the two sides state different things."""
        return self.first != self.second


def compared(first: Component, second: Component) -> Compared:
    """Compare by what both sides state: every kind of hash of what is there; else what may be installed.

    The distributions that a lock allows say nothing about installed files whose own hashes are known: a lock
    gains one when its author publishes another wheel.
    """
    ours, theirs = evidence(first), evidence(second)
    common = sorted(ours.keys() & theirs.keys())
    for kind in common:
        if ours[kind] != theirs[kind]:
            return Compared(by=By.HASH, first=f"{kind} {ours[kind]}", second=f"{kind} {theirs[kind]}")
    if common:
        return Compared(by=By.HASH)
    files, others = distributions(first), distributions(second)
    for kind in sorted(files.keys() & others.keys()):
        if files[kind] != others[kind]:
            return Compared(by=By.HASH, **_sides("distribution " + kind, files[kind], others[kind]))
    if files.keys() & others.keys():
        return Compared(by=By.HASH)
    wanted, needed = _requirements(first), _requirements(second)
    if wanted and needed:
        sides = {} if wanted == needed else _sides("requires", wanted, needed)
        return Compared(by=By.REQUIREMENT, **sides)
    return Compared(by=By.NOTHING)


def _requirements(component: Component) -> frozenset[str]:
    return frozenset(value for name, value in component.properties if name == REQUIRES)


def _sides(kind: str, ours: frozenset[str], theirs: frozenset[str]) -> dict[str, str]:
    """What each side states alone; where that is nothing, that it lacks what the other has."""
    first, second = ", ".join(sorted(ours - theirs)), ", ".join(sorted(theirs - ours))
    return {
        "first": f"{kind} {first}" if first else f"no {kind} {second}",
        "second": f"{kind} {second}" if second else f"no {kind} {first}",
    }


def name_of(component: Component) -> str:
    """What a component is called whatever its version: `pkg:pypi/numpy`, or its name where it has no purl."""
    if not component.purl:
        return component.name
    return component.purl.partition("?")[0].partition("#")[0].partition("@")[0]


def label_of(component: Component) -> str:
    """What a component is called for people: name and version."""
    return f"{component.name} {component.version}".rstrip()


def _by_name(components: Iterable[Component]) -> defaultdict[str, list[Component]]:
    found: defaultdict[str, list[Component]] = defaultdict(list)
    for component in sorted(components, key=lambda each: (each.version, each.ref)):
        found[name_of(component)].append(component)
    return found


def _whole(component: Component) -> object:
    return (component.purl, component.version, tuple(sorted(evidence(component).items())))


def _contents(component: Component) -> object:
    return tuple(sorted(evidence(component).items())) or None


def _exact(component: Component) -> object:
    return (component.purl, component.version) if component.purl else None


def _version(component: Component) -> object:
    return component.version


def _matched(
    ours: Sequence[Component], theirs: Sequence[Component], key: Callable[[Component], object]
) -> tuple[list[tuple[Component, Component]], list[Component], list[Component]]:
    """Pairs with equal keys, and what is left on both sides; a key of None pairs with nothing."""
    waiting: defaultdict[object, list[Component]] = defaultdict(list)
    for each in reversed(theirs):
        waiting[key(each)].append(each)
    pairs: list[tuple[Component, Component]] = []
    rest: list[Component] = []
    for each in ours:
        value = key(each)
        if value is not None and waiting[value]:
            pairs.append((each, waiting[value].pop()))
        else:
            rest.append(each)
    taken = {id(other) for _, other in pairs}
    return pairs, rest, [each for each in theirs if id(each) not in taken]
