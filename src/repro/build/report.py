"""What building again showed: nouns, and what they come to together."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from repro.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION = 1
"""Of the document that `to_dict` gives, and that `--against FILE` reads."""


class Outcome(StrEnum):
    """What a comparison of two builds came to; a difference outweighs what was not measured."""

    REPRODUCIBLE = "reproducible"
    DIFFERS = "differs"
    NOT_MEASURED = "not measured"

    @property
    def exit(self) -> Exit:
        """The exit code of a command whose only finding is this one."""
        return _EXITS[self]


_EXITS = {
    Outcome.REPRODUCIBLE: Exit.GOOD,
    Outcome.DIFFERS: Exit.WRONG,
    Outcome.NOT_MEASURED: Exit.NOT_CHECKED,
}
_SEVERITY = (Outcome.DIFFERS, Outcome.NOT_MEASURED, Outcome.REPRODUCIBLE)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of a whole from its parts; a whole without parts was not measured."""
    return min(outcomes, key=_SEVERITY.index, default=Outcome.NOT_MEASURED)


class Kind(StrEnum):
    """What differs between two outputs, as far as it can be told from them."""

    TIMESTAMP = "timestamp"
    PATH = "path"
    ORDERING = "ordering"
    BUILD_ID = "build id"
    CORES = "core count"
    RANDOMNESS = "randomness"
    PERMISSIONS = "permissions"
    LINK = "symbolic link"
    SORT = "sort of file"
    MISSING = "missing file"
    EXTRA = "extra file"
    CONTENT = "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One way in which one file differs: where (`path` in the output, `offset` in bytes) and why.

    `first` and `second` are excerpts; `offset` is None where no bytes are compared.
    """

    path: str
    kind: Kind
    evidence: str
    offset: int | None = None
    first: str = ""
    second: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For the document."""
        return {
            "path": self.path,
            "kind": str(self.kind),
            "evidence": self.evidence,
            "offset": self.offset,
            "first": self.first,
            "second": self.second,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One output against another build of it (`against`: `rebuild 1`, a store, a file).

    `nar_hash` is the other one's, "" where there is none; `reason` says why it was not measured.
    """

    output: str
    against: str
    outcome: Outcome
    nar_hash: str = ""
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    left_out: int = 0
    kept: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For the document."""
        return {
            "output": self.output,
            "against": self.against,
            "outcome": str(self.outcome),
            "nar_hash": self.nar_hash,
            "reason": self.reason,
            "differences": [difference.to_dict() for difference in self.differences],
            "left_out": self.left_out,
            "kept": self.kept,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One building again: what was varied, whether the log proves that it ran, and how long it took."""

    number: int
    proven: bool
    reason: str
    seconds: float
    varied: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """For the document."""
        return {
            "number": self.number,
            "proven": self.proven,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
            "varied": dict(self.varied),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFacts:
    """One output as it is in the caller's store; sizes in bytes, the closure's with itself."""

    name: str
    path: str
    nar_hash: str
    nar_size: int
    closure_size: int

    def to_dict(self) -> dict[str, Any]:
        """For the document."""
        return {
            "name": self.name,
            "path": self.path,
            "nar_hash": self.nar_hash,
            "nar_size": self.nar_size,
            "closure_size": self.closure_size,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivationReport:
    """One derivation: its outputs, how they came into the store, and every comparison of them."""

    drv: str
    name: str
    system: str
    origin: str
    seconds: float | None
    outputs: tuple[OutputFacts, ...]
    rounds: tuple[Round, ...] = ()
    comparisons: tuple[Comparison, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The worst of its comparisons."""
        return worst(comparison.outcome for comparison in self.comparisons)

    def to_dict(self) -> dict[str, Any]:
        """For the document."""
        return {
            "drv": self.drv,
            "name": self.name,
            "system": self.system,
            "origin": self.origin,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "outcome": str(self.outcome),
            "outputs": [output.to_dict() for output in self.outputs],
            "rounds": [one.to_dict() for one in self.rounds],
            "comparisons": [comparison.to_dict() for comparison in self.comparisons],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the first build took: builders started, paths fetched from caches, seconds."""

    built: int
    fetched: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """For the document."""
        return {"built": self.built, "fetched": self.fetched, "seconds": round(self.seconds, 3)}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """All derivations that a call named, the sources they come from, and what there is to say beside."""

    nix: str
    sources: tuple[Mapping[str, Any], ...]
    derivations: tuple[DerivationReport, ...]
    work: Work
    notes: tuple[str, ...] = field(default=())

    @property
    def outcome(self) -> Outcome:
        """The worst of all."""
        return worst(derivation.outcome for derivation in self.derivations)

    def to_dict(self) -> dict[str, Any]:
        """The document of `--json`; what another machine's `--against` reads is in it."""
        return {
            "version": VERSION,
            "exit": int(self.outcome.exit),
            "outcome": str(self.outcome),
            "nix": self.nix,
            "sources": [dict(source) for source in self.sources],
            "work": self.work.to_dict(),
            "derivations": [derivation.to_dict() for derivation in self.derivations],
            "notes": list(self.notes),
        }
