"""JSON read strictly: what two readers could understand differently is refused."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from repro.core.errors import CapError, FormatError

MAX_BYTES = 1 << 30
"""Cap on a document, in bytes, before it is parsed."""

MAX_DEPTH = 200
"""Cap on nesting; Python's own parser gives up near its recursion limit of 1000."""


UNMARKED = bytes(byte for byte in range(256) if byte not in b'[]{}"\\')
"""The bytes that neither nest nor begin, end or escape a string."""

ONE_BRACKET = bytes.maketrans(b"{}", b"[]")

SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""The escape of half a character; only in pairs do they make one (RFC 8259, section 8.2)."""


def parse(data: bytes, *, name: str, allow_nan: bool = False, max_bytes: int = MAX_BYTES) -> Any:  # noqa: ANN401 - JSON is any value
    """The value of a JSON document; `name` says in errors which document it was.

    Refused with FormatError: more than `max_bytes`, a byte order mark, text that is not UTF-8, a key given
    twice, nesting beyond `MAX_DEPTH`, integers beyond Python's digit limit, half characters (lone
    surrogates), and (unless `allow_nan`, for results that Python's json wrote) the tokens NaN, Infinity and
    -Infinity and numbers larger than a double.
    """
    if len(data) > max_bytes:
        raise CapError(f"{name}: {len(data)} bytes, more than the {max_bytes} that are read")
    if data.startswith(b"\xef\xbb\xbf"):
        raise FormatError(f"{name}: starts with a byte order mark", hint="write it as UTF-8 without BOM")
    value = _load(data, name, allow_nan=allow_nan)
    if b"\\" in data and SURROGATE.search(data) and not _is_text(value):
        raise FormatError(f"{name}: holds half a character (a lone surrogate escape)")
    if _too_deep(data, value):
        raise CapError(f"{name}: nested more than {MAX_DEPTH} levels deep")
    return value


def _load(data: bytes, name: str, *, allow_nan: bool) -> Any:  # noqa: ANN401 - JSON is any value
    rules = _Rules(name)
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=rules.table,
            parse_constant=None if allow_nan else rules.no_constant,
            parse_float=None if allow_nan else rules.finite,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise FormatError(f"{name}: not JSON: {error.msg} at {where}") from error
    except RecursionError as error:
        raise CapError(f"{name}: nested more than {MAX_DEPTH} levels deep") from error
    except ValueError as error:  # not UTF-8, or an integer of too many digits
        raise FormatError(f"{name}: {error}") from error


class _Rules:
    """What the parser asks at each object and number of the document `name`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def table(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise FormatError(f"{self.name}: key {twice!r} is given twice in one object")
        return table

    def no_constant(self, token: str) -> NoReturn:
        raise FormatError(f"{self.name}: {token} is not JSON")

    def finite(self, token: str) -> float:
        number = float(token)
        if math.isinf(number):
            raise FormatError(f"{self.name}: {token[:40]} is larger than a double")
        return number


def _is_text(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _too_deep(data: bytes, value: object) -> bool:
    """Whether a valid document nests too deep: by its brackets alone, unless strings hold some of them."""
    marks = data.translate(ONE_BRACKET, UNMARKED).replace(b'""', b"")
    if b'"' in marks or b"\\" in marks:
        return _deeper_than(value, MAX_DEPTH)
    for _ in range(MAX_DEPTH):
        if not marks:
            return False
        marks = marks.replace(b"[]", b"")  # the innermost level
    return bool(marks)


def _deeper_than(value: object, limit: int) -> bool:
    level: list[object] = [value]
    for _ in range(limit):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
