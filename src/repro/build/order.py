"""In which order derivations are built again: what another one reads comes before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from repro.tools.nix_nouns import PathInfo


def in_order(drvs: Iterable[str], recipes: Mapping[str, PathInfo | None]) -> list[str]:
    """Derivations by the number of recipes that theirs refer to, which is larger than any of its parts'."""
    return sorted(drvs, key=lambda drv: (_reach(drv, recipes), drv))


def _reach(drv: str, recipes: Mapping[str, PathInfo | None]) -> int:
    seen, waiting = {drv}, [drv]
    while waiting:
        info = recipes.get(waiting.pop())
        new = set(info.references if info else ()) - seen
        seen |= new
        waiting += new
    return len(seen)
