"""More of the door to Nix: what a store has of closures and derivations, and what packages state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.errors import DataError
from repro.tools.collector import collector_paused
from repro.tools.nix import Nix
from repro.tools.nix_aterm import recipes_in_files
from repro.tools.nix_recipes import parse_recipes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from repro.tools.nix_nouns import PathInfo
from repro.tools.nix_recipes import Recipe

ARGUMENTS = 256 << 10
"""Bytes of arguments of one call; every system takes as many beside the environment."""

NO_IMPORT = ("--option", "allow-import-from-derivation", "false")
"""Nothing is built while evaluating."""


class NixClosures(Nix):
    """The door for those who list what is in a closure; nothing here builds."""

    def closure(self, installables: Sequence[str], *, store: str = "") -> dict[str, PathInfo]:
        """Built outputs or paths and all that they refer to; DataError where one is not in the store."""
        where = ["--store", store] if store else []
        infos = self._path_info(["--recursive", *NO_IMPORT, *where, *installables])
        missing = sorted(path for path, info in infos.items() if info is None)
        if missing or not infos:
            raise DataError(
                f"not in the store: {', '.join(missing[:3]) or ' '.join(installables)}",
                hint="build it first, or ask for the closure of its derivations: --closure buildtime",
            )
        return {path: info for path, info in infos.items() if info is not None}

    def recipes_at_hand(self, drvs: Iterable[str]) -> dict[str, Recipe]:
        """The derivations whose files are there; a store that got its paths from a cache has few of them."""
        with collector_paused():
            found, others = recipes_in_files(sorted(set(drvs)))
        for batch in _batches(others):
            found |= self._recipes(batch)
        return found

    def infos_at_hand(self, paths: Iterable[str]) -> dict[str, PathInfo]:
        """What the store knows of the paths that it holds."""
        found: dict[str, PathInfo] = {}
        for batch in _batches(sorted(set(paths))):
            infos = self._path_info(batch)
            found |= {path: info for path, info in infos.items() if info is not None}
        return found

    def build_closure(self, installables: Sequence[str]) -> dict[str, Recipe]:
        """The derivations that installables stand for, and all that building them from nothing takes."""
        return self._recipes(["--recursive", *NO_IMPORT, *installables])

    def applied(self, installable: str, function: str) -> bytes:
        """JSON of a function in the Nix language, applied to the value of a flake's attribute."""
        return self._ask(
            ["eval", "--json", *NO_IMPORT, "--apply", function, installable],
            doing=f"evaluating what {installable} states",
        )

    def _recipes(self, arguments: Sequence[str]) -> dict[str, Recipe]:
        verb = ("derivation", "show") if self._since(2, 14) else ("show-derivation",)
        return parse_recipes(self._ask([*verb, *arguments], doing="reading derivations"))


def _batches(words: Iterable[str]) -> Iterator[list[str]]:
    """Words in lists that one call takes."""
    batch: list[str] = []
    size = 0
    for word in words:
        if size + len(word) > ARGUMENTS:
            yield batch
            batch, size = [], 0
        batch.append(word)
        size += len(word) + 1
    if batch:
        yield batch
