"""The Nix part of an image: store paths that its layers hold, with their contents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.sbom.component import CONTENT, NAR_HASH, Component, content_of
from repro.sbom.contents import found
from repro.sbom.contents_found import Found, joined
from repro.sbom.layers import LayerTree
from repro.sbom.nix_names import guessed_output, named, package_url, parsed_name
from repro.sbom.python_metadata import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from repro.sbom.layers import File, Node, Stack

STORE = "nix/store"
_BASE = r"[0-9abcdfghijklmnpqrsvwxyz]{32}-[A-Za-z0-9+._?=-]+"
_PATH = re.compile(rf"{STORE}/(?P<base>{_BASE})(?:/(?P<rest>.*))?", re.DOTALL)
"""A store path has 32 digits of Nix's base 32, and a name of few characters (Nix manual, "Store Path")."""


def store_nodes(stack: Stack) -> dict[str, Node]:
    """The store paths of an image by their last parts, those of links alone included."""
    return {name: node for name, node in stack.folder(STORE).items() if re.fullmatch(_BASE, name)}


def store_paths(
    files: Mapping[str, File], bases: Iterable[str] = ()
) -> tuple[dict[str, dict[str, File]], dict[str, File]]:
    """Files by the store path that holds them, relative to it ("" for the path itself), and the rest.

    `bases` are those of store paths, which need not have a file.
    """
    paths: dict[str, dict[str, File]] = {base: {} for base in bases}
    rest: dict[str, File] = {}
    for path, file in files.items():
        match = _PATH.fullmatch(path) if path.startswith(f"{STORE}/") else None
        if match:
            paths.setdefault(match["base"], {})[match["rest"] or ""] = file
        else:
            rest[path] = file
    return dict(sorted(paths.items())), rest


def stored(base: str, files: Mapping[str, File], nar_hash: str = "") -> Found:
    """A store path as a component, and what is inside it; `nar_hash` is "" where it is not known."""
    name, output = guessed_output(named(base))
    package, version = parsed_name(name)
    digests = {path: Digest("sha256", file.sha256.hex()) for path, file in files.items()}
    component = Component(
        ref=base,
        name=plain(package),
        version=plain(version),
        purl=package_url(package, version, output=output),
        digests=(digests[""],) if "" in digests else (),
        properties=(
            *(((CONTENT, content_of(digests)),) if digests else ()),
            *(((NAR_HASH, nar_hash),) if nar_hash else ()),
        ),
    )
    own = Found(components=(component,), needs={base: ()})
    return joined((own, found(LayerTree(files), base)))
