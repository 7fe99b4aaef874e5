"""Compare with what others built: a store or binary cache, or the hashes that another machine printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from repro.build.clues import Side
from repro.build.inspect import Copy
from repro.build.published import parse_published
from repro.build.report import Comparison, Outcome
from repro.core.errors import ReproError, UsageError
from repro.tools import files
from repro.tools.nix import UNTRUSTED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from repro.build.inspect import Bench
    from repro.tools.nix import NixDoor
    from repro.tools.nix_nouns import Derivation, PathInfo

MAX_FILE = 1 << 26
"""Bytes of a file with published hashes."""

NAMED_STORES = {"auto", "daemon", "local"}
"""Stores that Nix knows by a word."""


class Outside(Protocol):
    """Others' builds, under the name that a report gives them."""

    name: str

    def compared(self, derivation: Derivation, output: str, ours: Copy) -> Comparison:
        """The comparison; not measured where they have none, or none that can be believed."""


def outside(against: str, folder: Path, bench: Bench) -> Outside:
    """What `--against` names: an existing file, an existing folder with a cache or store in it, or a URL."""
    place = folder / against
    with files.disk_errors(f"--against {bench.nix.redacted(against)}"):
        if "://" not in against and place.is_file():
            data = files.read_capped(place, MAX_FILE)
            return Published(hashes=parse_published(data, name=against), name=against)
        if "://" not in against and place.is_dir():
            is_cache = (place / "nix-cache-info").is_file()
            url = f"file://{place.resolve()}" if is_cache else f"local?root={place.resolve()}"
            return Store(url=url, bench=bench)
    if "://" in against or "?" in against or against in NAMED_STORES:
        return Store(url=against, bench=bench)
    raise UsageError(
        f"--against {against}: neither a file, a folder nor a store's URL",
        hint="name a file that repro build --json wrote, or a store such as file:///path, ssh://host, https://host",
    )


class Published:
    """Hashes in a file."""

    def __init__(self, *, hashes: Mapping[tuple[str, str], str], name: str) -> None:
        self.hashes, self.name = hashes, name

    def compared(self, derivation: Derivation, output: str, ours: Copy) -> Comparison:
        """By hash; why files differ cannot be told from it."""
        theirs = self.hashes.get((derivation.path, output), "")
        outcome, reason = Outcome.REPRODUCIBLE, ""
        if not theirs:
            outcome, reason = Outcome.NOT_MEASURED, self._absent(derivation, output)
        elif theirs != ours.info.nar_hash:
            outcome = Outcome.DIFFERS
            reason = "the hashes differ; --against a store of that machine shows which files, and why"
        return Comparison(output=output, against=self.name, outcome=outcome, nar_hash=theirs, reason=reason)

    def _absent(self, derivation: Derivation, output: str) -> str:
        name = derivation.path.rpartition("/")[2][33:]
        if any(drv.rpartition("/")[2][33:] == name and out == output for drv, out in self.hashes):
            return "the file has another derivation of that name: its inputs or its recipe are not the same"
        return "the file has no such output"


class Store:
    """A store or a binary cache; only what a trusted key signed counts, or was built in that very store."""

    def __init__(self, *, url: str, bench: Bench) -> None:
        self.url, self.bench = url, bench
        self.name = bench.nix.redacted(url)

    def compared(self, derivation: Derivation, output: str, ours: Copy) -> Comparison:
        """By hash, and by file where they differ."""
        path = derivation.outputs[output].path
        try:
            info = self.bench.nix.path_info([path], store=self.url)[path]
            reason = "it has no such path" if info is None else self._distrust(self.bench.nix, info)
        except ReproError as error:
            info, reason = None, f"it does not answer: {error.message}"
        if info is None or reason:
            return Comparison(
                output=output,
                against=self.name,
                outcome=Outcome.NOT_MEASURED,
                nar_hash=info.nar_hash if info else "",
                reason=reason,
            )
        theirs = Copy(
            info=info, store=self.url, side=Side(started=0, ended=info.registered or ours.side.ended)
        )
        return self.bench.compared(output, self.name, ours, theirs)

    def _distrust(self, nix: NixDoor, info: PathInfo) -> str:
        """Why a path cannot be believed, "" where it can."""
        if not nix.verify(info.path, store=self.url, contents=False) & UNTRUSTED:
            return ""
        if not info.signatures:
            return "it is not signed: anybody could have put it there"
        keys = ", ".join(sorted({signature.partition(":")[0] for signature in info.signatures}))
        return f"it is signed by {keys}, which is not among trusted-public-keys"
