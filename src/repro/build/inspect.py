"""Two builds of one output, wherever they are: by hash first, by file where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from repro.build.clues import Clues
from repro.build.compare import compare
from repro.build.report import Comparison, Outcome
from repro.core.errors import FormatError, ReproError
from repro.tools import files, nar, process

if TYPE_CHECKING:
    from pathlib import Path

    from repro.build.clues import Side
    from repro.tools.nar import Archive
    from repro.tools.nix import NixDoor
    from repro.tools.nix_nouns import PathInfo

LIMIT = 100
"""Differences of one output that a report holds; the number of the others is stated."""

HTML_SECONDS = 1800
"""How long diffoscope may take over one output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One build of an output: what its store says of it, the store's URL ("" is the caller's), and when."""

    info: PathInfo
    store: str
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where archives are laid out to be compared; `keep` is the folder of --out, `diffoscope` its program."""

    nix: NixDoor
    work: Path
    keep: Path | None = None
    diffoscope: str = ""

    def compared(self, output: str, against: str, first: Copy, second: Copy) -> Comparison:
        """The comparison of two copies of one output."""
        if first.info.nar_hash == second.info.nar_hash:
            return Comparison(
                output=output,
                against=against,
                outcome=Outcome.REPRODUCIBLE,
                nar_hash=second.info.nar_hash,
            )
        try:
            one, other = self._read(first, "first"), self._read(second, "second")
        except FormatError:
            raise
        except ReproError as error:
            return Comparison(
                output=output,
                against=against,
                outcome=Outcome.DIFFERS,
                nar_hash=second.info.nar_hash,
                reason=f"the files cannot be read: {error.message}",
            )
        found = compare(one, other, Clues(first=first.side, second=second.side))
        differences = tuple(islice(found, LIMIT))
        return Comparison(
            output=output,
            against=against,
            outcome=Outcome.DIFFERS,
            nar_hash=second.info.nar_hash,
            differences=differences,
            left_out=sum(1 for _ in found),
            kept=self._kept(first.info.path, against, one, other),
        )

    def _read(self, copy: Copy, name: str) -> Archive:
        file = self.work / f"{name}.nar"
        self.nix.dump(copy.info.path, file, store=copy.store)
        return nar.read(file)

    def _kept(self, path: str, against: str, first: Archive, second: Archive) -> str:
        """Where both trees and diffoscope's page were put, "" where nothing is to be kept."""
        if self.keep is None:
            return ""
        folder = (
            self.keep
            / path.rpartition("/")[2][33:]
            / "".join(letter if letter.isalnum() else "-" for letter in against)
        )
        files.remove_tree(folder)
        folder.mkdir(parents=True)
        nar.unpack(first, folder / "first")
        nar.unpack(second, folder / "second")
        if self.diffoscope:
            # 1 says that they differ; another code has said why on standard error, and the trees are kept.
            argv = [self.diffoscope, "--html", "diffoscope.html", "first", "second"]
            process.run(argv, cwd=folder, timeout_seconds=HTML_SECONDS, check=False)
        return str(folder)
