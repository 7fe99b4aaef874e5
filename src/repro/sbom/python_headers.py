"""The headers of core metadata, in the fraction of the time that importlib.metadata takes.

What is plainly written is read here, the rest is importlib.metadata's; tests prove that both read the same.
Source: PyPA "Core metadata specifications"; RFC 5322, section 2.2.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[!-9;-~]+")
"""A header's name (RFC 5322, section 3.6.8, ftext)."""


def headers_of(text: str) -> Mapping[str, list[str]]:
    """The values of each header by its name in lower case, in order."""
    return plain_headers(text) or library_headers(text)


def plain_headers(text: str) -> dict[str, list[str]]:
    """The same; empty where a line is anything but a header or a further line of one with a value."""
    found: dict[str, list[str]] = {}
    values: list[str] = []
    if "\r" in text:
        return {}
    for line in text.rstrip("\n").split("\n"):
        name, colon, value = line.partition(":")
        if line.startswith((" ", "\t")):
            if not values or not values[-1]:
                return {}
            values[-1] += "\n" + line
        elif colon and _NAME.fullmatch(name):
            values = found.setdefault(name.lower(), [])
            values.append(value.lstrip(" \t"))
        else:
            return {}
    return {name: [_undented(value) for value in values] for name, values in found.items()}


def library_headers(text: str) -> dict[str, list[str]]:
    """As importlib.metadata reads them."""
    from repro.sbom.python_library import TextDistribution

    message = TextDistribution({"METADATA": text}).metadata
    found: dict[str, list[str]] = {}
    for name in message:
        found[name.lower()] = [str(value) for value in message.get_all(name) or ()]
    return found


def _undented(value: str) -> str:
    """Further lines without what indents them all, as importlib.metadata has them."""
    if "\n" not in value:
        return value
    from textwrap import dedent

    return dedent(" " * 8 + value)
