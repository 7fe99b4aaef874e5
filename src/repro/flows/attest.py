"""`repro attest`: say, in statements that are yet to be signed, what is known of artifacts and numbers."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.attest.predicates import LOCAL_BUILDER
from repro.core.digest import of_bytes
from repro.core.errors import FormatError, UsageError
from repro.flows import attest_documents, config
from repro.tools.files import disk_errors, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from repro.attest.statement import Statement

_STORE_PATH = re.compile(r"/[0-9a-z]{32}-[^/]+$")
_INSTALLABLE = re.compile(r"#|^[./]|^[a-z+]+:")
"""What Nix takes and no name of an experiment is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for; each kind of statement takes what concerns it."""

    targets: tuple[str, ...]
    builder: str = LOCAL_BUILDER
    command: str = ""
    evidence: Path | None = None
    patterns: tuple[str, ...] = ()
    sbom: Path | None = None
    max_size: int = attest_documents.DEFAULT_MAX_SIZE
    location: str = ""
    purl: str = ""
    linked: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A statement and where it was written."""

    statement: Statement
    file: Path

    def to_dict(self) -> dict[str, Any]:
        """For the document of `--json`."""
        return {
            "file": str(self.file),
            "predicate_type": self.statement.predicate_type,
            "subjects": [one.to_dict() for one in self.statement.subjects],
            "sha256": of_bytes(self.statement.raw).hex,
        }


def provenance(folder: Path, wishes: Wishes) -> tuple[Statement, ...]:
    """How targets were made: files by a command that is run now, or Nix installables, or replays."""
    if wishes.command:
        from repro.flows import attest_command

        files = [folder / target for target in wishes.targets]
        return (attest_command.provenance_of(folder, files, wishes.command, wishes.builder),)
    found: list[Statement] = []
    for target in wishes.targets:
        if (folder / target).is_file() and not _STORE_PATH.search(target):
            raise UsageError(
                f"{target}: a file does not say how it was made",
                hint="let it be made now: --run COMMAND; or name what Nix built: .#ATTRIBUTE",
            )
        if _STORE_PATH.search(target) or _INSTALLABLE.search(target):
            found += _of_nix(folder, target, wishes)
        else:
            found += _of_replay(folder, target, wishes)
    return tuple(found)


def replay(folder: Path, wishes: Wishes) -> tuple[Statement, ...]:
    """Whether the outputs of runs match their baselines."""
    from repro.flows import attest_replay

    root = config.find(folder)
    with _records():
        return tuple(
            attest_replay.result_of(root, ran)
            for target in wishes.targets
            for ran in attest_replay.runs_of(root, target)
        )


def sbom(folder: Path, wishes: Wishes) -> tuple[Statement, ...]:
    """An SBOM about artifacts."""
    if wishes.sbom is None:
        raise UsageError("no SBOM is named", hint="make one, and name it: --sbom sbom.json")
    artifacts = [folder / target for target in wishes.targets]
    return (
        attest_documents.sbom_of(
            artifacts,
            wishes.sbom,
            max_size=wishes.max_size,
            location=wishes.location,
            builder=wishes.builder,
        ),
    )


def release(folder: Path, wishes: Wishes) -> tuple[Statement, ...]:
    """Artifacts as a release, with all that vouches for it."""
    artifacts = [folder / target for target in wishes.targets]
    return (attest_documents.release_of(artifacts, wishes.purl, wishes.linked),)


def write(statements: Sequence[Statement], out: Path, kind: str) -> tuple[Written, ...]:
    """Write statements: one into a .json file, any number into a folder, named after their first subjects."""
    if out.suffix == ".json" and not out.is_dir():
        if len(statements) > 1:
            raise UsageError(f"{out}: {len(statements)} statements do not fit one file", hint="name a folder")
        places = [out]
    else:
        places = _names(statements, out, kind)
    with disk_errors(f"writing {out}"):
        for one, place in zip(statements, places, strict=True):
            write_atomic(place, one.raw)
    return tuple(Written(statement=one, file=place) for one, place in zip(statements, places, strict=True))


def _names(statements: Sequence[Statement], folder: Path, kind: str) -> list[Path]:
    places: list[Path] = []
    for one in statements:
        stem = re.sub(r"[^A-Za-z0-9.=_+-]+", "-", one.subjects[0].name).strip(".-")[:100] or "statement"
        digest = of_bytes(one.raw).short
        place = folder / f"{stem}.{kind}.json"
        places.append(place if place not in places else folder / f"{stem}.{digest}.{kind}.json")
    return places


def _of_nix(folder: Path, target: str, wishes: Wishes) -> tuple[Statement, ...]:
    from repro.flows import attest_nix

    wanted = attest_nix.Wanted(
        installable=target,
        builder=wishes.builder,
        evidence=wishes.evidence,
        files=wishes.patterns,
    )
    return attest_nix.provenance_of(folder, wanted)


def _of_replay(folder: Path, target: str, wishes: Wishes) -> tuple[Statement, ...]:
    from repro.flows import attest_replay
    from repro.flows.attest_subjects import origin_of

    root = config.find(folder)
    source = origin_of(root)
    with _records():
        return tuple(
            attest_replay.provenance_of(ran, wishes.builder, source)
            for ran in attest_replay.runs_of(root, target)
        )


@contextmanager
def _records() -> Iterator[None]:
    """A record whose sections lack what this version writes into them."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"a run's record has not what it must have: {error}",
            hint="run it again: repro replay … --no-cache",
        ) from error
