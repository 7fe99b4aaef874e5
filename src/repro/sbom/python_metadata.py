"""Installed Python packages as importlib.metadata reads them: from any tree, without an interpreter.

Nothing is looked up on `sys.path`, no `.pth` is read, and of METADATA only the headers, never the long text.
Sources: PyPA "Recording installed projects", "Core metadata"; setuptools for `.egg-info`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution
from typing import TYPE_CHECKING, Any

from repro.core.errors import FormatError
from repro.sbom.component import Finding

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping
    from email.message import Message

    from repro.sbom.tree import Tree

MAX_METADATA = 4 << 20
"""Cap on a file of metadata, in bytes; the longest descriptions on the index have a few hundred thousand."""

MAX_WORD = 500
"""Characters of a name or a version that are kept."""

HEADERS = frozenset({"METADATA", "PKG-INFO"})
_FOLDER = re.compile(
    r"(?P<stem>(?:.*/)?(?P<base>[^/]+)\.(?P<sort>dist-info|egg-info))(?:/(?P<rest>.+))?", re.DOTALL
)
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
    distribution: TreeDistribution
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
    def headers(self) -> Message:
        """The core metadata."""
        return self.distribution.headers

    @property
    def requires(self) -> list[str]:
        """The requirements, extras and all; those of an `.egg-info` stand in a file of their own."""
        if "METADATA" in self.files or "requires.txt" not in self.files:
            return self.all("Requires-Dist")
        return self.distribution.requires or []

    def all(self, header: str) -> list[str]:
        """Every value of a header that may be given several times, in order."""
        return [str(value) for value in self.headers.get_all(header, ())]

    def one(self, header: str) -> str:
        """The value of a header, "" for none and for the word that setuptools writes for none."""
        value = str(self.headers.get(header, "")).strip()
        return "" if value == "UNKNOWN" else value


class TreeDistribution(Distribution):
    """importlib.metadata's view of a folder of metadata in a tree."""

    def __init__(self, tree: Tree, folder: str, files: Mapping[str, str]) -> None:
        self._tree = tree
        self._folder = folder
        self._files = files
        self.wrong: list[str] = []

    def read_text(self, filename: str) -> str | None:
        """A file of metadata as text, None where it is not there; of the core metadata only the headers."""
        path = self._files.get(filename)
        if path is None:
            return None
        try:
            data = self._tree.read(path, MAX_METADATA)
        except FormatError as error:
            self.wrong.append(error.message)
            return None
        if filename in HEADERS:
            data = data.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n\n"
        return self._decoded(data, filename)

    def locate_file(self, path: str | os.PathLike[str]) -> Any:  # noqa: ANN401 - never returns
        """Not there: files of a tree have no place on a disk."""
        raise FileNotFoundError(path)

    @cached_property
    def headers(self) -> Message:
        """The headers of the core metadata; empty where there are none."""
        from email import message_from_string

        return message_from_string(self.read_text("METADATA") or self.read_text("PKG-INFO") or "")

    def _decoded(self, data: bytes, filename: str) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            self.wrong.append(f"{filename} is not UTF-8")
            return data.decode(errors="replace")


def normalised(name: str) -> str:
    """A name as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


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
    distribution = TreeDistribution(tree, folder, files)
    headers = distribution.headers
    base = folder.rpartition("/")[2].rpartition(".")[0]
    stem, _, rest = base.partition("-")
    version = rest.partition("-py")[0] if folder.endswith(".egg-info") else rest
    wrong = list(_complaints(distribution, headers, stem, version))
    name = str(headers.get("Name", "")).strip() or stem
    return Package(
        folder=folder,
        name=plain(name),
        version=plain(str(headers.get("Version", "")).strip() or version),
        files=frozenset(files),
        distribution=distribution,
        findings=tuple(Finding(where=plain(folder), what=plain(what)) for what in wrong),
    )


def _complaints(distribution: TreeDistribution, headers: Message, stem: str, version: str) -> Iterator[str]:
    yield from distribution.wrong
    if not headers.keys():
        yield "no readable metadata; name and version are those of the folder"
        return
    name, stated = (str(headers.get(key, "")).strip() for key in ("Name", "Version"))
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
