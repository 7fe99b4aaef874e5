"""Derivations read from their files in the store, where `nix derivation show` would take five times as long.

The format is part of what store paths are hashes of, so it cannot change for paths that are there (E.
Dolstra, "The Purely Functional Software Deployment Model", section 5.4). A newer
one begins with another word, and is left to Nix.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from repro.core.errors import FormatError
from repro.tools.nix_recipes import TOLD, Recipe, recipe_of
from repro.tools.nix_schema import Paths

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES = 64 << 20
"""Cap on one file, in bytes; the largest in nixpkgs have some hundred thousand."""

_TEXT = rb'"[^"\\]*"'
_HEAD = re.compile(
    rb"Derive\(\[((?:\(%(t)s,%(t)s,%(t)s,%(t)s\),?)*)\],\[((?:\(%(t)s,\[(?:%(t)s,?)*\]\),?)*)\],"
    rb"\[((?:%(t)s,?)*)\],\"([^\"\\]*)\"," % {b"t": _TEXT}
)
_TEXTS = re.compile(rb'"([^"\\]*)"')
_INPUT = re.compile(rb'\("([^"\\]*)",')
_BUILDER = re.compile(rb"%(t)s,\[(?:%(t)s,?)*\],\[" % {b"t": rb'"[^"\\]*(?:\\.[^"\\]*)*"'}, re.DOTALL)
_WANTED = frozenset(name.encode() for name in (*TOLD, "__json"))

_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_MEANT = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def recipes_in_files(drvs: Iterable[str]) -> tuple[dict[str, Recipe], list[str]]:
    """The derivations whose files are there, and those among them whose format only Nix can read."""
    found: dict[str, Recipe] = {}
    others: list[str] = []
    stores: dict[str, Paths] = {}
    for drv in drvs:
        data = _content(drv)
        if data is None:
            continue
        try:
            folder = drv.rpartition("/")[0]
            found[drv] = parse_aterm(drv, data, stores.setdefault(folder, Paths(folder)))
        except FormatError:
            others.append(drv)
    return found, others


def _content(drv: str) -> bytes | None:
    """A file's bytes in one read; None where it is not there or too large."""
    try:
        file = os.open(drv, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        size = os.fstat(file).st_size
        return os.read(file, size) if size <= MAX_BYTES else None
    except OSError:
        return None
    finally:
        os.close(file)


def parse_aterm(path: str, data: bytes, paths: Paths) -> Recipe:
    """The derivation in a file of the store; FormatError where it is none of the known format."""
    head = _HEAD.match(data)
    builder = _BUILDER.match(data, head.end()) if head else None
    if head is None or builder is None or not data.endswith(b"])"):
        raise FormatError(f"{path}: not a derivation in the format that is known here")
    outputs, drvs, sources, system = head.groups()
    texts = _texts(outputs)
    entry: dict[str, Any] = {
        "system": system.decode(errors="replace"),
        "env": _variables(data[builder.end() : -2]),
        "outputs": {
            texts[at]: {"path": texts[at + 1], "hashAlgo": texts[at + 2], "hash": texts[at + 3]}
            for at in range(0, len(texts), 4)
        },
        "inputDrvs": [text.decode(errors="replace") for text in _INPUT.findall(drvs)],
        "inputSrcs": _texts(sources),
    }
    return recipe_of(path, entry, paths)


def _variables(data: bytes) -> dict[str, str]:
    """The variables that are read, of `("key","value"),…`.

    What is between two variables, and between a key and its value, stands within no text: quotes there are
    escaped, and behind the quote that ends a text comes no other.
    """
    pairs = [pair.partition(b'","') for pair in data[2:-2].split(b'"),("')]
    return {key.decode(): _meant(value) for key, _, value in pairs if key in _WANTED}


def _texts(data: bytes) -> list[str]:
    return [text.decode(errors="replace") for text in _TEXTS.findall(data)]


def _meant(value: bytes) -> str:
    """A string's text, its escapes resolved."""
    if b"\\" in value:
        value = _ESCAPED.sub(lambda match: _MEANT.get(match[1], match[1]), value)
    return value.decode(errors="replace")
