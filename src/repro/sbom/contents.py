"""What stands inside a path of a store, a layer or a package: Python packages, crates and Go modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.sbom.contents_found import Found, joined, ref_in
from repro.sbom.elf import candidates, sections
from repro.sbom.python_metadata import packages
from repro.sbom.python_parts import part_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from repro.sbom.tree import Tree

__all__ = ["Found", "found", "programs"]


def found(tree: Tree, inside: str) -> Found:
    """What is in the files of `tree`, as components inside the component whose `ref` is `inside`.

    Python packages by their metadata, crates of programs built with `cargo auditable`, and Go modules by
    the build information of programs. Nothing is run. References are unique for one `inside`.
    """
    paths = list(tree.paths())
    python = (
        part_of(tree, each, ref_in(inside, each.folder), inside).found for each in packages(tree, paths)
    )
    return joined((*python, *programs(tree, paths, inside)))


def programs(tree: Tree, paths: Iterable[str], inside: str) -> Iterator[Found]:
    """The crates and Go modules of each program and library among `paths`."""
    for path in candidates(paths):
        for name, data in sections(tree, path):
            yield _listed(name, data, path, inside)


def _listed(section: str, data: bytes, path: str, inside: str) -> Found:
    """What a section lists; its reader is loaded where there is one."""
    if section == ".go.buildinfo":
        from repro.sbom.golang import modules

        return modules(data, path, inside)
    from repro.sbom.rust import crates

    return crates(data, path, inside)
