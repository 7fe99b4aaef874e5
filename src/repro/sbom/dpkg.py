"""Packages that dpkg installed, as its database states them (deb-control(5), deb-version(7))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.sbom.component import Licence
from repro.sbom.expression import is_expression, normal
from repro.sbom.python_metadata import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MAX_PACKAGES = 100_000
"""Packages of one database; all of Debian 12 has 64,000."""

MAX_WORDS = 200
"""Characters of a licence that is no expression."""

MAX_LICENCES = 200
"""Licences read from one file of copyright."""

FIRST = "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0"
"""How a copyright file begins that programs can read (Debian Policy, section 12.5)."""

_FIELD = re.compile(r"(?P<name>[!-9;-~]+):[ \t]*(?P<value>.*)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*")
_VERSION = re.compile(r"[A-Za-z0-9.+:~-]+")
_NEEDED = re.compile(r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(.*)?")
_SOURCE = re.compile(r"(?P<name>[^\s(]+)(?:\s*\((?P<version>[^)]+)\))?")

SPDX = {
    "Expat": "MIT",
    "BSD-2-clause": "BSD-2-Clause",
    "BSD-3-clause": "BSD-3-Clause",
    "BSD-4-clause": "BSD-4-Clause",
    "Artistic": "Artistic-1.0-Perl",
    "CC0": "CC0-1.0",
    "zlib": "Zlib",
    "ISC": "ISC",
}
"""Short names of Debian (copyright format 1.0, section 7.1) that SPDX writes otherwise, but for GNU's."""

_GNU = re.compile(r"(?P<name>A?GPL|LGPL|GFDL)-(?P<version>[0-9](?:\.[0-9])?)(?P<later>\+?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One installed package; `needs` are alternatives for each thing needed, by name."""

    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    maintainer: str
    homepage: str
    description: str
    needs: tuple[tuple[str, ...], ...] = ()
    provides: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """Name and architecture: dpkg holds one version of each."""
        return f"deb:{self.name}:{self.architecture}"


def parse_status(data: bytes, *, name: str) -> tuple[list[Package], list[str]]:
    """The installed packages of a `status` file, and in words what is wrong with others.

    A file of `status.d` (distroless images) has the same form, and states no status.
    """
    packages: list[Package] = []
    wrong: list[str] = []
    for stanza in stanzas(data.decode(errors="replace")):
        if stanza.get("status", "install ok installed").split()[-1:] != ["installed"]:
            continue
        package, version = stanza.get("package", ""), stanza.get("version", "")
        architecture = stanza.get("architecture", "all")
        if not (_NAME.fullmatch(package) and _VERSION.fullmatch(version) and _NAME.fullmatch(architecture)):
            wrong.append(f"a package without a proper name and version: {package[:80]!r} {version[:80]!r}")
            continue
        packages.append(_package(stanza, package, version))
        if len(packages) > MAX_PACKAGES:
            raise FormatError(f"{name}: more than {MAX_PACKAGES} packages")
    return packages, wrong


def stanzas(text: str) -> Iterator[dict[str, str]]:
    """Paragraphs of fields, names in lower case; the lines of a field are joined by line ends."""
    found: dict[str, str] = {}
    last = ""
    for line in (*text.split("\n"), ""):
        if not line.strip():
            if found:
                yield found
            found, last = {}, ""
        elif line[0] in " \t":
            if last:
                found[last] += f"\n{line.strip()}"
        elif match := _FIELD.fullmatch(line):
            last = match["name"].lower()
            found[last] = match["value"].strip()


def _package(stanza: dict[str, str], name: str, version: str) -> Package:
    source = _SOURCE.match(stanza.get("source", "")) or _SOURCE.match(name)
    needs = [
        tuple(_names(each.split("|")))
        for key in ("pre-depends", "depends")
        for each in stanza.get(key, "").split(",")
        if each.strip()
    ]
    return Package(
        name=name,
        version=version,
        architecture=stanza.get("architecture", "all"),
        source=source["name"] if source else name,
        source_version=(source["version"] if source else "") or version,
        maintainer=stanza.get("maintainer", ""),
        homepage=stanza.get("homepage", ""),
        description=stanza.get("description", "").partition("\n")[0],
        needs=tuple(needs),
        provides=tuple(_names(stanza.get("provides", "").split(","))),
    )


def _names(words: Iterable[str]) -> Iterator[str]:
    return (match["name"] for match in map(_NEEDED.fullmatch, words) if match)


def resolved(packages: Sequence[Package]) -> dict[str, tuple[str, ...]]:
    """Whom each package needs, by references: of alternatives the first that is there."""
    known: dict[str, dict[str, str]] = {}
    for package in packages:
        for name in (package.name, *package.provides):
            known.setdefault(name, {}).setdefault(package.architecture, package.ref)
    return {
        package.ref: tuple(
            sorted(
                {
                    ref
                    for choices in package.needs
                    if (ref := _first(choices, known, package.architecture)) and ref != package.ref
                }
            )
        )
        for package in packages
    }


def _first(choices: tuple[str, ...], known: Mapping[str, Mapping[str, str]], architecture: str) -> str:
    for choice in choices:
        refs = known.get(choice)
        if refs:
            return refs.get(architecture) or refs.get("all") or min(refs.values())
    return ""


def parse_copyright(data: bytes) -> tuple[Licence, ...]:
    """The licences that a copyright file names, if it is one for programs; each stands for some files."""
    text = data.decode(errors="replace")
    found: dict[str, None] = {}
    for number, stanza in enumerate(stanzas(text)):
        if number == 0 and not _is_readable(stanza.get("format", "")):
            return ()
        if "files" in stanza or number == 0:
            word = stanza.get("license", "").partition("\n")[0].strip()
            if word and len(found) < MAX_LICENCES:
                found[word] = None
    return tuple(map(licence, sorted(found)))


def _is_readable(form: str) -> bool:
    return form.replace("http:", "https:").rstrip("/").startswith(FIRST)


def licence(words: str) -> Licence:
    """A licence in Debian's words: as an SPDX expression if it is one once short names are replaced."""
    parts = re.split(r"(\s+|[()])", words.replace(",", ""))
    text = "".join(_spdx(part) for part in parts)
    return Licence(expression=normal(text)) if is_expression(text) else Licence(name=plain(words, MAX_WORDS))


def _spdx(part: str) -> str:
    if part in {"and", "or", "with"}:
        return part.upper()
    if match := _GNU.fullmatch(part):
        version = match["version"] if "." in match["version"] else f"{match['version']}.0"
        return f"{match['name']}-{version}-{'or-later' if match['later'] else 'only'}"
    return SPDX.get(part, part)
