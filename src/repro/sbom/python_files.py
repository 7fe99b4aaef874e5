"""The files of an environment: which package each belongs to, and whether it is what RECORD states."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from repro.sbom.component import CONTENT, Finding, content_of_sha256
from repro.sbom.contents_found import Found, ref_in
from repro.sbom.python_metadata import plain
from repro.sbom.python_record import contents, few, lies, record_of
from repro.sbom.python_record import hashed as hashed_files
from repro.sbom.python_unclaimed import component_of, unclaimed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from repro.sbom.component import Component
    from repro.sbom.lockfile import Locked
    from repro.sbom.python_metadata import Package
    from repro.sbom.python_parts import Part
    from repro.sbom.python_record import Record
    from repro.sbom.tree import Tree


@dataclass(frozen=True, kw_only=True)
class Files:
    """Packages with what they claim, what nobody claims, and the digests of the files (none: not read)."""

    tree: Tree
    claims: Sequence[tuple[Part, Record]]
    loose: Mapping[str, Sequence[str]]
    digests: Mapping[str, bytes]

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """The reference of the component that each file belongs to; of two that claim it, the first."""
        found: dict[str, str] = {}
        for part, record in reversed(self.claims):
            found.update(dict.fromkeys(record.files, part.component.ref))
        for place, paths in self.loose.items():
            found.update(dict.fromkeys(paths, ref_in("unclaimed", place)))
        return found

    def owner(self, package: Package) -> str:
        """Whose files a package inside another stands among, "" for nobody's."""
        return next(
            (ref for name in package.files if (ref := self.owners.get(f"{package.folder}/{name}"))), ""
        )

    def by_owner(self) -> Iterator[tuple[str, list[str]]]:
        """The files of each component, sorted."""
        found: dict[str, list[str]] = {}
        for path, ref in self.owners.items():
            found.setdefault(ref, []).append(path)
        for ref in sorted(found):
            yield ref, sorted(found[ref])

    def packages(self, allowed: Locked) -> Iterator[Found]:
        """Each package with its files' digest, the hashes of its lock, and what is wrong with RECORD."""
        for part, record in self.claims:
            findings = [*part.found.findings, *record.findings(part.package)]
            component = part.component
            if self.digests:
                findings += few(part.package, lies(record, self.digests), "is not what RECORD states")
                component = self._with_content(part, record)
            references = allowed.references.get((part.package.key, component.version), ())
            findings += _other_version(part, allowed)
            component = replace(component, references=(*component.references, *references))
            yield replace(
                part.found,
                components=(component, *part.found.components[1:]),
                findings=tuple(findings),
            )

    def unclaimed(self) -> Iterator[Found]:
        """What nobody claims, as components."""
        for place, paths in self.loose.items():
            yield component_of(place, paths, self.digests)

    def _with_content(self, part: Part, record: Record) -> Component:
        found = contents(self.tree, part.package, record, self.digests, editable=part.origin.is_editable)
        content = ((CONTENT, content_of_sha256(found)),) if found else ()
        return replace(part.component, properties=(*part.component.properties, *content))


def files_of(tree: Tree, parts: Sequence[Part], sites: Sequence[str], *, hashed: bool) -> Files:
    """The files of an environment whose packages stand in `sites`; `hashed`: each is read."""
    listed = frozenset(tree.paths())
    claims = [(part, record_of(tree, part.package, listed)) for part in parts]
    claimed = {path for _, record in claims for path in record.files}
    loose: dict[str, list[str]] = {}
    for site in sites:
        start = f"{site}/" if site else ""
        loose.update(
            unclaimed(site, [path for path in sorted(listed) if path.startswith(start)], claimed, listed)
        )
    wanted = {path for paths in loose.values() for path in paths}
    for _, record in claims if hashed else ():
        wanted.update(path for path, stated in record.files.items() if stated or not path.endswith(".pyc"))
    return Files(tree=tree, claims=claims, loose=loose, digests=hashed_files(tree, wanted) if hashed else {})


def _other_version(part: Part, allowed: Locked) -> Iterator[Finding]:
    versions = allowed.versions(part.package.key)
    if versions and part.component.version not in versions:
        what = f"{part.package.name} {part.component.version} is there, the lock allows {', '.join(versions)}"
        yield Finding(where=plain(part.package.folder), what=what)
