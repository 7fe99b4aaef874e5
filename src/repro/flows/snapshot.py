"""The folder that a run sees as its checkout: the declared code and data, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import TamperError
from repro.data import objects
from repro.data.provide import provide
from repro.flows.trees import fingerprint
from repro.tools.clock import Stopwatch
from repro.tools.files import copy_hashed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
        if changed:
            raise TamperError(
                f"{', '.join(changed[:5])}: changed {when}",
                hint="the command, or something beside it, writes into its own code; write to {out} only",
            )
        objects.verify(self.root, self.data)

    def _now(self, name: str) -> str:
        path = self.root / name
        return fingerprint(self.root, name) if path.is_symlink() or path.is_file() else ""


def take(tree: Tree, code: Code, inputs: tuple[str, ...], remote: Remote, folder: Path) -> Snapshot:
    """Copy code and data into `folder`, everything checked against its hash while it is copied.

    Data that is missing from the cache, or corrupt there, is fetched from the remote first. Raises DataError,
    and TamperError where a source changed since it was hashed.
    """
    watch = Stopwatch()
    folder.mkdir(parents=True)
    for name, recorded in code.files.items():
        _copy(tree.root, name, recorded, folder)
    checkout_usage, watch = watch.read(), Stopwatch()
    data = provide(tree.root, inputs, remote, folder)
    return Snapshot(root=folder, code=code, data=data, checkout_usage=checkout_usage, data_usage=watch.read())


def _copy(root: Path, name: str, recorded: str, folder: Path) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if recorded.startswith("link:"):
        target.symlink_to(recorded.removeprefix("link:"))
    elif str(copy_hashed(root / name, target)) != recorded:
        raise TamperError(f"{name}: changed while it was copied", hint="run the same command again")
