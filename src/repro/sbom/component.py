"""The nouns of an inventory: components, what they depend on, and what was found wrong on the way.

An inventory is what was read from a target, before any format. Every kind of target (a Nix closure, a Python
environment, an image) gives the same nouns, so that documents, checks and differences are written once.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from repro.core.digest import Digest, of_value

if TYPE_CHECKING:
    from collections.abc import Mapping

NAR_HASH = "repro:nix:narHash"
"""Property: the hash of a store path's NAR serialisation; never the SHA-256 of a file."""

CONTENT = "repro:content"
"""Property: one digest over all files of a component that has many, by `content_of`."""

CONTENT_HASHES = (NAR_HASH, CONTENT)
"""Properties that stand for a component's bytes: `repro sbom check` compares them beside `digests`."""

HASHES = "repro:python:hashes"
"""Property `RECORD`: `CONTENT` is over the digests that the package's RECORD states (of what it states none,
over the file's own). It does not say that anybody compared them with the files: `repro sbom check` does."""

_FOR_URLS = bytes.maketrans(b"+/", b"-_")
_FROM_URLS = bytes.maketrans(b"-_", b"+/")

REQUIRES = "repro:python:requires"
"""Property of a package that is required and not there: a requirement, as the distribution states it."""


class Kind(StrEnum):
    """What a component is, in CycloneDX's words (1.6, component.type)."""

    APPLICATION = "application"
    CONTAINER = "container"
    DATA = "data"
    FILE = "file"
    LIBRARY = "library"
    OPERATING_SYSTEM = "operating-system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """What a package says of its licence: an SPDX expression where it is one, else its own words; and texts.

    `texts` are pairs of file name and text (PEP 639).
    """

    expression: str = ""
    name: str = ""
    texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A place outside: its CycloneDX kind (`vcs`, `distribution`, `website`), address and known digests.

    Addresses carry no user, password or token: readers pass them through `repro.sbom.address.public`.
    """

    kind: str
    url: str
    digests: tuple[Digest, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A patch applied to a component: its name, its diff where it is at hand, and the CVEs it resolves."""

    name: str
    diff: str = ""
    resolves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One thing that is there.

    `ref` names it within its inventory, stable for the same content. `digests` are of one flat file or
    archive; a NAR hash is no such digest: it stands in `properties` as `repro:nix:narHash`. `properties` are
    pairs of name and value, sorted by the writers. `inside` is the `ref` of the component that holds it.
    """

    ref: str
    name: str
    version: str = ""
    kind: Kind = Kind.LIBRARY
    purl: str = ""
    cpe: str = ""
    description: str = ""
    author: str = ""
    licences: tuple[Licence, ...] = ()
    digests: tuple[Digest, ...] = ()
    references: tuple[Reference, ...] = ()
    patches: tuple[Patch, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    inside: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong that was met while reading: where, and in words what; it never stops the reading.

    `belies` says that what is there is not what the target itself states of it, as a file that is not what
    RECORD states.
    """

    where: str
    what: str
    belies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What a target holds: the target itself as a component, its parts, and who needs whom.

    `needs` has a key for every component, the target included; a leaf has an empty tuple.
    """

    target: Component
    components: tuple[Component, ...]
    needs: Mapping[str, tuple[str, ...]]
    findings: tuple[Finding, ...] = ()
    properties: tuple[tuple[str, str], ...] = field(default=())


def content_of(files: Mapping[str, Digest]) -> str:
    """The value of `CONTENT`: the SHA-256 of the canonical JSON of paths and the digests of their bytes.

    Digests are written as RECORD of Python packages has them (`recorded`). Paths are relative to what holds
    them, such as `site-packages`; files that running a program writes (bytecode) and that tell of the place
    (`RECORD`, `direct_url.json`) are left out by the caller.
    """
    return content_of_words(
        {path: recorded(bytes.fromhex(digest.hex), digest.algorithm) for path, digest in files.items()}
    )


def content_of_words(files: Mapping[str, str]) -> str:
    """The same, of digests that are written so already: RECORD states ten thousand of them."""
    return str(of_value(files))


def recorded(digest: bytes, algorithm: str = "sha256") -> str:
    """A digest as RECORD writes it: Base64 for URLs without padding (RFC 4648, section 5)."""
    return f"{algorithm}={b2a_base64(digest, newline=False).translate(_FOR_URLS, b'=').decode()}"


def digest_of(word: str) -> Digest:
    """The digest that is written so."""
    algorithm, _, text = word.partition("=")
    padded = text.encode().translate(_FROM_URLS) + b"=" * (-len(text) % 4)
    return Digest(algorithm, a2b_base64(padded).hex())
