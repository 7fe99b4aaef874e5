from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sbom.images.makers import layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.sbom.images.makers import Content

from repro.core.digest import of_bytes
from repro.core.errors import FormatError
from repro.sbom.layers import MAX_FINDINGS, LayerTree, Stack, read_entries
from repro.sbom.oci_keep import Keeper


def stacked(*layers: Mapping[str, Content]) -> Stack:
    stack, keeper = Stack(), Keeper("demo")
    for index, entries in enumerate(layers):
        stack.add(index, read_entries(io.BytesIO(layer(entries)), keeper))
    return stack


def origins(*layers: Mapping[str, Content]) -> dict[str, int]:
    """The layer of each file that is left."""
    return {path: file.layer for path, file in stacked(*layers).files()}


def whats(stack: Stack) -> list[str]:
    return [finding.what for finding in stack.findings]


def test_a_replaced_file_belongs_to_the_later_layer() -> None:
    """A file comes from the last layer that wrote it, with that layer's content."""
    stack = stacked({"a": b"1", "b": b"1"}, {"a": b"2"})
    files = dict(stack.files())
    assert {path: file.layer for path, file in files.items()} == {"a": 1, "b": 0}
    assert LayerTree(files).sha256("a") == of_bytes(b"2")


def test_a_whiteout_hides_what_lower_layers_have() -> None:
    """A whiteout takes a file or a folder from the layers below, and nothing from its own, in any order."""
    base: dict[str, Content] = {"d/a": b"", "d/b": b"", "e/c": b"", "f": b""}
    assert origins(base, {"d/.wh.a": b"", ".wh.e": b""}) == {"d/b": 0, "f": 0}
    assert origins(base, {"f": b"new", ".wh.f": b""}) == {"d/a": 0, "d/b": 0, "e/c": 0, "f": 1}


def test_an_opaque_whiteout_empties_a_folder() -> None:
    """An opaque whiteout hides all that lower layers have in its folder, and keeps what its own layer has."""
    base: dict[str, Content] = {"d/a": b"", "d/e/b": b"", "f": b""}
    assert origins(base, {"d/new": b"", "d/.wh..wh..opq": b""}) == {"d/new": 1, "f": 0}
    assert origins(base, {".wh..wh..opq": b"", "x": b""}) == {"x": 1}


def test_whiteouts_of_nothing() -> None:
    """A whiteout of what is not there is told, and hides nothing; AUFS's own names are passed over."""
    stack = stacked({"a": b""}, {".wh.b": b"", "x/.wh.y": b"", "a/.wh.z": b"", ".wh..wh.plnk": b""})
    assert [path for path, _ in stack.files()] == ["a"]
    assert whats(stack) == ["a whiteout of nothing"] * 3


@pytest.mark.parametrize("name", [".wh.", ".wh...", ".wh..", "a/.wh..."])
def test_whiteouts_that_lead_out(name: str) -> None:
    """A whiteout names one thing in its folder: neither the folder nor the one above."""
    with pytest.raises(FormatError, match="no whiteout"):
        stacked({"a/b": b""}, {name: b""})


def test_a_hard_link_is_the_file_it_links_to() -> None:
    """A hard link has its file's content, also where the file is in a lower layer or is replaced later."""
    stack = stacked({"a": b"1"}, {"b": (tarfile.LNKTYPE, "a")}, {"a": b"2"})
    files = dict(stack.files())
    tree = LayerTree(files)
    assert (tree.sha256("b"), files["b"].layer) == (of_bytes(b"1"), 1)
    assert tree.sha256("a") == of_bytes(b"2")


def test_a_hard_link_to_nothing_is_told() -> None:
    """A hard link to what is not there, or to a folder, is told and is no file."""
    stack = stacked({"d/x": b"", "a": (tarfile.LNKTYPE, "nothing"), "b": (tarfile.LNKTYPE, "d")})
    assert [path for path, _ in stack.files()] == ["d/x"]
    assert whats(stack) == ["a hard link to nothing, where no file is", "a hard link to d, where no file is"]


def test_a_hard_link_to_outside_is_refused() -> None:
    """A hard link to outside of the image is an attack on whoever unpacks it."""
    with pytest.raises(FormatError, match="leads out"):
        stacked({"a": (tarfile.LNKTYPE, "../../etc/shadow")})


def test_device_nodes_are_told() -> None:
    """A device is no file, and takes the place of one."""
    stack = stacked({"dev/null": b"file"}, {"dev/null": (tarfile.CHRTYPE, "")})
    assert list(stack.files()) == []
    assert whats(stack) == ["a device, a pipe or a socket"]


def test_links_on_the_way_are_followed_within_the_image() -> None:
    """With `lib -> usr/lib` below, `lib/x` is written to `usr/lib/x`, and no link leads out of the image."""
    base: dict[str, Content] = {"usr/lib/a": b"", "lib": "usr/lib", "abs": "/usr/lib", "up": "../../../usr"}
    found = origins(base, {"lib/x": b"", "abs/y": b"", "up/z": b"", "lib/.wh.a": b""})
    assert found == {"usr/lib/x": 1, "usr/lib/y": 1, "usr/z": 1}
    assert stacked(base).file("lib/a") == stacked(base).file("usr/lib/a") is not None


def test_a_loop_of_links() -> None:
    """What lies behind a loop of links is told and is nowhere; the reading ends."""
    stack = stacked({"a": "b", "b": "a", "a/x": b"", "c": "c", "c/.wh.y": b""})
    assert list(stack.files()) == []
    assert "it lies behind a loop of links" in whats(stack)
    assert stack.file("a") is None
    assert stack.file("c/d") is None


def test_kinds_replace_each_other() -> None:
    """A file in the place of a folder hides all that was in it; one in a link's place is itself."""
    assert origins({"a/b": b"", "l": "a"}, {"a": b"file"}) == {"a": 1}
    assert origins({"a/b": b"", "l": "a"}, {"l": (tarfile.DIRTYPE, ""), "l/c": b""}) == {"a/b": 0, "l/c": 1}


def test_findings_have_a_cap() -> None:
    """What is wrong many times is told a hundred times."""
    assert len(stacked({f"dev/{n}": (tarfile.FIFOTYPE, "") for n in range(300)}).findings) == MAX_FINDINGS


def test_only_what_tells_about_packages_is_kept() -> None:
    """Of other files nothing but the hash is kept, and asking for their bytes is refused."""
    tree = LayerTree(
        dict(stacked({"data": b"x", "lib/a-1.dist-info/METADATA": b"Name: a", "s.egg-info": b"y"}).files())
    )
    assert tree.read("lib/a-1.dist-info/METADATA", 100) == b"Name: a"
    assert tree.read("s.egg-info", 1) == b"y"
    assert tree.sha256("data") == of_bytes(b"x")
    with pytest.raises(FormatError, match="not kept"):
        tree.read("data", 10)
    with pytest.raises(FormatError, match="more than the 3"):
        tree.read("lib/a-1.dist-info/METADATA", 3)


def test_names_in_no_encoding() -> None:
    """Files whose names are not UTF-8 stay apart from each other."""
    names = [os.fsdecode(b"caf\xe9"), os.fsdecode(b"caf\xe8")]
    assert sorted(origins(dict.fromkeys(names, b""))) == sorted(names)


PARTS = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
LAYERS = st.lists(st.dictionaries(PATHS, st.binary(max_size=2), max_size=5), max_size=4)


@given(LAYERS)
def test_a_stack_is_a_folder_written_over(layers: list[dict[str, bytes]]) -> None:
    """Layers of files give what writing them over each other gives: the last one to write a path has it."""
    expected: dict[str, int] = {}
    for index, entries in enumerate(layers):
        for path in entries:
            hidden = [each for each in expected if each.startswith(f"{path}/") or path.startswith(f"{each}/")]
            for each in hidden:
                del expected[each]
            expected[path] = index
    assert origins(*layers) == expected
