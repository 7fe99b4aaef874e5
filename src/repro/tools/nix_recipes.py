"""Derivations as those who list what is in a closure need them: names, sources, patches, fixed hashes.

`nix derivation show` in every shape that `repro.tools.nix_json` knows; of the environment of a derivation
only the variables below become Python objects, structured attributes (`__json` before Nix 2.31) included.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import SchemaValidator
from pydantic_core import core_schema as schema

from repro.tools.nix_schema import (
    DEFAULT_STORE,
    DERIVATION_VERSIONS,
    INT,
    STORE_NAME,
    STR,
    STRS,
    VERSIONED,
    Paths,
    collector_paused,
    either,
    known_version,
    maybe,
    parsed,
    table,
    taken,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WHAT = "nix derivation show"

TOLD = ("name", "out", "patches", "pname", "rev", "src", "srcs", "url", "urls", "version")
"""Variables that are read."""

_OUTPUT = table(may=dict.fromkeys(("path", "hash", "hashAlgo", "method"), maybe(STR)))
_INPUT = table(need={"outputs": STRS})


def _recipes(inputs_of: Any) -> Any:  # noqa: ANN401 - pydantic's
    inputs = schema.dict_schema(STR, inputs_of)
    return schema.dict_schema(
        STR,
        table(
            need={"outputs": schema.dict_schema(STR, _OUTPUT), "system": STR},
            may={
                "name": STR,
                "version": INT,
                "env": table(may=dict.fromkeys((*TOLD, "__json"), STR)),
                "structuredAttrs": maybe(table(may=dict.fromkeys(TOLD, schema.any_schema()))),
                "inputs": table(need={"srcs": STRS, "drvs": inputs}),
                "inputSrcs": STRS,
                "inputDrvs": inputs,
            },
        ),
    )


_MAP = SchemaValidator(_recipes(either(_INPUT, STRS)))
_DOCUMENT = SchemaValidator(table(need={"version": INT, "derivations": _recipes(_INPUT)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An output: its path ("" before it is built, where the content decides), and its fixed hash.

    `algorithm`, `hex` and `method` are "" where the hash is not fixed. The method `flat` or `text` hashes one
    file's bytes, `nar` a serialisation, `git` a tree (Nix manual, "Content-addressing file system objects").
    """

    path: str
    algorithm: str = ""
    hex: str = ""
    method: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A derivation as it was written: everything here but the paths is its author's own words.

    `inputs` are the paths of derivations and sources that it reads; `sources` and `patches` are store paths.
    """

    path: str
    name: str
    system: str
    outputs: Mapping[str, Made]
    inputs: tuple[str, ...]
    pname: str = ""
    version: str = ""
    rev: str = ""
    urls: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()


def parse_recipes(data: bytes) -> dict[str, Recipe]:
    """`nix derivation show`: derivations by full path; FormatError where it is not that."""
    with collector_paused():
        if VERSIONED.match(data):
            document = parsed(_DOCUMENT, data, WHAT)
            known_version(document["version"], DERIVATION_VERSIONS, WHAT)
            entries = document["derivations"]
        else:
            entries = parsed(_MAP, data, WHAT)
        paths = Paths(_store_of(entries))
        return {path: recipe_of(path, entry, paths) for path, entry in taken(entries, paths)}


def _store_of(entries: dict[str, Any]) -> str:
    """The store's folder where keys have none: that of an output in a derivation's environment."""
    for entry in entries.values():
        folder, _, name = entry.get("env", {}).get("out", "").rpartition("/")
        if folder and STORE_NAME.fullmatch(name):
            return str(folder)
    return DEFAULT_STORE


def recipe_of(path: str, entry: dict[str, Any], paths: Paths) -> Recipe:
    """A derivation from an entry of the shape that Nix up to 2.31 prints, or a later one."""
    if entry.get("version", 3) not in DERIVATION_VERSIONS:
        known_version(entry["version"], DERIVATION_VERSIONS, WHAT)
    inputs = entry.get("inputs") or {"srcs": entry.get("inputSrcs", ()), "drvs": entry.get("inputDrvs", ())}
    env = _told(entry)
    return Recipe(
        path=path,
        name=entry.get("name") or path.rpartition("/")[2][33:].removesuffix(".drv"),
        system=entry["system"],
        outputs={name: _made(name, value, env, paths) for name, value in sorted(entry["outputs"].items())},
        inputs=tuple([paths[one] for one in (*inputs["drvs"], *inputs["srcs"])]),
        pname=_word(env.get("pname")),
        version=_word(env.get("version")),
        rev=_word(env.get("rev")),
        urls=(*_words(env.get("urls")), *_words(env.get("url"))),
        sources=tuple(_paths_in((*_words(env.get("src")), *_words(env.get("srcs"))), paths)),
        patches=tuple(_paths_in(_words(env.get("patches")), paths)),
    )


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    """The variables that are asked for, wherever this version of Nix has structured attributes."""
    env: dict[str, Any] = entry.get("env") or {}
    attributes = entry.get("structuredAttrs")
    if attributes is None and "__json" in env:
        try:
            attributes = json.loads(env["__json"])
        except (ValueError, RecursionError):
            attributes = None
    return {**env, **attributes} if isinstance(attributes, dict) else env


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _words(value: object) -> tuple[str, ...]:
    """The words of a variable, which structured attributes have as a list."""
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()


def _paths_in(words: Iterable[str], paths: Paths) -> Iterable[str]:
    """The store paths that words are, or are below: a source may be a file in a larger one."""
    for word in words:
        folder, slash, rest = word.partition(f"{paths.store}/")
        name = rest.partition("/")[0]
        if slash and not folder and STORE_NAME.fullmatch(name):
            yield f"{paths.store}/{name}" if name == rest else word


def _made(name: str, value: dict[str, Any], env: dict[str, Any], paths: Paths) -> Made:
    text = value.get("hash") or ""
    path = value.get("path") or (env.get(name) if text and name == "out" else "")
    full = paths[path] if isinstance(path, str) and path else ""
    if not text:
        return Made(path=full)
    recursive, _, algorithm = (value.get("hashAlgo") or "").rpartition(":")
    method = value.get("method") or {"": "flat", "r": "nar"}.get(recursive, recursive)
    digits = text.lower()
    if "-" in text:
        algorithm, _, text = text.partition("-")
        try:
            digits = base64.b64decode(text, validate=True).hex()
        except (binascii.Error, ValueError):
            return Made(path=full)
    return Made(path=full, algorithm=algorithm, hex=digits, method=method)
