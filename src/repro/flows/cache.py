"""Binary caches: push what the environments of a revision need, and check what is missing there."""

from __future__ import annotations

import stat
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.core.check import Check, Status
from repro.core.errors import ReproError, ToolError, UsageError
from repro.core.events import Event, Kind
from repro.core.exits import Exit, worst
from repro.flows import config, flakes, trees
from repro.flows.replay import open_place
from repro.flows.workshop import nix_environment
from repro.tools import host
from repro.tools.files import disk_errors
from repro.tools.nix_shells import HERMETIC, NixShells
from repro.tools.redact import secrets_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from repro.conditions.nix import NixEnvironment
    from repro.core.events import Listener
    from repro.flows.trees import Tree
    from repro.tools.nix_nouns import PathInfo

KEY_FILE = "REPRO_CACHE_KEY_FILE"
"""The variable that names the file with the secret key; the key itself is in no variable and no argument."""

SCHEMES = ("file", "s3", "ssh", "ssh-ng", "http", "https")
SIGNED_HERE = ("ssh", "ssh-ng")
"""Stores that take signatures along with paths, and cannot be told to add them afterwards."""

GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which cache, and whose needs: installables, or all environments of kind `nix` where there are none.

    `revision` is "" for the present tree.
    """

    url: str
    installables: tuple[str, ...] = ()
    revision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing that a cache is to hold: the store paths at the top of it.

    `environment` is None for an installable.
    """

    name: str
    derivation: str
    paths: tuple[str, ...]
    environment: NixEnvironment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a cache holds of one target: how many paths, their bytes, and which are missing or not trusted.

    Of the missing ones `here` are in this machine's store. What a missing path refers to is counted where
    this machine knows it.
    """

    name: str
    derivation: str
    paths: int
    bytes: int
    missing: tuple[str, ...]
    here: int
    untrusted: tuple[str, ...]

    @property
    def check(self) -> Check:
        """Whether the target can be realised from the cache alone."""
        found = []
        if self.missing:
            found.append(f"{len(self.missing)} paths are missing, {self.here} of them are in the store here")
        if self.untrusted:
            found.append(f"{len(self.untrusted)} paths are not signed by a key in trusted-public-keys")
        if found:
            return Check(name=self.name, status=Status.FAIL, reason="; ".join(found))
        return Check(name=self.name, status=Status.PASS, reason=f"{self.paths} paths")

    @property
    def hint(self) -> str:
        """What to do next; "" where nothing is wrong."""
        if self.missing and self.here:
            return "push what is here: repro cache push"
        if self.missing:
            return "build it while its sources can still be had, then push it: repro cache push"
        return "add the cache's public key to trusted-public-keys in nix.conf" if self.untrusted else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheReport:
    """What a cache holds of a revision's needs, target by target; after a push, what was copied."""

    url: str
    commit: str
    nix: str
    holdings: tuple[Holding, ...]
    copied: tuple[str, ...] | None = None

    @property
    def exit(self) -> Exit:
        """Good where every target is whole and trusted."""
        codes = {Status.PASS: Exit.GOOD, Status.FAIL: Exit.WRONG, Status.SKIP: Exit.NOT_CHECKED}
        return worst(codes[holding.check.status] for holding in self.holdings)


def check(root: Path, wish: Wish, listener: Listener) -> CacheReport:
    """What the cache holds, and whether a revision can be realised from it. Nothing is built."""
    with disk_errors(f"working in {root}"), ExitStack() as held:
        work = _open(root, wish, listener, held)
        targets = work.targets()
        return work.report(targets)


def push(root: Path, wish: Wish, listener: Listener) -> CacheReport:
    """Realise what is named, copy it with all that it refers to, sign it, and look at the result."""
    key = _key_file()
    with disk_errors(f"working in {root}"), ExitStack() as held:
        work = _open(root, wish, listener, held)
        if work.url.startswith(("http:", "https:")):
            raise UsageError(
                f"{work.url}: a cache behind HTTP is read only", hint="push to where it is served from"
            )
        targets = work.targets()
        tops = [path for target in targets for path in work.realised(target)]
        closure = list(work.nix.closure(tops))
        copied = work.absent(closure)
        signed_here = work.url.partition(":")[0] in SIGNED_HERE
        if signed_here:
            work.nix.sign(tops, key)
        work.tell(f"copying {len(copied)} of {len(closure)} paths")
        work.nix.copy(tops, to=work.url)
        if not signed_here:
            work.nix.sign(tops, key, store=work.url)
        return work.report(targets, copied=tuple(copied))


def _open(root: Path, wish: Wish, listener: Listener, held: ExitStack) -> _Work:
    url = url_of(wish.url, root)
    place = open_place(root, listener, held)
    tree = (
        held.enter_context(trees.at(root, wish.revision, place.scratch))
        if wish.revision
        else trees.present(root)
    )
    nix = NixShells(tree.root, options=HERMETIC, secrets=secrets_in(*wish.installables))
    return _Work(
        nix=nix, url=url, tree=tree, installables=wish.installables, cache=place.cache, listener=listener
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What one call works with."""

    nix: NixShells
    url: str
    tree: Tree
    installables: tuple[str, ...]
    cache: Path
    listener: Listener

    def tell(self, text: str) -> None:
        """Say what is done now."""
        self.listener(Event(kind=Kind.NOTE, text=text))

    def targets(self) -> tuple[Target, ...]:
        """Everything that is asked for; raises ReproError where that is nothing."""
        found = tuple(self._installables() if self.installables else self._environments())
        if not found:
            raise ReproError(
                f"{config.FILE} names no environment of kind nix",
                hint="name what to look for, as for nix build: repro cache check URL .#default",
            )
        return found

    def _installables(self) -> Iterator[Target]:
        derivations = flakes.evaluated(self.nix, self.tree.root, self.installables)
        for drv, derivation in derivations.items():
            paths = tuple(output.path for output in derivation.outputs.values() if output.path)
            yield Target(name=derivation.name, derivation=drv, paths=paths)

    def _environments(self) -> Iterator[Target]:
        project = config.load(self.tree.root)
        for name, table in project.environments.items():
            if table.kind == "nix":
                environment = nix_environment(self.tree, table, name=name, cache=self.cache)
                drv = environment.instantiated()
                paths = (*environment.inputs(), *self._needs(drv))
                yield Target(name=name, derivation=drv, paths=paths, environment=environment)

    def _needs(self, drv: str) -> Sequence[str]:
        """What a shell is made of: the outputs that its derivation reads, and its sources."""
        (shell,) = self.nix.evaluate([drv]).values()
        inputs = self.nix.evaluate(list(shell.input_drvs)) if shell.input_drvs else {}
        wanted = [
            inputs[one].outputs[output].path
            for one, outputs in shell.input_drvs.items()
            for output in outputs
        ]
        return sorted({path for path in (*wanted, *shell.input_srcs) if path})

    def realised(self, target: Target) -> Sequence[str]:
        """The paths at the top of a target, built or fetched where they are not here."""
        if target.environment is None:
            self.nix.build({target.derivation: ()})
            return target.paths
        target.environment.realise(self.listener)
        return (target.environment.output, *target.paths)

    def absent(self, paths: Sequence[str]) -> list[str]:
        """Those that the cache does not hold."""
        if _is_new(self.url) or not paths:
            return sorted(paths)
        infos = self.nix.path_info(paths, store=self.url)
        return sorted(path for path in paths if infos.get(path) is None)

    def report(self, targets: Sequence[Target], *, copied: tuple[str, ...] | None = None) -> CacheReport:
        """What the cache holds of the targets."""
        if _is_new(self.url):
            raise ToolError(
                f"{self.url}: there is no binary cache",
                hint="make one: repro cache push, or name another folder",
            )
        return CacheReport(
            url=self.nix.redacted(self.url),
            commit=self.tree.commit,
            nix=str(self.nix.version()),
            holdings=tuple(self._holding(target) for target in targets),
            copied=copied,
        )

    def _holding(self, target: Target) -> Holding:
        known: dict[str, PathInfo | None] = {}
        left = sorted(set(target.paths))
        while left:
            found = self._told(left)
            known |= found
            left = sorted({one for info in found.values() if info for one in info.references} - known.keys())
        held = {path: info for path, info in known.items() if info is not None}
        missing, here = self._missing(sorted(known.keys() - held.keys()), held)
        untrusted = self.nix.untrusted(sorted(held), store=self.url) if held else ()
        return Holding(
            name=target.name,
            derivation=target.derivation,
            paths=len(held),
            bytes=sum(info.nar_size for info in held.values()),
            missing=tuple(missing),
            here=here,
            untrusted=untrusted,
        )

    def _told(self, paths: Sequence[str]) -> dict[str, PathInfo | None]:
        infos = self.nix.path_info(paths, store=self.url)
        return {path: infos.get(path) for path in paths}

    def _missing(self, missing: Sequence[str], held: Mapping[str, Any]) -> tuple[list[str], int]:
        """All that is missing, as far as the own store knows what the missing paths refer to."""
        infos = self.nix.path_info(missing) if missing else {}
        here = [path for path in missing if infos.get(path) is not None]
        below = self.nix.closure(here) if here else {}
        more = self.absent(sorted(below.keys() - held.keys()))
        return sorted({*missing, *more}), len({*here, *more})


def url_of(text: str, folder: Path) -> str:
    """The store's URL: as it is, or that of a folder. Raises UsageError for what no cache can be.

    An address with a user's password or token is refused: it would stand in the arguments of every call.
    """
    if secrets_in(text):
        raise UsageError(
            "the address of the cache holds a credential, which other users of the machine would see",
            hint="put it into netrc-file (HTTP), ~/.aws/credentials (S3) or an SSH key",
        )
    if "://" not in text:
        return f"file://{(folder / text).resolve()}"
    scheme = text.partition(":")[0]
    if scheme not in SCHEMES:
        raise UsageError(
            f"{text}: no kind of cache that is known",
            hint="known: a folder, file://, s3://, ssh://, ssh-ng://, https://",
        )
    return text


def _is_new(url: str) -> bool:
    """Whether a URL names a folder that is no cache yet; Nix would make one by merely asking."""
    place = url.removeprefix("file://").partition("?")[0]
    return url.startswith("file://") and not (Path(place) / "nix-cache-info").is_file()


def _key_file() -> Path:
    """The file with the secret key, which nobody else may read."""
    named = host.variables().get(KEY_FILE, "")
    make = "nix key generate-secret --key-name NAME-1 > FILE; chmod 600 FILE"
    if not named:
        raise UsageError(f"{KEY_FILE} does not name the file with the secret key", hint=f"make one: {make}")
    file = Path(named).absolute()
    if not file.is_file():
        raise UsageError(f"{KEY_FILE}: {file} is no file", hint=f"make one: {make}")
    if file.stat().st_mode & GROUP_AND_OTHERS:
        raise UsageError(f"{KEY_FILE}: others can read {file}", hint=f"run: chmod 600 {file}")
    return file
