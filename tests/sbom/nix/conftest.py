"""Closures made up in memory, and a small real one: a flake of packages that busybox builds."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.build.conftest import nix, project  # noqa: F401 - fixtures

from repro.tools.nix_closures import NixClosures
from repro.tools.nix_json import parse_path_info
from repro.tools.nix_recipes import parse_recipes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.build.conftest import Project

    from repro.tools.nix_nouns import PathInfo
    from repro.tools.nix_recipes import Recipe

STORE = "/nix/store"


def store_path(name: str) -> str:
    """A path of that name; its hash is made of the name."""
    return f"{STORE}/{hashlib.sha256(name.encode()).hexdigest()[:32]}-{name}"


def closure(
    references: Mapping[str, Sequence[str]], derivers: Mapping[str, str] | None = None
) -> dict[str, PathInfo | None]:
    """A closure of names, through the text that Nix would print."""
    document = {
        store_path(name): {
            "narHash": "sha256-" + base64.b64encode(hashlib.sha256(name.encode()).digest()).decode(),
            "narSize": 8,
            "references": [store_path(each) for each in refs],
            "deriver": store_path(derivers[name]) if derivers and name in derivers else None,
        }
        for name, refs in references.items()
    }
    return parse_path_info(json.dumps(document).encode())


def recipe(
    name: str, *, inputs: Sequence[str] = (), output: Mapping[str, str] | None = None, **env: str
) -> Recipe:
    """A derivation, through the text that Nix 2.26 would print."""
    made: dict[str, Any] = {"path": store_path(name), **(output or {})}
    entry = {
        "name": name,
        "system": "x86_64-linux",
        "outputs": {"out": made},
        "env": {"out": made["path"], **env},
        "inputDrvs": {store_path(f"{each}.drv"): {"outputs": ["out"]} for each in inputs},
        "inputSrcs": [],
    }
    (found,) = parse_recipes(json.dumps({store_path(f"{name}.drv"): entry}).encode()).values()
    return found


def by_path(*recipes: Recipe) -> dict[str, Recipe]:
    """Derivations by their path."""
    return {each.path: each for each in recipes}


@pytest.fixture
def door(project: Project) -> NixClosures:  # noqa: F811
    """The door to the test's own Nix."""
    return NixClosures(project.root, program=str(project.nix.program), extra=project.nix.environment)
