"""Removing what nothing needs: what is kept, for whom, and what stops it."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.flows.conftest import POINTS

from repro.core.errors import DataError
from repro.flows.data import Wish, pull
from repro.flows.data_gc import gc

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.conftest import Lab


def add(lab: Lab, content: str, suffix: str = "") -> Path:
    """An object in the cache that no pointer names yet."""
    md5 = hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
    path = lab.root / ".dvc/cache/files/md5" / md5[:2] / f"{md5[2:]}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # DVC's objects are read-only
    path.write_text(content)
    return path


def test_what_nothing_needs_goes(lab: Lab) -> None:
    """An object that no revision names is removed, or with a dry run only named; what is needed stays."""
    pull(lab.root, Wish())
    orphan = add(lab, "orphan\n")
    planned = gc(lab.root, dry_run=True, grace_minutes=0)
    assert orphan.exists()
    done = gc(lab.root, grace_minutes=0)
    assert planned.removed == done.removed == (orphan.parent.name + orphan.name,)
    assert not orphan.exists()
    assert add(lab, POINTS).read_text() == POINTS
    assert done.kept == 1


def test_a_young_object_stays(lab: Lab) -> None:
    """What came within the grace is left alone, whatever times its file bears: its pointer may come yet."""
    orphan = add(lab, "orphan\n")
    os.utime(orphan, (0, 0))
    report = gc(lab.root)
    assert orphan.exists()
    assert (report.removed, report.young) == ((), 1)


@pytest.mark.parametrize("place", ["branch", "tag", "stash", "reflog", "index", "worktree", "old stash"])
def test_whatever_git_knows_is_kept(lab: Lab, place: str, tmp_path: Path) -> None:
    """An object named by a branch, tag, stash, reflog, the index or another worktree is needed."""
    kept = add(lab, "kept\n")
    lab.track("data/kept.csv", "kept\n")
    lab.git("add", "-A")
    other = tmp_path / "other"
    if place in {"stash", "old stash"}:
        lab.git("stash", "--quiet")
        if place == "old stash":
            lab.write("notes.txt", "more\n")
            lab.git("stash", "--quiet")
    elif place == "worktree":
        lab.git("worktree", "add", "--quiet", "--detach", str(other), "v1")
        shutil.move(lab.root / "data/kept.csv.dvc", other / "data/kept.csv.dvc")
        lab.git("reset", "--quiet", "--hard", "v1")
    elif place == "index":
        (lab.root / "data/kept.csv.dvc").unlink()
    else:
        lab.git("checkout", "--quiet", "-b", "side")
        lab.commit("kept")
        if place == "tag":
            lab.git("tag", "keep")
        lab.git("checkout", "--quiet", "main")
        if place != "branch":
            lab.git("branch", "--quiet", "-D", "side")
    gc(lab.root, grace_minutes=0)
    assert kept.exists()
    if place == "worktree":
        lab.git("worktree", "remove", "--force", str(other))


def test_the_files_of_a_kept_folder_are_kept(lab: Lab) -> None:
    """What a needed folder lists is needed; without its list, here and in the remote, nothing is removed."""
    one = add(lab, "one\n")
    md5 = one.parent.name + one.name
    listing = add(lab, f'[{{"md5": "{md5}", "relpath": "a"}}]', ".dir")
    whole = listing.parent.name + listing.name
    lab.write("data/folder.dvc", f"outs:\n- md5: {whole}\n  hash: md5\n  path: folder\n")
    gc(lab.root, grace_minutes=0)
    assert one.exists()
    assert listing.exists()
    listing.unlink()
    with pytest.raises(DataError, match="the list of files"):
        gc(lab.root, grace_minutes=0)
    assert one.exists()
    assert gc(lab.root, dry_run=True, grace_minutes=0).notes
    gc(lab.root, force=True, grace_minutes=0)
    assert not one.exists()


def test_what_a_recorded_run_took_is_kept(lab: Lab) -> None:
    """The data of a run stays while its record does, also if its pointer was never committed."""
    lab.track("data/points.csv", "3\n")
    lab.plain()
    lab.git("checkout", "--quiet", "--", ".")
    kept = add(lab, "3\n")
    gc(lab.root, grace_minutes=0)
    assert kept.exists()
    shutil.rmtree(lab.store.runs)
    gc(lab.root, grace_minutes=0)
    assert not kept.exists()


def test_a_shared_cache_is_stated(lab: Lab, tmp_path: Path) -> None:
    """A cache outside the repository may serve others: nothing goes without --force, and it is said."""
    lab.write(".dvc/config.local", f"[cache]\n    dir = {tmp_path / 'shared'}\n")
    pull(lab.root, Wish())
    orphan = tmp_path / "shared/files/md5/ab" / ("c" * 30)
    orphan.parent.mkdir(parents=True)
    orphan.write_text("of another project\n")
    with pytest.raises(DataError, match="others may need"):
        gc(lab.root, grace_minutes=0)
    assert orphan.exists()
    gc(lab.root, force=True, grace_minutes=0)
    assert not orphan.exists()


def test_other_files_in_a_cache_are_none_of_its_business(lab: Lab) -> None:
    """What is no object by its name stays, as do DVC's own folders beside the objects."""
    other = lab.write(".dvc/cache/files/md5/ab/notes.txt", "mine\n")
    run = lab.write(".dvc/cache/runs/ab/abcd/ef", f"outs:\n- md5: {'cd' * 16}\n")
    named = lab.write(f".dvc/cache/files/md5/cd/{'cd' * 15}", "of a cached run\n")
    gc(lab.root, grace_minutes=0)
    assert other.exists()
    assert run.exists()
    assert named.exists()


def test_two_pulls_and_a_gc_at_once(lab: Lab) -> None:
    """They wait for one another: what is needed is there in the end, and what is not is gone."""
    orphan = add(lab, "orphan\n")
    start = threading.Barrier(3)

    def at_once(work: object) -> None:
        start.wait(20)
        if work == "gc":
            gc(lab.root, grace_minutes=0)
        else:
            pull(lab.root, Wish())

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(at_once, ["pull", "gc", "pull"]))
    assert not orphan.exists()
    md5 = hashlib.md5(POINTS.encode(), usedforsecurity=False).hexdigest()
    assert (lab.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).read_text() == POINTS


def test_a_clock_that_went_back_removes_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the clock is behind the times of the files, objects count as young and stay."""
    from datetime import UTC, datetime

    orphan = add(lab, "orphan\n")
    monkeypatch.setattr("repro.flows.data_gc.clock.now", lambda: datetime(2020, 1, 1, tzinfo=UTC))
    assert gc(lab.root, grace_minutes=0).young == 1
    assert orphan.exists()
