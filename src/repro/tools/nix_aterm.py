"""Derivations read from their files in the store, where `nix derivation show` would take five times as long.

The format is part of what store paths are hashes of, so it cannot change for paths that are there (E.
Dolstra, "The Purely Functional Software Deployment Model", section 5.4). A newer
one begins with another word, and is left to Nix.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.tools.nix_recipes import TOLD, Made, Recipe, base_name, composed, made, merged
from repro.tools.nix_schema import Paths

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES = 64 << 20
"""Cap on one file, in bytes; the largest in nixpkgs have some hundred thousand."""

FIRST = 32 << 10
"""Bytes of a file asked for at once: nearly all files are shorter, and need not be asked for their size."""

_TEXT = r'"[^"\\]*+"'
_LONG = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_QUICK = '"[^"]*+"'
"""A text in what has no backslash: the same, and matched in a third of the time."""


def _head(text: str, long: str) -> re.Pattern[str]:
    """All before the variables, in groups: outputs, derivations and sources that are read, the system."""
    return re.compile(
        rf"Derive\(\[((?:\({text},{text},{text},{text}\),?)*+)\],\[((?:\({text},\[(?:{text},?)*+\]\),?)*+)\],"
        rf"\[((?:{text},?)*+)\],({text}),{long},\[(?:{long},?)*+\],\[",
        re.DOTALL,
    )


_HEAD, _QUICK_HEAD = _head(_TEXT, _LONG), _head(_QUICK, _QUICK)
_NAMED = rf'\("({"|".join(sorted({*TOLD, "__json"} - {"name", "out"}))})",'
_VARIABLE, _QUICK_VARIABLE = (re.compile(rf"{_NAMED}({text})\)", re.DOTALL) for text in (_LONG, _QUICK))
"""A variable that is read. A quote within a text is escaped, so that none of these begins there."""

_TEXTS = re.compile('"([^"]*+)"')
_OUTPUT = re.compile(rf"\({_TEXTS.pattern},{_TEXTS.pattern},{_TEXTS.pattern},{_TEXTS.pattern}\)")
_INPUT = re.compile(r'\("([^"]*+)",')
"""Of groups of a head, which hold no backslash."""

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"n": "\n", "r": "\r", "t": "\t"}


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
    """A file's bytes, mostly in one read; None where it is not there or too large."""
    try:
        file = os.open(drv, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        data = os.read(file, FIRST)
        if len(data) < FIRST:
            return data
        size = os.fstat(file).st_size
        return data + os.read(file, size - FIRST) if size <= MAX_BYTES else None
    except OSError:
        return None
    finally:
        os.close(file)


def parse_aterm(path: str, data: bytes, paths: Paths) -> Recipe:
    """The derivation in a file of the store; FormatError where it is none of the known format."""
    text = data.decode(errors="replace")
    escape = text.find("\\")
    head = _QUICK_HEAD.match(text)
    if head is None or -1 < escape < head.end():
        head = _HEAD.match(text)
    if head is None or not text.endswith("])"):
        raise FormatError(f"{path}: not a derivation in the format that is known here")
    outputs, drvs, sources, system = head.groups()
    variable = _QUICK_VARIABLE if escape < 0 else _VARIABLE
    env = {key: value[1:-1] for key, value in variable.findall(text, head.end())}
    if escape >= 0:
        env = {key: _meant(value) for key, value in env.items()}
    return composed(
        path,
        name=base_name(path),
        system=system[1:-1],
        outputs={
            name: made(paths[place] if place else "", algorithm, digits)
            if digits
            else Made(paths[place] if place else "")
            for name, place, algorithm, digits in _OUTPUT.findall(outputs)
        },
        inputs=[*_INPUT.findall(drvs), *_TEXTS.findall(sources)],
        env=merged(env, None) if "__json" in env else env,
        paths=paths,
    )


def _meant(value: str) -> str:
    """The text of a string, its escapes resolved."""
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda match: _MEANT.get(match[1], match[1]), value)
