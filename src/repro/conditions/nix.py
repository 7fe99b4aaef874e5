"""The shell of a flake as an environment: evaluated once per tree, built once, entered without Nix."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.conditions import manifest
from repro.conditions.environment import Realised
from repro.core import canonical, strictjson
from repro.core.digest import Digest, of_value
from repro.core.errors import ConfigError, FormatError, RealisationError, TamperError, ToolFailed
from repro.core.events import Event, Kind
from repro.core.near import did_you_mean
from repro.tools.files import (
    disk_errors,
    hash_file,
    is_locked,
    locked,
    read_capped,
    remove_tree,
    write_atomic,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repro.core.events import Listener
    from repro.tools.nix_shells import NixShells

VERSION = 1
"""Of the layout of what is kept; another one is made anew."""

MAX_BYTES = 64 << 20
"""Cap on a kept manifest, in bytes."""

KEPT = {"version", "quick", "python", "launcher", "links", "facts"}
"""The keys of the manifest of a kept shell."""

MACHINES = {"arm64": "aarch64", "amd64": "x86_64"}
"""Names of machines that Nix calls otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlakeSource:
    """The flake of a tree: the root, the flake's folder in it ("" is the root), all files of the tree.

    `state` is another one wherever a file of the tree is: it stands for the contents of all of them.
    """

    root: Path
    folder: str
    files: tuple[str, ...]
    state: str


class NixEnvironment:
    """The shell `devShells.SYSTEM.shell` of a flake, by its lock file.

    What makes it this environment is the derivation of the shell, whose hash covers everything that goes into
    it. `cache` is the folder under which evaluations and shells are kept.
    """

    kind = "nix"

    def __init__(self, *, name: str, source: FlakeSource, shell: str, cache: Path) -> None:
        self.name = name
        self._source, self._shell, self._cache = source, shell, cache
        self._drv = ""

    def identity(self) -> Digest:
        """The digest of the shell's derivation.

        Nix evaluates it where the tree is another one than at any time before; that takes up to seconds.
        Raises ToolNotFound without Nix, ConfigError where there is no such flake or shell.
        """
        return of_value({"kind": self.kind, "version": VERSION, "drv": self.derivation()})

    def derivation(self) -> str:
        """The store path of the shell's derivation; it need not exist any more."""
        if not self._drv:
            causes = {
                "version": VERSION,
                "state": self._source.state,
                "folder": self._source.folder,
                "attribute": self._attribute,
            }
            file = self._cache / "shells" / f"{of_value(causes).hex}.json"
            kept = _read(file, {"drv"})
            self._drv = kept["drv"] if kept else self._evaluate()
            if not kept:
                with disk_errors(f"environment {self.name}"):
                    write_atomic(file, canonical.to_bytes({"drv": self._drv}))
        return self._drv

    @property
    def _attribute(self) -> str:
        return f"devShells.{system()}.{self._shell}"

    def _nix(self) -> NixShells:
        # Loading the door takes longer than all the rest of a cached replay.
        from repro.tools.nix_shells import HERMETIC, NixShells

        return NixShells(self._source.root, options=HERMETIC)

    def _evaluate(self) -> str:
        from repro.tools.nix_errors import UnknownAttribute

        with disk_errors(f"environment {self.name}"), self._copy() as copy:
            nix, reference = self._nix(), f"path:{copy}"
            try:
                return nix.evaluate_locked(f"{reference}#{self._attribute}")
            except UnknownAttribute as error:
                if not error.flake:  # something that the flake itself asks for
                    raise
                parent = self._attribute.rpartition(".")[0]
                near = did_you_mean(self._shell, nix.attribute_names(reference, parent))
                raise ConfigError(
                    f"environment {self.name}: the flake has no {self._attribute}",
                    hint=near or "list what there is: nix flake show",
                ) from error
            except ToolFailed as error:
                if "lock file changes" not in error.message:
                    raise
                raise RealisationError(
                    f"environment {self.name}: flake.lock does not pin every input of the flake",
                    hint="run: nix flake lock && git add flake.lock",
                ) from error

    @contextmanager
    def _copy(self) -> Iterator[Path]:
        """The flake's files without a time of their own: evaluating them can read nothing else."""
        base = self._source.root / self._source.folder
        if not (base / "flake.nix").is_file():
            raise ConfigError(
                f"environment {self.name}: no flake.nix in {self._source.folder or '.'!r}",
                hint="name the folder of the flake: `flake = ...`, or write one: nix flake init",
            )
        with tempfile.TemporaryDirectory(prefix="repro-flake-") as folder:
            copy = Path(folder).resolve() / "flake"
            for name in self._source.files:
                source = self._source.root / name
                if source.is_relative_to(base) and (source.is_symlink() or source.is_file()):
                    target = copy / source.relative_to(base)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, target, follow_symlinks=False)
            for path in (copy, *copy.rglob("*")):
                os.utime(path, (1, 1), follow_symlinks=False)
            yield copy

    @property
    def _home(self) -> Path:
        return self._cache / "environments" / self.identity().hex

    def realise(self, listener: Listener) -> Realised:
        """Find the shell, or let Nix build it from what the store and its caches have.

        Raises RealisationError where it has no Python, TamperError where the store was altered, and what
        building raises.
        """
        guard = self._home.with_suffix(".lock")
        with disk_errors(f"environment {self.name}"):
            if is_locked(guard):
                self._tell(listener, "waiting for another process that works on it")
            with locked(guard):
                return self._realised(self._reuse(listener) or self._build(listener))

    def check(self, realised: Realised, *, paranoid: bool) -> Digest:
        """The quick digest of the closure; with `paranoid`, Nix also hashes all of it."""
        closure = realised.facts["closure"]
        assert isinstance(closure, dict)  # noqa: S101 - as written below
        try:
            state = _quick(realised.visible[0], closure)
        except FileNotFoundError as error:
            raise TamperError(
                f"environment {self.name}: it went from the store while it was used: {error.filename}",
                hint="run again; it is built anew",
            ) from error
        if paranoid:
            self._verify()
        return state

    def _verify(self) -> None:
        altered = self._nix().altered(str((self._home / "shell").resolve()))
        if altered:
            raise TamperError(
                f"environment {self.name}: altered since it was built: {', '.join(altered[:5])}",
                hint=f"mend the store: nix store repair {' '.join(altered[:5])}",
            )

    def _tell(self, listener: Listener, text: str) -> None:
        listener(Event(kind=Kind.NOTE, text=f"environment {self.name}: {text}"))

    def _reuse(self, listener: Listener) -> dict[str, Any] | None:
        """The manifest of the kept shell where its closure still stands, and is what it was."""
        kept = _read(self._home / "manifest.json", KEPT)
        if kept is None or kept["version"] != VERSION:
            return None
        try:
            state = str(_quick(_store_of(self.derivation()), kept["facts"]["closure"]))
        except FileNotFoundError:
            self._tell(listener, "it went from the store; building it anew")
            return None
        if state != kept["quick"]:
            self._verify()
            self._tell(listener, "its files were touched; their content is the same")
            kept["quick"] = state
            write_atomic(self._home / "manifest.json", canonical.to_bytes(kept))
        return kept

    def _build(self, listener: Listener) -> dict[str, Any]:
        """Let Nix build what the shell needs; the manifest comes last, so that it stands for all the rest."""
        from repro.conditions.inquiry import ask_inside
        from repro.conditions.shell import shell_of

        nix, drv = self._nix(), self.derivation()
        self._tell(listener, f"building the shell with {nix.version()}")
        self._require(drv)
        remove_tree(self._home)
        self._home.mkdir(parents=True)
        found = nix.dev_env(drv, root=self._home / "shell")
        environment = str((self._home / "shell").resolve())
        # The document with the variables is no part of what a run reads, and counts processors.
        infos = {path: info for path, info in nix.closure([environment]).items() if path != environment}
        store = _store_of(drv)
        shell = shell_of(found, store, name=self.name)
        python = ask_inside(
            shell.python,
            visible=(store,),
            search_path=tuple(map(Path, shell.search_path)),
            links=shell.links,
            name=self.name,
        )
        closure = {Path(path).name: info.nar_hash for path, info in infos.items()}
        kept = {
            "version": VERSION,
            "quick": str(_quick(store, closure)),
            "python": shell.python,
            "launcher": list(python.command),
            "links": dict(shell.links),
            "facts": {
                "python": python.version,
                "implementation": python.implementation,
                "derivation": drv,
                "flake": {"folder": self._source.folder or ".", "shell": self._shell, "lock": self._lock()},
                "system": system(),
                "nix": str(nix.version()),
                "closure": closure,
                "closure_bytes": sum(info.nar_size for info in infos.values()),
                "search_path": list(shell.search_path),
                "variables": dict(shell.variables),
            },
        }
        write_atomic(self._home / "manifest.json", canonical.to_bytes(kept))
        return kept

    def _require(self, drv: str) -> None:
        """Have the derivation in the store, which may have collected it since it was evaluated."""
        if not Path(drv).exists() and (again := self._evaluate()) != drv:
            raise RealisationError(
                f"environment {self.name}: evaluated again, its shell is {again}, not {drv}",
                hint="the flake depends on something else than its files and its lock; find out what",
            )

    def _lock(self) -> str | None:
        file = self._source.root / self._source.folder / "flake.lock"
        return str(hash_file(file)) if file.is_file() else None

    def _realised(self, kept: Mapping[str, Any]) -> Realised:
        facts = kept["facts"]
        results = {name: facts[name] for name in ("closure", "variables", "search_path")}
        return Realised(
            name=self.name,
            kind=self.kind,
            identity=self.identity(),
            python=Path(kept["python"]),
            search_path=tuple(map(Path, facts["search_path"])),
            visible=(_store_of(self.derivation()),),
            content=of_value(results),
            reproducible=True,
            facts=facts,
            variables=facts["variables"],
            launcher=tuple(kept["launcher"]),
            links=kept["links"],
        )


def system() -> str:
    """This machine as Nix calls it, such as `x86_64-linux`."""
    names = os.uname()
    machine = names.machine.lower()
    return f"{MACHINES.get(machine, machine)}-{names.sysname.lower()}"


def _store_of(drv: str) -> Path:
    return Path(drv).parent


def _quick(store: Path, names: Mapping[str, Any]) -> Digest:
    """What the file system says of paths of a store: of each path itself, and of all below it."""
    states = {}
    for name in names:
        path = store / name
        status = path.lstat()
        own = [status.st_mode, status.st_size, str(status.st_mtime_ns), status.st_ino]
        states[name] = [*own, str(manifest.quick(path)) if path.is_dir() and not path.is_symlink() else ""]
    return of_value(states)


def _read(file: Path, keys: set[str]) -> dict[str, Any] | None:
    """A document that was kept, None where it was not, or not whole."""
    try:
        kept = strictjson.parse(read_capped(file, MAX_BYTES), name=str(file), max_bytes=MAX_BYTES)
    except (OSError, FormatError):
        return None
    return kept if isinstance(kept, dict) and kept.keys() == keys else None
