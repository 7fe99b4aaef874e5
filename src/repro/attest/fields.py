"""Fields of signed documents, read so that no two readers can understand them differently."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Any, TypeVar

from repro.core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Kind = TypeVar("Kind")

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


def table(value: object, known: Collection[str], where: str) -> Mapping[str, Any]:
    """`value` as an object in which no key looks like one of `known` and is not it.

    Some readers match keys whatever their case, by Unicode's rules (Go's encoding/json): `Subject`
    beside `subject` would let them see another document. Other unknown keys are kept, as formats demand.
    """
    if not isinstance(value, dict):
        raise FormatError(f"{where}: not a JSON object")
    if unknown := [key for key in value if key not in known]:
        folded = {key.casefold() for key in known}
        for key in unknown:
            if key.casefold() in folded:
                raise FormatError(f"{where}: the key {key[:80]!r} is a known one in another spelling")
    return value


def field(values: Mapping[str, Any], key: str, kind: type[Kind], where: str) -> Kind:
    """The value of a key that must be there, and of that kind."""
    if key not in values:
        raise FormatError(f"{where}: {key!r} is missing")
    value = values[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise FormatError(f"{where}: {key!r} is not of the right kind")
    return value


def decode_base64(text: str, where: str) -> bytes:
    """Bytes from base64 (RFC 4648, section 4) in its one canonical spelling, nothing between or after."""
    try:
        data = binascii.a2b_base64(text)
    except ValueError as error:
        raise FormatError(f"{where}: not base64") from error
    if binascii.b2a_base64(data, newline=False) == text.encode():  # nothing was passed over
        return data
    if not _BASE64.fullmatch(text):
        raise FormatError(f"{where}: not base64")
    raise FormatError(f"{where}: base64 with bits left over, which another text stands for too")
