"""JSON as Python writes it: strict, but with NaN and Infinity."""

from __future__ import annotations

import json
from typing import Any

from repro.core import strictjson
from repro.drift.readers.form import Data, Format
from repro.drift.tree import Plain, PrintedFloat


def read(data: Data, *, name: str, printed: bool) -> Plain:
    """One JSON document."""
    return Plain(value=value(bytes(data), name=name, printed=printed))


def value(data: bytes, *, name: str, printed: bool) -> Any:  # noqa: ANN401 - JSON is any value
    """The value of the document; floats remember their digits if `printed`."""
    parsed = strictjson.parse(data, name=name, allow_nan=True)
    # the strict parser has accepted the bytes: the second pass only differs in the type of floats
    return json.loads(data, parse_float=PrintedFloat.of) if printed else parsed


FORMAT = Format(name="JSON", read=read, suffixes=(".json",))
