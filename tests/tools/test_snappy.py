"""Blocks of Snappy, made by another implementation, by hand, and at random."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repro.core.errors import CapError, FormatError
from repro.tools.snappy import decompress, longest

CAP = 1 << 20


def compressed(data: bytes) -> bytes:
    block = pa.compress(data, codec="snappy", asbytes=True)
    assert isinstance(block, bytes)
    return block


def plain(data: bytes, cap: int = CAP) -> bytes:
    return decompress(data, name="block", max_bytes=cap)


WORDS = st.lists(st.sampled_from([b"a", b"abcdefgh", b'{"sig":"', b"\x00" * 70, b"xyz" * 30]), max_size=200)


@given(st.one_of(st.binary(max_size=500), WORDS.map(b"".join)))
@example(b"")
@example(bytes(range(256)) * 300)
def test_what_arrow_compresses_comes_back(data: bytes) -> None:
    """What the library of Arrow makes of any bytes is those bytes again, and never longer than the bound."""
    block = compressed(data)
    assert plain(block) == data
    assert len(block) <= longest(len(data))


@pytest.mark.parametrize(
    ("block", "data"),
    [
        (b"\x00", b""),
        (b"\x07\x08xab\x0a\x02\x00", None),
        (b"\x07\x08xab\x0e\x02\x00", b"xababab"),
        (b"\x07\x08xab\x01\x02", b"xababab"),
        (b"\x07\x08xab\x0f\x02\x00\x00\x00", b"xababab"),
        (b"\x3d\xf0\x3c" + b"a" * 61, b"a" * 61),
        (b"\x02\xfc\x01\x00\x00\x00ab", b"ab"),
    ],
    ids=["empty", "too short", "copy 2", "copy 1", "copy 4", "literal of 61", "literal with four bytes"],
)
def test_elements_of_the_format(block: bytes, data: bytes | None) -> None:
    """Each kind of element of the format's description is read as it says, the RLE of its example too."""
    if data is None:
        with pytest.raises(FormatError):
            plain(block)
    else:
        assert plain(block) == data


DAMAGED = {
    "nothing": b"",
    "size without an end": b"\xff\xff\xff\xff\xff\x01",
    "size cut": b"\x80",
    "literal cut": b"\x05\x10abc",
    "length of a literal cut": b"\x05\xf4\x01",
    "copy at the beginning": b"\x04\x01\x01",
    "offset of zero": b"\x05\x00a\x01\x00",
    "offset before the beginning": b"\x05\x00a\x01\x02",
    "offset cut": b"\x05\x00a\x02\x01",
    "tag alone": b"\x05\x00a\x03",
    "longer than it says": b"\x02\x08abc",
    "copy beyond the size": b"\x03\x00a\x01\x01",
    "shorter than it says": b"\x04\x08abc",
    "junk behind": b"\x01\x00a\x00",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_blocks(name: str) -> None:
    """A block that breaks one rule of the format is refused."""
    with pytest.raises(FormatError, match="not a block of Snappy"):
        plain(DAMAGED[name])


def test_a_block_that_is_too_large_is_refused_before_it_is_made() -> None:
    """A bomb says its size first, and one whose elements are tiny is longer than any encoder's."""
    bomb = compressed(b"\x00" * (CAP + 1))
    assert len(bomb) < CAP // 10
    for block in (bomb, bomb[:4], b"\xff\xff\xff\xff\x0f"):
        with pytest.raises(CapError, match="are read"):
            plain(block)
    with pytest.raises(CapError, match="of Snappy for"):
        plain(b"\xe8\x07" + b"\x00a" * 1000)


@given(st.one_of(st.binary(max_size=200), st.tuples(WORDS.map(b"".join).map(compressed), st.data())))
def test_whatever_comes_is_bytes_or_an_error_of_the_house(made: bytes | tuple[bytes, st.DataObject]) -> None:
    """Random and damaged blocks give no other error, and never more than the cap."""
    if isinstance(made, bytes):
        block = made
    else:
        changed = bytearray(made[0])
        changed[made[1].draw(st.integers(0, len(changed) - 1))] = made[1].draw(st.integers(0, 255))
        block = bytes(changed[: made[1].draw(st.integers(1, len(changed)))])
    try:
        data = plain(block, 4096)
    except FormatError:
        return
    assert len(data) <= 4096
    assert bytes(pa.decompress(block, decompressed_size=len(data), codec="snappy", asbytes=True)) == data
