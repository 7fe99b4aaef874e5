"""Whether a statement is about an artifact: one of its subjects has the artifact's digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.errors import EvidenceError
from repro.verify.artifact import WEAK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repro.core.subject import Subject
    from repro.verify.artifact import Artifact


def require_subject(artifact: Artifact, subjects: Sequence[Subject], *, named: bool = False) -> Subject:
    """The one subject that is the artifact. Raises EvidenceError.

    Digests of one subject are looked at together and never pooled with another's: all that the artifact has
    too must agree, and one of them must not be weak. A digest has its kind: a NAR's is no file's. Where
    another subject bears the artifact's name, or its path, the bytes were renamed; with `named` the path of
    the artifact must end in all of the subject's name.
    """
    matching = [one for one in subjects if _agrees(artifact, one)]
    if not matching:
        raise EvidenceError(_why_none(artifact, subjects))
    if (found := _bearing(artifact, subjects, matching, named=named)) is None:
        raise EvidenceError(
            f"these are the bytes of {matching[0].name!r}, not of {artifact.name!r}",
            hint="a file under another's name is another artifact",
        )
    return found


def _bearing(
    artifact: Artifact, subjects: Sequence[Subject], matching: Sequence[Subject], *, named: bool
) -> Subject | None:
    """Of the subjects with these bytes the one of its name, else any if no other has that; None: renamed."""
    same_path = [one for one in matching if _leads_to(one.name, artifact.name)]
    if named:
        return next((one for one in same_path if _depth(one.name) <= _depth(artifact.name)), None)
    if same_path:
        return same_path[0]
    if any(_leads_to(one.name, artifact.name) for one in subjects):
        return None
    base = _base(artifact.name)
    same_name = [one for one in matching if _base(one.name) == base]
    if not same_name and any(_base(one.name) == base for one in subjects):
        return None
    return (same_name or matching)[0]


def _agrees(artifact: Artifact, subject: Subject) -> bool:
    strong = False
    for kind, value in subject.digests.items():  # a plain loop: with many subjects this is most of the work
        own = artifact.digests.get(kind)
        if own is None:
            continue
        if own != value:
            return False
        strong = strong or kind not in WEAK
    return strong


def _why_none(artifact: Artifact, subjects: Sequence[Subject]) -> str:
    kinds = {kind for one in subjects for kind in one.digests}
    if not kinds & (set(artifact.digests) - WEAK):
        known = ", ".join(sorted(artifact.digests))
        return f"no subject has a digest that the artifact is known by ({known})"
    return f"none of {len(subjects)} subjects has the artifact's digests"


def _leads_to(name: str, artifact: str) -> bool:
    """Whether two paths are one as far as both are told: `b/c` and `a/b/c` are, `x/c` and `y/c` are not."""
    pairs = zip(reversed(name.strip("/").split("/")), reversed(artifact.strip("/").split("/")), strict=False)
    return all(one == other for one, other in pairs)


def _depth(path: str) -> int:
    return path.strip("/").count("/")


def _base(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]
