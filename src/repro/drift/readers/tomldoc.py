"""TOML 1.0; dates and times are compared as text."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from repro.core import toml
from repro.core.errors import ConfigError, FormatError
from repro.drift.readers.form import Data, Format
from repro.drift.tree import PrintedFloat, grow

if TYPE_CHECKING:
    from repro.drift.tree import Tree


def read(data: Data, *, name: str, printed: bool) -> Tree:
    """The tree of one document."""
    raw = bytes(data)
    try:
        document = toml.parse(raw, name=name)
    except ConfigError as error:
        raise FormatError(error.message, hint=error.hint) from error
    # the strict parser has accepted the text: the second pass only differs in the type of floats
    tables = tomllib.loads(document.text, parse_float=PrintedFloat.of) if printed else document.tables
    tree: Tree = {}
    grow(_plain(tables), (), tree)
    return tree


def _plain(value: Any) -> Any:  # noqa: ANN401 - any TOML
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value


FORMAT = Format(name="TOML", read=read, suffixes=(".toml",), max_bytes=toml.MAX_BYTES)
