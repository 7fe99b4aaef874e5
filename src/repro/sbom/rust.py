"""Crates that a program was built from, as `cargo auditable` writes them into it.

Source: rust-secure-code/cargo-auditable, PARSING.md and its JSON schema.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.errors import FormatError
from repro.sbom.component import Component, Finding
from repro.sbom.contents_found import Found, ref_in
from repro.sbom.python_metadata import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_BYTES = 32 << 20
"""Cap on the list after decompression; the format's own parser has 8 MiB for the whole."""

MAX_CRATES = 20_000
"""Cap on the crates of one program."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+@[A-Za-z0-9.-]+")
"""Name and version that stand in a package URL as they are."""

SOURCE = "repro:rust:source"
"""Property: where a crate came from, if not from crates.io: `git`, `local` or a registry."""

KIND = "repro:rust:kind"
"""Property `build`: the crate ran while the program was built, and is no part of it."""

PROGRAM = "repro:program"
"""Property: the program, by its path, that says what it was built from."""


def crates(data: bytes, path: str, inside: str) -> Found:
    """The crates that the section of the program at `path` lists."""
    try:
        return _crates(_unpacked(data, path), path, inside)
    except FormatError as error:
        return Found(findings=(Finding(where=plain(path), what=plain(error.message)),))


def _unpacked(data: bytes, path: str) -> list[Mapping[str, Any]]:
    try:
        reader = zlib.decompressobj()
        text = reader.decompress(data, MAX_BYTES)
    except zlib.error as error:
        raise FormatError(f"the list of crates cannot be unpacked: {error}") from error
    if not reader.eof:
        raise FormatError(f"the list of crates is cut off, or larger than {MAX_BYTES} bytes")
    value = strictjson.parse(text, name="the list of crates")
    listed = value.get("packages") if isinstance(value, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_CRATES:
        raise FormatError(f"{path}: the list of crates has no packages, or too many")
    for each in listed:
        if not isinstance(each, dict) or not all(
            isinstance(each.get(key), str) for key in ("name", "version")
        ):
            raise FormatError("a crate has no name or version")
    return listed


def _crates(listed: Sequence[Mapping[str, Any]], path: str, inside: str) -> Found:
    refs = [ref_in(inside, path, f"{number}:{each['name']}") for number, each in enumerate(listed)]
    needs = {}
    for ref, each in zip(refs, listed, strict=True):
        numbers = each.get("dependencies") or []
        if not isinstance(numbers, list) or not all(type(n) is int and 0 <= n < len(refs) for n in numbers):
            raise FormatError("a crate depends on what is not listed")
        needs[ref] = tuple(sorted({refs[number] for number in numbers} - {ref}))
    components = tuple(_crate(each, ref, path, inside) for ref, each in zip(refs, listed, strict=True))
    return Found(components=components, needs=needs)


def _crate(each: Mapping[str, Any], ref: str, path: str, inside: str) -> Component:
    name, version = plain(each["name"]), plain(each["version"])
    properties = [(PROGRAM, plain(path))]
    if (source := str(each.get("source", ""))) not in {"", "crates.io"}:
        properties.append((SOURCE, plain(source)))
    if each.get("kind") == "build":
        properties.append((KIND, "build"))
    return Component(
        ref=ref,
        name=name,
        version=version,
        purl=purl_of(name, version),
        properties=tuple(properties),
        inside=inside,
    )


def purl_of(name: str, version: str) -> str:
    """`pkg:cargo/NAME@VERSION`; "" for a name that is none."""
    if _PLAIN.fullmatch(f"{name}@{version}"):
        return f"pkg:cargo/{name}@{version}"  # all but a few
    from packageurl import PackageURL

    return str(PackageURL("cargo", None, name, version).to_string()) if name.strip(" /") else ""
