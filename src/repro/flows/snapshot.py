"""The folder that a run sees as its checkout: the declared code and data, nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.core.errors import ConfigError, TamperError
from repro.data import objects
from repro.data.inputs import identify
from repro.data.provide import provide
from repro.flows.trees import as_recorded, fingerprint
from repro.tools.clock import Stopwatch
from repro.tools.files import copy_hashed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.core.digest import Digest
    from repro.data.dvc import Remote
    from repro.flows.trees import Code, Tree
    from repro.tools.clock import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A checkout for runs: its folder, its code and data as recorded, and what making it took."""

    root: Path
    code: Code
    data: Mapping[str, Digest]
    checkout_usage: Usage
    data_usage: Usage

    def check(self, when: str) -> None:
        """Hash all of it again; TamperError names what is not as recorded. `when` says so in words."""
        changed = [name for name in self.code.files if self._now(name) != self.code.files[name]]
        changed += sorted(self._names() - self.code.files.keys() - self.data.keys())
        if changed:
            raise TamperError(
                f"{', '.join(changed[:5])}: changed {when}",
                hint="the command, or something beside it, writes into its own code; write to {out} only",
            )
        objects.verify(self.root, self.data)

    def _names(self) -> set[str]:
        """The files and links that there are now."""
        return {
            (Path(folder) / name).relative_to(self.root).as_posix()
            for folder, folders, names in os.walk(self.root)
            for name in (*names, *(entry for entry in folders if (Path(folder) / entry).is_symlink()))
        }

    def _now(self, name: str) -> str:
        try:
            return fingerprint(self.root, name)
        except (ConfigError, OSError):  # a link that leaves, or what cannot be read: not as recorded
            return ""


def take(tree: Tree, code: Code, inputs: Mapping[str, str], remote: Remote, folder: Path) -> Snapshot:
    """Copy code and data into `folder`, everything checked against its hash while it is copied.

    `inputs` has the digest of each, as `identify` gives it. Data that is missing from the cache, or corrupt
    there, is fetched from the remote first. Raises DataError, and TamperError where a file changed since it
    was hashed.
    """
    watch = Stopwatch()
    folder.mkdir(parents=True)
    for name, recorded in code.files.items():
        _copy(tree.root, name, recorded, folder)
    checkout_usage, watch = watch.read(), Stopwatch()
    data = provide(tree.root, tuple(inputs), remote, folder)
    now = identify(tree.root, inputs)
    if changed := [name for name in inputs if now[name] != inputs[name]]:
        raise TamperError(f"{changed[0]}: changed while it was copied", hint="run the same command again")
    return Snapshot(root=folder, code=code, data=data, checkout_usage=checkout_usage, data_usage=watch.read())


def _copy(root: Path, name: str, recorded: str, folder: Path) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if recorded.startswith("link:"):
        target.symlink_to(recorded.removeprefix("link:"))
    elif as_recorded(copy_hashed(root / name, target), target) != recorded:
        raise TamperError(f"{name}: changed while it was copied", hint="run the same command again")
