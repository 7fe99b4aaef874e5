"""Which package of which OSV ecosystem a component is, and how that ecosystem orders its versions.

A package URL's type names the ecosystem (OSV schema, "affected[].package"). Types that are not listed, Nix's
among them, are in no database of this format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core.errors import FormatError
from repro.sbom import debian_version
from repro.sbom.oci_debian import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from packageurl import PackageURL

    from repro.sbom.component import Component

    Order = Callable[[str], Any]
    """Makes of a version what compares as the ecosystem orders; ValueError for what is no version."""

ECOSYSTEMS = {
    "cargo": "crates.io",
    "composer": "Packagist",
    "gem": "RubyGems",
    "golang": "Go",
    "hex": "Hex",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pub": "Pub",
    "pypi": "PyPI",
}
"""Types of package URLs, and the ecosystems of OSV that they belong to."""

DISTRIBUTIONS = {"debian": "Debian", "ubuntu": "Ubuntu"}
"""Namespaces of `pkg:deb` and their ecosystems, each release one of its own (`Debian:12`)."""

SEMVER = {"crates.io", "Go", "npm", "Hex", "Pub"}
"""Ecosystems whose versions are ordered by SemVer 2.0.0 (OSV schema, "Defined ecosystems")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package as databases name it; `release` of a distribution, "" elsewhere."""

    ecosystem: str
    name: str
    version: str
    release: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """By which entries are looked up."""
        return self.ecosystem, self.name

    def is_of(self, ecosystem: str) -> bool:
        """Whether an entry's ecosystem, such as `Debian:12` or `Ubuntu:22.04:LTS`, is the package's."""
        _, _, release = ecosystem.partition(":")
        return not release or not self.release or release.removesuffix(":LTS") == self.release


def base_of(ecosystem: str) -> str:
    """The ecosystem without its release."""
    return ecosystem.partition(":")[0]


def key_of(ecosystem: str, name: str) -> tuple[str, str]:
    """The key of a package that an entry names."""
    base = base_of(ecosystem)
    return base, normal_name(base, name)


def normal_name(ecosystem: str, name: str) -> str:
    """The one form of all spellings of a name: PEP 503 for PyPI; where case does not tell apart, lower."""
    if ecosystem == "PyPI":
        return re.sub(r"[-_.]+", "-", name).lower()
    return name.lower() if ecosystem in {"Go", "Packagist", "NuGet"} else name


def package_of(component: Component) -> Package:
    """Which package a component is. Raises FormatError with the reason where no ecosystem can have it."""
    if not component.purl:
        raise FormatError("states no package URL")
    url = _url(component.purl)
    if url.type == "deb":
        return _debian(component, url)
    ecosystem = ECOSYSTEMS.get(url.type)
    if ecosystem is None:
        raise FormatError(f"pkg:{url.type} is in no ecosystem of OSV that is read")
    version = url.version or component.version
    if not version:
        raise FormatError("states no version")
    glue = ":" if ecosystem == "Maven" else "/"
    name = f"{url.namespace}{glue}{url.name}" if url.namespace else url.name
    return Package(ecosystem=ecosystem, name=normal_name(ecosystem, name), version=version)


def _url(text: str) -> PackageURL:
    from packageurl import PackageURL

    try:
        return PackageURL.from_string(text)
    except ValueError as error:
        raise FormatError(f"its package URL cannot be read: {text[:200]!r}") from error


def _debian(component: Component, url: PackageURL) -> Package:
    """Debian tells of vulnerabilities by source package and release."""
    ecosystem = DISTRIBUTIONS.get(url.namespace or "")
    if ecosystem is None:
        raise FormatError(f"pkg:deb/{url.namespace or ''} is in no ecosystem of OSV that is read")
    qualifiers: dict[str, str] = dict(url.qualifiers or {})
    release = re.sub(r"^[a-z]+-", "", qualifiers.get("distro", ""))
    if not re.match(r"[0-9]", release):
        raise FormatError(f"does not state by number which release of {ecosystem} it is of")
    name, version = _source(component, url, qualifiers)
    if not version:
        raise FormatError("states no version")
    return Package(ecosystem=ecosystem, name=name, version=version, release=release)


def _source(component: Component, url: PackageURL, qualifiers: dict[str, str]) -> tuple[str, str]:
    """Name and version of the source package: as `repro sbom` states it, as `upstream` does, or the same."""
    stated = dict(component.properties).get(SOURCE, "").split(" ")
    if len(stated) == 2:  # noqa: PLR2004 - name and version
        return stated[0], stated[1]
    name, _, version = qualifiers.get("upstream", "").partition("@")
    return name or url.name, version or url.version or component.version


def order_of(ecosystem: str, kind: str) -> Order | None:
    """How a range of this type orders versions in this ecosystem; None where that is not known.

    `SEMVER` is the same everywhere; `ECOSYSTEM` is the ecosystem's own.
    """
    base = base_of(ecosystem)
    if kind == "SEMVER" or (kind == "ECOSYSTEM" and base in SEMVER):
        return _semver
    if kind != "ECOSYSTEM":
        return None
    if base == "PyPI":
        return _pep440
    return debian_version.key if base in {"Debian", "Ubuntu"} else None


def _pep440(version: str) -> Any:  # noqa: ANN401 - what compares
    from packaging.version import Version

    return Version(version)  # InvalidVersion is a ValueError


def _semver(version: str) -> Any:  # noqa: ANN401 - what compares
    """By precedence (SemVer 2.0.0, section 11); Go writes a `v` before (golang.org/ref/mod#versions)."""
    from semver import Version

    return Version.parse(version.removeprefix("v").removeprefix("go"), optional_minor_and_patch=True)
