"""Evidence as it lies about: which documents hold bundles, and how each becomes one.

Read are bundles, bare DSSE envelopes, PEP 740 attestations (`.attestation`), and what holds several: JSON
lines, PyPI's provenance objects (`.provenance`), npm's lists of attestations, and GitHub's answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.attest import pep740
from repro.attest.bundle import Bundle, bundle_of, parse_capped
from repro.attest.dsse import envelope_of
from repro.core import strictjson
from repro.core.canonical import to_bytes
from repro.core.errors import CapError, FormatError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

MAX_FILE = 64 << 20
"""Cap on a file of several bundles, in bytes."""

MAX_OBJECTS = 400_000
"""Cap on the objects and arrays of a file, counted before it is parsed."""

MAX_BUNDLES = 1024
"""Cap on the bundles of one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The bytes of one bundle, not yet read, and where they are from."""

    name: str
    raw: bytes


def split_evidence(data: bytes, *, name: str) -> tuple[Evidence, ...]:
    """Each piece of evidence in a file, unread, so that one bad piece hides no other.

    What is of no known shape is one piece, which `parse_evidence` then refuses. Raises CapError.
    """
    if len(data) > MAX_FILE:
        raise CapError(f"{name}: {len(data)} bytes; {MAX_FILE} are read")
    one = (Evidence(name=name, raw=data),) if data and not data.isspace() else ()
    has_lines = 0 <= data.find(b"\n") < len(data) - 1
    if not has_lines and not any(b'"%b"' % key.encode() in data for key in _LISTS):
        return one
    if (objects := data.count(b"{") + data.count(b"[")) > MAX_OBJECTS:
        raise CapError(f"{name}: {objects} objects and arrays; {MAX_OBJECTS} are read")
    whole = _parsed(data, name)
    pieces = _lines(data, name) if whole is None else _listed(whole, name)
    found = one if pieces is None else tuple(pieces)
    if len(found) > MAX_BUNDLES:
        raise CapError(f"{name}: {len(found)} bundles; {MAX_BUNDLES} are read")
    return found


def parse_evidence(evidence: Evidence) -> Bundle:
    """The bundle in a piece of evidence. Raises FormatError, for caps CapError."""
    name, raw = evidence.name, evidence.raw
    value = parse_capped(raw, name=name)
    if not isinstance(value, dict):
        raise FormatError(f"{name}: not a JSON object", hint="name the file of a bundle")
    if "mediaType" in value:
        return bundle_of(value, raw, name=name)
    if "payloadType" in value:
        return Bundle(raw=raw, version="", envelope=envelope_of(value, name=name))
    if "verification_material" in value:
        document = pep740.to_bundle(value, name=name)
        return bundle_of(document, to_bytes(document), name=name)
    hint = "Sigstore bundles, DSSE envelopes and PEP 740 attestations are read"
    raise FormatError(f"{name}: neither a bundle nor an envelope", hint=hint)


def is_closed(data: bytes, read: Sequence[tuple[Evidence, Bundle]]) -> bool:
    """Whether a file of which all pieces could be read holds nothing that other readers could take it for.

    Readers of evidence pass over keys that they do not know, beside which a line can be a record of data.
    """
    if any(b'"%b"' % key.encode() in data for key in _LISTS) and not _has_only(data, {"version", *_LISTS}):
        return False
    return all(
        (bundle.version and bundle.raw == one.raw)
        or _has_only(one.raw, _ENVELOPE)
        or _has_only(one.raw, _PEP740)
        for one, bundle in read
    )


_ENVELOPE = frozenset({"payload", "payloadType", "signatures"})
_PEP740 = frozenset({"version", "verification_material", "envelope"})


def _has_only(data: bytes, keys: Collection[str]) -> bool:
    value = _parsed(data, "evidence")
    return isinstance(value, dict) and all(key in keys for key in value)


def _parsed(data: bytes, name: str) -> Any:  # noqa: ANN401 - JSON is any value
    try:
        return strictjson.parse(data, name=name, max_bytes=MAX_FILE)
    except FormatError:
        return None


def _lines(data: bytes, name: str) -> list[Evidence] | None:
    """The lines of JSON lines; None where no line is JSON: one document that is broken."""
    lines = [(at, line.rstrip(b"\r")) for at, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    if all(_parsed(line, name) is None for _, line in lines):
        return None
    return [Evidence(name=f"{name}:{at}", raw=line) for at, line in lines]


_LISTS = ("attestations", "attestation_bundles")
"""Keys of documents that hold several bundles."""


def _listed(whole: Any, name: str) -> list[Evidence] | None:  # noqa: ANN401 - JSON is any value
    """The members of a list; None where the document is none."""
    if not isinstance(whole, dict) or not any(isinstance(whole.get(key), list) for key in _LISTS):
        return None
    return [Evidence(name=f"{name}#{at}", raw=to_bytes(one)) for at, one in enumerate(_members(whole), 1)]


def _members(whole: dict[str, Any]) -> Iterator[Any]:
    """The bundles in a list of npm's or GitHub's (`attestations[].bundle`), or in a provenance object."""
    attestations, groups = (whole[key] if isinstance(whole.get(key), list) else [] for key in _LISTS)
    for one in attestations:
        yield one.get("bundle") if isinstance(one, dict) and "bundle" in one else one
    for group in groups:
        inside = group.get("attestations") if isinstance(group, dict) else None
        yield from inside if isinstance(inside, list) else (group,)
