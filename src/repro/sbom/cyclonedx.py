"""An inventory as a CycloneDX document: plain values as cyclonedx-python-lib's serialiser gives them.

The library sorts and registers in quadratic time (20,000 components take most of a minute), so this one step
is our own; tests/sbom/documents proves that both give the same for each version of the specification.
Source: CycloneDX 1.4 to 1.7, JSON schemas.
"""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from repro import __version__
from repro.core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from repro.core.digest import Digest
    from repro.sbom.component import Component, Inventory, Kind, Licence, Patch, Reference

SPECS = ("1.4", "1.5", "1.6", "1.7")
"""Versions of the specification that are written."""

DEFAULT_SPEC = "1.6"

ALGORITHMS = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
"""Names of the house's algorithms in CycloneDX (1.6, hash-alg)."""

KINDS = {
    "1.4": frozenset(
        {"advisories", "bom", "build-meta", "build-system", "chat", "distribution", "documentation"}
        | {"issue-tracker", "license", "mailing-list", "other", "release-notes", "social", "support"}
        | {"vcs", "website"}
    ),
    "1.5": frozenset(
        {"adversary-model", "attestation", "certification-report", "codified-infrastructure"}
        | {"component-analysis-report", "configuration", "distribution-intake", "dynamic-analysis-report"}
        | {"evidence", "exploitability-statement", "formulation", "log", "maturity-report", "model-card"}
        | {"pentest-report", "poam", "quality-metrics", "risk-assessment", "runtime-analysis-report"}
        | {"security-contact", "static-analysis-report", "threat-model", "vulnerability-assertion"}
    ),
    "1.6": frozenset({"digital-signature", "electronic-signature", "rfc-9116", "source-distribution"}),
    "1.7": frozenset({"citation", "patent", "patent-assertion", "patent-family"}),
}
"""Kinds of external references by the version that brought them; an earlier one calls them `other`."""

AUTHORS = "1.6"
"""The version of the specification since which a list of authors stands in place of one."""

FINDING = "repro:finding"
"""Property of the document: something wrong that was met while reading the target."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_IPV6 = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\[[0-9A-Fa-f:.]+\](?::[0-9]+)?(?=[/?#]|$)")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PLAIN = re.compile(r"(?:[A-Za-z]+://)?[A-Za-z0-9!$&()*+,./;=?@_~-]*")
"""An address, or a name, with nothing to encode and without a port."""


def document(inventory: Inventory, *, spec: str, timestamp: str = "") -> dict[str, Any]:
    """The document's values without a serial number; components and dependencies are sorted by reference.

    These two are iterators, for where there are many, one after another takes less memory and time than all
    at once. The keys of all objects below the first are in order too.
    `timestamp` is RFC 3339, "" for none. Raises FormatError where two components have one reference, or a
    dependency or a holder is none of them.
    """
    require_sound(inventory)
    held: dict[str, list[Component]] = {}
    for component in inventory.components:
        held.setdefault(component.inside if component.inside != inventory.target.ref else "", []).append(
            component
        )
    metadata: dict[str, Any] = {
        "component": _component(inventory.target, {}, spec),
        "properties": _properties(
            (*inventory.properties, *((FINDING, f"{each.where}: {each.what}") for each in inventory.findings))
        ),
        "timestamp": timestamp,
        "tools": _tools(spec),
    }
    top = held.pop("", [])
    fields: dict[str, Any] = {"components": _components(top, held, spec)} if top else {}
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec,
        "version": 1,
        "metadata": {key: value for key, value in metadata.items() if value},
        **fields,
        "dependencies": (
            _dependency(ref, inventory.needs.get(ref, ()))
            for ref in sorted([inventory.target.ref, *(each.ref for each in inventory.components)])
        ),
    }


def iri(text: str) -> str:
    """`text` as a reference that RFC 3986 allows: what it does not allow is percent-encoded."""
    if _PLAIN.fullmatch(text):  # nine of ten, in a tenth of the time
        return text
    text = _PERCENT.sub("%25", text)
    host = _IPV6.match(text)
    if host:  # the one place for brackets
        return host[0] + iri(text[host.end() :])
    path, mark, fragment = text.partition("#")
    found = quote(path, safe="!$%&()*+,-./:;=?@_~", errors="surrogateescape")
    if mark:
        found += "#" + quote(fragment, safe="!$%&()*+,-./:;=?@_~", errors="surrogateescape")
    head, slash, rest = found.partition("/")
    if ":" in head and not _SCHEME.match(head):  # no scheme: a colon may not stand in the first segment
        found = head.replace(":", "%3A") + slash + rest
    return found


def patch_reference(name: str) -> str:
    """A patch's name as the reference that stands for it: CycloneDX has no field for names of patches."""
    return iri(name)


def require_sound(inventory: Inventory) -> None:
    """Raise FormatError where references do not name one component each, or components hold themselves."""
    refs = {component.ref: component for component in (inventory.target, *inventory.components)}
    if len(refs) != len(inventory.components) + 1:
        raise FormatError(
            f"{inventory.target.name}: two components have the same reference",
            hint="this is a defect of what read the target; report it",
        )
    unknown = {*inventory.needs, *chain.from_iterable(inventory.needs.values())} - refs.keys()
    if unknown:
        raise FormatError(f"{inventory.target.name}: {min(unknown)} is needed, and is no component")
    for component in inventory.components:
        if component.inside:
            _require_holders(component, refs)


def _require_holders(component: Component, refs: Mapping[str, Component]) -> None:
    """Each holder is there, and no component is inside itself."""
    seen = {component.ref}
    holder = component.inside
    while holder:
        if holder not in refs or holder in seen:
            raise FormatError(f"{component.ref}: inside {holder}, which is no component that can hold it")
        seen.add(holder)
        holder = refs[holder].inside


def _tools(spec: str) -> Any:  # noqa: ANN401 - a list before 1.5, then an object
    tool = {"name": "repro", "version": __version__}
    return [tool] if spec == "1.4" else {"components": [{**tool, "type": "application"}]}


def _components(
    components: Iterable[Component], held: Mapping[str, Sequence[Component]], spec: str
) -> Iterator[dict[str, Any]]:
    return (_component(each, held, spec) for each in sorted(components, key=attrgetter("ref")))


def _component(component: Component, held: Mapping[str, Sequence[Component]], spec: str) -> dict[str, Any]:
    inside = held.get(component.ref)
    texts = [text for licence in component.licences for text in licence.texts]
    fields: dict[str, Any] = {
        "author": component.author if spec < AUTHORS else "",
        "authors": [{"name": component.author}] if component.author and spec >= AUTHORS else None,
        "bom-ref": component.ref,
        "components": list(_components(inside, held, spec)) if inside else None,
        "cpe": component.cpe,
        "description": component.description,
        "evidence": {"licenses": [_text(name, text) for name, text in sorted(set(texts))]} if texts else None,
        "externalReferences": [_reference(each, spec) for each in _sorted(component.references)],
        "hashes": _hashes(component.digests),
        "licenses": _licences(component.licences) if component.licences else None,
        "name": component.name,
        "pedigree": {"patches": [_patch(patch) for patch in _distinct(component.patches)]}
        if component.patches
        else None,
        "properties": _properties(component.properties),
        "purl": component.purl,
        "type": _type(component.kind, spec),
        "version": component.version,
    }
    return {key: value for key, value in fields.items() if value or key == "name"}


def _type(kind: Kind, spec: str) -> str:
    """The word for what a component is; 1.4 has none for data."""
    return "file" if kind == "data" and spec == "1.4" else str(kind)


def _sorted(references: Sequence[Reference]) -> Sequence[Reference]:
    if len(references) < 2:  # noqa: PLR2004 - nothing to sort, as with most
        return references
    return sorted(
        set(references),
        key=lambda each: (
            each.kind,
            each.url,
            each.comment,
            [(one.algorithm, one.hex) for one in each.digests],
        ),
    )


def _hashes(digests: Sequence[Digest]) -> list[dict[str, str]]:
    return [
        {"alg": ALGORITHMS[digest.algorithm], "content": digest.hex}
        for digest in (sorted(set(digests)) if len(digests) > 1 else digests)
        if digest.algorithm in ALGORITHMS
    ]


def _licences(licences: Iterable[Licence]) -> list[dict[str, Any]]:
    """A list of licences, or one expression: before 1.7 the specification allows no mixture.

    Several statements hold all together, so expressions are joined by AND; beside words that are none, an
    expression is written as a name.
    """
    stated = [each for each in licences if each.expression or each.name]
    expressions = sorted({each.expression for each in stated if each.expression})
    names = sorted({each.name for each in stated if not each.expression})
    if not names and not _identifiers().issuperset(expressions):
        parts = [f"({each})" if len(expressions) > 1 and " " in each else each for each in expressions]
        return [{"expression": " AND ".join(parts)}]
    return [
        {"license": {"id" if each in _identifiers() else "name": each}} for each in (*expressions, *names)
    ]


@cache
def _identifiers() -> frozenset[str]:
    """The licences that the schemas know; cyclonedx.spdx has them too, and loads a parser of expressions."""
    from cyclonedx.schema._res import SPDX_JSON

    return frozenset(json.loads(Path(SPDX_JSON).read_bytes())["enum"])


def _text(name: str, text: str) -> dict[str, Any]:
    return {"license": {"name": name, "text": {"content": text, "contentType": "text/plain"}}}


def _distinct(patches: Sequence[Patch]) -> Sequence[Patch]:
    if len(patches) < 2:  # noqa: PLR2004 - nothing to sort, as with most
        return patches
    return sorted(set(patches), key=lambda each: (each.name, each.diff, each.resolves))


def _patch(patch: Patch) -> dict[str, Any]:
    diff: dict[str, Any] = {}
    if patch.diff:
        diff["text"] = {"content": patch.diff, "contentType": "text/plain"}
    if patch.name:
        diff["url"] = patch_reference(patch.name)
    fields: dict[str, Any] = {"diff": diff} if diff else {}
    if patch.resolves:
        fields["resolves"] = [{"id": each, "type": "security"} for each in sorted(set(patch.resolves))]
    fields["type"] = "unofficial"
    return fields


def _reference(reference: Reference, spec: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"comment": reference.comment} if reference.comment else {}
    if hashes := _hashes(reference.digests):
        fields["hashes"] = hashes
    fields["type"] = _kind(reference.kind, spec)
    fields["url"] = iri(reference.url)
    return fields


def _kind(kind: str, spec: str) -> str:
    return kind if kind in _known(spec) else "other"


@cache
def _known(spec: str) -> frozenset[str]:
    return frozenset[str]().union(*(kinds for version, kinds in KINDS.items() if version <= spec))


def _properties(properties: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in sorted(set(properties))]


def _dependency(ref: str, needs: Iterable[str]) -> dict[str, Any]:
    """A leaf is declared by an entry without `dependsOn` (CycloneDX, dependencies; BSI TR-03183-2, 5.1)."""
    needed = sorted(set(needs))
    return {"dependsOn": needed, "ref": ref} if needed else {"ref": ref}
