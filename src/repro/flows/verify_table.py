"""The table [verify] of `repro.toml`: what is verified, and by which policy, where nobody says otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from repro.core.errors import ReproError, UsageError
from repro.core.globs import matches
from repro.flows import config, sbom_tables
from repro.flows.verify_targets import spelled
from repro.tools.files import files_below

if TYPE_CHECKING:
    from pathlib import Path

    from repro.flows.verify import Wishes

HINT = 'name targets and --policy or --key, or write [verify] with policy = "policy.toml" and targets = […]'


def completed(folder: Path, wishes: Wishes) -> tuple[Path, Wishes]:
    """The wishes, seen from the folder of `repro.toml`, with what that says in place of what is missing.

    Who says whom to trust says it whole: neither the key of a policy nor a trusted root is added to that.
    """
    try:
        root = config.find(folder)
    except UsageError as error:
        raise UsageError(f"no policy, no signer: {error.message}", hint=HINT) from error
    table = sbom_tables.tables_of(root).verify
    if table is None:
        raise UsageError("no policy, no signer, and repro.toml has no table [verify]", hint=HINT)
    own = _seen_from(root, folder, wishes)
    targets = own.targets or (() if own.digest else _targets(root, table.targets))
    has_signers = bool(own.identities or own.keys)
    return root, replace(
        own,
        targets=targets,
        policy=own.policy or ("" if has_signers else table.policy),
        policy_key=own.policy_key or ("" if own.policy or has_signers else table.policy_key or ""),
        bundles=own.bundles or table.bundles,
        trusted_root=own.trusted_root or ("" if own.policy or has_signers else table.trusted_root or ""),
    )


def _seen_from(root: Path, folder: Path, wishes: Wishes) -> Wishes:
    """The caller's paths, relative to the root where they lie in it: so artifacts are called in policies."""

    def moved(text: str) -> str:
        return text and (spelled(root, folder / text) or str((folder / text).absolute()))

    return replace(
        wishes,
        targets=tuple(one if _is_no_path(one) else moved(one) for one in wishes.targets),
        policy=moved(wishes.policy),
        policy_key=moved(wishes.policy_key),
        bundles=tuple(map(moved, wishes.bundles)),
        keys=tuple(map(moved, wishes.keys)),
        trusted_root=moved(wishes.trusted_root),
    )


def _is_no_path(target: str) -> bool:
    return target.startswith(("sha256:", "sha512:", "oci:"))


def _targets(root: Path, named: tuple[str, ...]) -> tuple[str, ...]:
    """Globs are the files that they match now; one that matches none is no empty success."""
    found: list[str] = []
    for target in named:
        if not set(target) & set("*?[") or _is_no_path(target):
            found.append(target)
            continue
        fixed = target.split("*")[0].split("?")[0].split("[")[0].rpartition("/")[0]
        place = root / fixed
        names = files_below(place) if place.is_dir() else []
        prefix = f"{fixed}/" if fixed else ""
        these = [prefix + name for name in names if matches(prefix + name, target)]
        if not these:
            raise ReproError(
                f"[verify]: no file matches {target!r}", hint="build it first, or correct the glob"
            )
        found += these
    return tuple(dict.fromkeys(found))
