"""What was found inside a component: nouns that every reader of contents gives."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from repro.sbom.component import Component, Finding


_AS_THEY_ARE = "/@:+=,~ "
"""Characters that stand in references as they are, beside letters, digits and `_.-`; never `#` or `!`."""

_PLAIN = re.compile(r"[A-Za-z0-9_.\-/@:+=,~ ]*")
"""A text of those alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Components that stand inside another, who needs whom among them, and what was wrong.

    `needs` has a key for every component; findings name paths below the tree.
    """

    components: tuple[Component, ...] = ()
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def joined(parts: Iterable[Found]) -> Found:
    """All parts as one; what two parts say of one component's needs holds together."""
    components: list[Component] = []
    findings: list[Finding] = []
    needs: dict[str, tuple[str, ...]] = {}
    for part in parts:
        components += part.components
        findings += part.findings
        for ref, needed in part.needs.items():
            needs[ref] = tuple(sorted({*needs[ref], *needed})) if ref in needs else needed
    return Found(components=tuple(components), needs=needs, findings=tuple(findings))


def ref_in(inside: str, *parts: str) -> str:
    """The reference of a thing inside another, by foreign words; other words never give the same."""
    return f"{inside}#{'!'.join(map(_escaped, parts))}"


def _escaped(part: str) -> str:
    if _PLAIN.fullmatch(part):  # nine of ten, in a fraction of the time
        return part
    return quote(part, _AS_THEY_ARE, errors="surrogatepass")
