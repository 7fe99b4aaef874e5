"""The headers of core metadata, in the fraction of the time that importlib.metadata takes.

What is plainly written is read here, the rest by importlib.metadata. Tests prove that both read the same, but
for space in front of a value that begins on its second line: there, versions of Python differ.
Source: PyPA "Core metadata specifications"; RFC 5322, section 2.2.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER = re.compile(r"^([!-9;-~]+):[ \t]*(.*)$", re.MULTILINE)
"""A line with a header's name (RFC 5322, section 3.6.8, ftext) and its value."""


def headers_of(text: str) -> Mapping[str, list[str]]:
    """The values of each header by its name in lower case, in order."""
    return plain_headers(text) or library_headers(text)


def plain_headers(text: str) -> dict[str, list[str]]:
    """The same; empty where a line is anything but a header, or a further line of one."""
    found: dict[str, list[str]] = {}
    text = text.rstrip("\n")
    pairs = _HEADER.findall(text)
    if "\r" in text:
        return {}
    if len(pairs) != text.count("\n") + 1:
        return _with_further_lines(text)
    for name, value in pairs:
        found.setdefault(name.lower(), []).append(value)
    return found


def _with_further_lines(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for line in text.split("\n"):
        if match := _HEADER.fullmatch(line):
            values = found.setdefault(match[1].lower(), [])
            values.append(match[2])
        elif values and line.startswith((" ", "\t")):
            values[-1] += "\n" + line
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
