"""The files of an environment: which package each belongs to, and whether it is what RECORD states.

What an installer wrote has the digest that RECORD states. Read and hashed are files for which RECORD states
none, and those that cannot be what it states: of another size, or with two digests in one RECORD or in two.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from repro.sbom.component import CONTENT, HASHES, Finding, content_of_words
from repro.sbom.contents_found import Found, ref_in
from repro.sbom.python_metadata import plain
from repro.sbom.python_record import contents, hashed, lies, notes_of, record_of
from repro.sbom.python_unclaimed import component_of, unclaimed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from repro.sbom.component import Reference
    from repro.sbom.folder import FolderTree
    from repro.sbom.python_metadata import Package
    from repro.sbom.python_parts import Part
    from repro.sbom.python_record import Record

    Locked = Mapping[tuple[str, str], tuple[Reference, ...]]


@dataclass(frozen=True, kw_only=True)
class Files:
    """Packages with what they claim, what nobody claims, and the digests of the files that were read."""

    tree: FolderTree
    claims: Sequence[tuple[Part, Record]]
    loose: Mapping[str, Sequence[str]]
    digests: Mapping[str, str]

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

    def by_owner(self, paths: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        """Those of the files that belong to a component, by its reference, sorted."""
        found: dict[str, list[str]] = {}
        for path in paths:
            if ref := self.owners.get(path):
                found.setdefault(ref, []).append(path)
        for ref in sorted(found):
            yield ref, sorted(found[ref])

    def packages(self, allowed: Locked) -> Iterator[Found]:
        """Each package with its files' digest, the hashes of its lock, and what is wrong with RECORD."""
        versions: defaultdict[str, list[str]] = defaultdict(list)
        for name, version in sorted(allowed):
            versions[name].append(version)
        for part, record in self.claims:
            wrong = list(lies(part.package, record, self.digests))
            findings = [*part.found.findings, *record.findings(part.package), *wrong]
            findings += _other_version(part, versions)
            known = part.component
            references = allowed.get((part.package.key, known.version), ())
            component = replace(
                known,
                references=(*known.references, *references),
                properties=(*known.properties, *self._content(part, record, honest=not wrong)),
            )
            yield replace(
                part.found,
                components=(component, *part.found.components[1:]),
                findings=tuple(findings),
            )

    def unclaimed(self) -> Iterator[Found]:
        """What nobody claims, as components."""
        for place, paths in self.loose.items():
            yield component_of(place, paths, self.digests)

    def _content(self, part: Part, record: Record, *, honest: bool) -> Iterator[tuple[str, str]]:
        """The digest over a package's files, and whose word it is: of an honest RECORD always the same."""
        found = contents(self.tree, part.package, record, self.digests, editable=part.origin.is_editable)
        if found:
            yield CONTENT, content_of_words(found)
            if honest and any(record.files.values()):
                yield HASHES, "RECORD"


def files_of(tree: FolderTree, parts: Sequence[Part], sites: Sequence[str], *, measured: bool) -> Files:
    """The files of an environment whose packages stand in `sites`; `measured`: each is read."""
    listed = tree.listed
    claims = [(part, record_of(tree, part.package, listed)) for part in parts]
    claimed = set[str]().union(*(record.files for _, record in claims))
    loose: dict[str, list[str]] = {}
    for site in sites:
        loose.update(unclaimed(site, claimed, listed))
    wanted = {path for paths in loose.values() for path in paths}
    records = [record for _, record in claims]
    for part, record in claims:
        unknown = {path for path, stated in record.files.items() if not stated and not path.endswith(".pyc")}
        wanted |= unknown - notes_of(part.package)
    if measured:
        wanted.update(path for record in records for path, stated in record.files.items() if stated)
    else:
        wanted.update(_doubtful(tree, records, len(claimed)))
    return Files(tree=tree, claims=claims, loose=loose, digests=hashed(tree, wanted))


def _doubtful(tree: FolderTree, records: Sequence[Record], count: int) -> Iterator[str]:
    """Files, of the `count` that are claimed, which cannot be all that RECORDs state of them."""
    for record in records:
        hashed_there = [path for path, stated in record.files.items() if stated]
        for path, size in zip(hashed_there, tree.sizes(hashed_there), strict=True):
            if str(size) != record.sizes[path]:
                yield path
        yield from record.bad.twice
    if sum(len(record.files) for record in records) > count:
        known: dict[str, str] = {}
        for record in records:
            for path, stated in record.files.items():
                if stated and known.setdefault(path, stated) != stated:
                    yield path


def _other_version(part: Part, allowed: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    versions = allowed.get(part.package.key)
    if versions and part.component.version not in versions:
        what = f"{part.package.name} {part.component.version} is there, the lock allows {', '.join(versions)}"
        yield Finding(where=plain(part.package.folder), what=what)
