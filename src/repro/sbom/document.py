"""An inventory written down: formats, versions of specifications, and bytes that depend on nothing else."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from repro.core.errors import UsageError
from repro.sbom.cyclonedx import DEFAULT_SPEC, SPECS, document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from repro.sbom.component import Inventory

NAMESPACE = uuid.UUID("9f6bd0b2-62d5-5ba3-8f0c-3f9b1a6c2f52")
"""The name space (RFC 9562, section 5.5) of serial numbers: the same content has the same number."""

LATEST = 253402300799
"""The last second that RFC 3339 can write, as Unix time."""

MANY = 2000
"""Items of one list for which it pays to load a faster encoder."""

EPOCH = "1970-01-01T00:00:00+00:00"


class Format(StrEnum):
    """How an SBOM is written."""

    CYCLONEDX_JSON = "cyclonedx-json"
    CYCLONEDX_XML = "cyclonedx-xml"
    SPDX_JSON = "spdx-json"


def written(
    inventory: Inventory, *, form: Format = Format.CYCLONEDX_JSON, spec: str = DEFAULT_SPEC, epoch: str = ""
) -> bytes:
    """The document's bytes: of the same inventory always the same.

    `epoch` is the value of SOURCE_DATE_EPOCH (Unix seconds), the only source of a time; without it CycloneDX
    states none, and SPDX, which demands one, the first of 1970. Raises UsageError, FormatError, ExtraMissing.
    """
    moment = moment_of(epoch)
    if form is Format.SPDX_JSON:
        from repro.sbom.spdx import spdx_document

        value = spdx_document(inventory, created=moment or EPOCH)
        lines = _lines(value, _line)
        value["documentNamespace"] += _number(lines).removeprefix("urn:uuid:")
        return b"".join(_joined({**lines, "documentNamespace": [_line(value["documentNamespace"])]}))
    if spec not in SPECS:
        raise UsageError(f"CycloneDX {spec} is not written", hint=f"known: {', '.join(SPECS)}")
    value = document(inventory, spec=spec, timestamp=moment)
    if form is Format.CYCLONEDX_XML:
        from repro.sbom.cyclonedx_xml import xml_bytes

        value = {key: list(each) if isinstance(each, Iterator) else each for key, each in value.items()}
        return xml_bytes({**value, "serialNumber": _number(_lines(value, _line))})
    encode = _quick_encoder() if len(inventory.components) >= MANY else _line
    lines = _lines(value, encode)
    return b"".join(_joined({**lines, "serialNumber": [_line(_number(lines))]}))


def moment_of(epoch: str) -> str:
    """SOURCE_DATE_EPOCH as RFC 3339 in UTC, "" for ""; UsageError where it is no such number."""
    if not epoch:
        return ""
    if not re.fullmatch(r"[0-9]{1,12}", epoch) or int(epoch) > LATEST:
        raise UsageError(
            f"SOURCE_DATE_EPOCH is {epoch[:40]!r}, no number of seconds since 1970",
            hint="set it as `git log -1 --format=%ct` prints it, or unset it",
        )
    return datetime.fromtimestamp(int(epoch), UTC).isoformat()


def _number(lines: Mapping[str, Iterable[bytes]]) -> str:
    """A serial number that follows from all that is written beside it (UUID version 5)."""
    hasher = hashlib.sha256()
    for part in _joined(lines):
        hasher.update(part)
    return uuid.uuid5(NAMESPACE, hasher.hexdigest()).urn


def _joined(lines: Mapping[str, Iterable[bytes]]) -> Iterator[bytes]:
    """The parts of the document, so that no copy of it is made to be hashed."""
    before = b"{\n"
    for key, parts in sorted(lines.items()):
        yield from (before, _line(key), b": ")
        yield from parts
        before = b",\n"
    yield b"\n}\n"


def _lines(value: Mapping[str, object], encode: Callable[[object], bytes]) -> dict[str, list[bytes]]:
    """JSON of each value in parts, one item of a list per line: a difference in git names the component.

    `encode` writes the items.
    """
    return {key: list(_parts(each, encode)) for key, each in value.items()}


def _parts(value: object, encode: Callable[[object], bytes]) -> Iterator[bytes]:
    if not isinstance(value, list | Iterator):
        yield _line(value)
        return
    before = b"[\n"
    for each in value:
        yield before
        yield encode(each)
        before = b",\n"
    yield b"\n]" if before == b",\n" else b"[]"


def _quick_encoder() -> Callable[[object], bytes]:
    """What `_line` gives, in a third of the time, of values whose objects all have their keys in order."""
    from pydantic_core import PydanticSerializationError, to_json

    def encode(value: object) -> bytes:
        try:
            return to_json(value)
        except (PydanticSerializationError, UnicodeError):  # lone surrogates
            return _line(value)

    return encode


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
)
"""No value here is within itself, and to remember where one is costs a third of the time."""


def _line(value: object) -> bytes:
    """Compact JSON; lone surrogates (bytes of names in no encoding) are no text, and are shown escaped."""
    text = _ENCODER.encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", lambda match: f"\\\\u{ord(match[0]):04x}", text).encode()
