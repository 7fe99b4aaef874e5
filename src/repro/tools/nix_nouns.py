"""What Nix speaks of: store paths, derivations, outputs, flakes, stores, versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class PathInfo(NamedTuple):
    """What a store knows of a path it holds: `nar_hash` as SRI, sizes in bytes, `registered` in Unix seconds.

    `deriver` is "" and `registered` 0 where the store does not know; `closure_size` is None unless it was
    asked for; `ultimate` says that the path was built in this very store. A tuple with names, for there are
    many: a frozen dataclass takes four times as long to make.
    """

    path: str
    nar_hash: str
    nar_size: int
    references: tuple[str, ...]
    deriver: str
    registered: int
    signatures: tuple[str, ...]
    closure_size: int | None
    is_content_addressed: bool
    ultimate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output of a derivation; `path` is "" where it is known only after the build."""

    path: str
    is_fixed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A derivation: its outputs by name, and the outputs of other derivations and sources that it reads."""

    path: str
    name: str
    system: str
    outputs: Mapping[str, Output]
    input_drvs: Mapping[str, tuple[str, ...]]
    input_srcs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A derivation that is built, and where its outputs are; `drv` is "" for a path that has none."""

    drv: str
    outputs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlakeMetadata:
    """Which source a flake reference stands for: exactly one of the two revisions where it is under git."""

    url: str
    revision: str
    dirty_revision: str
    nar_hash: str
    last_modified: int
    is_git: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreInfo:
    """A store, the version of what serves it, and whether it trusts the caller (None: it does not say)."""

    url: str
    version: str
    trusted: bool | None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Version:
    """`numbers` of Nix itself, and which implementation says so: Nix, Lix or Determinate Nix."""

    numbers: tuple[int, ...]
    implementation: str

    def __str__(self) -> str:
        """`Nix 2.34.8`."""
        return f"{self.implementation} {'.'.join(map(str, self.numbers))}"
