"""Provenance of what Nix builds: from which source and inputs, by which derivation, and when."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro import __version__
from repro.attest.predicates import NIX_BUILD, PROVENANCE, descriptor, provenance, stamp_of
from repro.attest.statement import statement
from repro.build.report import Outcome
from repro.core import strictjson
from repro.core.digest import of_bytes
from repro.core.errors import FormatError, ReproError, TamperError, UsageError
from repro.core.subject import NAR, Subject
from repro.flows import flakes
from repro.flows.attest_subjects import files_of, origin_of
from repro.sbom.address import public
from repro.tools.files import hash_file, read_capped
from repro.tools.nix import CORRUPT
from repro.tools.nix_facts import NixFacts
from repro.tools.redact import secrets_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from repro.attest.statement import Statement
    from repro.tools.nix import BuildRun
    from repro.tools.nix_nouns import Derivation, PathInfo
    from repro.tools.nix_recipes import Made, Recipe

MAX_EVIDENCE = 64 << 20
"""Cap on what `repro build --json` wrote, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to attest: an installable, who builds, what `repro build` showed of it, which files to name."""

    installable: str
    builder: str
    evidence: Path | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a flake comes from: its reference without this machine's folders, and its commit or tree."""

    reference: str
    uri: str
    revision: str
    nar_hash: str
    dirty: bool


def provenance_of(folder: Path, wanted: Wanted) -> tuple[Statement, ...]:
    """A statement for each derivation that the installable stands for, which is built if need be."""
    secrets = secrets_in(wanted.installable)
    nix = NixFacts(folder, secrets=secrets)
    derivations = flakes.evaluated(nix, folder, (wanted.installable,))
    run = nix.build(dict.fromkeys(derivations, ()))
    evidence = _evidence(wanted.evidence) if wanted.evidence else None
    return tuple(_statement(nix, wanted, derivation, run, evidence) for derivation in derivations.values())


def _statement(
    nix: NixFacts, wanted: Wanted, derivation: Derivation, run: BuildRun, evidence: Evidence | None
) -> Statement:
    infos = _outputs(nix, derivation)
    report = evidence.of(derivation, infos) if evidence else None
    _require_built_here(infos, report)
    source, inputs = _source(nix, wanted.installable)
    times = _times(derivation, run, infos)
    log = nix.log(derivation.path)
    recipe = nix.path_info([derivation.path])[derivation.path]
    predicate = provenance(
        build_type=NIX_BUILD,
        external={
            "flake": source.reference if source else "",
            "attribute": wanted.installable.partition("#")[2].partition("^")[0],
            "system": derivation.system,
        },
        internal={
            "derivation": derivation.path,
            "derivationNarHash": _hex(recipe.nar_hash) if recipe else "",
            "outputs": {name: info.path for name, info in infos.items()},
            "sandbox": nix.settings().get("sandbox"),
        },
        dependencies=[*_of_source(source), *inputs, *_fixed(nix, derivation)],
        builder=wanted.builder,
        versions={"nix": str(nix.version()), "repro": __version__},
        metadata={"startedOn": times[0], "finishedOn": times[1]},
        byproducts=[
            *([descriptor("log", {"sha256": of_bytes(log).hex})] if log is not None else []),
            *([evidence.descriptor(report)] if evidence and report else []),
        ],
    )
    subjects = [one for info in infos.values() for one in _subjects(info, wanted.files)]
    return statement(subjects, PROVENANCE, predicate)


def _outputs(nix: NixFacts, derivation: Derivation) -> dict[str, PathInfo]:
    """The outputs as the store has them, none altered since it registered them."""
    paths = {name: output.path for name, output in derivation.outputs.items()}
    if not all(paths.values()):
        raise ReproError(f"{derivation.path}: its outputs have no path before they are built")
    infos = nix.path_info(sorted(paths.values()))
    found = {name: info for name, path in sorted(paths.items()) if (info := infos.get(path)) is not None}
    for info in found.values():
        if nix.verify(info.path, contents=True) & CORRUPT:
            hint = f"nix store repair {info.path} restores it"
            raise TamperError(f"{info.path}: altered after the store registered it", hint=hint)
    return found


def _require_built_here(infos: Mapping[str, PathInfo], report: Mapping[str, Any] | None) -> None:
    """Only who built it can say how; a path from a cache is somebody else's to vouch for."""
    rebuilt = (
        report is not None
        and report["outcome"] == Outcome.REPRODUCIBLE
        and any(one["proven"] for one in report["rounds"])
    )
    fetched = sorted(info.path for info in infos.values() if not info.ultimate)
    if fetched and not rebuilt:
        raise ReproError(
            f"{fetched[0]}: was not built on this machine, so nothing here knows how",
            hint="build it again and say so: repro build … --json > build.json, then --evidence build.json",
        )


def _times(derivation: Derivation, run: BuildRun, infos: Mapping[str, PathInfo]) -> tuple[str, str]:
    """Start and end as far as they are known: of the builder that ran now, or when its result came."""
    builder = next((one for one in reversed(run.log.builders) if one.drv == derivation.path), None)
    if builder is not None and builder.stopped is not None:
        return stamp_of(builder.started), stamp_of(builder.stopped)
    return "", stamp_of(max((info.registered for info in infos.values() if info.ultimate), default=0))


def _source(nix: NixFacts, installable: str) -> tuple[Source | None, list[dict[str, Any]]]:
    """The flake and every input that its lock pins; a store path comes from none."""
    references = flakes.references((installable,))
    if not references:
        return None, []
    (reference,) = references
    metadata = nix.flake_metadata(reference)
    url = public(nix.redacted(metadata.url))
    uri = url.partition("?")[0]
    if not url and metadata.is_git:  # a local clone: said by where it was cloned from
        place = flakes.local_folder(nix.folder, reference)
        uri = origin_of(place) if place else ""
        url = f"{uri or 'git+file:.'}?rev={metadata.revision}" if metadata.revision else ""
    source = Source(
        reference=url or f"path:.?narHash={metadata.nar_hash}",
        uri=uri,
        revision=(metadata.revision or metadata.dirty_revision).removesuffix("-dirty"),
        nar_hash=metadata.nar_hash,
        dirty=bool(metadata.dirty_revision) or (metadata.is_git and not metadata.revision),
    )
    inputs = [
        descriptor(
            one.name,
            _nar(one.nar_hash) | ({"gitCommit": one.revision} if one.revision else {}),
            uri=public(nix.redacted(one.url)),
        )
        for one in nix.locked_inputs(reference)
    ]
    return source, inputs


def _of_source(source: Source | None) -> Iterator[dict[str, Any]]:
    if source is not None:
        digest = _nar(source.nar_hash) | ({"gitCommit": source.revision} if source.revision else {})
        yield descriptor(
            "source", digest, uri=source.uri, annotations={"dirty": True} if source.dirty else None
        )


def _fixed(nix: NixFacts, derivation: Derivation) -> Iterator[dict[str, Any]]:
    """Every source that a derivation's closure fetches: each has its hash fixed in advance."""
    found: dict[str, dict[str, Any]] = {}
    for recipe in nix.build_closure([derivation.path]).values():
        for made in recipe.outputs.values():
            if made.hex and recipe.path != derivation.path:
                found[made.path or recipe.path] = _fetched(recipe, made)
    yield from (found[path] for path in sorted(found))


def _fetched(recipe: Recipe, made: Made) -> dict[str, Any]:
    """A NAR's hash is no file's: `nix-nar-sha256`, beside `sha256` for a flat file's."""
    name = made.algorithm if made.method in {"flat", "text"} else f"nix-{made.method}-{made.algorithm}"
    uri = next((address for url in recipe.urls if (address := public(url))), "")
    return descriptor(recipe.name, {name: made.hex}, uri=uri)


def _subjects(info: PathInfo, patterns: Sequence[str]) -> Iterator[Subject]:
    """An output by its NAR hash, and by its SHA-256 too where it is one file; then the files in it."""
    place = Path(info.path)
    own = {NAR: _hex(info.nar_hash)}
    if place.is_file() and not place.is_symlink():
        own["sha256"] = hash_file(place).hex
    yield Subject(name=place.name, digests=own)
    if place.is_dir():
        for name in files_of(place, patterns):
            yield Subject(name=name, digests={"sha256": hash_file(place / name).hex})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What `repro build --json` wrote: its bytes' digest, and what it says of each derivation."""

    digest: str
    derivations: Mapping[str, Mapping[str, Any]]

    def of(self, derivation: Derivation, infos: Mapping[str, PathInfo]) -> Mapping[str, Any]:
        """What it says of one, whose outputs must be those in the store."""
        report = self.derivations.get(derivation.path)
        if report is None:
            raise UsageError(
                f"--evidence: says nothing of {derivation.path}", hint="build that very attribute"
            )
        said = {one["name"]: one["nar_hash"] for one in report["outputs"]}
        if said != {name: info.nar_hash for name, info in infos.items()}:
            raise TamperError(f"--evidence: {derivation.path}: its outputs are not those in the store")
        return report

    def descriptor(self, report: Mapping[str, Any]) -> dict[str, Any]:
        """As a by-product, with what it comes to."""
        return descriptor(
            "rebuild",
            {"sha256": self.digest},
            media_type="application/json",
            annotations={
                "outcome": report["outcome"],
                "rounds": [{"proven": one["proven"], "varied": one["varied"]} for one in report["rounds"]],
            },
        )


def _evidence(path: Path) -> Evidence:
    try:
        data = read_capped(path, MAX_EVIDENCE)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name what repro build --json wrote") from error
    document = strictjson.parse(data, name=str(path))
    try:
        reports = {one["drv"]: one for one in document["derivations"]}
        for one in reports.values():
            Outcome(one["outcome"])
            [(out["name"], out["nar_hash"]) for out in one["outputs"]]
            [(bool(each["proven"]), dict(each["varied"])) for each in one["rounds"]]
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path}: not what repro build --json writes") from error
    return Evidence(digest=of_bytes(data).hex, derivations=reports)


def _nar(sri: str) -> dict[str, str]:
    return {NAR: _hex(sri)} if sri else {}


def _hex(sri: str) -> str:
    """The digits of a SHA-256 that Nix writes as SRI."""
    return base64.b64decode(sri.removeprefix("sha256-")).hex()
