"""The shell of a flake as an environment: evaluated once per tree, built once, entered without Nix."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.conditions import manifest
from repro.conditions.environment import Realised
from repro.core import canonical, strictjson
from repro.core.digest import Digest, of_value
from repro.core.errors import FormatError, RealisationError, TamperError
from repro.core.events import Event, Kind
from repro.tools.files import (
    disk_errors,
    is_locked,
    locked,
    read_capped,
    remove_tree,
    write_atomic,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.conditions.flake import FlakeSource
    from repro.core.events import Listener

VERSION = 1
"""Of the layout of what is kept; another one is made anew."""

MAX_BYTES = 64 << 20
"""Cap on a kept manifest, in bytes."""

KEPT = {"version", "quick", "python", "launcher", "links", "facts"}
"""The keys of the manifest of a kept shell."""

MACHINES = {"arm64": "aarch64", "amd64": "x86_64"}
"""Names of machines that Nix calls otherwise."""


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
            self._drv = kept["drv"] if kept else self._source.derivation(self._attribute, name=self.name)
            if not kept:
                with disk_errors(f"environment {self.name}"):
                    write_atomic(file, canonical.to_bytes({"drv": self._drv}))
        return self._drv

    @property
    def _attribute(self) -> str:
        return f"devShells.{system()}.{self._shell}"

    def instantiated(self) -> str:
        """The shell's derivation, in the store: what was evaluated long ago may have been collected since."""
        drv = self.derivation()
        if not Path(drv).exists():
            again = self._source.derivation(self._attribute, name=self.name)
            if again != drv:
                raise RealisationError(
                    f"environment {self.name}: evaluated again, its shell is {again}, not {drv}",
                    hint="the flake depends on something else than its files and its lock; find out what",
                )
        return drv

    def inputs(self) -> tuple[str, ...]:
        """The store paths of the sources that the flake's lock pins, fetched where they are not there."""
        return self._source.inputs(name=self.name)

    @property
    def output(self) -> str:
        """The store path that stands for the realised shell: its closure is all that a run can need."""
        return str((self._home / "shell").resolve())

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
        altered = self._source.nix().altered(self.output)
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

        nix, drv = self._source.nix(), self.instantiated()
        self._tell(listener, f"building the shell with {nix.version()}")
        remove_tree(self._home)
        self._home.mkdir(parents=True)
        found = nix.dev_env(drv, root=self._home / "shell")
        # The document with the variables is no part of what a run reads, and counts processors.
        infos = {path: info for path, info in nix.closure([self.output]).items() if path != self.output}
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
                "flake": {
                    "folder": self._source.folder or ".",
                    "shell": self._shell,
                    "lock": self._source.lock(),
                },
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
