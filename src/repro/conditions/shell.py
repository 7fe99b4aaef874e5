"""What a run takes over from the shell of a flake: search path, variables, interpreter, links."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.core.errors import RealisationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LEFT_OUT = frozenset(
    {
        # What `nix develop` leaves out too (its source, develop.cc, ignoreVars): it describes the build.
        *("BASHOPTS", "HOME", "NIX_BUILD_TOP", "NIX_ENFORCE_PURITY", "NIX_LOG_FD", "NIX_REMOTE", "PPID"),
        *("SHELLOPTS", "SSL_CERT_FILE", "TEMP", "TEMPDIR", "TERM", "TMP", "TMPDIR", "TZ", "UID"),
        # What is set for each run, or follows from the machine that built the shell.
        *("PATH", "PWD", "OLDPWD", "SHLVL", "NIX_BUILD_CORES", "NIX_STORE", "shellHook"),
        # What only a builder needs.
        *("args", "builder", "name", "outputs", "phases", "buildPhase", "system", "stdenv"),
    }
)
"""Exported variables of a shell that a run does not get."""

LINKS = {"/bin/sh": ("bash", "sh"), "/usr/bin/env": ("env",)}
"""Places that scripts name in their first line, and the programs of the shell that stand there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """The shell of a flake as a run uses it; every path lies in the store.

    `links` are what `Realised.links` says, `bash` is the shell's own.
    """

    search_path: tuple[str, ...]
    variables: Mapping[str, str]
    python: str
    links: Mapping[str, str]


def shell_of(found: Mapping[str, Mapping[str, Any]], store: Path, *, name: str) -> Shell:
    """The shell that Nix's variables describe; RealisationError where it has no Python."""
    exported = {key: entry["value"] for key, entry in found.items() if entry["type"] == "exported"}
    path = tuple(_inside(str(exported.get("PATH", "")).split(":"), store))
    python = _program(("python3", "python"), path)
    if not python:
        raise RealisationError(
            f"environment {name}: the shell has no Python on its PATH",
            hint="add one to the packages of the shell in the flake, such as pkgs.python3",
        )
    outputs = set(str(exported.get("outputs", "out")).split())
    bash = str(found.get("BASH", {}).get("value", ""))
    folders = (*path, *_inside([str(Path(bash).parent)], store))
    links = {place: _program(names, folders) for place, names in LINKS.items()}
    return Shell(
        search_path=path,
        variables={
            key: str(value) for key, value in sorted(exported.items()) if key not in LEFT_OUT | outputs
        },
        python=python,
        links={place: target for place, target in links.items() if target},
    )


def _inside(folders: Iterable[str], store: Path) -> Iterator[str]:
    """Those below the store: neither a placeholder such as /path-not-set nor a folder of the host."""
    return (folder for folder in dict.fromkeys(folders) if folder and Path(folder).is_relative_to(store))


def _program(names: tuple[str, ...], folders: tuple[str, ...]) -> str:
    """The first program of these names that stands in one of the folders."""
    places = (Path(folder) / name for name in names for folder in folders)
    return next((str(place) for place in places if place.is_file()), "")
