"""A wheel or a source distribution as an inventory: the file itself, what stands inside, what it requires."""

from __future__ import annotations

import hashlib
import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from repro.core.digest import Digest, of_bytes
from repro.core.errors import FormatError
from repro.sbom.component import Inventory
from repro.sbom.contents import programs
from repro.sbom.contents_found import joined, ref_in
from repro.sbom.python_licence import MAX_TEXT
from repro.sbom.python_metadata import MAX_METADATA, packages, plain
from repro.sbom.python_parts import part_of
from repro.sbom.python_record import hashed, lies, record_of
from repro.sbom.python_requires import required
from repro.sbom.python_unclaimed import component_of, unclaimed
from repro.tools.archive import CHUNK, Sort, tar_members, whole
from repro.tools.archive_streams import decompressed
from repro.tools.archive_zip import opened_zip
from repro.tools.files import hash_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from repro.sbom.component import Finding
    from repro.sbom.contents_found import Found
    from repro.sbom.python_parts import Part
    from repro.tools.archive_zip import Zip


class ZipTree:
    """Implements `Tree` over the regular files of an open zip."""

    def __init__(self, archive: Zip) -> None:
        self._archive = archive
        self.listed = frozenset(p for p, member in archive.members.items() if member.sort is Sort.FILE)

    def paths(self) -> Iterable[str]:
        """Every regular file, sorted."""
        return sorted(self.listed)

    def read(self, path: str, limit: int) -> bytes:
        """A file's bytes; FormatError where it has more than `limit` of them."""
        return self._archive.read(path, limit)

    def sha256(self, path: str) -> Digest:
        """The SHA-256 of a file's bytes, streamed."""
        hasher = hashlib.sha256()
        with self._archive.opened(path) as stream:
            while chunk := stream.read(CHUNK):
                hasher.update(chunk)
        return Digest("sha256", hasher.hexdigest())


class KeptTree:
    """Implements `Tree` over a few files that are kept in memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def paths(self) -> Iterable[str]:
        """Every file, sorted."""
        return sorted(self._files)

    def read(self, path: str, limit: int) -> bytes:
        """A file's bytes; FormatError where it has more than `limit` of them."""
        if len(self._files[path]) > limit:
            raise FormatError(f"{path[:200]}: more than the {limit} bytes that are read")
        return self._files[path]

    def sha256(self, path: str) -> Digest:
        """The SHA-256 of a file's bytes."""
        return of_bytes(self._files[path])


def wheel(path: Path) -> Inventory:
    """The inventory of a wheel. Raises FormatError where it is none, is damaged, or leads out of itself."""
    with opened_zip(path) as archive:
        tree = ZipTree(archive)
        known = packages(tree, tree.listed)
        own = [each for each in known if not each.site]
        if len(own) != 1 or "WHEEL" not in own[0].files:
            raise FormatError(f"{path.name}: no wheel: {len(own)} folders of metadata, or none of a wheel")
        part = part_of(tree, own[0])
        ref = part.component.ref
        held = [part_of(tree, each, ref_in(ref, each.folder), ref) for each in known if each.site]
        inner = joined((*(each.found for each in held), *programs(tree, tree.paths(), ref)))
        return _inventory(path, part, inner, _doubts(tree, part))


def sdist(path: Path) -> Inventory:
    """The inventory of a source distribution (`.tar.gz`, PyPA "Source distribution format").

    Raises FormatError where it is none, is damaged, or leads out of itself.
    """
    metadata = _members(path, lambda name: name.count("/") == 1 and name.endswith("/PKG-INFO"), MAX_METADATA)
    if len(metadata) != 1:
        raise FormatError(f"{path.name}: no source distribution: {len(metadata)} files NAME-VERSION/PKG-INFO")
    ((place, data),) = metadata.items()
    stem = place.partition("/")[0]
    folder = f"{stem}.dist-info"  # as a wheel has it, so that it is read like one
    files = {f"{folder}/METADATA": data}
    (package,) = packages(KeptTree(files), files)
    wanted = {posixpath.join(stem, name) for name in package.all("License-File")}
    texts = _members(path, wanted.__contains__, MAX_TEXT) if wanted else {}
    files.update((f"{folder}/licenses/{name.partition('/')[2]}", text) for name, text in texts.items())
    tree = KeptTree(files)
    (package,) = packages(tree, files)
    return _inventory(path, part_of(tree, package), joined(()), ())


def _inventory(path: Path, part: Part, inner: Found, doubts: Iterable[Finding]) -> Inventory:
    target = replace(part.component, digests=(hash_file(path),))
    wanted = required(part.package)
    parts = (*part.found.components[1:], *inner.components, *wanted.components)
    tops = tuple(sorted(each.ref for each in parts if each.inside in {"", target.ref}))
    return Inventory(
        target=target,
        components=parts,
        needs={**part.found.needs, **inner.needs, **wanted.needs, target.ref: tops},
        findings=tuple(dict.fromkeys((*part.found.findings, *doubts, *inner.findings, *wanted.findings))),
    )


def _doubts(tree: ZipTree, part: Part) -> Iterator[Finding]:
    """What RECORD states and is not so, and files that it does not name."""
    record = record_of(tree, part.package, tree.listed)
    yield from record.findings(part.package)
    yield from lies(part.package, record, hashed(tree, record.files))
    for place, paths in unclaimed("", record.files, tree.listed).items():
        yield from component_of(place, paths, {}).findings


def _members(path: Path, wanted: Callable[[str], bool], limit: int) -> dict[str, bytes]:
    """The wanted files of a tar archive, which is read as a stream and laid out nowhere."""
    with path.open("rb") as raw:
        stream = decompressed(raw, name=path.name)
        return {
            member.path: whole(content, limit, name=plain(member.path))
            for member, content in tar_members(stream, name=path.name)
            if member.sort is Sort.FILE and wanted(member.path)
        }
