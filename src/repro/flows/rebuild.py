"""Build derivations again and compare: the rounds of one call, and what they come to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.build.clues import Side
from repro.build.inspect import Copy
from repro.build.order import in_order
from repro.build.report import Comparison, DerivationReport, Outcome, OutputFacts
from repro.build.second import SecondStore, said, unproven
from repro.core.errors import ReproError
from repro.core.events import Event, Kind
from repro.tools import clock, host
from repro.tools.nix import CORRUPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from repro.build.inspect import Bench
    from repro.build.outside import Outside
    from repro.build.second import Again
    from repro.core.events import Listener
    from repro.tools.nix import BuildRun, Nix
    from repro.tools.nix_log import Builder
    from repro.tools.nix_nouns import Derivation, PathInfo

ADDRESSED = "its outputs have no path before they are built (they are addressed by content)"
FETCHED = "the store's copy was not built on this machine; --rebuild 1 builds one to compare"
ONLY_BUILT = "built once, and compared with nothing (--rebuild 0)"


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """The first build: what it took in seconds, and what the store now knows of each output."""

    run: BuildRun
    infos: Mapping[str, PathInfo | None]
    seconds: float
    ended: float

    def builder(self, drv: str) -> Builder | None:
        """The run of a derivation's builder, None where the store had it or a cache."""
        return next((one for one in reversed(self.run.log.builders) if one.drv == drv), None)

    def origin(self, derivation: Derivation) -> str:
        """How the outputs came into the store, in a word or two."""
        builder = self.builder(derivation.path)
        if builder is not None:
            return f"built on {builder.machine}" if builder.machine else "built"
        paths = {output.path for output in derivation.outputs.values()}
        return "fetched from a cache" if paths & set(self.run.log.substituted) else "in the store already"


def teller(listener: Listener, stage: str) -> Callable[[Builder], None]:
    """What hears of builders and tells a listener: one line when each starts, changes phase or stops."""

    def told(builder: Builder) -> None:
        if builder.stopped is not None:
            text = f"{stage}: ran {builder.stopped - builder.started:.1f} s"
            listener(Event(kind=Kind.DONE, run=builder.name, text=text))
        else:
            listener(Event(kind=Kind.STAGE, run=builder.name, text=f"{stage}: {builder.phase or 'building'}"))

    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that building again needs."""

    nix: Nix
    bench: Bench
    rebuilds: int
    first: First
    others: Outside | None
    listener: Listener

    def reports(self, derivations: Mapping[str, Derivation]) -> list[DerivationReport]:
        """One for each derivation, in the order in which they were named."""
        order, second = list(derivations), None
        if self.rebuilds:
            if len(order) > 1:
                order = in_order(order, self.nix.recipes(order))
            store_dir = order[0].rpartition("/")[0]
            second = SecondStore(self.nix, self.bench.work / "store", store_dir=store_dir)
        found = {drv: self._report(derivations[drv], second) for drv in order}
        return [found[drv] for drv in derivations]

    def _report(self, derivation: Derivation, second: SecondStore | None) -> DerivationReport:
        builder = self.first.builder(derivation.path)
        copies = self._copies(derivation, builder)
        agains: list[Again] = []
        if not copies:
            comparisons = [_unmeasured(name, "rebuild", ADDRESSED) for name in derivation.outputs]
        elif second is None and self.others is None:
            comparisons = [_unmeasured(name, "rebuild", ONLY_BUILT) for name in derivation.outputs]
        else:
            comparisons = list(self._altered(copies))
            for again in self._agains(derivation, copies, second) if second else ():
                agains.append(again)
                # At once: the next round takes this one's outputs away.
                comparisons += self._with_again(again, copies)
            comparisons += self._with_others(derivation, copies, agains)
        return DerivationReport(
            drv=derivation.path,
            name=derivation.name,
            system=derivation.system,
            origin=self.first.origin(derivation),
            seconds=(builder.stopped or builder.started) - builder.started if builder else None,
            outputs=tuple(_facts(name, copy.info) for name, copy in copies.items()),
            rounds=tuple(again.round for again in agains),
            comparisons=tuple(comparisons),
        )

    def _copies(self, derivation: Derivation, builder: Builder | None) -> dict[str, Copy]:
        """Each output as the store has it; none where a path is not known before the build."""
        cores, folder = self._conditions()
        found = {name: self.first.infos.get(output.path) for name, output in derivation.outputs.items()}
        return {
            name: Copy(
                info=info,
                store="",
                side=Side(
                    started=builder.started if builder else 0,
                    ended=(builder.stopped if builder else 0) or info.registered or self.first.ended,
                    cores=cores,
                    folder=folder,
                ),
            )
            for name, info in found.items()
            if info is not None
        }

    def _conditions(self) -> tuple[int, str]:
        """Cores and build folder of the first build: 0 and "" where nothing depends on them or they vary."""
        if not self.rebuilds:
            return 0, ""
        settings = self.nix.settings()
        cores = int(settings.get("cores") or 0) or host.processors()
        is_fixed = str(settings.get("sandbox")).lower() in {"true", "1", "relaxed"}
        return cores, str(settings.get("sandbox-build-dir") or "") if is_fixed else ""

    def _altered(self, copies: Mapping[str, Copy]) -> Iterator[Comparison]:
        """What is on disk against what was registered, for a path that was changed later proves nothing."""
        for name, copy in copies.items():
            if self.nix.verify(copy.info.path, contents=True) & CORRUPT:
                yield Comparison(
                    output=name,
                    against="registration",
                    outcome=Outcome.DIFFERS,
                    nar_hash=copy.info.nar_hash,
                    reason="the path was altered after it was registered, as nix store verify says; "
                    f"nix store repair {copy.info.path} restores it",
                )

    def _agains(
        self, derivation: Derivation, copies: Mapping[str, Copy], second: SecondStore
    ) -> Iterator[Again]:
        """The rounds, each in a later second than the one before: a date to the second then differs."""
        side = max((copy.side for copy in copies.values()), key=lambda side: side.ended)
        before = side.ended
        for number in range(1, self.rebuilds + 1):
            try:
                second.prepare(derivation)
            except ReproError as error:
                yield unproven(number, said("the second store cannot be prepared", error))
                return
            clock.wait_for(math.floor(before) + 1)
            again = second.build(derivation, number, side, teller(self.listener, f"rebuild {number}"))
            before = again.side.ended
            yield again

    def _with_again(self, again: Again, copies: Mapping[str, Copy]) -> Iterator[Comparison]:
        against = f"rebuild {again.round.number}"
        for name, copy in copies.items():
            info = again.outputs.get(name)
            if info is None:
                yield _unmeasured(name, against, again.round.reason or "it left no such output")
            else:
                other = Copy(info=info, store=again.store, side=again.side)
                yield self.bench.compared(name, against, copy, other)

    def _with_others(
        self, derivation: Derivation, copies: Mapping[str, Copy], agains: list[Again]
    ) -> Iterator[Comparison]:
        """Ours is what was built here: the store's copy where it was, else that of a proven round."""
        if self.others is None:
            return
        for name, copy in copies.items():
            if copy.info.ultimate:
                yield self.others.compared(derivation, name, copy)
            elif built := next((again for again in reversed(agains) if name in again.outputs), None):
                ours = Copy(info=built.outputs[name], store=built.store, side=built.side)
                yield self.others.compared(derivation, name, ours)
            else:
                yield _unmeasured(name, self.others.name, FETCHED)


def _unmeasured(output: str, against: str, reason: str) -> Comparison:
    return Comparison(output=output, against=against, outcome=Outcome.NOT_MEASURED, reason=reason)


def _facts(name: str, info: PathInfo) -> OutputFacts:
    return OutputFacts(
        name=name,
        path=info.path,
        nar_hash=info.nar_hash,
        nar_size=info.nar_size,
        closure_size=info.closure_size or info.nar_size,
    )
