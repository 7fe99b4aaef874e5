"""Data under DVC as flows: pulled, verified, pushed, linked, for one revision and for all."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.flows.conftest import POINTS

from repro.core.errors import DataError, UsageError
from repro.core.exits import Exit
from repro.data.cache import Standing
from repro.data.shelf import UnreachableError
from repro.flows.data import Wish, pull, push, verify
from repro.flows.data_history import history
from repro.flows.data_status import status
from repro.render.data_past import history_text
from repro.render.data_text import status_text, verify_text

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.conftest import Lab


def place(top: Path, content: str) -> Path:
    md5 = hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
    return top / "files/md5" / md5[:2] / md5[2:]


def cache_of(lab: Lab) -> Path:
    return lab.root / ".dvc/cache"


def spoil(path: Path, text: str = "") -> None:
    """Other bytes of the same size."""
    path.chmod(0o644)
    path.write_text(text or path.read_text()[::-1])


def second(lab: Lab) -> None:
    """One more experiment with data of its own."""
    lab.track("data/other.csv", "9\n")
    lab.define("other", inputs=["data/other.csv"])


def test_a_pull_fetches_what_an_experiment_needs_and_no_more(lab: Lab) -> None:
    """The objects of the named experiment arrive, those of others do not."""
    second(lab)
    report = pull(lab.root, Wish(experiments=("other",)))
    assert (report.exit, report.files, len(report.moved.moved)) == (Exit.GOOD, 1, 1)
    assert place(cache_of(lab), "9\n").is_file()
    assert not place(cache_of(lab), POINTS).exists()
    assert pull(lab.root, Wish(experiments=("other",))).moved.moved == ()


def test_what_cannot_be_pulled_is_named_by_its_path(lab: Lab) -> None:
    """An object that the remote lacks is told with its path; a remote that is not there, as such."""
    second(lab)
    place(lab.shelf, "9\n").unlink()
    with pytest.raises(DataError, match=r"^data/other\.csv: remote .*: 1 of 2 objects") as caught:
        pull(lab.root, Wish())
    assert "data/points.csv" not in caught.value.message
    shutil.rmtree(lab.shelf)
    place(cache_of(lab), POINTS).unlink()
    with pytest.raises(DataError, match=r"there is no such folder$") as caught:
        pull(lab.root, Wish())
    assert "mount it" in caught.value.hint
    with pytest.raises(DataError, match="no such folder"):
        verify(lab.root, Wish())
    with pytest.raises(
        DataError, match=r"(?s)^data/other\.csv, data/points\.csv: .*missing in the cache"
    ) as caught:
        push(lab.root, Wish())


def test_a_pull_at_a_revision_fetches_what_was_needed_then(lab: Lab) -> None:
    """With a revision its pointers count, and the work tree stays as it is."""
    lab.track("data/points.csv", "7\n")
    lab.commit("other points")
    before = lab.git("status", "--porcelain")
    pull(lab.root, Wish(revision="v1"))
    assert place(cache_of(lab), POINTS).is_file()
    assert not place(cache_of(lab), "7\n").exists()
    assert lab.git("status", "--porcelain") == before


def test_files_are_linked_where_they_are_wanted(lab: Lab) -> None:
    """In place means a link into the cache, not a second copy; what is there already stays."""
    report = pull(lab.root, Wish(), in_place=True)
    assert report.placed is not None
    assert sum(report.placed.made.values()) == 1
    assert "copy" not in report.placed.made
    assert (lab.root / "data/points.csv").read_text() == POINTS
    again = pull(lab.root, Wish(), in_place=True).placed
    assert again is not None
    assert (again.made, again.there) == ({}, 1)


def test_a_users_own_file_is_never_replaced(lab: Lab) -> None:
    """A file in place with other bytes stops the linking before anything is written."""
    lab.write("data/points.csv", "mine\n")
    with pytest.raises(UsageError, match=r"points\.csv"):
        pull(lab.root, Wish(), in_place=True)
    assert (lab.root / "data/points.csv").read_text() == "mine\n"


def test_a_corrupt_cache_object_is_set_aside_and_fetched_again(lab: Lab) -> None:
    """Same size, other bytes: verify finds it, pull quarantines it and gets a good one."""
    pull(lab.root, Wish())
    object_ = place(cache_of(lab), POINTS)
    spoil(object_)
    bad = object_.read_bytes()
    found = verify(lab.root, Wish())
    assert [(row.cache, row.remote) for row in found.rows] == [(Standing.CORRUPT, Standing.PRESENT)]
    assert found.exit is Exit.WRONG
    (aside,) = pull(lab.root, Wish()).moved.quarantined
    assert aside.read_bytes() == bad
    assert object_.read_text() == POINTS
    assert verify(lab.root, Wish()).exit is Exit.GOOD


@pytest.mark.parametrize(
    ("harm", "cached", "standing", "code"),
    [
        ("none", False, Standing.PRESENT, Exit.GOOD),
        ("removed", False, Standing.MISSING, Exit.WRONG),
        ("removed", True, Standing.MISSING, Exit.WRONG),
        ("corrupt", True, Standing.CORRUPT, Exit.WRONG),
    ],
)
def test_verify_says_how_the_remote_stands(
    lab: Lab,
    harm: str,
    cached: bool,  # noqa: FBT001 - a case
    standing: Standing,
    code: Exit,
) -> None:
    """Present, missing and corrupt are told for the remote, and nothing is pulled for it."""
    if cached:
        pull(lab.root, Wish())
    stored = place(lab.shelf, POINTS)
    if harm == "removed":
        stored.unlink()
    elif harm == "corrupt":
        spoil(stored)
    report = verify(lab.root, Wish())
    assert [row.remote for row in report.rows] == [standing]
    assert report.exit is code
    assert place(cache_of(lab), POINTS).exists() is cached


def test_nothing_to_verify_is_not_good(lab: Lab) -> None:
    """Where no object of DVC belongs to the experiments, nothing was checked: exit 3."""
    lab.define(inputs=["data/offset.txt"])
    report = verify(lab.root, Wish())
    assert report.rows == ()
    assert report.exit is Exit.NOT_CHECKED


def test_a_remote_that_is_not_there_cannot_be_verified(lab: Lab) -> None:
    """Without a remote verify fails, unless the cache alone is asked for."""
    lab.write(".dvc/config", "")
    with pytest.raises(DataError, match="no default remote") as caught:
        verify(lab.root, Wish())
    assert caught.value.hint == "run: dvc remote add -d NAME URL; --cache-only asks the cache alone"
    assert verify(lab.root, Wish(), offline=True).exit is Exit.WRONG


def test_a_manifest_that_is_nowhere_leaves_its_files_unknown(lab: Lab) -> None:
    """A folder whose list is in neither place is missing, and what it holds is said to be unknown."""
    lab.write("data/folder.dvc", f"outs:\n- md5: {'ab' * 16}.dir\n  hash: md5\n  path: folder\n")
    lab.define(inputs=["data/folder"])
    report = verify(lab.root, Wish())
    assert report.unknown == ("data/folder",)
    assert report.exit is Exit.WRONG
    with pytest.raises(DataError):
        pull(lab.root, Wish())


def test_all_revisions_say_which_can_no_longer_be_fed(lab: Lab) -> None:
    """An object that is gone everywhere is told of every revision that needs it, and of no other."""
    lab.track("data/points.csv", "7\n")
    lab.commit("other points")
    place(lab.shelf, POINTS).unlink()
    report = history(lab.root)
    assert report.exit is Exit.WRONG
    lost = [past for past in report.past if past.reason]
    assert [(past.experiment, past.names, past.revisions) for past in lost] == [("mean", ("v1",), 2)]
    assert "data/points.csv" in lost[0].reason
    pull(lab.root, Wish())
    assert len(report.past) == 2
    place(lab.shelf, POINTS).write_text(POINTS)
    assert history(lab.root).exit is Exit.GOOD


def test_a_revision_that_cannot_be_read_is_not_fed_either(lab: Lab) -> None:
    """A pointer with a hash that nobody understands makes its revision unknown, and the others stay known."""
    lab.write("data/points.csv.dvc", f"outs:\n- blake3: {'ab' * 32}\n  hash: blake3\n  path: points.csv\n")
    lab.commit("a hash of tomorrow")
    report = history(lab.root)
    assert [past.known for past in report.past] == [False, True]
    assert report.exit is Exit.NOT_CHECKED
    with pytest.raises(DataError, match=r"points\.csv\.dvc"):
        pull(lab.root, Wish())


def test_a_remote_that_cannot_be_asked_says_nothing_of_the_past(lab: Lab) -> None:
    """Where the remote is not there, no state of the past is called one that cannot be fed."""
    shutil.rmtree(lab.shelf)
    with pytest.raises(UnreachableError, match="no such folder"):
        history(lab.root)


def test_a_past_without_data_of_dvc_is_nothing_checked(lab: Lab) -> None:
    """Experiments that need no object are told as not checked, in words too."""
    lab.define("plain", inputs=["data/offset.txt"])
    lab.commit("an experiment without data")
    report = history(lab.root, ("plain",))
    assert report.exit is Exit.NOT_CHECKED
    assert "nothing checked" in history_text(report)


def test_a_remote_that_is_not_made_yet_is_no_empty_one(lab: Lab) -> None:
    """Status counts nothing there, and says that there is no such place; verify can say nothing."""
    shutil.rmtree(lab.shelf)
    report = status(lab.root)
    assert report.gone
    assert "no such folder or bucket yet" in status_text(report)
    assert not status(lab.root, offline=True).gone


NEXT = {
    "corrupt in the cache": "-> repro data pull --at HEAD",
    "missing in the remote": "-> repro data push --at HEAD",
    "corrupt in the remote": "-> repro data push --at HEAD",
    "nowhere": "-> what is nowhere: repro data push, from where it is",
    "cache alone": "-> repro data pull --at HEAD fetches",
}


@pytest.mark.parametrize("harm", NEXT)
def test_what_is_not_good_comes_with_the_next_command(lab: Lab, harm: str) -> None:
    """Each kind of harm is followed by the one command that mends it; doing that makes all good."""
    pull(lab.root, Wish())
    kept, stored = place(cache_of(lab), POINTS), place(lab.shelf, POINTS)
    if harm.startswith("corrupt"):
        spoil(kept if "cache" in harm else stored)
    gone = {"missing in the remote": [stored], "nowhere": [kept, stored], "cache alone": [kept]}
    for path in gone.get(harm, []):
        path.unlink()
    text = verify_text(verify(lab.root, Wish(revision="HEAD"), offline=harm == "cache alone"))
    (step,) = (line for line in text.splitlines() if line.startswith("->"))
    assert step.startswith(NEXT[harm])
    if harm != "nowhere":
        mend = push if "push" in NEXT[harm] else pull
        mend(lab.root, Wish(revision="HEAD"))
        assert "->" not in verify_text(verify(lab.root, Wish(revision="HEAD")))


def test_status_says_where_everything_is(lab: Lab) -> None:
    """Files in place, changed, in the cache and in the remote are counted for each out."""
    (before,) = status(lab.root).tracked
    assert (before.files, before.in_place, before.changed, before.cached, before.remote) == (1, 0, 0, 0, 1)
    pull(lab.root, Wish(), in_place=True)
    (after,) = status(lab.root).tracked
    assert (after.in_place, after.cached) == (1, 1)
    (lab.root / "data/points.csv").unlink()
    lab.write("data/points.csv", "mine\n")
    (changed,) = status(lab.root, offline=True).tracked
    assert (changed.in_place, changed.changed, changed.remote) == (0, 1, None)


def test_a_push_restores_what_a_remote_lost(lab: Lab) -> None:
    """Missing and corrupt objects of the remote are stored again from the cache, good ones stay."""
    pull(lab.root, Wish())
    shutil.rmtree(lab.shelf)
    assert len(push(lab.root, Wish()).moved.moved) == 1
    spoil(place(lab.shelf, POINTS))
    assert len(push(lab.root, Wish()).moved.moved) == 1
    assert place(lab.shelf, POINTS).read_text() == POINTS
    assert push(lab.root, Wish()).moved.moved == ()


def test_a_corrupt_cache_object_is_never_pushed(lab: Lab) -> None:
    """What does not have its hash stays out of the remote, which others pull from."""
    pull(lab.root, Wish())
    place(lab.shelf, POINTS).unlink()
    spoil(place(cache_of(lab), POINTS))
    with pytest.raises(DataError, match="corrupt in the cache"):
        push(lab.root, Wish())
    assert not place(lab.shelf, POINTS).exists()
