"""Flakes that a command names: evaluate them, say which source they are, and what git keeps from them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.core.errors import ReproError, ToolError
from repro.core.near import did_you_mean
from repro.tools.git import Git
from repro.tools.nix_errors import UnknownAttribute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repro.tools.nix import Nix
    from repro.tools.nix_nouns import Derivation

SHOWN = 8
"""Untracked files that a note or hint lists."""

_IN_STORE = re.compile(r"/[0-9a-z]{32}-[^/#]*(?:\^.*|!.*)?$")


def evaluated(nix: Nix, folder: Path, installables: Sequence[str]) -> Mapping[str, Derivation]:
    """The derivations of installables; an error names near attributes, and files that git does not track."""
    try:
        found = nix.evaluate(installables)
    except UnknownAttribute as error:
        raise UnknownAttribute(nix.redacted(error.flake), error.wanted, _near(nix, error)) from None
    except ReproError as error:
        if hint := _forgotten(error, folder, installables):
            raise type(error)(error.message, hint=hint) from None
        raise
    if not found:
        raise ToolError(
            f"{nix.redacted(' '.join(installables))}: no derivation",
            hint="name an attribute that is built, such as .#default",
        )
    return found


def references(installables: Sequence[str]) -> tuple[str, ...]:
    """The flake references among installables, each once: what stands before `#`, and no store path."""
    found = [one.partition("#")[0] or "." for one in installables if "#" in one or not _IN_STORE.search(one)]
    return tuple(dict.fromkeys(found))


def sources(
    nix: Nix, folder: Path, installables: Sequence[str]
) -> tuple[tuple[dict[str, Any], ...], tuple[str, ...]]:
    """Which sources flakes stand for, without credentials, and notes on what is not in a revision."""
    found, notes = [], []
    for reference in references(installables):
        metadata = nix.flake_metadata(reference)
        url = nix.redacted(metadata.url)
        # Before 2.18 a dirty tree was told only by the revision that was not there.
        is_dirty = bool(metadata.dirty_revision) or (metadata.is_git and not metadata.revision)
        found.append(
            {
                "url": url,
                "revision": metadata.revision or metadata.dirty_revision,
                "dirty": is_dirty,
                "nar_hash": metadata.nar_hash,
            }
        )
        if is_dirty:
            notes.append(f"{url}: the tree is dirty, so what was built is that of no revision")
        if metadata.is_git and (names := _untracked(folder, reference)):
            notes.append(
                f"{_listed(names)}: not tracked by git, so the flake does not see it; git add shows it"
            )
    return tuple(found), tuple(notes)


def _near(nix: Nix, error: UnknownAttribute) -> str:
    """A hint with the near attribute, from the first attribute set that has any."""
    for path in re.findall(r"'([^']+)'", error.wanted) or [error.wanted]:
        parent, _, name = path.rpartition(".")
        if parent and (names := nix.attribute_names(error.flake, parent)):
            return did_you_mean(name, names)
    return ""


def _forgotten(error: ReproError, folder: Path, installables: Sequence[str]) -> str:
    """A hint where an error speaks of a file that is there, but not tracked by git."""
    for reference in references(installables):
        place, names = local_folder(folder, reference), _untracked(folder, reference)
        known = [name for name in names if name in error.message or Path(name).name in error.message]
        if re.search(r"not tracked|does not exist|no such file|No such file", error.message) and names:
            missing = known or names
            return (
                f"git does not track {_listed(missing)}; run: git -C {place} add {' '.join(missing[:SHOWN])}"
            )
    return ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def local_folder(folder: Path, reference: str) -> Path | None:
    """The local folder of a flake reference, None where it is elsewhere."""
    place = reference.partition("?")[0].removeprefix("git+file:").removeprefix("//")
    return folder / place if (folder / place).is_dir() else None


def _untracked(folder: Path, reference: str) -> tuple[str, ...]:
    place = local_folder(folder, reference)
    return Git(place).untracked() if place is not None and not reference.startswith("path:") else ()
