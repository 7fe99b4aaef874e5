"""What a folder lacks: files that accepted evidence lists, and that are not there or have other bytes.

Three kinds of list are taken at their word: a release, which names all that belongs to it; a statement by
whose paths files of this folder lie; a `SHA256SUMS` that is itself verified. Of several releases of one file
one must be here whole: releases may share files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repro.attest.predicates import RELEASE
from repro.core.check import Check, Status
from repro.core.errors import FormatError
from repro.core.exits import Exit
from repro.core.subject import Subject
from repro.tools.files import disk_errors, files_below, hash_file
from repro.verify.judge import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from repro.attest.statement import Statement
    from repro.flows.verify_targets import Item

SUMS = {"SHA256SUMS": "sha256", "SHA512SUMS": "sha512"}
"""Lists of files by the names that they go by, and the algorithm of each."""

_SUM = re.compile(r"([0-9a-f]+) [ *](.+)")
"""A line of `sha256sum` (GNU coreutils manual, "md5 invocation")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _List:
    """Files that belong together, and the evidence that says so; `broken` says why it cannot be read."""

    by: str
    subjects: Sequence[Subject] = ()
    broken: str = ""


def whole(judged: Sequence[tuple[Item, Verdict]]) -> list[Verdict]:
    """The verdicts, and one that refuses for each file that a folder lacks of what its evidence lists.

    A file that is there with other bytes, which something else vouches for, is refused itself.
    """
    found = [verdict for _, verdict in judged]
    folders: dict[Path, dict[str, int]] = defaultdict(dict)
    for at, (item, _) in enumerate(judged):
        if item.folder is not None:
            folders[item.folder][item.inside] = at
    for folder, places in folders.items():
        prefix = next(judged[at][0].name.removesuffix(inside) for inside, at in places.items())
        files = {inside: judged[at][1] for inside, at in places.items()}
        inside_it = set(places.values())
        others = [one for at, (_, one) in enumerate(judged) if at not in inside_it]
        for name, why in dict(_lacks(folder, files, others)).items():
            check = Check(name="artifact", status=Status.FAIL, reason=why, step=1)
            if name not in places:
                found.append(Verdict(name=prefix + name, artifact=None, checks=(check,)))
            elif (good := found[places[name]]).exit is Exit.GOOD:
                checks = (*good.checks, check)
                found[places[name]] = replace(good, checks=checks, exit=Exit.WRONG, levels=(), kept={})
    return found


def _lacks(
    folder: Path, files: Mapping[str, Verdict], others: Sequence[Verdict]
) -> Iterator[tuple[str, str]]:
    """Each file that is lacking, or list that cannot be read, and why.

    `others` are verdicts on what else was named: a release may lie in several places.
    """
    known = {path: one.artifact.digests for path, one in files.items() if one.artifact is not None}
    elsewhere = {one.name: one.artifact.digests for one in others if one.artifact is not None}
    for choices in (*_stated(files), *_summed(files)):
        if choices[0].broken:
            yield choices[0].by, choices[0].broken
        lacking = [(one.by, *_missing(one.subjects, known, elsewhere, folder)) for one in choices]
        by, least, unlisted = min(lacking, key=lambda found: len(found[1]))
        for name in (one.name for one in least):
            place = next((path for path in unlisted if path == name or path.endswith(f"/{name}")), "")
            words = "has other bytes" if place else "is not there"
            yield place or name, f"{by} lists {name or 'a file without a name'}, which {words}"


def _stated(files: Mapping[str, Verdict]) -> Iterator[tuple[_List, ...]]:
    """Groups of statements, of each of which one must be here whole."""
    seen: set[frozenset[bytes]] = set()
    for path, verdict in files.items():
        group = _statements(path, verdict)
        if group and (known := frozenset(group)) not in seen:
            seen.add(known)
            yield tuple(group.values())


def _summed(files: Mapping[str, Verdict]) -> Iterator[tuple[_List, ...]]:
    """Lists of sums that are verified themselves."""
    for path, verdict in files.items():
        folder, _, base = path.rpartition("/")
        if base in SUMS and verdict.exit is Exit.GOOD:
            prefix = f"{folder}/" if folder else ""
            try:
                yield (_List(by=path, subjects=tuple(_sums(verdict, SUMS[base], prefix))),)
            except FormatError as error:
                yield (_List(by=path, broken=error.message),)


def _statements(path: str, verdict: Verdict) -> dict[bytes, _List]:
    """By what is signed: releases that demands rest on, else other releases, else what describes a tree."""
    relied = {id(one.outcome) for one in verdict.accepted}
    outcomes = [one.outcome for one in verdict.seen if one.outcome.is_accepted and one.outcome.statement]

    def chosen(fits: Callable[[Statement, bool], bool]) -> dict[bytes, _List]:
        return {
            one.statement.raw: _List(by=one.evidence, subjects=one.statement.subjects)
            for one in outcomes
            if one.statement is not None and fits(one.statement, id(one) in relied)
        }

    return (
        chosen(lambda said, is_relied: said.predicate_type == RELEASE and is_relied)
        or chosen(lambda said, _: said.predicate_type == RELEASE)
        or chosen(lambda said, _: _is_tree(said, path))
    )


def _is_tree(said: Statement, path: str) -> bool:
    """Whether a statement names several files by paths, and by one of these the file lies here."""
    return "/" in path and len(said.subjects) > 1 and any(one.name == path for one in said.subjects)


def _sums(verdict: Verdict, algorithm: str, prefix: str) -> Iterator[Subject]:
    """What a list of sums names. Raises FormatError."""
    content = verdict.artifact.content if verdict.artifact else None
    if content is None:
        raise FormatError(f"{verdict.name}: too large for a list of files")
    for at, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        if (found := _SUM.fullmatch(line)) is None:
            raise FormatError(f"{verdict.name}: line {at} is no digest with a name")
        yield Subject(name=prefix + found[2].removeprefix("./"), digests={algorithm: found[1]})


def _missing(
    subjects: Sequence[Subject],
    known: Mapping[str, Mapping[str, str]],
    elsewhere: Mapping[str, Mapping[str, str]],
    folder: Path,
) -> tuple[list[Subject], list[str]]:
    """The subjects that no file is, neither one that was judged nor one that was taken for evidence.

    And the files that are none of the subjects.
    """
    left, unused = _unmatched(subjects, known)
    if left and elsewhere:
        left, _ = _unmatched(left, elsewhere)
    if left:
        with disk_errors(f"reading {folder}"):
            evidence = {
                path: {one: hash_file(folder / path, one).hex for one in SUMS.values()}
                for path in files_below(folder)
                if path not in known
            }
        left, more = _unmatched(left, evidence)
        unused += more
    return left, unused


def _unmatched(
    subjects: Sequence[Subject], files: Mapping[str, Mapping[str, str]]
) -> tuple[list[Subject], list[str]]:
    """The subjects that are no file's, where no file is two: by path, else by name, else by bytes alone."""
    left = [one for one in {(one.name, *_digest(one)): one for one in subjects}.values() if any(_digest(one))]
    unused = set(files)
    for key in (str, _base, _nothing):
        places = defaultdict(list)
        for path in sorted(unused, reverse=True):
            for kind, digest in files[path].items():
                places[kind, digest, key(path)].append(path)
        waiting, left = left, []
        for one in waiting:
            candidates = places[(*_digest(one), key(one.name))]
            while candidates and candidates[-1] not in unused:
                candidates.pop()
            if candidates:
                unused.discard(candidates.pop())
            else:
                left.append(one)
    return left, sorted(unused)


def _digest(subject: Subject) -> tuple[str, str]:
    """The digest that a file can be known by; nothing, where a subject has none: it is no file."""
    return next(
        ((kind, subject.digests[kind]) for kind in SUMS.values() if kind in subject.digests), ("", "")
    )


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _nothing(_: str) -> str:
    return ""
