"""A Python package as a component: name, package URL, licences, origin and addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from repro.sbom.address import public
from repro.sbom.component import Component, Reference
from repro.sbom.contents_found import ref_in
from repro.sbom.python_metadata import normalised, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repro.sbom.component import Licence
    from repro.sbom.python_metadata import Package
    from repro.sbom.python_origin import Origin

MAX_ADDRESSES = 50
"""Addresses of one package that are told."""

KINDS = {
    "homepage": "website",
    "source": "vcs",
    "repository": "vcs",
    "sourcecode": "vcs",
    "github": "vcs",
    "documentation": "documentation",
    "docs": "documentation",
    "changelog": "release-notes",
    "changes": "release-notes",
    "whatsnew": "release-notes",
    "history": "release-notes",
    "releasenotes": "release-notes",
    "issues": "issue-tracker",
    "issue": "issue-tracker",
    "issuetracker": "issue-tracker",
    "tracker": "issue-tracker",
    "bugtracker": "issue-tracker",
    "bugs": "issue-tracker",
    "bugreports": "issue-tracker",
    "download": "distribution",
}
"""Kinds of addresses by their label, normalised as PyPA "Well-known Project URLs" says."""

_PLAIN_NAME = re.compile(r"[a-z0-9-]+")
_PLAIN_VERSION = re.compile(r"[A-Za-z0-9.]*")
"""What stands in a package URL as it is."""


def component_of(
    package: Package, origin: Origin, stated: tuple[Licence, ...], *, ref: str = "", inside: str = ""
) -> Component:
    """The component of a package with these licences; `ref` "" stands for its package URL."""
    purl = purl_of(package.name, package.version, origin.qualifiers)
    author = package.one("Author") or package.one("Author-email")
    return Component(
        ref=ref or purl or ref_in("python", package.folder),
        name=package.name,
        version=package.version,
        purl=purl,
        description=plain(package.one("Summary")),
        author=plain(author),
        licences=stated,
        references=(*origin.references, *_addresses(package)),
        properties=origin.properties,
        inside=inside,
    )


def purl_of(name: str, version: str, qualifiers: Mapping[str, str] | None = None) -> str:
    """`pkg:pypi/NAME@VERSION` with the name as PEP 503 writes it; "" for a name that is none."""
    if not (clean := normalised(name).strip("- /")):
        return ""
    if not qualifiers and _PLAIN_NAME.fullmatch(clean) and _PLAIN_VERSION.fullmatch(version):
        return f"pkg:pypi/{clean}@{version}" if version else f"pkg:pypi/{clean}"  # all but a few
    from packageurl import PackageURL

    return str(PackageURL("pypi", None, clean, version or None, dict(qualifiers or {})).to_string())


def _addresses(package: Package) -> Iterator[Reference]:
    """Project-URL and the older Home-page and Download-URL, each once, without credentials."""
    pairs = [("Homepage", package.one("Home-page")), ("Download", package.one("Download-URL"))]
    for text in package.all("Project-URL")[:MAX_ADDRESSES]:
        label, _, url = text.partition(",")
        pairs.append((label, url))
    for label, url in pairs:
        address = public(url.strip()) if url else ""
        if address:
            key = "".join(char for char in label.lower() if char.isalnum())
            yield Reference(kind=KINDS.get(key, "other"), url=address, comment=plain(label))
