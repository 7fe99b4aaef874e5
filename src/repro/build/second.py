"""Build again where nothing is built yet: a second store that shares the inputs and not the results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from repro.build.clues import Side
from repro.build.proof import check_ran
from repro.build.report import Round
from repro.core.check import Status
from repro.core.errors import ReproError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from repro.tools.nix import NixDoor
    from repro.tools.nix_log import Builder
    from repro.tools.nix_nouns import Derivation, PathInfo

LOCAL_ONLY = {
    "substituters": "",
    "extra-substituters": "",
    "builders": "",
    "post-build-hook": "",
    "fallback": "false",
}
"""What would bring a result without a build here: caches and remote builders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """What is made different in one building again."""

    cores: int
    folder: str

    def options(self) -> Mapping[str, str]:
        """As settings of Nix."""
        return {"cores": str(self.cores), **({"sandbox-build-dir": self.folder} if self.folder else {})}


def variation(number: int, first: Side) -> Variation:
    """The one of round `number` (from 1): never the first build's number of cores, nor its build folder."""
    choices = [cores for cores in (1, 2, 3, 4) if cores != first.cores]
    folder = f"{first.folder}-{number}" if first.folder else ""
    return Variation(cores=choices[(number - 1) % len(choices)], folder=folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A building again: the round for the report, when it was, and its outputs in `store` where proven."""

    round: Round
    side: Side
    store: str
    outputs: Mapping[str, PathInfo]


class SecondStore:
    """A store below `folder` whose paths have the same names as those of the caller's."""

    def __init__(self, nix: NixDoor, folder: Path, *, store_dir: str) -> None:
        self.nix = nix
        self.url = f"local?root={quote(str(folder))}&store={quote(store_dir)}"

    def prepare(self, derivation: Derivation) -> None:
        """Bring what a derivation reads, nothing that it makes; inputs that are missing are built."""
        paths = list(derivation.input_srcs)
        if derivation.input_drvs:
            inputs = self.nix.build(derivation.input_drvs)
            paths += [path for built in inputs.built for path in built.outputs.values()]
        self.nix.copy([derivation.path], to=self.url, derivations=True)
        if paths:
            self.nix.copy(sorted(set(paths)), to=self.url)
        self.forget(derivation)

    def forget(self, derivation: Derivation) -> None:
        """Delete a derivation's outputs, so that only a builder can make them."""
        paths = _paths(derivation)
        there = [path for path, info in self.nix.path_info(paths, store=self.url).items() if info is not None]
        if there:
            self.nix.delete(there, store=self.url)

    def build(
        self, derivation: Derivation, number: int, first: Side, told: Callable[[Builder], None]
    ) -> Again:
        """Build it in another way than `first`; what stands in the way becomes the round's reason."""
        varied = variation(number, first)
        try:
            run = self.nix.build(
                {derivation.path: ()},
                store=self.url,
                options={**LOCAL_ONLY, **varied.options()},
                told=told,
            )
        except ReproError as error:
            return unproven(number, said("it could not be built again", error))
        check = check_ran(run.log, derivation.path)
        if check.status is not Status.PASS:
            return unproven(number, check.reason)
        builder = next(one for one in reversed(run.log.builders) if one.drv == derivation.path)
        side = Side(
            started=builder.started,
            ended=builder.stopped or builder.started,
            cores=varied.cores,
            folder=varied.folder,
        )
        infos = self.nix.path_info(_paths(derivation), store=self.url)
        found = {name: infos.get(output.path) for name, output in derivation.outputs.items()}
        return Again(
            round=Round(
                number=number,
                proven=True,
                reason="",
                seconds=side.ended - side.started,
                varied=_varied(first, side),
            ),
            side=side,
            store=self.url,
            outputs={name: info for name, info in found.items() if info is not None},
        )


def _varied(first: Side, side: Side) -> dict[str, str]:
    """What differed from the first build, in words; the folder only where the sandbox fixes it."""
    varied = {
        "cores": f"{first.cores} -> {side.cores}",
        "time": f"{max(1, round(side.started - first.ended))} s later",
    }
    return varied | ({"build directory": f"{first.folder} -> {side.folder}"} if side.folder else {})


def said(what: str, error: ReproError) -> str:
    """An error as a reason: what went wrong, and the next step."""
    return f"{what}: {error.message}" + (f"\n-> {error.hint}" if error.hint else "")


def unproven(number: int, reason: str) -> Again:
    """A round in which nothing was built, and why."""
    return Again(
        store="",
        round=Round(number=number, proven=False, reason=reason, seconds=0, varied={}),
        side=Side(started=0, ended=0),
        outputs={},
    )


def _paths(derivation: Derivation) -> Sequence[str]:
    return [output.path for output in derivation.outputs.values()]
