"""The interface behind which every kind of environment stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from repro.core.digest import Digest
    from repro.core.events import Listener

JSON: TypeAlias = "bool | int | str | Sequence[JSON] | Mapping[str, JSON] | None"
"""What a record may hold as a fact: no floats, which two writers could round differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Realised:
    """An environment that stands on this machine and can run a command.

    `identity` goes into the cache key. `python` is its interpreter; `search_path` goes first on PATH;
    `visible` are the folders that a sandbox must show read-only. `content` is the digest of the whole tree,
    taken when it was realised; None where the tree is not ours (host). `facts` are for the record.
    `variables` are the environment's own, below those of the run. `launcher` says that nothing of the host's
    programs and libraries is shown, and how the interpreter itself starts then, past any wrapper; `links` are
    places at which programs expect a file (`/bin/sh`), and what they lead to.
    """

    name: str
    kind: str
    identity: Digest
    python: Path
    search_path: tuple[Path, ...]
    visible: tuple[Path, ...]
    content: Digest | None
    reproducible: bool
    facts: Mapping[str, JSON]
    variables: Mapping[str, str] = field(default_factory=dict)
    launcher: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)


class Environment(Protocol):
    """A named environment that can be identified cheaply, realised, and watched."""

    @property
    def name(self) -> str:
        """The name that `repro.toml` gives it."""

    @property
    def kind(self) -> str:
        """`venv`, `nix` or `host`."""

    def identity(self) -> Digest:
        """What makes it this environment; nothing is realised for it."""

    def realise(self, listener: Listener) -> Realised:
        """Make it stand on this machine, or find it standing; raises RealisationError where it cannot."""

    def check(self, realised: Realised, *, paranoid: bool) -> Digest:
        """The digest of its present state, to be equal before and after a run.

        Quick: path, size, times, inode and mode of each file. `paranoid` hashes every file again and raises
        TamperError, naming the first changed files, where the content is not the realised one.
        """


def covering(folders: Sequence[Path]) -> tuple[Path, ...]:
    """The given folders and the places that their links lead to, without those inside another one."""
    places = sorted({place for folder in folders for place in (folder.absolute(), folder.resolve())})
    return tuple(place for place in places if not any(other in place.parents for other in places))
