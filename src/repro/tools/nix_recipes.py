"""Derivations as those who list what is in a closure need them: names, sources, patches, fixed hashes.

`nix derivation show` in every shape that `repro.tools.nix_json` knows; of the environment of a derivation
only the variables below become Python objects, structured attributes (`__json` before Nix 2.31) included.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping  # noqa: TC003 - what a tuple with names is made of
from typing import TYPE_CHECKING, Any, NamedTuple

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
    from collections.abc import Iterable

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


class Made(NamedTuple):
    """An output: its path ("" before it is built, where the content decides), and its fixed hash.

    `algorithm`, `hex` and `method` are "" where the hash is not fixed. The method `flat` or `text` hashes one
    file's bytes, `nar` a serialisation, `git` a tree (Nix manual, "Content-addressing file system objects").
    """

    path: str
    algorithm: str = ""
    hex: str = ""
    method: str = ""


class Recipe(NamedTuple):
    """A derivation as it was written: everything here but the paths is its author's own words.

    `inputs` are the paths of derivations and sources that it reads; `sources` and `patches` are store paths.
    A tuple with names, for there are many: a frozen dataclass takes four times as long to make.
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
    env = merged(entry.get("env") or {}, entry.get("structuredAttrs"))
    return composed(
        path,
        name=entry.get("name") or base_name(path),
        system=entry["system"],
        outputs={name: _made(name, value, env, paths) for name, value in sorted(entry["outputs"].items())},
        inputs=(*inputs["drvs"], *inputs["srcs"]),
        env=env,
        paths=paths,
    )


def base_name(path: str) -> str:
    """A derivation's name by that of its file."""
    return path.rpartition("/")[2][33:].removesuffix(".drv")


def composed(
    path: str,
    *,
    name: str,
    system: str,
    outputs: Mapping[str, Made],
    inputs: Iterable[str],
    env: dict[str, Any],
    paths: Paths,
) -> Recipe:
    """A derivation from its parts."""
    sources, patches = _words_of(env, "src", "srcs"), _words_of(env, "patches")
    return Recipe(
        path,
        name,
        system,
        outputs,
        tuple([paths[one] for one in inputs]),
        _word(env.get("pname")),
        _word(env.get("version")),
        _word(env.get("rev")),
        _words_of(env, "urls", "url"),
        tuple(filter(paths.holds, sources)) if sources else (),
        tuple(filter(paths.holds, patches)) if patches else (),
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
    found: tuple[str, ...] = ()
    for name in names:
        value = env.get(name)
        if isinstance(value, str):
            found += tuple(value.split())
        elif isinstance(value, list):
            found += tuple([word for word in value if isinstance(word, str)])
    return found


def _made(name: str, value: dict[str, Any], env: dict[str, Any], paths: Paths) -> Made:
    text = value.get("hash")
    path = value.get("path") or (env.get(name) if text and name == "out" else "")
    full = paths[path] if isinstance(path, str) and path else ""
    return made(full, value.get("hashAlgo") or "", text, value.get("method") or "") if text else Made(full)


def made(path: str, algorithm: str, digits: str, method: str = "") -> Made:
    """An output with a fixed hash: `algorithm` is as derivations state it, with the method before a colon."""
    recursive, _, algorithm = algorithm.rpartition(":")
    method = method or {"": "flat", "r": "nar"}.get(recursive, recursive)
    if "-" in digits:
        algorithm, _, digits = digits.partition("-")
        try:
            digits = base64.b64decode(digits, validate=True).hex()
        except (binascii.Error, ValueError):
            return Made(path)
    else:
        digits = digits.lower()
    return Made(path, algorithm, digits, method)
