"""Statements about documents at hand: an artifact's SBOM, and a release with all that vouches for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from repro.attest.dsse import IN_TOTO, envelope_of
from repro.attest.predicates import CYCLONEDX, REFERENCE, RELEASE, descriptor
from repro.attest.statement import parse_statement, statement
from repro.core import strictjson
from repro.core.digest import of_bytes
from repro.core.errors import FormatError, UsageError
from repro.flows.attest_subjects import subject_of
from repro.tools.files import read_capped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from repro.attest.statement import Statement

MAX_SBOM = 1 << 30
"""Cap on an SBOM, in bytes."""

MAX_LINKED = 64 << 20
"""Cap on a file that a release links, in bytes."""

DEFAULT_MAX_SIZE = 3_500_000
"""Bytes of a statement beyond which an SBOM is only referred to: Rekor v1 fails near it."""

MEDIA = "application/vnd.cyclonedx+json"


def sbom_of(
    artifacts: Sequence[Path], sbom: Path, *, max_size: int, location: str, builder: str
) -> Statement:
    """An SBOM as the predicate; where the statement would exceed `max_size` bytes, its digest and place."""
    data = _read(sbom, MAX_SBOM)
    subjects = [subject_of(file) for file in artifacts]
    document = strictjson.parse(data, name=str(sbom), max_bytes=MAX_SBOM)
    if not isinstance(document, dict) or document.get("bomFormat") != "CycloneDX":
        hint = "make one: repro sbom … --out sbom.json"
        raise FormatError(f"{sbom}: not a CycloneDX document in JSON", hint=hint)
    if len(data) <= max_size:
        whole = statement(subjects, CYCLONEDX, document)
        if len(whole.raw) <= max_size:
            return whole
    reference = descriptor(sbom.name, {"sha256": of_bytes(data).hex}, media_type=MEDIA)
    predicate = {
        "attester": {"id": builder},
        "references": [reference | {"downloadLocation": location or sbom.name}],
    }
    return statement(subjects, REFERENCE, predicate)


def release_of(artifacts: Sequence[Path], purl: str, linked: Sequence[Path]) -> Statement:
    """A release: its artifacts, under its package URL, and the statements and SBOMs that belong to it."""
    name = _canonical_purl(purl)
    subjects = [subject_of(file) for file in artifacts]
    links = [one for file in linked for one in _links(file)]
    predicate: dict[str, Any] = {"purl": name}
    if links:
        predicate["repro_attestations"] = sorted(links, key=lambda one: (one["name"], json.dumps(one)))
    return statement(subjects, RELEASE, predicate)


def _canonical_purl(text: str) -> str:
    from packageurl import PackageURL

    try:
        purl = PackageURL.from_string(text)
    except ValueError as error:
        raise UsageError(f"--purl {text!r}: {error}", hint="write pkg:pypi/NAME@VERSION") from error
    if not purl.version:
        raise UsageError(f"--purl {text!r}: has no version", hint=f"write {text}@VERSION")
    return str(purl.to_string())


def _links(file: Path) -> Iterator[dict[str, Any]]:
    """Every document in a file: a statement, bundles around statements (one, or one a line), or an SBOM.

    A signed statement is named by the digest of what is signed, so that it is the same before and after.
    """
    data = _read(file, MAX_LINKED)
    lines = data.splitlines() if file.suffix == ".jsonl" else [data]
    for line in filter(None, (line.strip() for line in lines)):
        value = strictjson.parse(line, name=str(file))
        if not isinstance(value, dict):
            raise FormatError(f"{file}: not a statement, a bundle or an SBOM")
        if value.get("bomFormat") == "CycloneDX":
            yield descriptor(file.name, {"sha256": of_bytes(data).hex}, media_type=MEDIA)
            continue
        raw = line
        if "dsseEnvelope" in value:
            raw = envelope_of(value["dsseEnvelope"], name=str(file)).payload
        said = parse_statement(raw, name=str(file))
        yield descriptor(
            file.name,
            {"sha256": of_bytes(raw).hex},
            media_type=IN_TOTO,
            annotations={
                "predicateType": said.predicate_type,
                "subjects": [one.to_dict() for one in said.subjects],
            },
        )


def _read(file: Path, limit: int) -> bytes:
    try:
        return read_capped(file, limit)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", hint="name files that exist") from error
