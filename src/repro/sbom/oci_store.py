"""The Nix part of an image: store paths that its layers hold, with their contents."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.sbom.component import CONTENT, Component, content_of
from repro.sbom.contents import found
from repro.sbom.contents_found import Found, joined
from repro.sbom.layers import LayerTree
from repro.sbom.nix_names import guessed_output, named, package_url, parsed_name
from repro.sbom.python_metadata import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.sbom.layers import File

_PATH = re.compile(
    r"nix/store/(?P<base>[0-9abcdfghijklmnpqrsvwxyz]{32}-[A-Za-z0-9+._?=-]+)(?:/(?P<rest>.*))?", re.DOTALL
)
"""A store path has 32 digits of Nix's base 32, and a name of few characters (Nix manual, "Store Path")."""


def store_paths(files: Mapping[str, File]) -> tuple[dict[str, dict[str, File]], dict[str, File]]:
    """Files by the store path that holds them, relative to it ("" for the path itself), and the rest."""
    paths: defaultdict[str, dict[str, File]] = defaultdict(dict)
    rest: dict[str, File] = {}
    for path, file in files.items():
        match = _PATH.fullmatch(path) if path.startswith("nix/store/") else None
        if match:
            paths[match["base"]][match["rest"] or ""] = file
        else:
            rest[path] = file
    return dict(sorted(paths.items())), rest


def stored(base: str, files: Mapping[str, File]) -> Found:
    """A store path as a component, and what is inside it."""
    name, output = guessed_output(named(base))
    package, version = parsed_name(name)
    digests = {path: Digest("sha256", file.sha256.hex()) for path, file in files.items()}
    component = Component(
        ref=base,
        name=plain(package),
        version=plain(version),
        purl=package_url(package, version, output=output),
        digests=(digests[""],) if "" in digests else (),
        properties=((CONTENT, content_of(digests)),),
    )
    own = Found(components=(component,), needs={base: ()})
    return joined((own, found(LayerTree(files), base)))
