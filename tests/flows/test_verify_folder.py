"""Folders as targets: what accepted lists name must be there, with the bytes that they name."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from repro.attest.keys import generate
from repro.attest.predicates import PROVENANCE, RELEASE
from repro.attest.signing import KeySigner
from repro.attest.statement import statement
from repro.core.exits import Exit
from repro.core.subject import Subject
from repro.flows.verify import Wishes, verify

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from repro.flows.verify_report import Report

KEY = generate()
FILES = {"a.bin": b"a", "logs/out.log": b"", "logs/err.log": b"", "sub/a.bin": b"a", "sub/README.md": b"read"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder of five files, of which two pairs have the same bytes, and a place for evidence."""
    (tmp_path / "key.pub").write_bytes(KEY.public.to_pem())
    (tmp_path / "said").mkdir()
    put(tmp_path, FILES)
    return tmp_path


def put(work: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = work / "dist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def say(work: Path, name: str, files: dict[str, bytes], kind: str = RELEASE) -> None:
    """A signed statement about some bytes, each by its name."""
    subjects = [
        Subject(name=path, digests={"sha256": hashlib.sha256(content).hexdigest()})
        for path, content in files.items()
    ]
    (work / "said" / name).write_bytes(KeySigner(key=KEY).statement(statement(subjects, kind, {})))


def check(work: Path, *targets: str) -> Report:
    wishes = Wishes(targets=targets or ("dist",), keys=("key.pub",), bundles=("said",), offline=True)
    return verify(work, wishes)


def bad(report: Report) -> dict[str, str]:
    return {one.name: one.reason for one in report.verdicts if one.exit is not Exit.GOOD}


def without(name: str, files: Iterable[tuple[str, bytes]] = tuple(FILES.items())) -> dict[str, bytes]:
    return {key: value for key, value in files if key != name}


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_that_is_taken_away_is_missed(work: Path, name: str) -> None:
    """Each file that a release names, twins too, is missed by its own name at step 1: exit 1."""
    say(work, "release.json", FILES)
    assert check(work).exit is Exit.GOOD
    (work / "dist" / name).unlink()
    report = check(work)
    assert report.exit is Exit.WRONG
    listed = f"step 1, artifact: said/release.json lists {name}, which is not there"
    assert bad(report) == {f"dist/{name}": listed}
    (verdict,) = [one for one in report.verdicts if one.exit is Exit.WRONG]
    assert verdict.checks[0].step == 1


def test_the_same_from_inside_the_folder(work: Path) -> None:
    """In the folder itself (`.`) a twin in another folder does not stand for the file that is gone."""
    say(work, "release.json", FILES)
    (work / "dist/sub/a.bin").unlink()
    wishes = Wishes(targets=(".",), keys=("../key.pub",), bundles=("../said",), offline=True)
    assert list(bad(verify(work / "dist", wishes))) == ["sub/a.bin"]


def test_files_that_are_named_are_a_part_on_purpose(work: Path) -> None:
    """Who names files and not their folder verifies just these."""
    say(work, "release.json", FILES)
    (work / "dist/sub/README.md").unlink()
    assert check(work, "dist/a.bin", "dist/logs/out.log").exit is Exit.GOOD
    assert check(work, "dist", "dist/a.bin").exit is Exit.WRONG


def test_a_release_may_lie_in_several_places(work: Path) -> None:
    """What is named beside the folder, and judged itself, is not missed in it; as other bytes it is."""
    say(work, "release.json", FILES | {"apart.bin": b"apart"})
    assert list(bad(check(work))) == ["dist/apart.bin"]
    (work / "apart.bin").write_bytes(b"apart")
    assert check(work, "dist", "apart.bin").exit is Exit.GOOD
    (work / "apart.bin").write_bytes(b"other")
    assert set(bad(check(work, "dist", "apart.bin"))) == {"apart.bin", "dist/apart.bin"}


def test_names_of_a_release_may_be_without_folders(work: Path) -> None:
    """A release that names files by the last part of their paths finds them, and misses one of two twins."""
    say(work, "release.json", {"out.log": b"", "err.log": b"", "README.md": b"read", "a.bin": b"a"})
    (work / "dist/sub/a.bin").unlink()
    assert check(work).exit is Exit.GOOD
    (work / "dist/logs/err.log").unlink()
    assert list(bad(check(work))) == ["dist/err.log"]


def test_of_releases_that_share_files_one_must_be_whole(work: Path) -> None:
    """An older release beside the newer demands nothing back; a part of both is neither."""
    say(work, "old.json", FILES | {"dropped.bin": b"dropped"})
    say(work, "new.json", FILES)
    assert check(work).exit is Exit.GOOD
    (work / "dist/sub/README.md").unlink()
    assert list(bad(check(work))) == ["dist/sub/README.md"]


def test_an_older_file_that_something_else_vouches_for_is_refused(work: Path) -> None:
    """A file that verifies by itself, but is not the one that the release of the others names, is refused."""
    say(work, "release.json", FILES)
    put(work, {"sub/README.md": b"older"})
    say(work, "older.json", {"README.md": b"older"}, kind="https://example.org/other/v1")
    report = check(work)
    assert bad(report) == {
        "dist/sub/README.md": "step 1, artifact: said/release.json lists sub/README.md, which has other bytes"
    }
    assert len(report.verdicts) == len(FILES)


def test_a_tree_is_described_by_paths(work: Path) -> None:
    """A statement by whose paths files lie here misses those that are gone; names alone promise nothing."""
    say(work, "built.json", FILES, kind=PROVENANCE)
    assert check(work).exit is Exit.GOOD
    (work / "dist/sub/README.md").unlink()
    assert list(bad(check(work))) == ["dist/sub/README.md"]
    flat = {"a.bin": b"a", "out.log": b"", "README.md": b"read"}
    say(work, "built.json", flat, kind=PROVENANCE)
    assert check(work).exit is Exit.GOOD


def sums(files: dict[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()).encode()


def test_sums_that_are_verified_are_a_list(work: Path) -> None:
    """What a signed SHA256SUMS names must be there, from the folder that it lies in."""
    listed = {"README.md": b"read", "./a.bin": b"a"}
    put(work, {"sub/SHA256SUMS": sums(listed)})
    every = FILES | {"SHA256SUMS": sums(listed)}
    for name, content in every.items():  # one by one: no statement is a list here
        say(work, f"{name.replace('/', '-')}.json", {name: content}, kind="https://example.org/other/v1")
    assert check(work).exit is Exit.GOOD
    (work / "dist/sub/README.md").unlink()
    assert bad(check(work)) == {
        "dist/sub/README.md": "step 1, artifact: sub/SHA256SUMS lists sub/README.md, which is not there"
    }


@pytest.mark.parametrize("content", [b"what is this\n", b"abc  a.bin\n", b"\xff\xfe\n"])
def test_sums_that_cannot_be_read_are_refused(work: Path, content: bytes) -> None:
    """A verified SHA256SUMS that is no list of sums is refused: what it lists cannot be checked."""
    put(work, {"SHA256SUMS": content})
    say(work, "release.json", FILES | {"SHA256SUMS": content})
    assert list(bad(check(work))) == ["dist/SHA256SUMS"]


def test_evidence_that_is_listed_must_be_whole_too(work: Path) -> None:
    """Bundles beside files are evidence and no artifacts; where a release names one it must be that one.

    The same where evidence is read from elsewhere, and they are files like any other.
    """
    bundle = KeySigner(key=KEY).blob(b"a")
    say(work, "release.json", FILES | {"a.bin.sigstore.json": bundle})
    beside = Wishes(targets=("dist",), keys=("key.pub",), offline=True)
    put(work, {f"{name}.jsonl": (work / "said/release.json").read_bytes() for name in FILES})
    for wishes in (beside, replace(beside, bundles=("said",))):
        put(work, {"a.bin.sigstore.json": bundle})
        assert verify(work, wishes).exit is Exit.GOOD
        put(work, {"a.bin.sigstore.json": KeySigner(key=KEY).blob(b"a")})
        ((name, reason),) = bad(verify(work, wishes)).items()
        assert name == "dist/a.bin.sigstore.json"
        assert wishes.bundles or reason.endswith("lists a.bin.sigstore.json, which has other bytes")
        (work / "dist/a.bin.sigstore.json").unlink()
        assert list(bad(verify(work, wishes))) == ["dist/a.bin.sigstore.json"]
        for name in FILES:
            (work / f"dist/{name}.jsonl").unlink(missing_ok=True)


def test_what_is_no_file_is_not_missed(work: Path) -> None:
    """A release may name what no folder holds: a commit, an image by its NAR."""
    subjects = [Subject(name="source", digests={"gitCommit": "0" * 40})]
    subjects += [
        Subject(name=path, digests={"sha256": hashlib.sha256(content).hexdigest()})
        for path, content in FILES.items()
    ]
    bundle = KeySigner(key=KEY).statement(statement(subjects, RELEASE, {}))
    (work / "said/release.json").write_bytes(bundle)
    assert check(work).exit is Exit.GOOD


def test_a_release_that_nobody_trusts_demands_nothing(work: Path) -> None:
    """Only accepted evidence is a list: anybody can write one that names more."""
    say(work, "release.json", FILES)
    subjects = [Subject(name=name, digests={"sha256": hashlib.sha256(data).hexdigest()})
                for name, data in (FILES | {"more.bin": b"more"}).items()]  # fmt: skip
    foreign = KeySigner(key=generate()).statement(statement(subjects, RELEASE, {}))
    (work / "said/foreign.json").write_bytes(foreign)
    assert check(work).exit is Exit.GOOD
