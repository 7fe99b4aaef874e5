"""One subject with the artifact's digests: nothing is pooled, and kinds are never mixed."""

from __future__ import annotations

import pytest

from repro.core.errors import EvidenceError
from repro.core.subject import Subject
from repro.verify.artifact import artifact_of
from repro.verify.subjects import require_subject

A, B = "aa" * 32, "bb" * 32
LONG_A, LONG_B = "aa" * 64, "bb" * 64
FILE = artifact_of("tool-amd64", {"sha256": A, "sha512": LONG_A})


def subject(name: str = "tool-amd64", **digests: str) -> Subject:
    return Subject(name=name, digests={kind.replace("_", "-"): value for kind, value in digests.items()})


@pytest.mark.parametrize(
    "good",
    [
        subject(sha256=A),
        subject(sha512=LONG_A),
        subject(sha256=A, sha512=LONG_A),
        subject(sha256=A, md5="0" * 32, unknown="whatever"),
        subject(name="dist/tool-amd64", sha256=A),
        subject(name="", sha256=A),
        subject(name="pkg:generic/tool@1", sha256=A),
    ],
)
def test_a_subject_with_the_digests_is_the_artifact(good: Subject) -> None:
    """One strong digest that agrees is enough, where no digest that both have disagrees."""
    assert require_subject(FILE, [subject("other", sha256=B), good]) is good


BAD = {
    "none at all": [],
    "another artifact": [subject(sha256=B)],
    "digests split over two subjects": [subject(sha256=A, sha512=LONG_B), subject(sha256=B, sha512=LONG_A)],
    "one digest agrees and one does not": [subject(sha256=A, sha512=LONG_B)],
    "a NAR's hash": [subject(nix_nar_sha256=A)],
    "the digest as an unknown kind": [subject(sha256sum=A)],
    "renamed": [subject("tool-amd64", sha256=B), subject("tool-arm64", sha256=A)],
    "renamed in a folder": [subject("out/tool-amd64", sha256=B), subject("out/tool-arm64", sha256=A)],
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_not_the_artifact_is_refused(case: str) -> None:
    """Split digests, another kind's digest, and the bytes of a subject under another's name are no match."""
    with pytest.raises(EvidenceError):
        require_subject(FILE, BAD[case])


@pytest.mark.parametrize("kind", ["md5", "md5-dos2unix", "sha1"])
def test_a_weak_digest_alone_is_no_match(kind: str) -> None:
    """An artifact that is known by a weak digest alone is no subject, though the digest is the same."""
    value = "a" * (40 if kind == "sha1" else 32)
    with pytest.raises(EvidenceError, match="no subject has a digest"):
        require_subject(artifact_of("a", {kind: value}), [Subject(name="a", digests={kind: value})])


def test_a_nar_is_no_file() -> None:
    """A store path's NAR hash matches a NAR hash, and no SHA-256 of the same digits."""
    path = artifact_of("tool", {"nix-nar-sha256": A})
    nar = subject("tool", nix_nar_sha256=A)
    assert require_subject(path, [nar]) is nar
    with pytest.raises(EvidenceError):
        require_subject(path, [subject("tool", sha256=A)])


def test_names_must_agree_where_that_is_asked() -> None:
    """A lone subject under another name is accepted, unless names are asked for."""
    only = [subject("tool-arm64", sha256=A)]
    assert require_subject(FILE, only) is only[0]
    with pytest.raises(EvidenceError, match="not of 'tool-amd64'"):
        require_subject(FILE, only, named=True)


@pytest.mark.parametrize(
    ("place", "is_it"),
    [("a/r", True), ("x/a/r", True), ("r", False), ("b/r", False), ("a/r/r", False), ("a/R", False)],
)
def test_a_named_file_lies_where_it_is_said_to(place: str, is_it: bool) -> None:  # noqa: FBT001 - a parameter
    """Where names are asked for, the path ends in all of the name: a file that was moved up is another."""
    only = [subject("a/r", sha256=A)]
    if is_it:
        assert require_subject(artifact_of(place, {"sha256": A}), only, named=True) is only[0]
    else:
        with pytest.raises(EvidenceError, match="not of"):
            require_subject(artifact_of(place, {"sha256": A}), only, named=True)


def test_names_go_as_far_as_paths_do() -> None:
    """Where a statement names a file by its path, another's bytes there are refused, whatever its name."""
    subjects = [subject("a/r.json", sha256=A), subject("b/r.json", sha256=B)]
    for place in ("b/r.json", "work/b/r.json"):
        with pytest.raises(EvidenceError, match=r"the bytes of 'a/r.json', not of '"):
            require_subject(artifact_of(place, {"sha256": A}), subjects)
        assert require_subject(artifact_of(place, {"sha256": B}), subjects).name == "b/r.json"
    for place in ("r.json", "elsewhere/r.json"):
        assert require_subject(artifact_of(place, {"sha256": A}), subjects).name == "a/r.json"
