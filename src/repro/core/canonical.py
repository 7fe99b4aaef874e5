"""One byte form for every document that is written or hashed: the same value gives the same bytes."""

from __future__ import annotations

import json


def to_bytes(value: object) -> bytes:
    """Canonical JSON: keys sorted, no spaces, UTF-8, no NaN or infinity (which are not JSON).

    Floats are written by `repr`, which round-trips IEEE 754 doubles exactly. Raises ValueError on NaN.
    Lone surrogates, which stand for the bytes of file names in no encoding, are written as escapes.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode(errors="backslashreplace")


def to_pretty_bytes(value: object) -> bytes:
    """The same value for files that people read and git compares: indented, sorted, newline at the end."""
    text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode(errors="backslashreplace") + b"\n"
