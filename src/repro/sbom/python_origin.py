"""Where an installed package came from (PEP 610), told without credentials or users' folders."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.digest import Digest
from repro.core.errors import FormatError
from repro.sbom.address import public
from repro.sbom.component import Finding, Reference
from repro.sbom.python_metadata import MAX_METADATA, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.sbom.python_metadata import Package
    from repro.sbom.tree import Tree

FILE = "direct_url.json"

EDITABLE = "repro:python:editable"
"""Property `true`: the package's code stands in a folder elsewhere, and is not part of what was read."""

ORIGIN = "repro:python:origin"
"""Property: `vcs`, `archive` or `folder`; a package without it came from an index."""

COMMIT = "repro:python:commit"
"""Property: the commit that a package was built from, as the installer recorded it."""

ARCHIVE_HASH = "repro:python:archiveHash"
"""Property: the hash of the archive that a package was installed from, where its address is of no use."""

_COMMIT = re.compile(r"[0-9A-Za-z._-]{1,128}")
_VCS = re.compile(r"[a-z]{1,16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a component gains from its origin: references, properties, and qualifiers of its package URL."""

    references: tuple[Reference, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    qualifiers: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def is_editable(self) -> bool:
        """Whether the code stands elsewhere."""
        return (EDITABLE, "true") in self.properties


def origin_of(tree: Tree, package: Package) -> Origin:
    """The origin of a package; an empty one where it came from an index."""
    if FILE not in package.files:
        return Origin()
    path = f"{package.folder}/{FILE}"
    try:
        return _parsed(strictjson.parse(tree.read(path, MAX_METADATA), name=FILE))
    except FormatError as error:
        return Origin(findings=(Finding(where=plain(path), what=plain(error.message)),))


def _parsed(value: Any) -> Origin:  # noqa: ANN401 - JSON is any value
    if not isinstance(value, dict) or not isinstance(value.get("url"), str):
        raise FormatError(f"{FILE}: no object with a url")
    url = public(value["url"])
    if isinstance(vcs := value.get("vcs_info"), dict):
        return _from_vcs(url, vcs)
    if isinstance(archive := value.get("archive_info"), dict):
        return _from_archive(url, archive)
    editable = isinstance(info := value.get("dir_info"), dict) and info.get("editable") is True
    return Origin(properties=((ORIGIN, "folder"), *(((EDITABLE, "true"),) if editable else ())))


def _from_vcs(url: str, info: Mapping[str, Any]) -> Origin:
    vcs, commit = str(info.get("vcs", "")), str(info.get("commit_id", ""))
    if not _VCS.fullmatch(vcs) or not _COMMIT.fullmatch(commit):
        raise FormatError(f"{FILE}: vcs_info has no vcs and commit_id that can be")
    address = f"{vcs}+{url}@{commit}" if url else ""
    return Origin(
        references=(Reference(kind="vcs", url=url, comment=f"commit {commit}"),) if url else (),
        properties=((ORIGIN, "vcs"), (COMMIT, commit)),
        qualifiers={"vcs_url": address} if address else {},
    )


def _from_archive(url: str, info: Mapping[str, Any]) -> Origin:
    stated = info.get("hashes")
    pairs = list(stated.items()) if isinstance(stated, dict) else []
    if not pairs and isinstance(old := info.get("hash"), str):
        pairs = [(old.partition("=")[0], old.partition("=")[2])]
    digests, wrong = [], []
    for algorithm, text in pairs:
        try:
            digests.append(Digest(str(algorithm), str(text)))
        except FormatError:
            wrong.append(Finding(where=FILE, what="archive_info states a hash that is none"))
    references = (Reference(kind="distribution", url=url, digests=tuple(sorted(digests))),) if url else ()
    return Origin(
        references=references,
        properties=((ORIGIN, "archive"), *(() if url else ((ARCHIVE_HASH, str(each)) for each in digests))),
        qualifiers={"download_url": url} if url else {},
        findings=tuple(wrong),
    )
