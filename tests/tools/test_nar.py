from __future__ import annotations

import hashlib
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import FormatError
from repro.tools import nar
from repro.tools.nar import Sort

Tree = bytes | str | dict[str, "Tree"]


def word(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data + bytes(-len(data) % 8)


def entry(name: str, tree: Tree = b"") -> bytes:
    return word("entry") + word("(") + word("name") + word(name) + word("node") + node(tree) + word(")")


def node(tree: Tree) -> bytes:
    """The NAR of bytes (a file), text (a link) or a folder, after the manual of Nix."""
    if isinstance(tree, bytes):
        body = word("regular") + word("contents") + word(tree)
    elif isinstance(tree, str):
        body = word("symlink") + word("target") + word(tree)
    else:
        entries = (entry(name, tree[name]) for name in sorted(tree, key=str.encode))
        body = word("directory") + b"".join(entries)
    return word("(") + word("type") + body + word(")")


def packed(tree: Tree) -> bytes:
    return word("nix-archive-1") + node(tree)


def reading(data: bytes) -> nar.Archive:
    with tempfile.NamedTemporaryFile(suffix=".nar") as file:
        file.write(data)
        file.flush()
        return nar.read(Path(file.name))


def test_the_hash_is_that_of_nix() -> None:
    """The hash of the NAR of a known file is the one that Nix 2.26 printed for it."""
    archive = reading(packed({"f": b"hi\n"}))
    assert archive.nar_hash == "sha256-MyEwKR7frLkJXyCTAYmhACAemt2h4EszAo04ltEu78o="


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8).filter(
    lambda name: name not in {".", ".."}
)
TREES: st.SearchStrategy[Tree] = st.recursive(
    st.binary(max_size=30) | NAMES,
    lambda inner: st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)


def flat(tree: Tree, path: str = "") -> dict[str, Tree]:
    found: dict[str, Tree] = {path: tree}
    if isinstance(tree, dict):
        for name, below in tree.items():
            found |= flat(below, f"{path}/{name}" if path else name)
    return found


@given(TREES)
def test_what_is_packed_is_read(tree: Tree) -> None:
    """Every file, folder and link of a tree is read with its sort, content and target."""
    data = packed(tree)
    archive = reading(data)
    expected = flat(tree)
    assert archive.nar_hash == nar.sri(hashlib.sha256(data).digest())
    assert archive.entries.keys() == expected.keys()
    for path, entry in archive.entries.items():
        below = expected[path]
        if isinstance(below, bytes):
            assert entry.sort is Sort.FILE
            assert data[entry.offset : entry.offset + entry.size] == below
            assert entry.sha256 == hashlib.sha256(below).hexdigest()
        elif isinstance(below, str):
            assert (entry.sort, entry.target) == (Sort.LINK, below)
        else:
            assert entry.sort is Sort.FOLDER


def test_what_is_read_can_be_unpacked(tmp_path: Path) -> None:
    """Unpacking gives back files, links and folders."""
    file = tmp_path / "x.nar"
    file.write_bytes(packed({"a": {"b": b"content", "l": "../b"}}))
    nar.unpack(nar.read(file), tmp_path / "tree")
    assert (tmp_path / "tree" / "a" / "b").read_bytes() == b"content"
    assert (tmp_path / "tree" / "a" / "l").readlink() == Path("../b")


def folder(*entries: bytes) -> bytes:
    return (
        word("nix-archive-1") + word("(") + word("type") + word("directory") + b"".join(entries) + word(")")
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        packed(b"x")[:-1],
        packed(b"x") + b"x",
        folder(entry("..")),
        folder(entry("a/b")),
        folder(entry("")),
        folder(entry("b"), entry("a")),
        folder(entry("a"), entry("a", "/etc")),
        word("nix-archive-2") + node(b""),
        packed(b"x").replace(b"x" + bytes(7), b"x" + bytes(6) + b"y"),
        word("nix-archive-1") + struct.pack("<Q", 1 << 62),
    ],
)
def test_what_is_no_nar_is_refused(data: bytes) -> None:
    """Cut, overlong, out of order, leading out of its folder, twice the same name: FormatError."""
    with pytest.raises(FormatError):
        reading(data)


def test_depth_is_capped() -> None:
    """Folders nested without end are refused, not followed."""
    down = word("(") + word("type") + word("directory") + word("entry") + word("(") + word("name") + word("d")
    with pytest.raises(FormatError, match="too deep"):
        reading(word("nix-archive-1") + (down + word("node")) * 100_000)
