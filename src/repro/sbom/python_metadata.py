"""Installed Python packages as importlib.metadata has them: from any tree, without an interpreter.

Nothing is looked up on `sys.path`, no `.pth` is read, and of METADATA only the headers, never the long text.
Sources: PyPA "Recording installed projects", "Core metadata"; setuptools for `.egg-info`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.sbom.component import Finding
from repro.sbom.python_library import TextDistribution, headers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from repro.sbom.tree import Tree

MAX_METADATA = 4 << 20
"""Cap on a file of metadata, in bytes; the longest descriptions on the index have a few hundred thousand."""

MAX_WORD = 500
"""Characters of a name or a version that are kept."""

_FOLDER = re.compile(
    r"(?P<stem>(?:.*/)?(?P<base>[^/]+)\.(?P<sort>dist-info|egg-info))(?:/(?P<rest>.+))?", re.DOTALL
)
_DASHES = re.compile(r"[-_.]+")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Package:
    """One `.dist-info` or `.egg-info`: `folder` is its path in the tree, `site` the folder that holds it.

    `files` are the files of the folder, relative to it; none where an `.egg-info` is one file.
    """

    folder: str
    name: str
    version: str
    files: frozenset[str]
    metadata: Metadata
    findings: tuple[Finding, ...] = ()

    @property
    def site(self) -> str:
        """The folder where the package's files stand, "" for the tree's root."""
        return self.folder.rpartition("/")[0]

    @property
    def key(self) -> str:
        """The name as PEP 503 compares names."""
        return normalised(self.name)

    @property
    def requires(self) -> list[str]:
        """The requirements, extras and all; those of an `.egg-info` stand in a file of their own."""
        if "METADATA" in self.files or "requires.txt" not in self.files:
            return self.all("Requires-Dist")
        texts = {"METADATA": "\n", "requires.txt": self.metadata.text("requires.txt")}
        return TextDistribution(texts).requires or []

    def all(self, header: str) -> list[str]:
        """Every value of a header that may be given several times, in order."""
        return self.metadata.headers.get(header.lower(), [])

    def one(self, header: str) -> str:
        """The value of a header, "" for none and for the word that setuptools writes for none."""
        value = _first(self.metadata.headers, header.lower())
        return "" if value == "UNKNOWN" else value


class Metadata:
    """The files of one folder of metadata, by their names in it; `wrong` is what was met while reading."""

    def __init__(self, tree: Tree, files: Mapping[str, str]) -> None:
        self._tree = tree
        self._files = files
        self.wrong: list[str] = []

    def text(self, name: str) -> str:
        """A file as text, "" where it is not there or cannot be read."""
        return self._data(name).decode(errors="replace")

    @cached_property
    def headers(self) -> Mapping[str, list[str]]:
        """The values of each header of the core metadata by its name in lower case; empty where none are."""
        name = "METADATA" if "METADATA" in self._files else "PKG-INFO"
        data = self._data(name)
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        head = data.partition(b"\n\n")[0]
        try:
            text = head.decode()
        except UnicodeDecodeError:
            self.wrong.append(f"{name} is not UTF-8")
            text = head.decode(errors="replace")
        return headers_of(text) if text else {}

    def _data(self, name: str) -> bytes:
        if name not in self._files:
            return b""
        try:
            return self._tree.read(self._files[name], MAX_METADATA)
        except FormatError as error:
            self.wrong.append(error.message)
            return b""


def normalised(name: str) -> str:
    """A name as PEP 503 compares names."""
    return _DASHES.sub("-", name).lower()


def packages(tree: Tree, paths: Iterable[str]) -> list[Package]:
    """Every package whose metadata is among `paths`, by its folder."""
    return [_package(tree, folder, files) for folder, files in sorted(_folders(paths).items())]


def plain(text: str, limit: int = MAX_WORD) -> str:
    """Foreign text on one line in which nothing steers a terminal: everything unprintable as an escape."""
    text = text[:limit]
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _folders(paths: Iterable[str]) -> dict[str, dict[str, str]]:
    """The files of each folder of metadata by their path in it; an `.egg-info` that is a file is PKG-INFO."""
    found: dict[str, dict[str, str]] = {}
    for path in paths:
        if "-info" in path and (match := _FOLDER.fullmatch(path)):
            if match["rest"] is None and match["sort"] == "dist-info":
                continue
            found.setdefault(match["stem"], {})[match["rest"] or "PKG-INFO"] = path
    return found


def _package(tree: Tree, folder: str, files: Mapping[str, str]) -> Package:
    metadata = Metadata(tree, files)
    headers = metadata.headers
    base = folder.rpartition("/")[2].rpartition(".")[0]
    stem, _, rest = base.partition("-")
    version = rest.partition("-py")[0] if folder.endswith(".egg-info") else rest
    wrong = list(_complaints(metadata, stem, version))
    name = _first(headers, "name") or stem
    return Package(
        folder=folder,
        name=plain(name),
        version=plain(_first(headers, "version") or version),
        files=frozenset(files),
        metadata=metadata,
        findings=tuple(Finding(where=plain(folder), what=plain(what)) for what in wrong),
    )


def _first(headers: Mapping[str, list[str]], name: str) -> str:
    return headers[name][0].strip() if name in headers else ""


def _complaints(metadata: Metadata, stem: str, version: str) -> Iterator[str]:
    yield from metadata.wrong
    headers = metadata.headers
    if not headers:
        yield "no readable metadata; name and version are those of the folder"
        return
    name, stated = _first(headers, "name"), _first(headers, "version")
    if not name:
        yield "the metadata has no Name; the folder's is taken"
    elif not _NAME.fullmatch(name):
        yield f"{plain(name)!r} is not a name of a package"
    elif stem and normalised(name) != normalised(stem):
        yield f"the metadata calls it {name}"
    if not stated:
        yield "the metadata has no Version; the folder's is taken"
    elif version and normalised(stated) != normalised(version):
        yield f"the metadata has version {stated}"
