"""Go modules that a program was built from, by the build information that Go writes into it.

Source: Go's debug/buildinfo and runtime/debug (ParseBuildInfo), Go 1.18 and later; before, the section holds
addresses in memory instead of texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.sbom.component import Component, Finding, Kind
from repro.sbom.contents_found import Found, ref_in
from repro.sbom.python_metadata import plain
from repro.sbom.rust import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"\xff Go buildinf:"
HEADER = 32
"""Bytes before the texts."""

INLINE = 2
"""Flag: the texts stand in the section."""

FENCE = 16
"""Bytes of the marks around the list of modules."""

MAX_LINES = 50_000
"""Cap on the lines of one program's build information."""

SUM = "repro:go:sum"
"""Property: a module's `h1:` sum as go.sum has it; a hash over a list of files, no SHA-256 of a file."""

REPLACES = "repro:go:replaces"
"""Property: the module in whose place this one was built in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Module:
    path: str
    version: str
    checksum: str = ""
    replaces: str = ""


def modules(data: bytes, path: str, inside: str) -> Found:
    """The modules that the section of the program at `path` lists, with Go's own standard library."""
    try:
        version, text = _texts(data)
    except FormatError as error:
        return Found(findings=(Finding(where=plain(path), what=plain(error.message)),))
    found = {each.path: each for each in (_standard(version), *_listed(text))}
    main = next((line.split("\t") for line in text.splitlines() if line.startswith("mod\t")), [])
    components = tuple(_component(each, path, inside) for _, each in sorted(found.items()))
    needs: dict[str, tuple[str, ...]] = {each.ref: () for each in components}
    own = _ref(main[1], path, inside) if len(main) > 1 else ""
    if own in needs:  # the build information tells that all are in the program, not which needs which
        needs[own] = tuple(sorted(set(needs) - {own}))
    return Found(components=components, needs=needs)


def _texts(data: bytes) -> tuple[str, str]:
    """The version of Go, and the lines of modules."""
    if len(data) < HEADER or not data.startswith(MAGIC):
        raise FormatError("Go's build information is cut off")
    if not data[15] & INLINE:
        raise FormatError("Go's build information is of a Go before 1.18, and is not read")
    version, rest = _text(data[HEADER:])
    listed, _ = _text(rest)
    if len(listed) > 2 * FENCE and listed[-FENCE - 1 : -FENCE] == b"\n":
        listed = listed[FENCE:-FENCE]
    return version.decode(errors="replace"), listed.decode(errors="replace")


def _text(data: bytes) -> tuple[bytes, bytes]:
    """A text behind its length (unsigned LEB128), and what follows it."""
    size = 0
    for number, byte in enumerate(data[:10]):
        size |= (byte & 0x7F) << (7 * number)
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a length
            if size > len(data) - number - 1:
                break
            return data[number + 1 : number + 1 + size], data[number + 1 + size :]
    raise FormatError("Go's build information is cut off")


def _standard(version: str) -> _Module:
    return _Module(path="stdlib", version=plain(version.partition(" ")[0].removeprefix("go")))


def _listed(text: str) -> Iterator[_Module]:
    """Modules by lines `mod`, `dep` and, in the place of the one before, `=>`."""
    before: _Module | None = None
    for line in text.splitlines()[:MAX_LINES]:
        word, *fields = line.split("\t")
        if word not in {"mod", "dep", "=>"} or len(fields) < 2:  # noqa: PLR2004 - path and version
            continue
        path, version, checksum = (*map(plain, fields), "")[:3]
        if word == "=>":
            if before is not None:
                local = path.startswith((".", "/"))  # a folder, which is of no use elsewhere
                yield _Module(
                    path=before.path if local else path,
                    version=before.version if local else version,
                    checksum=checksum,
                    replaces=before.path,
                )
            before = None
            continue
        if before is not None:
            yield before
        before = _Module(path=path, version=version, checksum=checksum)
    if before is not None:
        yield before


def _component(module: _Module, path: str, inside: str) -> Component:
    from packageurl import PackageURL

    space, _, name = module.path.rpartition("/")
    properties = [(PROGRAM, plain(path))]
    if module.checksum:
        properties.append((SUM, module.checksum))
    if module.replaces:
        properties.append((REPLACES, module.replaces))
    version = "" if module.version == "(devel)" else module.version
    return Component(
        ref=_ref(module.path, path, inside),
        name=module.path,
        version=version,
        kind=Kind.LIBRARY,
        purl=PackageURL("golang", space or None, name, version or None).to_string()
        if name.strip(" /")
        else "",
        properties=tuple(properties),
        inside=inside,
    )


def _ref(module: str, path: str, inside: str) -> str:
    return ref_in(inside, path, module)
