from __future__ import annotations

import contextlib
import gzip
import io
import os
import struct
import tarfile
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sbom.images.makers import entry, layer

from repro.core.errors import FormatError
from repro.tools.archive import CHUNK, Caps, Member, Sort, tar_members, whole
from repro.tools.archive_streams import decompressed
from repro.tools.archive_zip import opened_zip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sbom.images.makers import Content


def read(data: bytes, *, caps: Caps | None = None, as_layer: bool = False) -> list[tuple[Member, bytes]]:
    caps = caps or Caps()
    stream = decompressed(io.BytesIO(data), name="demo.tar", caps=caps)
    found = tar_members(stream, name="demo.tar", caps=caps, layer=as_layer)
    return [(member, whole(content, 1 << 30, name=member.path)) for member, content in found]


ENTRIES: dict[str, Content] = {
    "a/b": b"hello",
    "c": "a/b",
    "d": (tarfile.LNKTYPE, "a/b"),
    "e": (tarfile.DIRTYPE, ""),
}
PLAIN = layer(ENTRIES)
NOISE = layer({f"file{n}": os.urandom(3000) for n in range(50)})


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_members_are_read_whatever_the_compression(pack: Callable[[bytes], bytes]) -> None:
    """Files, links and folders come out in order with their contents, plain, by gzip and by zstd."""
    found = [(each.path, each.sort, each.target, data) for each, data in read(pack(PLAIN))]
    assert found == [
        ("a/b", Sort.FILE, "", b"hello"),
        ("c", Sort.SYMLINK, "a/b", b""),
        ("d", Sort.HARDLINK, "a/b", b""),
        ("e", Sort.FOLDER, "", b""),
    ]


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"../etc/passwd": b""}, "leads out"),
        ({"a/../../b": b""}, "leads out"),
        ({"/etc/passwd": b""}, "no name below"),
        ({"x": (tarfile.LNKTYPE, "../../etc/shadow")}, "leads out"),
        ({"x": (tarfile.LNKTYPE, "/etc/shadow")}, "no name below"),
        ({"n" * 5000: b""}, "a name of more than"),
        ({"x": "t" * 5000}, "a link's target"),
    ],
    ids=[
        "dotdot",
        "dotdot-inside",
        "absolute",
        "hardlink-outside",
        "hardlink-absolute",
        "long-name",
        "long-target",
    ],
)
def test_names_that_lead_out_are_refused(entries: dict[str, Content], words: str) -> None:
    """No name and no hard link leads out of the archive, is absolute, or is longer than a path can be."""
    with pytest.raises(FormatError, match=words):
        read(layer(entries))


def test_a_layer_has_absolute_names() -> None:
    """In a layer `/a` is `a`, as engines read it, and `../a` is refused there too."""
    assert [each.path for each, _ in read(layer({"/a": b"", "./b": b""}), as_layer=True)] == ["a", "b"]
    with pytest.raises(FormatError, match="leads out"):
        read(layer({"/../a": b""}), as_layer=True)


def test_nul_in_a_name_is_refused() -> None:
    """A name with NUL, which only a pax header can hold, is refused: C programs would read half of it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = entry("short")
        info.pax_headers = {"path": "passwd\0.txt"}
        tar.addfile(info)
    with pytest.raises(FormatError, match="no name below"):
        read(file.getvalue())


def test_devices_and_pipes_are_told() -> None:
    """Device nodes and pipes are members of their own sort without content."""
    kinds: dict[str, Content] = {
        "null": (tarfile.CHRTYPE, ""),
        "disk": (tarfile.BLKTYPE, ""),
        "pipe": (tarfile.FIFOTYPE, ""),
    }
    assert {member.sort for member, _ in read(layer(kinds))} == {Sort.OTHER}


def test_names_in_no_encoding_are_kept() -> None:
    """A name that is not UTF-8 comes out with surrogate escapes, so that its bytes are not lost."""
    ((member, _),) = read(layer({b"caf\xe9".decode(errors="surrogateescape"): b""}))
    assert os.fsencode(member.path) == b"caf\xe9"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_bomb_is_refused(pack: Callable[[bytes], bytes]) -> None:
    """What grows more than the ratio allows is refused; so is what grows beyond the total."""
    bomb = pack(layer({"zeros": bytes(8 << 20)}))
    assert len(bomb) < 20_000
    with pytest.raises(FormatError, match="times"):
        read(bomb, caps=Caps(free=1 << 20))
    with pytest.raises(FormatError, match="when decompressed"):
        read(bomb, caps=Caps(total=1 << 20))
    assert len(read(bomb)) == 1


@pytest.mark.parametrize("as_layer", [False, True])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_a_truncated_archive_is_refused(pack: Callable[[bytes], bytes], *, as_layer: bool) -> None:
    """An archive that was cut is no archive, wherever the cut is inside a member."""
    data = pack(NOISE)
    for cut in (len(data) // 3, len(data) // 2, len(data) // 2 + 512):
        with pytest.raises(FormatError):
            read(data[:cut], as_layer=as_layer)


def test_an_end_without_its_mark() -> None:
    """An archive without the mark of its end may have been cut: only a layer may lack it."""
    data = layer({"a": b"hello"})[:1029]
    assert [content for _, content in read(data[:517], as_layer=True)] == [b"hello"]
    with pytest.raises(FormatError, match="ends"):
        read(data[:1024])


def test_a_damaged_header_is_not_the_end() -> None:
    """A header whose sum is wrong is an error, though Python's tarfile takes it for the end."""
    data = bytearray(layer({"a": b"x", "b": b"y"}))
    data[1024] ^= 0xFF
    with pytest.raises(FormatError, match="bad checksum"):
        read(bytes(data))


def test_trailing_garbage_after_gzip() -> None:
    """Zeros after gzip are padding, a second member is more of the same, and anything else is refused."""
    packed = gzip.compress(PLAIN[:600]) + gzip.compress(PLAIN[600:])
    assert len(read(packed + bytes(700))) == 4
    stream = decompressed(io.BytesIO(packed + b"garbage"), name="demo")
    with pytest.raises(FormatError, match="not gzip"):
        whole(stream, 1 << 20, name="demo")


@pytest.mark.parametrize("magic", [b"BZh91AY", b"\xfd7zXZ\0"])
def test_other_compressions_are_named(magic: bytes) -> None:
    """bzip2 and xz are refused by name, with what is read instead."""
    with pytest.raises(FormatError, match="compressed by"):
        read(magic + bytes(100))


def test_too_many_members() -> None:
    """The number of members has a cap."""
    with pytest.raises(FormatError, match="more than 10 members"):
        read(layer({str(n): b"" for n in range(11)}), caps=Caps(members=10))


def pax_bomb() -> bytes:
    """A member whose pax header says that it has a gigabyte."""
    info = entry("header", tarfile.XHDTYPE, size=1 << 30)
    return info.tobuf() + bytes(1 << 16)


def pax_chain() -> bytes:
    """A pax header before a pax header, ten thousand times."""
    body = b"13 comment=x\n".ljust(512, b"\0")
    return (entry("h", tarfile.XHDTYPE, size=13).tobuf() + body) * 900 + layer({"a": b""})


def backwards() -> bytes:
    """A member of negative size (CVE-2025-8194: Python's tarfile went round forever)."""
    raw = bytearray(entry("a").tobuf())
    raw[124:136] = b"\xff" * 8 + struct.pack(">i", -1024)
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw) + bytes(1024)


def sparse() -> bytes:
    """A file of GNU's sparse kind that continues forever."""
    raw = bytearray(entry("a", tarfile.GNUTYPE_SPARSE, size=0).tobuf(tarfile.GNU_FORMAT))
    raw[482] = 1
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw) + (bytes(504) + b"\1" + bytes(7)) * 4000


@pytest.mark.parametrize("made", [pax_bomb, pax_chain, backwards, sparse])
def test_headers_that_would_take_all_memory_or_time(made: Callable[[], bytes]) -> None:
    """A header costs a bounded amount of memory and time, whatever it says of itself."""
    with pytest.raises(FormatError):
        read(made())


def test_shared_attributes_have_a_cap() -> None:
    """Attributes for all members that follow do not pile up."""
    file = io.BytesIO()
    many = {f"key{n}": "x" for n in range(1100)}
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, pax_headers=many) as tar:
        tar.addfile(entry("a"))
    with pytest.raises(FormatError, match="attributes for all"):
        read(file.getvalue())


class Endless:
    """The tar of one file of `size` zeros, made while it is read: nothing of it is ever held."""

    def __init__(self, size: int) -> None:
        self.head = entry("zeros", size=size).tobuf()
        self.left = size + 1024

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        if self.head:
            data, self.head = self.head[:size], self.head[size:]
            return data
        size = min(size, self.left)
        self.left -= size
        return bytes(size)


def test_two_gigabytes_in_bounded_memory() -> None:
    """A layer of 2 GB is read in less than 10 MB of memory."""
    tracemalloc.start()
    try:
        size = 0
        for _, content in tar_members(Endless(2 << 30), name="demo"):
            while part := content.read(CHUNK):
                size += len(part)
        assert size == 2 << 30
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


@settings(max_examples=60)
@given(
    st.binary(max_size=40), st.integers(0, 2000), st.sampled_from([bytes, gzip.compress, zstandard.compress])
)
def test_damage_is_a_format_error(noise: bytes, place: int, pack: Callable[[bytes], bytes]) -> None:
    """Whatever is written over an archive, it is read or refused with FormatError, and nothing else."""
    data = bytearray(pack(PLAIN))
    data[place : place + len(noise)] = noise
    with contextlib.suppress(FormatError):
        read(bytes(data))


def zipped(folder: Path, entries: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    file = folder / "demo.whl"
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file


def test_a_zip_is_read_member_by_member(tmp_path: Path) -> None:
    """Members of a zip are known by path and size, and each is read on its own, within a limit."""
    with opened_zip(zipped(tmp_path, {"a/b": b"hello", "c": b"x" * 100})) as archive:
        assert {path: each.size for path, each in archive.members.items()} == {"a/b": 5, "c": 100}
        assert archive.read("a/b", 5) == b"hello"
        with pytest.raises(FormatError, match="more than the 99"):
            archive.read("c", 99)


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b"])
def test_a_zip_stays_inside(tmp_path: Path, name: str) -> None:
    """No member of a zip leads out of it."""
    with pytest.raises(FormatError), opened_zip(zipped(tmp_path, {name: b""})):
        pass


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_zips(tmp_path: Path) -> None:
    """Bombs, unusual methods, two members of one name, and cut files are refused."""
    bomb = zipped(tmp_path, {"zeros": bytes(4 << 20)})
    with pytest.raises(FormatError, match="out of"), opened_zip(bomb, Caps(free=1 << 20)):
        pass
    bomb.write_bytes(bomb.read_bytes()[:-30])
    with pytest.raises(FormatError, match="not a whole zip"), opened_zip(bomb):
        pass
    slow = zipped(tmp_path, {"a": b"x"}, method=zipfile.ZIP_LZMA)
    with pytest.raises(FormatError, match="unusual"), opened_zip(slow):
        pass
    twice = zipped(tmp_path, {"a": b"x", "./a": b"y"})
    with pytest.raises(FormatError, match="twice"), opened_zip(twice):
        pass


def test_a_zip_whose_content_is_damaged(tmp_path: Path) -> None:
    """A flipped byte in a member is found when it is read."""
    file = zipped(tmp_path, {"a": b"hello"}, method=zipfile.ZIP_STORED)
    file.write_bytes(file.read_bytes().replace(b"hello", b"jello"))
    with opened_zip(file) as archive, pytest.raises(FormatError, match="CRC"):
        archive.read("a", 10)
