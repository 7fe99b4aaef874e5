"""Virtual environments from hash-locked requirements: built once by uv, kept in a cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.conditions import installer, manifest
from repro.conditions.environment import Realised, covering
from repro.conditions.interpreter import find_interpreter, minor_of_caller, require_minor
from repro.conditions.platform import libc, platform_class
from repro.conditions.records import SHOWN, verify_records
from repro.core import canonical, strictjson
from repro.core.digest import Digest, of_value
from repro.core.errors import FormatError, RealisationError, TamperError
from repro.core.events import Event, Kind
from repro.tools.files import disk_errors, hash_file, is_locked, locked, remove_tree, write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.conditions.interpreter import Interpreter
    from repro.core.events import Listener
    from repro.tools.lock import Lock

VERSION = 1
"""Of the layout of a kept environment; another one is built anew."""

REASON = "a package was built from source, with build tools that no lock names"

KEPT = {"version", "quick", "content", "interpreter", "prefixes", "facts"}
"""The keys of the manifest of a kept environment."""


class VenvEnvironment:
    """A virtual environment of exactly the locked packages for one minor version of Python.

    `python` is such a version ("3.12"), None for the caller's own; `cache` is the folder under which
    environments are kept; `variables` are the caller's, which choose the package index. `allow_build` lets
    packages without a wheel be built from source, inside the sandbox; it is no part of the identity.
    """

    kind = "venv"

    def __init__(
        self,
        *,
        name: str,
        lock: Lock,
        cache: Path,
        variables: Mapping[str, str],
        python: str | None = None,
        allow_build: bool = False,
    ) -> None:
        self.name = name
        self._lock = lock
        self._minor = require_minor(python or minor_of_caller(), what=f"environment {name}: python")
        self._variables = variables
        self._allow_build = allow_build
        self._identity = self._identify()
        self._home = cache / "environments" / self._identity.hex

    @property
    def tree(self) -> Path:
        """The folder of the virtual environment."""
        return self._home / "venv"

    def identity(self) -> Digest:
        """The digest of the lock's meaning, minor version, implementation, platform and kind of libc."""
        return self._identity

    def _identify(self) -> Digest:
        return of_value(
            {
                "kind": self.kind,
                "version": VERSION,
                "lock": str(self._lock.digest),
                "python": self._minor,
                "implementation": sys.implementation.name,
                "platform": platform_class(),
                "libc": libc()["name"],
            }
        )

    def realise(self, listener: Listener) -> Realised:
        """Find it in the cache or build it there; two processes that need the same one build it once.

        Raises RealisationError where it cannot be built, TamperError where an installed file is not what its
        RECORD says.
        """
        guard = self._home.with_suffix(".lock")
        with disk_errors(f"environment {self.name}"):
            if is_locked(guard):
                self._tell(listener, "waiting for another process that works on it")
            with locked(guard) as held:
                return self._realised(self._reuse(listener) or self._build(held, listener))

    def check(self, realised: Realised, *, paranoid: bool) -> Digest:
        """The quick digest of the tree; with `paranoid`, its content must still be the realised one."""
        try:
            state = manifest.quick(self.tree)
            content, now = manifest.whole(self.tree) if paranoid else (realised.content, {})
        except FileNotFoundError as error:
            raise TamperError(
                f"environment {self.name}: files went while it was used: {error.filename}",
                hint="run again; the environment is built anew",
            ) from error
        if content != realised.content:
            self._tampered(now)
        return state

    def _tampered(self, now: Mapping[str, str]) -> None:
        then = strictjson.parse((self._home / "contents.json").read_bytes(), name="contents.json")
        names = manifest.changed_files(then, now) or ("contents.json",)
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        raise TamperError(
            f"environment {self.name}: changed since it was realised: {', '.join(names[:SHOWN])}{more}",
            hint=f"run again; the environment is built anew ({self.tree})",
        )

    def _tell(self, listener: Listener, text: str) -> None:
        listener(Event(kind=Kind.NOTE, text=f"environment {self.name}: {text}"))

    def _reuse(self, listener: Listener) -> dict[str, Any] | None:
        """The manifest of the kept environment when it is complete and still what it was."""
        kept = _read_manifest(self._home / "manifest.json")
        if kept is None or not self.tree.is_dir():
            return None
        if kept["interpreter"] != _stamp(Path(kept["interpreter"]["path"])):
            self._tell(listener, "its interpreter was replaced; building it anew")
            return None
        if kept["facts"]["built_from_source"] and not self._allow_build:
            raise RealisationError(
                f"environment {self.name}: it was built from source, which was not allowed this time",
                hint="allow it with `--allow-build`, or lock versions that have wheels",
            )
        state = str(manifest.quick(self.tree))
        if state == kept["quick"]:
            return kept
        content, _ = manifest.whole(self.tree)
        if str(content) != kept["content"]:
            self._tell(listener, "its files were changed; building it anew")
            return None
        self._tell(listener, "its files were touched; their content is the same")
        kept["quick"] = state
        write_atomic(self._home / "manifest.json", canonical.to_bytes(kept))
        return kept

    def _build(self, held: int, listener: Listener) -> dict[str, Any]:
        interpreter = find_interpreter(self._minor, self._variables)
        # The manifest goes first: a removal that is killed must not leave it standing for half a tree.
        (self._home / "manifest.json").unlink(missing_ok=True)
        remove_tree(self._home)
        self._home.mkdir(parents=True)
        self._tell(listener, f"building it for Python {interpreter.version}")
        try:
            skeleton, sandbox = self._install(interpreter, held)
            return self._seal(interpreter, skeleton, sandbox)
        except BaseException:
            remove_tree(self._home)
            raise

    def _install(self, interpreter: Interpreter, held: int) -> tuple[manifest.Contents, str]:
        """Make the virtual environment and fill it.

        Returns the contents that it had when it was empty, and the method of isolation in which it was built
        from source, "" where all of it came from wheels.
        """
        requirements = self._home / installer.REQUIREMENTS
        write_atomic(requirements, self._lock.to_bytes())
        skeleton = self._empty(interpreter, held, relocatable=False)
        try:
            self._fill(interpreter, requirements, held)
        except installer.SourceOnly:
            if not self._allow_build:
                raise
        else:
            return skeleton, ""
        from repro.conditions.building import install_inside

        skeleton = self._empty(interpreter, held, relocatable=True)
        method = install_inside(
            tree=self.tree,
            requirements=requirements,
            interpreter=interpreter,
            variables=self._variables,
            name=self.name,
        )
        return skeleton, method

    def _empty(self, interpreter: Interpreter, held: int, *, relocatable: bool) -> manifest.Contents:
        remove_tree(self.tree)
        uv = installer.find_uv()
        self._run(
            installer.venv_command(uv, interpreter.executable, self.tree, relocatable=relocatable), held
        )
        return manifest.whole(self.tree)[1]

    def _fill(self, interpreter: Interpreter, requirements: Path, held: int) -> None:
        uv, python = installer.find_uv(), self.tree / "bin" / "python"
        self._run(installer.install_command(uv, python, requirements, sandboxed=False), held)
        # A module that is not valid for this version makes the compiler's exit code 1 and harms nobody.
        self._run(installer.compile_command(interpreter.executable, self.tree), held, check=False)

    def _run(self, argv: list[str], held: int, *, check: bool = True) -> None:
        variables = installer.variables_for_uv(self._variables)
        done = installer.run_tool(argv, cwd=self._home, variables=variables, held=held)
        if check and done.code != 0:
            said = done.stderr.decode(errors="replace")
            raise installer.explain(said, name=self.name, python=self._minor)

    def _seal(self, interpreter: Interpreter, skeleton: manifest.Contents, sandbox: str) -> dict[str, Any]:
        """Verify and hash what was installed; the manifest comes last, so that it stands for all the rest."""
        state = manifest.quick(self.tree)
        content, contents = manifest.whole(self.tree)
        inventory = verify_records(self.tree, contents, skeleton)
        kept = {
            "version": VERSION,
            "quick": str(state),
            "content": str(content),
            "interpreter": _stamp(interpreter.executable),
            "prefixes": [str(prefix) for prefix in (interpreter.executable.parent, *interpreter.prefixes)],
            "facts": {
                "python": interpreter.version,
                "implementation": interpreter.implementation,
                "interpreter": str(hash_file(interpreter.executable)),
                "lock": str(self._lock.digest),
                "packages": dict(inventory.packages),
                "files": {
                    "recorded": inventory.recorded,
                    "bytecode": inventory.bytecode,
                    "skeleton": inventory.skeleton,
                    "unrecorded": list(inventory.unrecorded),
                },
                "uv": installer.version_of_uv(),
                "built_from_source": bool(sandbox),
                **({"built_in": sandbox, "not_reproducible_because": REASON} if sandbox else {}),
            },
        }
        write_atomic(self._home / "contents.json", canonical.to_bytes(contents))
        write_atomic(self._home / "manifest.json", canonical.to_bytes(kept))
        return kept

    def _realised(self, kept: Mapping[str, Any]) -> Realised:
        return Realised(
            name=self.name,
            kind=self.kind,
            identity=self.identity(),
            python=self.tree / "bin" / "python",
            search_path=(self.tree / "bin",),
            visible=covering([self.tree, *map(Path, kept["prefixes"])]),
            content=Digest.parse(kept["content"]),
            reproducible=not kept["facts"]["built_from_source"],
            facts=kept["facts"],
        )


def _read_manifest(path: Path) -> dict[str, Any] | None:
    """A complete manifest of this layout; None where the environment was never finished."""
    try:
        kept = strictjson.parse(path.read_bytes(), name=str(path))
    except (FileNotFoundError, FormatError):
        return None
    whole = isinstance(kept, dict) and kept.keys() == KEPT and kept["version"] == VERSION
    return kept if whole else None


def _stamp(executable: Path) -> dict[str, str | int]:
    """What tells cheaply that an interpreter was replaced; size 0 where it is gone."""
    try:
        status = os.stat(executable)  # noqa: PTH116 - as cheap as it gets
    except OSError:
        return {"path": str(executable), "size": 0, "mtime_ns": 0}
    return {"path": str(executable), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
