"""What an SBOM is made of: a target on the command line told apart, and read by the reader of its kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from repro.core.errors import UsageError
from repro.core.near import did_you_mean
from repro.tools import host
from repro.tools.files import disk_errors

if TYPE_CHECKING:
    from pathlib import Path

    from repro.sbom.component import Inventory

STORE = "/nix/store"
FLAKE = re.compile(r"(?:[a-z][a-z0-9+]*:|\.{1,2}(?:/|#|\?|$)|/|nixpkgs#|[^#\s]*#)")
"""How references to flakes begin, or that they name an attribute behind `#`."""

LOCK = re.compile(r"(?:.*[-_.])?requirements(?:[-_.].*)?\.(?:txt|lock)")
"""Names of locks, which are read as such whatever they hold: what is wrong there is told."""

PINNED = re.compile(rb"^[A-Za-z0-9][\w.-]*(?:\[[^]\n]*\])?[ \t]*==", re.MULTILINE)
HASHED = b"--hash"
"""What a lock of any name holds: a pinned requirement, and a hash."""

ARCHIVES = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
"""How files compressed by gzip and zstd begin."""

TAR, TAR_AT = b"ustar", 257
"""The mark in the first header of a tar archive, and where it stands (POSIX.1-2024, pax, "ustar")."""

HEAD = 1 << 16
"""Bytes of a file by which it is told what it is."""


class Closure(StrEnum):
    """What of a derivation: what it refers to when it runs, or all that building it takes."""

    RUNTIME = "runtime"
    BUILDTIME = "buildtime"


class Sort(StrEnum):
    """The kinds of targets."""

    NIX = "nix"
    CLOSURE = "closure"
    ENVIRONMENT = "environment"
    LOCK = "lock"
    WHEEL = "wheel"
    SDIST = "sdist"
    IMAGE = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target told apart: its kind, the path or the reference that names it, whether Nix's store has it."""

    sort: Sort
    path: Path
    text: str
    stored: bool = False


def target_of(folder: Path, text: str) -> Target:
    """What `text` names, seen from `folder`; UsageError where it is nothing that has an inventory."""
    path = folder / text
    with disk_errors(f"looking at {text}"):
        if _is_stored(path):  # whether it is there is for Nix to say
            return Target(sort=Sort.NIX, path=path, text=text, stored=True)
        if path.exists():
            return Target(sort=_sort_of(path, text), path=path, text=text)
    if FLAKE.match(text) and ("#" in text or ":" in text):
        return Target(sort=Sort.NIX, path=path, text=text)
    raise UsageError(
        f"no such file, folder or reference to a flake: {text}",
        hint=did_you_mean(text, ("check", "diff", "licences", "validate"))
        if re.fullmatch(r"[a-z]+", text)
        else "name a path, or an attribute of a flake such as .#default",
    )


def _is_stored(path: Path) -> bool:
    store = host.variables().get("NIX_STORE_DIR") or STORE
    return path.resolve().is_relative_to(store)


def _sort_of(path: Path, text: str) -> Sort:
    if path.is_dir():
        return _sort_of_folder(path, text)
    name = path.name.lower()
    if name.endswith(".whl"):
        return Sort.WHEEL
    if LOCK.fullmatch(name):
        return Sort.LOCK
    if name.endswith(".json"):
        return Sort.CLOSURE
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith(ARCHIVES) or head[TAR_AT:].startswith(TAR):
        return _sort_of_archive(path, text)
    if HASHED in head and PINNED.search(head):
        return Sort.LOCK
    raise _unknown(text)


def _sort_of_folder(path: Path, text: str) -> Sort:
    if (path / "oci-layout").is_file():
        return Sort.IMAGE
    if (path / "pyvenv.cfg").is_file() or any(path.glob("*.dist-info")):
        return Sort.ENVIRONMENT
    if (path / "flake.nix").is_file():
        return Sort.NIX
    raise _unknown(text)


def _sort_of_archive(path: Path, text: str) -> Sort:
    """An image's archive names its layout or its manifest; a source distribution holds a PKG-INFO."""
    from repro.tools.archive import tar_members
    from repro.tools.archive_streams import decompressed

    with path.open("rb") as raw:
        for member, _ in tar_members(decompressed(raw, name=text), name=text):
            if member.path in {"oci-layout", "manifest.json", "index.json"}:
                return Sort.IMAGE
            if re.fullmatch(r"[^/]+/PKG-INFO", member.path):
                return Sort.SDIST
    raise _unknown(text)


def _unknown(text: str) -> UsageError:
    return UsageError(
        f"{text}: nothing that an SBOM is made of",
        hint="known: a Nix installable or store path, a virtual environment, a lock with hashes, "
        "a wheel or sdist, an OCI image, or JSON of `nix path-info --json --recursive`",
    )


def inventory_of(
    folder: Path, text: str, *, closure: Closure | None = None, platform: str = "", measured: bool = False
) -> Inventory:
    """The inventory of what `text` names; UsageError where an option is not for this kind of target.

    `measured`: of an environment every file is read, where else RECORD is taken at its word.
    """
    target = target_of(folder, text)
    if closure is not None and target.sort is not Sort.NIX:
        raise UsageError(f"--closure is for Nix, and {text} is no part of it", hint="leave --closure out")
    if platform and target.sort is not Sort.IMAGE:
        raise UsageError(f"--platform is for images, and {text} is none", hint="leave --platform out")
    with disk_errors(f"reading {text}"):
        if target.sort is Sort.NIX:
            return _closure_of(folder, target, closure or Closure.RUNTIME)
        if target.sort is Sort.CLOSURE:
            from repro.sbom.nix_runtime import recorded

            return recorded(target.path.read_bytes())
        if target.sort is Sort.IMAGE:
            from repro.sbom import oci

            return oci.image(target.path, platform=platform)
        return _python_of(target, measured=measured)


def _closure_of(folder: Path, target: Target, closure: Closure) -> Inventory:
    """Of a flake's attribute with what its `meta` says; of a store path with what the store knows."""
    from repro.sbom.nix_build import buildtime
    from repro.sbom.nix_meta import evaluated
    from repro.sbom.nix_runtime import runtime
    from repro.tools.nix_closures import NixClosures
    from repro.tools.redact import secrets_in

    text = str(target.path.resolve()) if target.stored else target.text
    nix = NixClosures(folder, secrets=secrets_in(text))
    meta = {} if target.stored else evaluated(nix, text)
    read = buildtime if closure is Closure.BUILDTIME else runtime
    return read(nix, [text], meta=meta)


def _python_of(target: Target, *, measured: bool) -> Inventory:
    if target.sort is Sort.ENVIRONMENT:
        from repro.sbom.python_environment import environment

        return environment(target.path, measured=measured)
    if target.sort is Sort.LOCK:
        from repro.sbom.lockfile import lock

        return lock(target.path)
    from repro.sbom.wheel import sdist, wheel

    return wheel(target.path) if target.sort is Sort.WHEEL else sdist(target.path)
