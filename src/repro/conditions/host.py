"""The caller's own interpreter as an environment: usable at once, and recorded as not reproducible."""

from __future__ import annotations

import functools
import os
import platform
import site
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from repro.conditions.environment import Realised, covering
from repro.conditions.platform import platform_class
from repro.core.digest import Digest, of_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repro.core.events import Listener

REASON = "the packages are whatever the caller has installed; no lock names them"


class HostEnvironment:
    """The interpreter that runs `repro`, with everything installed in it."""

    kind = "host"

    def __init__(self, *, name: str) -> None:
        self.name = name

    def identity(self) -> Digest:
        """The digest of the interpreter's exact version and the installed distributions, read once."""
        return _identity(_packages_once())

    def realise(self, _listener: Listener) -> Realised:
        """It stands already."""
        return Realised(
            name=self.name,
            kind=self.kind,
            identity=self.identity(),
            python=Path(sys.executable),
            search_path=(Path(sys.executable).parent,),
            visible=covering(
                [Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_exec_prefix), *_linked()]
            ),
            content=None,
            reproducible=False,
            facts={
                "python": platform.python_version(),
                "implementation": sys.implementation.name,
                "packages": dict(_packages_once()),
                "not_reproducible_because": REASON,
            },
        )

    def check(self, _realised: Realised, *, paranoid: bool) -> Digest:  # noqa: ARG002 - there is no content to hash
        """The identity, looked up anew: a package that came, went or changed its version is noticed."""
        return _identity(installed(sys.path))


def installed(path: list[str]) -> Mapping[str, str]:
    """Distributions on a module path with their versions, as the names of their metadata folders tell.

    That is one listing per folder; `importlib.metadata` would open a file for each distribution.
    """
    found: dict[str, str] = {}
    for folder in path:
        for stem in _metadata_folders(folder or "."):
            name, _, version = stem.partition("-")
            found.setdefault(name, version)
    return dict(sorted(found.items()))


def _metadata_folders(folder: str) -> Iterator[str]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names only, on the hot path
    except OSError:  # a zip file, or a folder that does not exist
        return
    for name in names:
        stem, kind = os.path.splitext(name)  # noqa: PTH122 - see above
        if kind in {".dist-info", ".egg-info"}:
            yield stem


@functools.cache
def _packages_once() -> Mapping[str, str]:
    return installed(sys.path)


def _identity(packages: Mapping[str, str]) -> Digest:
    return of_value(
        {
            "kind": "host",
            "python": platform.python_version(),
            "implementation": sys.implementation.name,
            "platform": platform_class(),
            "packages": packages,
        }
    )


def _linked() -> Iterator[Path]:
    """Folders that `.pth` files add to the module path, such as those of editable installations."""
    for folder in site.getsitepackages():
        for file in sorted(Path(folder).glob("*.pth")):
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                if line.startswith("/") and Path(line.strip()).is_dir():
                    yield Path(line.strip())
