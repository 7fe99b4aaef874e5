"""An inventory written down: formats, versions of specifications, and bytes that depend on nothing else."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from repro.core.errors import UsageError
from repro.sbom.cyclonedx import DEFAULT_SPEC, SPECS, document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repro.sbom.component import Inventory

NAMESPACE = uuid.UUID("9f6bd0b2-62d5-5ba3-8f0c-3f9b1a6c2f52")
"""The name space (RFC 9562, section 5.5) of serial numbers: the same content has the same number."""

LATEST = 253402300799
"""The last second that RFC 3339 can write, as Unix time."""

MANY = 2000
"""Items of one list for which it pays to load a faster encoder."""

EPOCH = "1970-01-01T00:00:00+00:00"

_LONE = re.compile("[\ud800-\udfff]")


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
        lines = {key: _text(each) for key, each in value.items()}
        value["documentNamespace"] += _number(lines).removeprefix("urn:uuid:")
        return b"".join(_joined({**lines, "documentNamespace": _line(value["documentNamespace"])}))
    if spec not in SPECS:
        raise UsageError(f"CycloneDX {spec} is not written", hint=f"known: {', '.join(SPECS)}")
    value = document(inventory, spec=spec, timestamp=moment)
    lines = {key: _text(each, in_order=True) for key, each in value.items()}
    value["serialNumber"] = _number(lines)
    if form is Format.CYCLONEDX_XML:
        from repro.sbom.cyclonedx_xml import xml_bytes

        return xml_bytes(value)
    return b"".join(_joined({**lines, "serialNumber": _line(value["serialNumber"])}))


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


def _number(lines: Mapping[str, bytes]) -> str:
    """A serial number that follows from all that is written beside it (UUID version 5)."""
    hasher = hashlib.sha256()
    for part in _joined(lines):
        hasher.update(part)
    return uuid.uuid5(NAMESPACE, hasher.hexdigest()).urn


def _joined(lines: Mapping[str, bytes]) -> Iterator[bytes]:
    """The parts of the document, so that no second copy of it is made to be hashed."""
    before = b"{\n"
    for key, text in sorted(lines.items()):
        yield from (before, _line(key), b": ", text)
        before = b",\n"
    yield b"\n}\n"


def _text(value: object, *, in_order: bool = False) -> bytes:
    """JSON with one item of a list per line: a difference in git names the component.

    `in_order` says that the keys of all objects are sorted as they stand.
    """
    if isinstance(value, list) and value:
        lines = _many_lines(value) if in_order and len(value) >= MANY else map(_line, value)
        return b"[\n" + b",\n".join(lines) + b"\n]"
    return _line(value)


def _many_lines(values: list[Any]) -> list[bytes]:
    """What `_line` gives for each, in a third of the time."""
    from pydantic_core import PydanticSerializationError, to_json

    try:
        return [to_json(value) for value in values]
    except (PydanticSerializationError, UnicodeError):  # lone surrogates
        return list(map(_line, values))


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
)
"""No value here is within itself, and to remember where one is costs a third of the time."""


def _line(value: object) -> bytes:
    """Compact JSON; lone surrogates (bytes of names in no encoding) are no text, and are shown escaped."""
    text = _ENCODER.encode(value)
    return (text if text.isascii() else _LONE.sub(lambda match: f"\\\\u{ord(match[0]):04x}", text)).encode()
