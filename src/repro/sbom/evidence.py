"""What a component states that can be compared: hashes of its bytes, and of what it may be installed from."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from repro.sbom.component import CONTENT_HASHES

if TYPE_CHECKING:
    from repro.sbom.component import Component


def evidence(component: Component) -> dict[str, str]:
    """What stands for a component's bytes: digests of its file or archive, and hashes of its contents."""
    found = {digest.algorithm: digest.hex for digest in component.digests}
    found.update({name: value for name, value in component.properties if name in CONTENT_HASHES})
    return found


def distributions(component: Component) -> dict[str, frozenset[str]]:
    """The digests, by algorithm, of the files that a component may be installed or was fetched from."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for reference in component.references:
        if reference.kind == "distribution":
            for digest in reference.digests:
                found[digest.algorithm].add(digest.hex)
    return {algorithm: frozenset(values) for algorithm, values in found.items()}
