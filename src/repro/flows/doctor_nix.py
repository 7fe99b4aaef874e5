"""What `repro doctor` says of Nix: there, safe, sandboxed, and trusting nobody but root."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from repro.core.errors import ReproError, ToolNotFound
from repro.flows.diagnosis import failed, passed, skipped
from repro.tools import process
from repro.tools.nix import INSTALL, Nix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from repro.flows.diagnosis import Finding
    from repro.tools.nix_nouns import Version

MENDED = {(2, 28): 7, (2, 30): 5, (2, 31): 5, (2, 34): 7}
"""The first release of each kept series with the security fixes of spring 2026; later series have all."""

NAMES = ("nix version", "nix flakes", "nix sandbox", "nix trusted users")
FEATURES = ("nix-command", "flakes")


def nix_findings(folder: Path, *, needed: bool) -> Iterator[Finding]:
    """Nix itself, then its settings; without Nix a failure where the project needs it, else skipped."""
    nix = Nix(folder)
    try:
        version = nix.version()
    except ReproError as error:
        missing = isinstance(error, ToolNotFound)
        say = failed if needed or not missing else skipped
        yield say("nix", error.message, error.hint or INSTALL)
        yield from (skipped(name, "there is no Nix to ask") for name in NAMES)
        return
    yield passed("nix", f"{version} at {shutil.which(nix.program) or nix.program}")
    yield version_finding(version)
    yield _features(nix)
    try:
        settings = nix.settings()
    except ReproError as error:
        yield from (skipped(name, error.message, error.hint) for name in NAMES[2:])
        return
    yield sandbox_finding(settings)
    yield trusted_finding(settings)


def version_finding(version: Version) -> Finding:
    """Whether a version has known holes; of other implementations no list is kept."""
    name, newest = "nix version", max(MENDED)
    if version.implementation != "Nix":
        return skipped(name, f"no list of holes is kept for {version.implementation}")
    major, minor, patch, *_ = (*version.numbers, 0, 0)
    if (major, minor) > newest or patch >= MENDED.get((major, minor), patch + 1):
        return passed(name, f"{version} has no hole that is known here")
    mended = ", ".join(f"{major}.{minor}.{fix}" for (major, minor), fix in sorted(MENDED.items()))
    return failed(
        name,
        f"{version} lacks security fixes",
        f"install one of {mended} or newer, or your system's patched one",
    )


def _features(nix: Nix) -> Finding:
    """Whether `nix develop` works without options; `repro` itself allows what it needs for each call."""
    name = "nix flakes"
    try:
        # Without leave the command is refused before anything is looked for.
        done = process.run(
            [nix.program, "eval", "--expr", "builtins.getFlake"], cwd=nix.folder, env=nix.env, check=False
        )
    except ReproError as error:
        return skipped(name, error.message, error.hint)
    if done.code == 0:
        return passed(name, f"{' and '.join(FEATURES)} are allowed")
    return failed(
        name,
        f"{' and '.join(FEATURES)} are not both allowed",
        f"write `experimental-features = {' '.join(FEATURES)}` into nix.conf",
    )


def sandbox_finding(settings: dict[str, Any]) -> Finding:
    """Whether builders are shut in."""
    name, value = "nix sandbox", settings.get("sandbox")
    if value is not True and value != "true":
        hint = "write `sandbox = true` into nix.conf; repro asks for it where it builds"
        return failed(name, f"sandbox = {str(value).lower()}: builders see the host", hint)
    if settings.get("sandbox-fallback"):
        return passed(name, "on; sandbox-fallback would build outside it where the kernel refuses")
    return passed(name, "on")


def trusted_finding(settings: dict[str, Any]) -> Finding:
    """Whether only root may tell the daemon to take anything: a trusted user can become root by it."""
    name, users = "nix trusted users", [str(user) for user in settings.get("trusted-users") or ["root"]]
    others = [user for user in users if user != "root"]
    if others:
        return failed(
            name,
            f"{', '.join(others)}: may replace any store path, which is as good as root",
            "write `trusted-users = root` into nix.conf",
        )
    return passed(name, "root only")
