"""The hashes that another machine printed with `repro build --json`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from repro.build.report import VERSION
from repro.core import strictjson
from repro.core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 1 << 26
"""Cap on such a document, in bytes."""

_SRI = re.compile(r"sha256-[A-Za-z0-9+/]{43}=")
_HINT = "a file for --against is what repro build --json printed"


def parse_published(data: bytes, *, name: str) -> Mapping[tuple[str, str], str]:
    """NAR hashes (SRI) by derivation and output; FormatError where the document is not one of ours."""
    document = strictjson.parse(data, name=name, max_bytes=MAX_BYTES)
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise FormatError(f"{name}: not a document of version {VERSION}", hint=_HINT)
    found: dict[tuple[str, str], str] = {}
    for at, derivation in enumerate(_field(document, "derivations", list, name)):
        where = f"{name}: derivations[{at}]"
        drv = _field(derivation, "drv", str, where)
        for index, output in enumerate(_field(derivation, "outputs", list, where)):
            place = f"{where}.outputs[{index}]"
            key = drv, _field(output, "name", str, place)
            value = _field(output, "nar_hash", str, place)
            if not _SRI.fullmatch(value) or key in found:
                raise FormatError(f"{place}: {'given twice' if key in found else 'not a hash'}", hint=_HINT)
            found[key] = value
    return found


def _field(table: Any, key: str, kind: type, where: str) -> Any:  # noqa: ANN401 - JSON is any value
    value = table.get(key) if isinstance(table, dict) else None
    if not isinstance(value, kind):
        raise FormatError(f"{where}: no {key!r}", hint=_HINT)
    return value
