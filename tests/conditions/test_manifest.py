from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.conditions import manifest
from repro.core.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub" / "empty").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    (root / "sub" / "b.txt").write_text("b")
    (root / "link").symlink_to("a.txt")
    return root


def test_both_digests_are_stable(tree: Path) -> None:
    """A tree that nobody touches keeps both its digests."""
    assert manifest.quick(tree) == manifest.quick(tree)
    assert manifest.whole(tree) == manifest.whole(tree)


def test_contents_hold_every_entry(tree: Path) -> None:
    """Files, links and folders, empty ones too, are entries of the contents."""
    digest, contents = manifest.whole(tree)
    assert sorted(contents) == ["a.txt", "link", "sub", "sub/b.txt", "sub/empty"]
    assert contents["link"] == "link a.txt"
    assert manifest.digest_of(contents) == digest


def test_a_change_that_hides_its_time_is_noticed(tree: Path) -> None:
    """Same size and same modification time do not hide other bytes from either digest."""
    before, whole = manifest.quick(tree), manifest.whole(tree)
    status = (tree / "a.txt").stat()
    (tree / "a.txt").write_text("z")
    os.utime(tree / "a.txt", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert manifest.quick(tree) != before
    after = manifest.whole(tree)
    assert after[0] != whole[0]
    assert manifest.changed_files(whole[1], after[1]) == ("a.txt",)


def test_every_kind_of_change_is_named(tree: Path) -> None:
    """An added, a removed and an altered entry, a mode and a link target are all named."""
    _, before = manifest.whole(tree)
    (tree / "new").write_text("")
    (tree / "sub" / "empty").rmdir()
    (tree / "a.txt").chmod(0o755)
    (tree / "link").unlink()
    (tree / "link").symlink_to("sub/b.txt")
    quick = manifest.quick(tree)
    _, after = manifest.whole(tree)
    assert manifest.changed_files(before, after) == ("a.txt", "link", "new", "sub/empty")
    assert quick == manifest.quick(tree)


def test_a_file_that_came_and_went_is_no_change(tree: Path) -> None:
    """A temporary file that is gone again leaves the quick digest as it was."""
    before = manifest.quick(tree)
    (tree / "temporary").write_text("x")
    during = manifest.quick(tree)
    (tree / "temporary").unlink()
    assert during != before
    assert manifest.quick(tree) == before


def test_links_are_not_followed(tree: Path, tmp_path: Path) -> None:
    """What a link leads to outside the tree takes no part in its digests."""
    (tmp_path / "outside").mkdir()
    (tree / "out").symlink_to(tmp_path / "outside")
    before = manifest.quick(tree), manifest.whole(tree)
    (tmp_path / "outside" / "file").write_text("x")
    assert (manifest.quick(tree), manifest.whole(tree)) == before


def test_a_pipe_does_not_block(tree: Path) -> None:
    """A special file is described and never opened."""
    os.mkfifo(tree / "pipe", 0o600)
    assert manifest.whole(tree)[1]["pipe"] == "special 600"


def test_a_name_that_is_not_utf8_is_refused_by_the_whole_digest(tree: Path) -> None:
    """The table of contents is JSON, so a name that is no text is refused with a reason."""
    with open(os.fsencode(tree) + b"/\xff", "wb"):  # noqa: PTH123 - a Path cannot be made of bytes
        pass
    manifest.quick(tree)
    with pytest.raises(FormatError, match="not UTF-8"):
        manifest.whole(tree)


ENTRIES = st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=4)


@given(ENTRIES, ENTRIES)
def test_no_changed_file_means_equal_contents(before: dict[str, str], after: dict[str, str]) -> None:
    """The list of changed files is empty exactly when the contents are equal, and the same both ways."""
    assert (manifest.changed_files(before, after) == ()) == (before == after)
    assert manifest.changed_files(before, after) == manifest.changed_files(after, before)
