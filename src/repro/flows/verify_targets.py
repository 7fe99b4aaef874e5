"""What `repro verify` is to look at: files, each file of a folder, store paths, images, bare digests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.core.errors import FormatError, ReproError, UsageError
from repro.tools.files import disk_errors, files_below
from repro.verify.artifact import WEAK, Artifact, artifact_of, open_artifact
from repro.verify.discovery import Beside, Listings, is_beside, is_evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from repro.verify.discovery import Source
    from repro.verify.shared import Shared

STORE = "/nix/store/"
OCI = "oci:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One artifact to be: how it is called, what opens it, where its evidence may lie.

    `path` is where it lies, None where only digests are known; `reference` is an image's in a registry, with
    its digest; `size` is in bytes, as far as it is known. `folder` is the one that was named, where it was
    one, and `inside` the path in it. With `beside_another` it is called like evidence about another file.
    """

    name: str
    open: Callable[[], Artifact]
    beside: Source | None = None
    path: Path | None = None
    reference: str = ""
    size: int = 0
    folder: Path | None = None
    inside: str = ""
    beside_another: bool = False

    def is_evidence(self, shared: Shared) -> bool:
        """Whether it is evidence about another file of its folder, and so no artifact."""
        return self.beside_another and self.path is not None and is_evidence(self.path, self.name, shared)


def items_of(folder: Path, target: str, listings: Listings | None = None) -> Iterator[Item]:
    """What a target stands for, seen from `folder`. Raises UsageError, or ReproError for an empty folder."""
    if not target:
        raise UsageError("a target without a name", hint="name what is to be verified; here is .")
    if target.startswith(("sha256:", "sha512:")):
        yield of_digest(target)
    elif target.startswith(OCI):
        from repro.flows.verify_images import item_of

        yield item_of(folder, target.removeprefix(OCI))
    else:
        yield from _of_path(folder, target, listings or Listings())


def reads(folder: Path, bundles: Sequence[str], policy: str) -> Callable[[Path], bool]:
    """Which files are read as evidence: all, or with `bundles` these alone, and what is beside the policy.

    What is not read is no evidence of this call, however it looks.
    """
    places = [(folder / one).resolve() for one in bundles]
    own = (folder / policy).resolve() if policy else None

    def is_read(path: Path) -> bool:
        real = path.resolve()
        is_own = own is not None and real.parent == own.parent and is_beside(real.name, own.name)
        return is_own or any(real.is_relative_to(place) for place in places)

    return is_read if bundles else lambda _: True


def of_digest(text: str, name: str = "") -> Item:
    """An artifact of which only a digest is known. Raises UsageError."""
    try:
        digest = Digest.parse(text)
    except FormatError as error:
        raise UsageError(error.message, hint="write sha256: and 64 lower-case digits") from error
    if digest.algorithm in WEAK:
        raise UsageError(f"{text}: two files with one such digest can be made", hint="give its sha256")
    artifact = artifact_of(name or text, {digest.algorithm: digest.hex})
    return Item(name=name or text, open=lambda: artifact)


def _of_path(folder: Path, target: str, listings: Listings) -> Iterator[Item]:
    path = folder / target
    name = spelled(folder, path) or str(Path(target))
    if str(path.resolve()).startswith(STORE):
        from repro.flows.verify_store import item_of

        yield item_of(path.resolve())
    elif path.is_dir():
        yield from _of_folder(path, "" if name == "." else f"{name}/", listings)
    else:
        yield of_file(path, name, listings)


def spelled(root: Path, path: Path) -> str:
    """How a path is called in policies: as seen from `root`, in one spelling, so that none escapes a rule.

    `..` behind a link is where the link leads. "" for what lies elsewhere.
    """
    if ".." in path.parts:
        path = path.resolve() if path.name == ".." else path.parent.resolve() / path.name
    for place in (root.absolute(), root.resolve()):
        if path.absolute().is_relative_to(place):
            return path.absolute().relative_to(place).as_posix()
    return ""


def of_file(path: Path, name: str, listings: Listings) -> Item:
    """A file; what is wrong with it is found when it is opened."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    beside = Beside(path=path, name=name, listing=listings.of(path.parent))
    return Item(name=name, open=partial(_open, path, name), beside=beside, path=path, size=size)


def _open(path: Path, name: str) -> Artifact:
    return replace(open_artifact(path), name=name)


def _of_folder(folder: Path, prefix: str, listings: Listings) -> Iterator[Item]:
    """Every file of a folder is an artifact, but for readable evidence beside one; links are refused."""
    with disk_errors(f"reading {folder}"):
        names = files_below(folder)
    if not names:
        raise ReproError(f"{prefix or folder}: holds nothing to verify", hint="name what is to be verified")
    known = set(names)
    for name in names:
        item = of_file(folder / name, prefix + name, listings)
        yield replace(item, folder=folder, inside=name, beside_another=_is_beside_another(name, known))


def _is_beside_another(name: str, known: set[str]) -> bool:
    """Whether a file is called like evidence about another; that of the shortest name never is."""
    base = name.rpartition("/")[2]
    place = name.removesuffix(base)
    cuts = [at for at, sign in enumerate(base) if sign == "."]
    return any(place + base[:cut] in known and is_beside(base, base[:cut]) for cut in cuts)
