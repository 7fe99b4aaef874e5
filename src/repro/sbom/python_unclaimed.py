"""Files in a site folder that no package claims: they can be imported, and no metadata tells of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from repro.sbom.component import CONTENT, Component, Finding, Kind, content_of_words, digest_of
from repro.sbom.contents_found import Found, ref_in
from repro.sbom.python_metadata import plain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

UNCLAIMED = "repro:python:unclaimed"
"""Property `true`: the files stand where Python imports from, and belong to no package."""

CACHE = "__pycache__/"


def unclaimed(site: str, claimed: Collection[str], known: frozenset[str]) -> dict[str, list[str]]:
    """The files below `site` that nobody claims, by the largest folder that holds nothing else, else alone.

    `known` are all files, also those elsewhere.
    """
    start = f"{site}/" if site else ""
    loose = known.difference(claimed)
    rest = sorted(path for path in loose if path.startswith(start) and not _is_compiled(path, known))
    if not rest:
        return {}
    shared = _folders(claimed)
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for path in rest:
        groups[_group(path, site, shared)].append(path)
    return dict(sorted(groups.items()))


def component_of(place: str, paths: Iterable[str], digests: Mapping[str, str]) -> Found:
    """A folder or file that nobody claims as a component, with the finding that says so."""
    files = list(paths)
    single = files == [place]
    ref = ref_in("unclaimed", place)
    hashes = {path[len(place) :].lstrip("/"): digests[path] for path in files if path in digests}
    content = ((CONTENT, content_of_words(hashes)),) if hashes and not single else ()
    component = Component(
        ref=ref,
        name=plain(place.rpartition("/")[2]),
        kind=Kind.FILE if single else Kind.LIBRARY,
        digests=tuple(digest_of(each) for each in hashes.values()) if single else (),
        properties=((UNCLAIMED, "true"), *content),
    )
    what = "belongs to no package" if single else f"{len(files)} files that belong to no package"
    return Found(components=(component,), needs={ref: ()}, findings=(Finding(where=plain(place), what=what),))


def _is_compiled(path: str, known: Collection[str]) -> bool:
    """Whether a file is the compiled form of a source that is there, which running programs writes."""
    if not path.endswith(".pyc"):
        return False
    folder, cache, name = path.rpartition(CACHE)
    module, _, rest = name.partition(".")
    if not cache or not module or "/" in name or len(rest.removesuffix(".pyc")) in {0, len(rest)}:
        return False
    return folder[-1:] in {"", "/"} and f"{folder}{module}.py" in known


def _folders(paths: Iterable[str]) -> set[str]:
    """Every folder above one of the files."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def _group(path: str, site: str, shared: Collection[str]) -> str:
    """The highest folder above a file, below the site folder, in which nothing is claimed; else the file."""
    place, folder = path, path.rpartition("/")[0]
    holder, _, last = folder.rpartition("/")
    if last == "__pycache__" and (holder == site or holder in shared):
        return path  # the others in it are compiled forms of what is claimed
    while folder not in shared and folder not in {"", site}:
        place, folder = folder, folder.rpartition("/")[0]
    return place
