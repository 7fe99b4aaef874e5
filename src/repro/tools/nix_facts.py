"""What Nix knows about where a build came from: the inputs that a flake locks, and the log of a builder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.errors import FormatError
from repro.tools.nix_closures import NixClosures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WHAT = "nix flake metadata"

_REVISIONS = ("type", "owner", "repo", "host", "url", "ref", "path", "dir", "id", "rev", "dirtyRev")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedInput:
    """One input of a flake, as its lock pins it; `reference` has the parts of a flake reference."""

    name: str
    nar_hash: str
    revision: str
    reference: Mapping[str, str]

    @property
    def url(self) -> str:
        """The locked reference as one line (Nix manual, "Flake references")."""
        parts = self.reference
        kind, revision = parts.get("type", ""), parts.get("rev", "")
        if kind in {"github", "gitlab", "sourcehut"}:
            host = f"?host={parts['host']}" if "host" in parts else ""
            return f"{kind}:{parts.get('owner', '')}/{parts.get('repo', '')}/{revision}{host}"
        if kind in {"git", "hg"}:
            return f"{kind}+{parts.get('url', '')}?rev={revision}"
        return parts.get("url", "") if kind in {"tarball", "file"} else f"{kind}:"


class NixFacts(NixClosures):
    """The door to Nix for those who say where a build came from."""

    def locked_inputs(self, reference: str) -> tuple[LockedInput, ...]:
        """Every input that a flake's lock pins, by name; those of its inputs too."""
        answer = self._ask(["flake", "metadata", "--json", reference], doing=f"reading {reference}")
        return tuple(_inputs(strictjson.parse(answer, name=WHAT)))

    def log(self, drv: str) -> bytes | None:
        """What a derivation's builder wrote, None where Nix has kept nothing of it."""
        answer = self._call(["log", drv])
        return answer.stdout if answer.code == 0 else None


def _inputs(document: Any) -> Iterator[LockedInput]:  # noqa: ANN401 - JSON
    try:
        locks = document.get("locks") or {}
        nodes = locks.get("nodes", {})
        for name, node in sorted(nodes.items()):
            locked = node.get("locked")
            if name == locks.get("root") or locked is None:
                continue
            yield LockedInput(
                name=name,
                nar_hash=str(locked.get("narHash", "")),
                revision=str(locked.get("rev", "")),
                reference={key: str(locked[key]) for key in _REVISIONS if key in locked},
            )
    except (AttributeError, TypeError) as error:
        raise FormatError(f"{WHAT}: locks of a shape that is not known") from error
