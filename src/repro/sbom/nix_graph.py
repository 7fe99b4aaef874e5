"""Components of the Nix store put together: which one is the target, and what is wrong with the graph."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from repro.core.errors import DataError
from repro.sbom.component import Component, Finding, Inventory, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHOWN = 8
"""Members of a cycle that are told."""


def assembled(
    components: Mapping[str, Component],
    needs: Mapping[str, tuple[str, ...]],
    *,
    inner: Mapping[str, tuple[str, ...]] | None = None,
    roots: Sequence[str] = (),
    findings: Iterable[Finding] = (),
    properties: tuple[tuple[str, str], ...] = (),
) -> Inventory:
    """The inventory of components by reference; every one of `needs` is among them, and of `inner`.

    `needs` is the graph of the store, `inner` that of what stands inside its paths.
    The target is the one of `roots`, or the one that nothing needs. Where there are several, it is a
    component of its own, which needs them. Raises DataError where there is nothing.
    """
    if not components:
        raise DataError(
            "there is nothing in this closure", hint="name a path or an installable that is there"
        )
    needed = Counter(chain.from_iterable(needs.values()))
    roots = tuple(sorted(set(roots))) or tuple(sorted(ref for ref in needs if ref not in needed))
    told = [*findings] if _is_acyclic(needs, needed) else [*findings, _cycle(needs)]
    everything = {**needs, **(inner or {})}
    if len(roots) == 1:
        target = replace(components[roots[0]], kind=Kind.APPLICATION)
    else:
        target = Component(ref="closure", name="closure", kind=Kind.APPLICATION)
        everything[target.ref] = roots or tuple(sorted(needs))
    return Inventory(
        target=target,
        components=tuple([components[ref] for ref in sorted(components) if ref != target.ref]),
        needs=everything,
        findings=tuple(sorted(told, key=lambda each: (each.where, each.what))),
        properties=properties,
    )


def _is_acyclic(needs: Mapping[str, tuple[str, ...]], left: Counter[str]) -> bool:
    """Whether taking away what nothing needs, again and again, leaves nothing; `left` is used up by it."""
    ready = [ref for ref in needs if ref not in left]
    for ref in ready:  # grows while it is walked
        for each in needs[ref]:
            left[each] -= 1
            if not left[each]:
                ready.append(each)
    return len(ready) == len(needs)


def _cycle(needs: Mapping[str, tuple[str, ...]]) -> Finding:
    """Where components need each other in a circle, which Nix itself never allows."""
    left = {ref: len(found) for ref, found in needs.items()}
    needed_by: dict[str, list[str]] = {}
    for ref, found in needs.items():
        for each in found:
            needed_by.setdefault(each, []).append(ref)
    ready = [ref for ref, count in left.items() if not count]
    for ref in ready:  # grows while it is walked
        for each in needed_by.get(ref, ()):
            left[each] -= 1
            if not left[each]:
                ready.append(each)
    circle = _circle(needs, set(ready))
    return Finding(where=circle[0], what=_shown(circle))


def _circle(needs: Mapping[str, tuple[str, ...]], resolved: set[str]) -> list[str]:
    """A circle among what is left: each of it needs another of it, so that walking on must come back."""
    walked: dict[str, None] = {}
    ref = min(each for each in needs if each not in resolved)
    while ref not in walked:
        walked[ref] = None
        ref = min(each for each in needs[ref] if each not in resolved)
    path = list(walked)
    circle = path[path.index(ref) :]
    start = circle.index(min(circle))
    return circle[start:] + circle[:start]


def _shown(circle: Sequence[str]) -> str:
    more = f" and {len(circle) - SHOWN} more" if len(circle) > SHOWN else ""
    return f"a cycle in the graph: {' needs '.join(circle[:SHOWN])}{more}"
