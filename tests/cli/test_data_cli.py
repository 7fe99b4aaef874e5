"""`repro data` on the command line: exit codes, streams, JSON, and questions."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Project

DATA = b"1\n2\n"


@pytest.fixture
def tracked(project: Project) -> Project:
    """The project with its data under DVC, the object in a remote beside it."""
    root = project.root
    md5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    stored = root.parent / "shelf/files/md5" / md5[:2] / md5[2:]
    stored.parent.mkdir(parents=True)
    stored.write_bytes(DATA)
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("[core]\n remote = shelf\n['remote \"shelf\"']\n url = ../../shelf\n")
    (root / "data.txt").unlink()
    (root / "data.txt.dvc").write_text(f"outs:\n- md5: {md5}\n  size: 4\n  hash: md5\n  path: data.txt\n")
    return project


def object_of(root: Path) -> Path:
    return next(path for path in (root / ".dvc/cache/files").rglob("*") if path.is_file())


def test_pull_verify_status(tracked: Project) -> None:
    """What is missing is fetched, told on standard output, and then good; each has a versioned document."""
    assert tracked("data", "verify", "--cache-only").code == 1
    pulled = tracked("data", "pull", "sums")
    assert pulled.code == 0
    assert "1 object fetched" in pulled.out
    verified = tracked("data", "verify", "--json")
    assert (verified.code, verified.document["version"], verified.document["exit"]) == (0, 1, 0)
    assert [one["cache"] for one in verified.document["objects"]] == ["present"]
    standing = tracked("data", "status", "--json")
    assert (standing.code, standing.document["version"]) == (0, 1)
    assert standing.document["tracked"][0]["cached"] == 1


def test_wrong_is_one_and_nothing_checked_is_three(tracked: Project) -> None:
    """A corrupt object is exit 1, an experiment without data under DVC exit 3, an unknown one exit 2."""
    tracked("data", "pull")
    place = object_of(tracked.root)
    place.chmod(0o644)
    place.write_bytes(DATA[::-1])
    found = tracked("data", "verify", "sums")
    assert found.code == 1
    assert "corrupt" in found.out
    assert tracked("data", "verify", "grid").code == 3
    assert tracked("data", "verify", "smus").code == 2
    assert "set aside" in tracked("data", "pull", "sums").out


def test_a_failure_is_a_document_too(tracked: Project) -> None:
    """Without its object a pull fails with exit 3, in words and as JSON, and shows no traceback."""
    for path in (tracked.root.parent / "shelf").rglob("*"):
        if path.is_file():
            path.unlink()
    answer = tracked("data", "pull", "--json")
    assert answer.code == 3
    assert answer.document["error"]["kind"] == "DataError"
    assert "Traceback" not in answer.err


def test_tracking_asks_first(tracked: Project) -> None:
    """Without a terminal nothing is done unasked: the steps are shown, and --yes is asked for."""
    (tracked.root / "more.txt").write_text("3\n")
    refused = tracked("data", "track", "more.txt", "--experiment", "sums")
    assert refused.code == 2
    assert "dvc add more.txt" in refused.out
    assert "--yes" in refused.err
    assert not (tracked.root / "more.txt.dvc").exists()
    planned = tracked("data", "track", "more.txt", "--experiment", "sums", "--dry-run", "--json")
    assert (planned.code, planned.document["done"]) == (0, False)


def test_gc_says_what_would_go(tracked: Project) -> None:
    """A dry run names what nothing needs and removes nothing; push and pull at once stay possible."""
    tracked("data", "pull")
    orphan = tracked.root / ".dvc/cache/files/md5/ab" / ("c" * 30)
    orphan.parent.mkdir()
    orphan.write_text("x")
    planned = tracked("data", "gc", "--dry-run", "--grace", "0", "--json")
    assert planned.document["removed"] == ["ab" + "c" * 30]
    assert orphan.exists()
    assert tracked("data", "gc", "--grace", "0").code == 0
    assert not orphan.exists()
    assert object_of(tracked.root).read_bytes() == DATA


def test_all_revisions_and_one_exclude_each_other(tracked: Project) -> None:
    """--at and --all-revisions together are a mistake; alone the latter tells every state."""
    assert tracked("data", "verify", "--all-revisions", "--at", "HEAD").code == 2
    tracked.git("add", "-A")
    tracked.git("commit", "--quiet", "-m", "tracked")
    answer = tracked("data", "verify", "--all-revisions", "sums", "--json")
    assert answer.document["version"] == 1
    assert next(past["fed"] for past in answer.document["past"]) is True
