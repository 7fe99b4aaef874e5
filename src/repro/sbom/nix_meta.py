"""What nixpkgs states of packages (`meta`): licences, CPE, homepage, as evaluated and never built."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.errors import FormatError
from repro.sbom.address import public
from repro.sbom.component import Licence
from repro.sbom.expression import normal
from repro.sbom.nix_names import is_clean

if TYPE_CHECKING:
    from repro.tools.nix_closures import NixClosures

MAX_BYTES = 256 << 20
"""Cap on what an evaluation prints, in bytes."""

_CPE = re.compile(r"cpe:2\.3:[aho](?::[!-~]{1,255}?){10}")
OPERATORS = {"AND", "OR", "WITH"}
"""How nixpkgs joins licences, as SPDX does (SPDX 2.3, annex D)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What the packager states of a package."""

    licences: tuple[Licence, ...] = ()
    cpe: str = ""
    homepage: str = ""
    description: str = ""


def evaluated(nix: NixClosures, installable: str) -> dict[str, Meta]:
    """The meta of a flake's package and of those that it is made of, by output path; nothing is built."""
    function = resources.files("repro.sbom").joinpath("nix_meta.nix").read_text(encoding="utf-8")
    return parse_meta(nix.applied(installable, function))


def parse_meta(data: bytes) -> dict[str, Meta]:
    """What `nix_meta.nix` evaluated to: meta by output path; FormatError where it is not that."""
    found = strictjson.parse(data, name="nix eval", max_bytes=MAX_BYTES)
    if not isinstance(found, list) or not all(
        isinstance(each, dict) and isinstance(each.get("outputs"), list) for each in found
    ):
        raise FormatError("nix eval: not the meta of packages")
    metas: dict[str, Meta] = {}
    for entry in found:
        meta = _meta(entry)
        metas |= {path: meta for path in entry["outputs"] if isinstance(path, str)}
    return metas


def _meta(entry: dict[str, Any]) -> Meta:
    cpe, homepage = _word(entry.get("cpe")), entry.get("homepage")
    homepage = _word(homepage[0] if isinstance(homepage, list) and homepage else homepage)
    return Meta(
        licences=licences_of(entry.get("license")),
        cpe=cpe if _CPE.fullmatch(cpe) else "",
        homepage=public(homepage) if homepage.startswith(("http:", "https:")) else "",
        description=_clean(_word(entry.get("description"))),
    )


def licences_of(value: object) -> tuple[Licence, ...]:
    """The licences of a package: SPDX expressions where they are such, else the packager's words.

    A plain list in nixpkgs does not say whether all or any of them hold: each stands for itself.
    """
    values = value if isinstance(value, list) else [value]
    found = dict.fromkeys(_said(text) for text in map(_text, values) if text)
    return tuple(found)


def _text(value: object) -> str:
    """The words of one licence; newer nixpkgs joins several by an operator."""
    if not isinstance(value, dict):
        return _word(value)
    parts, operator = value.get("licenses"), value.get("operator")
    if isinstance(parts, list) and operator in OPERATORS:
        texts = [f"({text})" if " " in text else text for text in map(_text, parts) if text]
        return f" {operator} ".join(texts)
    return next(filter(None, (_word(value.get(key)) for key in ("spdxId", "fullName", "shortName"))), "")


@cache
def _said(text: str) -> Licence:
    """Some words as an expression, if they are one of SPDX, else as a name."""
    try:
        return Licence(expression=normal(text))
    except FormatError:
        return Licence(name=_clean(text))


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _clean(text: str) -> str:
    """One line without control characters."""
    return text if is_clean(text) else "".join(c if c.isprintable() else "\ufffd" for c in text)[:255]
