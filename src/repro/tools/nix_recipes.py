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

from repro.tools.collector import collector_paused
from repro.tools.nix_schema import (
    DEFAULT_STORE,
    DERIVATION_VERSIONS,
    INT,
    STORE_NAME,
    STR,
    STRS,
    VERSIONED,
    Paths,
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
    return composed(
        path,
        name=entry.get("name") or "",
        system=entry["system"],
        outputs=entry["outputs"],
        inputs=(*inputs["drvs"], *inputs["srcs"]),
        env=merged(entry.get("env") or {}, entry.get("structuredAttrs")),
        paths=paths,
    )


def composed(
    path: str,
    *,
    name: str = "",
    system: str,
    outputs: Mapping[str, dict[str, Any]],
    inputs: Iterable[str],
    env: dict[str, Any],
    paths: Paths,
) -> Recipe:
    """A derivation from its parts; `name` "" stands for that of its path."""
    return Recipe(
        path=path,
        name=name or path.rpartition("/")[2][33:].removesuffix(".drv"),
        system=system,
        outputs={name: _made(name, value, env, paths) for name, value in sorted(outputs.items())},
        inputs=tuple([paths[one] for one in inputs]),
        pname=_word(env.get("pname")),
        version=_word(env.get("version")),
        rev=_word(env.get("rev")),
        urls=_words_of(env, "urls", "url"),
        sources=_paths_in(_words_of(env, "src", "srcs"), paths),
        patches=_paths_in(_words_of(env, "patches"), paths),
    )


def merged(env: dict[str, Any], attributes: object) -> dict[str, Any]:
    """The variables that are asked for, wherever this version of Nix has structured attributes."""
    if attributes is None and "__json" in env:
        try:
            attributes = json.loads(env["__json"])
        except (ValueError, RecursionError):
            attributes = None
    return {**env, **attributes} if isinstance(attributes, dict) else env


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _words_of(env: Mapping[str, object], *names: str) -> tuple[str, ...]:
    """The words of variables, which structured attributes have as lists."""
    found: list[str] = []
    for name in names:
        value = env.get(name)
        if isinstance(value, str):
            found += value.split()
        elif isinstance(value, list):
            found += [word for word in value if isinstance(word, str)]
    return tuple(found)


def _paths_in(words: Iterable[str], paths: Paths) -> tuple[str, ...]:
    """The store paths that words are, or are below: a source may be a file in a larger one."""
    found = []
    for word in words:
        if paths.get(word) == word:  # one that was looked at
            found.append(word)
            continue
        folder, slash, rest = word.partition(f"{paths.store}/")
        name = rest.partition("/")[0]
        if slash and not folder and STORE_NAME.fullmatch(name):
            found.append(f"{paths.store}/{name}" if name == rest else word)
    return tuple(found)


def _made(name: str, value: dict[str, Any], env: dict[str, Any], paths: Paths) -> Made:
    text = value.get("hash")
    if not text:
        return Made(path=paths[value["path"]] if value.get("path") else "")
    path = value.get("path") or (env.get(name) if name == "out" else "")
    full = paths[path] if isinstance(path, str) and path else ""
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
