"""The door to Nix: evaluate, build, ask a store, copy, dump. Credentials never leave it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from repro.core.errors import ReproError, ToolFailed, ToolNotFound
from repro.tools import host, nix_json, process
from repro.tools.nix_errors import failure
from repro.tools.nix_log import NixLog
from repro.tools.nix_nouns import Version
from repro.tools.redact import redacted, secrets_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from repro.tools.nix_log import Builder
    from repro.tools.nix_nouns import Built, Derivation, FlakeMetadata, PathInfo, StoreInfo

FEATURES = ("--extra-experimental-features", "nix-command flakes")
"""Experimental features that every call needs, allowed for that call."""

INSTALL = "install Nix 2.8 or newer and put it on PATH, or name its program in REPRO_NIX"

_VERSION = re.compile(r"nix \((?P<said>[^)]*)\) (?P<numbers>\d+(?:\.\d+)*)")
_NAMES = {"Lix": "Lix", "Determinate": "Determinate Nix"}

CORRUPT, UNTRUSTED = 1, 2
"""Bits of the exit code of `nix store verify` (its manual page)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call gave: its standard output, its exit code, and its log."""

    stdout: bytes
    code: int
    log: NixLog


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRun:
    """A build that succeeded: what is built, and the log that says which builders ran for it."""

    built: tuple[Built, ...]
    log: NixLog


class NixDoor(Protocol):
    """What the house asks of Nix; `store` is the URL of another store than the caller's own."""

    def redacted(self, text: str) -> str:
        """Text without credentials."""

    def version(self) -> Version:
        """Which Nix it is."""

    def evaluate(self, installables: Sequence[str]) -> dict[str, Derivation]:
        """The derivations that installables stand for, by path."""

    def build(
        self,
        targets: Mapping[str, Sequence[str]],
        *,
        store: str = "",
        options: Mapping[str, str] | None = None,
        told: Callable[[Builder], None] = ...,
    ) -> BuildRun:
        """Build outputs of derivations; no names means all of them."""

    def path_info(
        self, paths: Sequence[str], *, store: str = "", closure: bool = False
    ) -> dict[str, PathInfo | None]:
        """What a store knows of paths."""

    def recipes(self, drvs: Sequence[str]) -> dict[str, PathInfo | None]:
        """What the store knows of the files of derivations and of all they refer to."""

    def copy(self, paths: Sequence[str], *, to: str, derivations: bool = False) -> None:
        """Copy paths, or the files of derivations, with all that they refer to."""

    def delete(self, paths: Sequence[str], *, store: str) -> None:
        """Delete paths from a store."""

    def dump(self, path: str, file: Path, *, store: str = "") -> None:
        """Write the NAR of a path to a file."""

    def verify(self, path: str, *, store: str = "", contents: bool) -> int:
        """The bits of `nix store verify`: 0, or of CORRUPT (with `contents`) and UNTRUSTED (without)."""

    def settings(self) -> dict[str, Any]:
        """Nix's configuration."""


class Nix:
    """The real one: runs `program` in `folder` with the caller's environment and `extra` variables."""

    def __init__(
        self,
        folder: Path,
        *,
        program: str = "",
        options: Sequence[str] = (),
        extra: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        self.folder = folder
        self.env = {**host.variables(), **(extra or {})}
        self.program = program or self.env.get("REPRO_NIX") or "nix"
        self.options = tuple(options)
        self.secrets = frozenset(secrets) | secrets_in(self.env.get("NIX_CONFIG", ""), *options)
        self._version: Version | None = None
        self._settings: dict[str, Any] | None = None
        self._json_format: tuple[str, ...] = ("--json-format", "1")

    def redacted(self, text: str) -> str:
        """Text without any credential that this door knows or recognises."""
        return redacted(text, self.secrets)

    def version(self) -> Version:
        """Which Nix it is; asked once."""
        if self._version is None:
            try:
                said = process.run([self.program, "--version"], env=self.env, hint=INSTALL).text
            except ToolNotFound as error:
                raise ToolNotFound(f"Nix: {error.message}", hint=INSTALL) from error
            match = _VERSION.search(said)
            if match is None:
                raise ToolFailed(f"{self.program} --version: not understood: {said[:200]!r}", hint=INSTALL)
            name = next((known for word, known in _NAMES.items() if word in match["said"]), "Nix")
            numbers = tuple(int(number) for number in match["numbers"].split("."))
            self._version = Version(numbers=numbers, implementation=name)
        return self._version

    def evaluate(self, installables: Sequence[str]) -> dict[str, Derivation]:
        """The derivations that installables stand for, by path; errors name the innermost cause first."""
        verb = ("derivation", "show") if self._since(2, 14) else ("show-derivation",)
        doing = f"evaluating {' '.join(installables)}"
        return nix_json.parse_derivations(self._ask([*verb, *installables], doing=doing))

    def build(
        self,
        targets: Mapping[str, Sequence[str]],
        *,
        store: str = "",
        options: Mapping[str, str] | None = None,
        told: Callable[[Builder], None] = lambda _builder: None,
    ) -> BuildRun:
        """Build outputs of derivations (no names: all of them) without a link to them."""
        wanted = [self._outputs(drv, names) for drv, names in targets.items()]
        answer = self._call(
            ["build", "--json", "--no-link", *_store(store), *_options(options), *wanted], told=told
        )
        if answer.code != 0:
            raise self._failure(answer.log, "building")
        return BuildRun(built=nix_json.parse_built(answer.stdout), log=answer.log)

    def path_info(
        self, paths: Sequence[str], *, store: str = "", closure: bool = False
    ) -> dict[str, PathInfo | None]:
        """What a store knows of paths, None for those that it does not hold; with `closure`, their sizes."""
        return self._path_info([*(["--closure-size"] if closure else []), *_store(store), *paths])

    def recipes(self, drvs: Sequence[str]) -> dict[str, PathInfo | None]:
        """What the store knows of the files of derivations and of all they refer to."""
        return self._path_info(["--derivation", "--recursive", *drvs])

    def _path_info(self, arguments: Sequence[str]) -> dict[str, PathInfo | None]:
        """Since 2.33 the shape is to be chosen; before that, and in Lix, the option is an error."""
        if not self._since(2, 33):
            self._json_format = ()
        answer = self._call(["path-info", "--json", *self._json_format, *arguments])
        if answer.code != 0 and self._json_format and "--json-format" in _said(answer.log):
            self._json_format = ()
            answer = self._call(["path-info", "--json", *arguments])
        if answer.code != 0:
            raise self._failure(answer.log, "asking the store")
        return nix_json.parse_path_info(answer.stdout)

    def copy(self, paths: Sequence[str], *, to: str, derivations: bool = False) -> None:
        """Copy paths, or the files of derivations, with all that they refer to."""
        kind = ["--derivation"] if derivations else []
        self._ask(["copy", "--no-check-sigs", *kind, "--to", to, *paths], doing=f"copying to {to}")

    def delete(self, paths: Sequence[str], *, store: str) -> None:
        """Delete paths from a store."""
        self._ask(["store", "delete", *_store(store), *paths], doing="deleting")

    def dump(self, path: str, file: Path, *, store: str = "") -> None:
        """Write the NAR of a path to a file."""
        errors = file.with_name(file.name + ".log")
        argv = self._argv(["store", "dump-path", *_store(store), path])
        ended = process.Supervisor().run(
            argv, cwd=self.folder, env=self.env, stdout=file, stderr=errors, timeout_seconds=86400
        )
        if ended.code != 0:
            log = NixLog(time.time)
            for line in errors.read_bytes().splitlines():
                log.hear(line)
            raise self._failure(log, f"reading {path}")
        errors.unlink()

    def verify(self, path: str, *, store: str = "", contents: bool) -> int:
        """The bits of `nix store verify`: 0, or of CORRUPT (with `contents`) and UNTRUSTED (without)."""
        what = "--no-trust" if contents else "--no-contents"
        answer = self._call(["store", "verify", what, *_store(store), path])
        bits = answer.code & (CORRUPT | UNTRUSTED)
        if answer.code and (answer.code & ~(CORRUPT | UNTRUSTED) or (bits == 1 and not contents)):
            raise self._failure(answer.log, f"verifying {path}")
        return bits

    def settings(self) -> dict[str, Any]:
        """Nix's configuration: the value of each setting; asked once."""
        if self._settings is None:
            verb = ("config", "show") if self._since(2, 20) else ("show-config",)
            said = self._ask([*verb, "--json"], doing="reading Nix's configuration")
            self._settings = nix_json.parse_config(said)
        return self._settings

    def store_info(self, store: str = "") -> StoreInfo:
        """A store and whether it trusts the caller."""
        verb = "info" if self._since(2, 19) else "ping"
        return nix_json.parse_store_info(
            self._ask(["store", verb, "--json", *_store(store)], doing="the store")
        )

    def flake_metadata(self, reference: str) -> FlakeMetadata:
        """Which source a flake reference stands for."""
        answer = self._ask(["flake", "metadata", "--json", reference], doing=f"reading {reference}")
        return nix_json.parse_flake_metadata(answer)

    def attribute_names(self, reference: str, path: str) -> tuple[str, ...]:
        """The names in one attribute set of a flake; none where it has no such set or cannot be evaluated."""
        arguments = ["eval", "--json", "--apply", "builtins.attrNames", f"{reference}#{path}"]
        answer = self._call(arguments)
        return nix_json.parse_names(answer.stdout) if answer.code == 0 else ()

    def _since(self, *numbers: int) -> bool:
        return self.version().numbers >= numbers

    def _outputs(self, drv: str, names: Sequence[str]) -> str:
        """`x.drv^out,dev`; before 2.15 a derivation's path alone stood for all of its outputs."""
        return f"{drv}^{','.join(names) or '*'}" if self._since(2, 15) else drv

    def _ask(self, arguments: Sequence[str], *, doing: str) -> bytes:
        """The standard output of a call that must succeed."""
        answer = self._call(arguments)
        if answer.code != 0:
            raise self._failure(answer.log, doing)
        return answer.stdout

    def _call(
        self, arguments: Sequence[str], *, told: Callable[[Builder], None] = lambda _builder: None
    ) -> Answer:
        self.version()  # a program that is not there, or not Nix, is found out here
        log = NixLog(time.time, told)
        argv = self._argv([*arguments, "--log-format", "internal-json"])
        try:
            done = process.stream(argv, hear=log.hear, cwd=self.folder, env=self.env, hint=INSTALL)
        except ReproError as error:
            raise type(error)(self.redacted(error.message), hint=self.redacted(error.hint)) from None
        return Answer(stdout=done.stdout, code=done.code, log=log)

    def _argv(self, arguments: Sequence[str]) -> list[str]:
        return [self.program, *FEATURES, *self.options, *arguments]

    def _failure(self, log: NixLog, doing: str) -> ReproError:
        """The error of a failed call, without credentials."""
        error = failure(log, doing)
        error.message, error.hint = self.redacted(error.message), self.redacted(error.hint)
        error.args = (error.message,)
        return error


def _store(url: str) -> list[str]:
    return ["--store", url] if url else []


def _options(options: Mapping[str, str] | None) -> list[str]:
    return [word for name, value in (options or {}).items() for word in ("--option", name, value)]


def _said(log: NixLog) -> str:
    return "\n".join(message.text for message in log.messages)
