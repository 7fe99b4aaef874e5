"""NAR hashes of store paths in images: those of the same files in a store, or none."""

from __future__ import annotations

import base64
import io
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sbom.images.makers import layer, layout, saved

from repro.sbom.check import checked
from repro.sbom.component import CONTENT, NAR_HASH
from repro.sbom.layers import Stack, read_entries
from repro.sbom.oci import image
from repro.sbom.oci_keep import Keeper
from repro.sbom.oci_nar import READINGS, Hashes
from repro.sbom.oci_store import store_nodes
from repro.tools.nar_writing import nar_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.sbom.images.makers import Content, Layout

    from repro.sbom.component import Inventory

BASE = "0123456789abcdfghijklmnpqrsvwxyz-hello-2.12.1"
OTHER = "zyxwvsrqpnmlkjihgfdcba9876543210-farm"
PATH = f"nix/store/{BASE}"
FOLDER = (tarfile.DIRTYPE, "")

NAMES = st.sampled_from(["a", "a.b", "a-b", "b", "\udcff", "é"])
LEAVES = st.one_of(st.binary(max_size=20), st.sampled_from(["../x", "/nix/store/y", "a"]))
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=10)


def told(found: Inventory) -> dict[str, str]:
    """The NAR hash of each store path that has one."""
    return {
        each.ref: dict(each.properties)[NAR_HASH]
        for each in found.components
        if NAR_HASH in dict(each.properties)
    }


def inventory(made: Layout) -> Inventory:
    with tempfile.TemporaryDirectory() as folder:
        return image(made.write(Path(folder)))


def written(folder: Path, entries: Iterable[tuple[str, Content]], executable: Iterable[str] = ()) -> str:
    """The NAR hash of what lies at `PATH` once the entries are written below a folder, by the house's own
    writer, which tests/tools hold against Nix.
    """
    for name, content in entries:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            place.write_bytes(content)
            place.chmod(0o755 if name in executable else 0o644)
        elif isinstance(content, str):
            place.symlink_to(content)
        else:
            place.mkdir(exist_ok=True)
    return "sha256-" + base64.b64encode(bytes.fromhex(nar_sha256(folder / PATH))).decode()


def flat(tree: object, path: str = PATH) -> list[tuple[str, Content]]:
    """The entries of a tree, folders before what is in them."""
    if isinstance(tree, dict):
        inner = [each for name, one in tree.items() for each in flat(one, f"{path}/{name}")]
        return [(path, FOLDER), *inner]
    assert isinstance(tree, bytes | str)
    return [(path, tree)]


@given(tree=TREES, data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_path_of_an_image_has_the_hash_that_it_has_in_a_store(tree: object, data: st.DataObject) -> None:
    """In whatever order and layers a path's entries come, its hash is that of the same files on a disk."""
    entries = flat(tree)
    files = [name for name, content in entries if isinstance(content, bytes)]
    executable = data.draw(st.sets(st.sampled_from(files))) if files else set()
    order = data.draw(st.permutations(entries))
    cut = data.draw(st.integers(0, len(order)))
    parts = (order[:cut], order[cut:])
    with tempfile.TemporaryDirectory() as folder:
        expected = written(Path(folder), entries, executable)
    found = inventory(layout(*(layer(part, executable=executable) for part in parts)))
    assert told(found) == {BASE: expected}
    assert found.findings == ()


def test_layers_that_change_a_path_count(tmp_path: Path) -> None:
    """Files that a later layer replaces, hides, adds or makes executable are hashed as they end."""
    below: dict[str, Content] = {
        f"{PATH}/{name}": name.encode() for name in ("a", "b", "c", "gone/x", "old/y")
    }
    above: dict[str, Content] = {
        f"{PATH}/.wh.gone": b"",
        f"{PATH}/old/.wh..wh..opq": b"",
        f"{PATH}/old/new": b"new",
        f"{PATH}/b": b"other",
        f"{PATH}/d": "a",
    }
    left: dict[str, Content] = {
        **{f"{PATH}/{name}": name.encode() for name in ("a", "c")},
        f"{PATH}/b": b"other",
        f"{PATH}/d": "a",
        f"{PATH}/old/new": b"new",
    }
    expected = written(tmp_path, left.items(), {f"{PATH}/b"})
    made = (layer(below), layer(above, executable={f"{PATH}/b"}))
    assert told(inventory(layout(*made))) == {BASE: expected}
    assert told(inventory(saved(*made))) == {BASE: expected}
    assert told(inventory(layout(*made, layer({f"{PATH}/.wh.d": b""})))) != {BASE: expected}


def test_hard_links_are_files(tmp_path: Path) -> None:
    """A hard link has the content and permission of its file: in its path, another one, another layer."""
    below: dict[str, Content] = {
        f"{PATH}/b": b"x" * 100,
        f"{PATH}/c": (tarfile.LNKTYPE, f"{PATH}/b"),
        f"{PATH}/a": (tarfile.LNKTYPE, f"{PATH}/b"),
        f"nix/store/{OTHER}": (tarfile.LNKTYPE, f"{PATH}/b"),
    }
    above: dict[str, Content] = {f"{PATH}/d": (tarfile.LNKTYPE, f"{PATH}/c")}
    names = {f"{PATH}/{name}" for name in "abcd"}
    expected = written(tmp_path, [(name, b"x" * 100) for name in names], names)
    found = told(inventory(layout(layer(below, executable={f"{PATH}/b"}), layer(above))))
    assert found[BASE] == expected
    assert set(found) == {BASE, OTHER}


def test_a_layer_that_is_listed_twice(tmp_path: Path) -> None:
    """A layer that is listed again brings back its files, whose bytes are read where it stands first."""
    below, above = {f"{PATH}/a": b"1", f"{PATH}/b": b"2"}, {f"{PATH}/a": b"other"}
    expected = written(tmp_path, below.items())
    layers = layer(below), layer(above), layer(below)
    assert told(inventory(layout(*layers))) == {BASE: expected}


def test_a_path_of_links_alone_is_a_component(tmp_path: Path) -> None:
    """A path without any regular file has its NAR hash, and no digest of contents that would say nothing."""
    entries: list[tuple[str, Content]] = [
        (f"{PATH}/bin/hello", "/nix/store/x/bin/hello"),
        (f"{PATH}/e", FOLDER),
    ]
    found = inventory(layout(layer({"etc/a": b""}), layer(entries)))
    assert told(found) == {BASE: written(tmp_path, entries)}
    (component,) = [each for each in found.components if each.ref == BASE]
    assert CONTENT not in dict(component.properties)
    assert dict(component.properties)["repro:oci:layerIndex"] == "1"


@pytest.mark.parametrize("change", ["target", "permission", "folder"])
def test_what_no_content_tells_is_found(change: str) -> None:
    """A link that leads elsewhere, a permission and an empty folder are changes while all files are equal."""
    entries: list[tuple[str, Content]] = [(f"{PATH}/a", b"1"), (f"{PATH}/b", "a")]
    stated = inventory(layout(layer(entries)))
    assert checked(stated, inventory(layout(layer(entries)))).by_hash
    changed = {
        "target": layer([*entries, (f"{PATH}/b", "/etc/passwd")]),
        "permission": layer(entries, mode=0o755),
        "folder": layer([*entries, (f"{PATH}/c", FOLDER)]),
    }[change]
    (deviation,) = [
        each for each in checked(stated, inventory(layout(changed))).deviations if "hello" in each.name
    ]
    assert NAR_HASH in deviation.stated


def test_a_device_in_a_path_leaves_no_hash() -> None:
    """What no NAR can hold leaves the path without a hash, and a finding."""
    found = inventory(layout(layer([(f"{PATH}/a", b"1"), (f"{PATH}/null", (tarfile.CHRTYPE, ""))])))
    assert told(found) == {}
    assert ["NAR hash is not known" in each.what for each in found.findings if each.where == BASE] == [True]
    assert BASE in {each.ref for each in found.components}


def test_folders_nested_too_deep_leave_no_hash() -> None:
    """A depth that NARs do not have here leaves the path without a hash, and a finding."""
    found = inventory(layout(layer({f"{PATH}/" + "a/" * 250 + "x": b"1"})))
    assert told(found) == {}
    assert any(each.where == BASE for each in found.findings)


def hashed(entries: Mapping[str, Content], *, room: int) -> tuple[Hashes, int]:
    """Hashes under way over one layer, and how often it was read."""
    data = layer(entries)
    stack = Stack()
    stack.add(0, read_entries(io.BytesIO(data), Keeper("x")))
    hashes, count = Hashes(store_nodes(stack), room=room), 0
    while hashes.layers and count < READINGS:
        hashes.read(0, io.BytesIO(data))
        count += 1
    hashes.give_up()
    return hashes, count


@pytest.mark.parametrize(("room", "readings"), [(0, 3), (1, 2), (2, 1)])
def test_memory_and_readings_are_bounded(tmp_path: Path, room: int, readings: int) -> None:
    """What comes too early is held where there is room, or waits for the next reading of its layer."""
    entries: dict[str, Content] = {f"{PATH}/{name}": name.encode() for name in "cba"}
    hashes, count = hashed(entries, room=room)
    assert (hashes.hashes, count) == ({BASE: written(tmp_path, entries.items())}, readings)


def test_an_order_that_takes_too_many_readings_leaves_no_hash() -> None:
    """Rather than a wrong hash, or readings without end, there is a finding."""
    hashes, count = hashed({f"{PATH}/{name}": b"x" for name in "hgfedcba"}, room=0)
    assert (hashes.hashes, count) == ({}, READINGS)
    assert [each.where for each in hashes.findings] == [BASE]
