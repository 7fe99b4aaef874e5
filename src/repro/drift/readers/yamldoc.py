"""YAML 1.2 without tags: plain values under the core schema (yaml.org/spec/1.2.2, section 10.3).

Built from the parser's events, so that no tag is ever resolved and no alias multiplies what it names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from repro.core.errors import FormatError
from repro.core.strictjson import MAX_DEPTH
from repro.drift.readers.form import Data, Format
from repro.drift.readers.textlog import decode
from repro.drift.tree import PrintedFloat, grow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.drift.tree import Tree

MAX_YAML: Final = 1 << 26
"""Cap in bytes: the parser is written in Python and takes seconds per megabyte."""

MAX_COPIES: Final = 1_000_000
"""Cap on the values that aliases may repeat, altogether."""

NULL = frozenset({"", "~", "null", "Null", "NULL"})
BOOLS = dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
INTEGER = re.compile(r"[-+]?[0-9]+")
OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]++(?:\.[0-9]*+)?)(?:[eE][-+]?[0-9]+)?")
INFINITY = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
NAN = frozenset({".nan", ".NaN", ".NAN"})


def read(data: Data, *, name: str, printed: bool) -> Tree:
    """The tree of one document, or of the list of all where there are several."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    text = decode(data, name)
    builder = _Builder(name, printed=printed)
    try:
        documents = builder.documents(YAML(typ="safe", pure=True).parse(text))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise FormatError(
            f"{name}: not YAML: {getattr(error, 'problem', None) or 'unreadable'}{where}"
        ) from error
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise FormatError(f"{name}: not YAML: {error}") from error
    if not documents:
        raise FormatError(f"{name}: holds no document")
    tree: Tree = {}
    grow(documents[0] if len(documents) == 1 else documents, (), tree)
    return tree


class _Builder:
    """Values from events; what has an anchor is kept for its aliases."""

    def __init__(self, name: str, *, printed: bool) -> None:
        self.name = name
        self.number = PrintedFloat.of if printed else float
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.copies = 0
        self.made = 0

    def documents(self, events: Iterator[Any]) -> list[Any]:
        found = []
        for event in events:
            if type(event).__name__ == "DocumentStartEvent":
                self.anchors.clear()
                found.append(self._node(next(events), events, 0))
        return found

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Any:  # noqa: ANN401 - any YAML
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self._alias(event.anchor)
        if depth > MAX_DEPTH:
            raise FormatError(f"{self.name}: nested more than {MAX_DEPTH} levels deep")
        self._refuse_tag(event)
        before = self.made
        self.made += 1
        if kind == "ScalarEvent":
            value = self._scalar(event)
        elif kind == "SequenceStartEvent":
            value = self._sequence(events, depth)
        else:
            value = self._mapping(events, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, self.made - before)
        return value

    def _refuse_tag(self, event: Any) -> None:  # noqa: ANN401 - an event
        tag = event.tag if getattr(event, "tag", None) is not None else getattr(event, "ctag", None)
        if tag is not None and str(tag) not in {"", "None"}:
            line = event.start_mark.line + 1
            raise FormatError(f"{self.name}: line {line}: tags are refused: {str(tag)[:80]}")

    def _alias(self, anchor: str) -> Any:  # noqa: ANN401 - any YAML
        if anchor not in self.anchors:
            raise FormatError(f"{self.name}: alias {anchor!r} names nothing before it")
        value, size = self.anchors[anchor]
        self.made += size
        self.copies += size
        if self.copies > MAX_COPIES:
            raise FormatError(f"{self.name}: aliases repeat more than {MAX_COPIES} values")
        return value

    def _sequence(self, events: Iterator[Any], depth: int) -> list[Any]:
        items = []
        while type(event := next(events)).__name__ != "SequenceEndEvent":
            items.append(self._node(event, events, depth + 1))
        return items

    def _mapping(self, events: Iterator[Any], depth: int) -> dict[str, Any]:
        table: dict[str, Any] = {}
        while type(event := next(events)).__name__ != "MappingEndEvent":
            if type(event).__name__ != "ScalarEvent":
                raise FormatError(
                    f"{self.name}: line {event.start_mark.line + 1}: a key that is no plain value"
                )
            self._refuse_tag(event)
            if event.value in table:
                raise FormatError(f"{self.name}: key {event.value!r} is given twice in one mapping")
            table[event.value] = self._node(next(events), events, depth + 1)
        return table

    def _scalar(self, event: Any) -> Any:  # noqa: ANN401 - any YAML
        text = event.value
        if event.style is not None:
            return text
        if text in NULL:
            return None
        if text in BOOLS:
            return BOOLS[text]
        if INTEGER.fullmatch(text):
            return int(text)
        if OTHER_BASE.fullmatch(text):
            return int(text[2:], 8 if text[1] == "o" else 16)
        return self._float(text)

    def _float(self, text: str) -> float | str:
        if FLOAT.fullmatch(text):
            return self.number(text)
        if text in NAN:
            return float("nan")
        infinity = INFINITY.fullmatch(text)
        return float(f"{infinity[1]}inf") if infinity else text


FORMAT = Format(name="YAML", read=read, suffixes=(".yaml", ".yml"), max_bytes=MAX_YAML)
