"""The SBOM of the environment that a run had, read where it stands, else from what the record says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.core.digest import Digest
from repro.core.errors import RealisationError
from repro.sbom.component import Component, Inventory
from repro.sbom.document import written
from repro.sbom.python_component import purl_of
from repro.tools import host

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from repro.store.record import Record

TARGET = "environment"


def environment_sbom(root: Path, record: Record) -> bytes:
    """A CycloneDX document about the environment of a run. Raises RealisationError where it is gone."""
    environment = record.conditions["environment"]
    kind = environment["kind"]
    if kind == "venv":
        return written(_venv(environment, record.run))
    return written(_nix(root, environment) if kind == "nix" else _named(environment))


def _venv(environment: Mapping[str, Any], run: str) -> Inventory:
    """Package by package, each with the digest of its files, which are read."""
    from repro.sbom.python_environment import environment as inventory

    tree = host.cache_folder() / "environments" / Digest.parse(environment["digest"]).hex / "venv"
    if not tree.is_dir():
        raise RealisationError(
            f"{run}: its environment {environment['name']} is not on this machine any more",
            hint=f"run it again: repro replay '{run}' --no-cache",
        )
    return inventory(tree, measured=True)


def _nix(root: Path, environment: Mapping[str, Any]) -> Inventory:
    """The closure that the record lists, as the store knows it."""
    from repro.sbom.nix_runtime import runtime
    from repro.tools.nix_closures import NixClosures

    facts = environment["facts"]
    store = facts["derivation"].rpartition("/")[0]
    return runtime(NixClosures(root), [f"{store}/{name}" for name in sorted(facts["closure"])])


def _named(environment: Mapping[str, Any]) -> Inventory:
    """The caller's own interpreter: the record knows names and versions of packages, and nothing more."""
    facts = environment["facts"]
    components = tuple(
        Component(
            ref=purl_of(name, version) or f"python:{name}",
            name=name,
            version=version,
            purl=purl_of(name, version),
        )
        for name, version in sorted(facts["packages"].items())
    )
    target = Component(ref=TARGET, name=environment["name"], version=facts["python"])
    needs = {one.ref: () for one in components} | {TARGET: tuple(sorted({one.ref for one in components}))}
    return Inventory(target=target, components=components, needs=needs)
