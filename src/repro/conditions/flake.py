"""The flake of a tree, evaluated from a copy that holds its files and nothing else."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.core.errors import ConfigError, RealisationError, ToolFailed
from repro.core.near import did_you_mean
from repro.tools.files import disk_errors, hash_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.tools.nix_shells import NixShells


@dataclass(frozen=True, slots=True, kw_only=True)
class FlakeSource:
    """The flake of a tree: the root, the flake's folder in it ("" is the root), all files of the tree.

    `state` is another one wherever a file of the tree is: it stands for the contents of all of them.
    """

    root: Path
    folder: str
    files: tuple[str, ...]
    state: str

    def nix(self) -> NixShells:
        """The door to Nix, with everything demanded that a foreign flake must not decide."""
        # Loading it takes longer than all the rest of a cached replay.
        from repro.tools.nix_shells import HERMETIC, NixShells

        return NixShells(self.root, options=HERMETIC)

    def derivation(self, attribute: str, *, name: str) -> str:
        """The derivation of an attribute such as `devShells.x86_64-linux.default`; `name` is for errors.

        Raises ConfigError where there is no such flake or attribute, RealisationError where the lock does not
        pin every input.
        """
        from repro.tools.nix_errors import UnknownAttribute

        with self._copy(name) as copy, _lock_errors(name):
            nix = self.nix()
            try:
                return nix.evaluate_locked(f"path:{copy}#{attribute}")
            except UnknownAttribute as error:
                if not error.flake:  # something that the flake itself asks for
                    raise
                parent, _, last = attribute.rpartition(".")
                near = did_you_mean(last, nix.attribute_names(f"path:{copy}", parent))
                raise ConfigError(
                    f"environment {name}: the flake has no {attribute}",
                    hint=near or "list what there is: nix flake show",
                ) from error

    def inputs(self, *, name: str) -> tuple[str, ...]:
        """The store paths of the sources that the lock pins, those of inputs of inputs too."""
        with self._copy(name) as copy, _lock_errors(name):
            return self.nix().flake_inputs(f"path:{copy}")

    def lock(self) -> str | None:
        """The digest of `flake.lock`; None for a flake without inputs."""
        file = self.root / self.folder / "flake.lock"
        return str(hash_file(file)) if file.is_file() else None

    @contextmanager
    def _copy(self, name: str) -> Iterator[Path]:
        """The flake's files without a time of their own: evaluating them can read nothing else."""
        base = self.root / self.folder
        if not (base / "flake.nix").is_file():
            raise ConfigError(
                f"environment {name}: no flake.nix in {self.folder or '.'!r}",
                hint="name the folder of the flake: `flake = ...`, or write one: nix flake init",
            )
        with disk_errors(f"environment {name}"), tempfile.TemporaryDirectory(prefix="repro-flake-") as folder:
            copy = Path(folder).resolve() / "flake"
            for file in self.files:
                source = self.root / file
                if source.is_relative_to(base) and (source.is_symlink() or source.is_file()):
                    target = copy / source.relative_to(base)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, target, follow_symlinks=False)
            for path in (copy, *copy.rglob("*")):
                os.utime(path, (1, 1), follow_symlinks=False)
            yield copy


@contextmanager
def _lock_errors(name: str) -> Iterator[None]:
    """Say how to lock where the lock is not complete."""
    try:
        yield
    except ToolFailed as error:
        if "lock file changes" not in error.message:
            raise
        raise RealisationError(
            f"environment {name}: flake.lock does not pin every input of the flake",
            hint="run: nix flake lock && git add flake.lock",
        ) from error
