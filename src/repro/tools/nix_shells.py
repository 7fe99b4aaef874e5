"""More of the door to Nix: the environment of a shell, closures, and signatures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.errors import FormatError
from repro.tools.nix import CORRUPT, UNTRUSTED, Nix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from repro.tools.nix_nouns import PathInfo

MAX_BYTES = 64 << 20
"""Cap on what print-dev-env prints, in bytes."""

HERMETIC = (
    *("--option", "sandbox", "true"),
    *("--option", "sandbox-fallback", "false"),
    *("--option", "pure-eval", "true"),
    *("--option", "accept-flake-config", "false"),
)
"""How the flake of a revision is treated, which may be anybody's: nothing runs outside the sandbox, nothing
is read outside the flake and its locked inputs, and its own settings for Nix are not taken."""

LOCKED = ("--no-update-lock-file",)  # with --no-write-lock-file beside it Nix would lock in memory
"""An input that `flake.lock` does not pin is an error."""

_ALTERED = re.compile(r"path '([^']+)' (?:was modified|is missing|has disappeared)")
_UNTRUSTED = re.compile(r"path '([^']+)' is untrusted")


class NixShells(Nix):
    """The door for those who enter shells and fill caches."""

    def dev_env(self, drv: str, *, root: Path) -> Mapping[str, Mapping[str, Any]]:
        """Build all that the shell of a derivation needs, kept from the garbage collector by the link `root`.

        Returns its variables as `nix print-dev-env` gives them; the shell hook is not run.
        """
        arguments = ["print-dev-env", "--json", "--profile", str(root), self._outputs(drv, ())]
        return parse_dev_env(self._ask(arguments, doing="building the shell"))

    def evaluate_locked(self, installable: str) -> str:
        """The derivation of a flake's attribute, by its lock file as it stands."""
        arguments = ["path-info", "--derivation", *LOCKED, installable]
        return self._ask(arguments, doing="evaluating the flake").decode().strip()

    def flake_inputs(self, reference: str) -> tuple[str, ...]:
        """The store paths of all inputs of a flake, fetched by its lock file as it stands."""
        arguments = ["flake", "archive", "--json", "--dry-run", *LOCKED, reference]
        return parse_archive(self._ask(arguments, doing="fetching the flake's inputs"))

    def closure(self, paths: Sequence[str], *, store: str = "") -> dict[str, PathInfo]:
        """Paths and all that they refer to, as a store that holds them knows them."""
        where = ["--store", store] if store else []
        infos = self._path_info(["--recursive", *where, *paths])
        return {path: info for path, info in infos.items() if info is not None}

    def altered(self, path: str) -> tuple[str, ...]:
        """The paths of a closure whose content is no longer what was registered; every byte is read."""
        answer = self._call(["store", "verify", "--recursive", "--no-trust", path])
        if answer.code & ~(CORRUPT | UNTRUSTED):
            raise self._failure(answer.log, f"verifying {path}")
        said = "\n".join(message.text for message in answer.log.messages)
        names = tuple(sorted(set(_ALTERED.findall(said))))
        return names or ((path,) if answer.code & CORRUPT else ())

    def untrusted(self, paths: Sequence[str], *, store: str) -> tuple[str, ...]:
        """Those of a store's paths that no trusted key signed, and whose name does not prove them either."""
        answer = self._call(["store", "verify", "--no-contents", "--store", store, *paths])
        if answer.code & ~(CORRUPT | UNTRUSTED):
            raise self._failure(answer.log, f"verifying {self.redacted(store)}")
        said = "\n".join(message.text for message in answer.log.messages)
        names = tuple(sorted(set(_UNTRUSTED.findall(said))))
        return names or (tuple(paths) if answer.code & UNTRUSTED else ())

    def sign(self, paths: Sequence[str], key: Path, *, store: str = "") -> None:
        """Sign paths and all that they refer to with the secret key in a file, which Nix alone reads."""
        where = ["--store", store] if store else []
        self._ask(["store", "sign", "--recursive", "--key-file", str(key), *where, *paths], doing="signing")


def parse_dev_env(data: bytes) -> Mapping[str, Mapping[str, Any]]:
    """The variables that `nix print-dev-env --json` printed: `type` and `value` of each, by name.

    Raises FormatError where it is not that; the shape is the same from Nix 2.4 on.
    """
    found = strictjson.parse(data, name="nix print-dev-env", max_bytes=MAX_BYTES)
    variables = found.get("variables") if isinstance(found, dict) else None
    if not isinstance(variables, dict) or not all(
        isinstance(entry, dict) and "type" in entry for entry in variables.values()
    ):
        raise FormatError("nix print-dev-env: not the variables of a shell")
    return variables


def parse_archive(data: bytes) -> tuple[str, ...]:
    """The paths of all inputs that `nix flake archive --json` printed, sorted.

    Raises FormatError where it is not that.
    """
    found = strictjson.parse(data, name="nix flake archive", max_bytes=MAX_BYTES)
    paths: set[str] = set()
    left = [found]
    while left:
        node = left.pop()
        inputs = node.get("inputs", {}) if isinstance(node, dict) else None
        if not isinstance(inputs, dict):
            raise FormatError("nix flake archive: not the inputs of a flake")
        left += inputs.values()
        paths |= {str(one["path"]) for one in inputs.values() if isinstance(one, dict) and "path" in one}
    return tuple(sorted(paths))
