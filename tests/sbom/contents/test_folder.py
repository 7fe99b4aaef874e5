"""A folder's files read and hashed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from repro.core.errors import FormatError
from repro.sbom.folder import READ, SMALL, FolderTree

if TYPE_CHECKING:
    from pathlib import Path


def test_digests_are_those_of_hashlib_whatever_the_size(tmp_path: Path) -> None:
    """Files below, at and above the piece of memory they are read into have the digests of their bytes."""
    sizes = (0, 1, READ - 1, READ, READ + 1, SMALL - 1, SMALL, SMALL + 1, 9 * SMALL + 7)
    contents = {f"of-{size}": (b"0123456789abcdef!" * size)[:size] for size in sizes}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    tree = FolderTree(tmp_path)
    expected = {name: hashlib.sha256(data).digest() for name, data in contents.items()}
    assert tree.digests(sorted(contents)) == expected
    assert {name: bytes.fromhex(tree.sha256(name).hex) for name in contents} == expected
    assert {name: tree.read(name, 9 * SMALL + 7) for name in contents} == contents


def test_a_file_above_the_limit_is_refused(tmp_path: Path) -> None:
    """A file of more bytes than the limit is a FormatError, and one of as many is read."""
    (tmp_path / "four").write_bytes(b"four")
    tree = FolderTree(tmp_path)
    assert tree.read("four", 4) == b"four"
    with pytest.raises(FormatError, match="4 bytes, more than the 3"):
        tree.read("four", 3)


@pytest.mark.parametrize("size", [READ, READ + 1, 3 * READ])
def test_a_large_file_above_the_limit_is_refused(tmp_path: Path, size: int) -> None:
    """A file that is read in more than one piece is held against the limit as a whole."""
    (tmp_path / "large").write_bytes(bytes(size))
    tree = FolderTree(tmp_path)
    assert len(tree.read("large", size)) == size
    with pytest.raises(FormatError, match=f"{size} bytes, more than the {size - 1}"):
        tree.read("large", size - 1)


def test_a_link_is_not_hashed(tmp_path: Path) -> None:
    """A link to a file is not there for those who hash, alone or among others."""
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(FormatError, match="behind a link"):
        FolderTree(tmp_path).digests(("file", "link"))
