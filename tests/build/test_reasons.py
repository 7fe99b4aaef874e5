"""Why two contents differ: each cause by its own marks, and laws that hold for any bytes."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.build.clues import Clues, Side
from repro.build.reasons import first_difference, reasons
from repro.build.report import Kind

FIRST, SECOND = 1_795_169_357, 1_795_169_371
CLUES = Clues(
    first=Side(started=FIRST - 2, ended=FIRST + 2, cores=8, folder="/build"),
    second=Side(started=SECOND - 2, ended=SECOND + 2, cores=1, folder="/build-1"),
)


def kinds(first: bytes, second: bytes) -> list[Kind]:
    return [reason.kind for reason in reasons(first, second, CLUES)]


def elf(build_id: bytes, body: bytes = b"code") -> bytes:
    note = struct.pack("<III", 4, len(build_id), 3) + b"GNU\x00" + build_id
    return b"\x7fELF" + bytes(12) + body + note + bytes(8)


def gzipped(data: bytes, moment: int) -> bytes:
    return gzip.compress(data, mtime=moment)


def zipped(second: int, content: bytes = b"x") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a", date_time=(2026, 11, 20, 10, 9, second)), content)
    return target.getvalue()


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (b"built Fri Nov 20 10:09:17 UTC 2026\n", b"built Fri Nov 20 10:27:11 UTC 2026\n", Kind.TIMESTAMP),
        (b"at 2026-11-20T10:09:17Z", b"at 2026-11-20T10:27:11Z", Kind.TIMESTAMP),
        (b"Date: Fri, 20 Nov 2026 10:09:17 +0000", b"Date: Fri, 20 Nov 2026 10:27:11 +0000", Kind.TIMESTAMP),
        (b'__DATE__ "Nov 20 2026" "10:09:17"', b'__DATE__ "Nov 20 2026" "10:27:11"', Kind.TIMESTAMP),
        (b"epoch=%d\n" % FIRST, b"epoch=%d\n" % SECOND, Kind.TIMESTAMP),
        (b"ns %d123456789" % FIRST, b"ns %d987654321" % SECOND, Kind.TIMESTAMP),
        (b"\x00\x01" + struct.pack("<I", FIRST), b"\x00\x01" + struct.pack("<I", SECOND), Kind.TIMESTAMP),
        (bytes(9) + struct.pack(">I", FIRST), bytes(9) + struct.pack(">I", SECOND), Kind.TIMESTAMP),
        (gzipped(b"same", FIRST), gzipped(b"same", SECOND), Kind.TIMESTAMP),
        (zipped(2), zipped(4), Kind.TIMESTAMP),
        (b"from /build/src/a.c:3", b"from /build-1/src/a.c:3", Kind.PATH),
        (b"\x00\x00/build/x\x00\xff", b"\x00\x00/build-1/x\x00\xff", Kind.PATH),
        (b"see /tmp/tmp.aXb3f9/out", b"see /tmp/tmp.Qz81kk/out", Kind.PATH),
        (b"make -j8 all\n", b"make -j1 all\n", Kind.CORES),
        (b"cores: 8\nx", b"cores: 1\nx", Kind.CORES),
        (b"b\na\nc\n", b"a\nc\nb\n", Kind.ORDERING),
        (b'{"x": 1, "y": 2, "z": 3}', b'{"z": 3, "x": 1, "y": 2}', Kind.ORDERING),
        (elf(b"a" * 20), elf(b"b" * 20), Kind.BUILD_ID),
        (
            b"id 3f2a9c1e-0000-4abc-8def-0123456789ab",
            b"id 9d1b6a2e-1111-4cba-9fed-ba9876543210",
            Kind.RANDOMNESS,
        ),
        (b"seed 48151623", b"seed 99999999", Kind.RANDOMNESS),
        (b"alpha", b"omega", Kind.CONTENT),
        (b"", b"more", Kind.CONTENT),
    ],
)
def test_each_cause_has_its_name(first: bytes, second: bytes, kind: Kind) -> None:
    """Dates, times, paths, core counts, order, build ids, random characters and the rest are told apart."""
    assert kinds(first, second) == [kind]


def test_noise_is_random() -> None:
    """Bytes without structure are called random."""
    draw = random.Random(1)  # noqa: S311 - a fixed example
    assert kinds(draw.randbytes(64), draw.randbytes(64)) == [Kind.RANDOMNESS]


def test_several_causes_in_one_file() -> None:
    """A file with two causes gets both, each with the place where it shows first."""
    first = b"same\nat /build/x\nsame\nbuilt %d\n" % FIRST
    second = b"same\nat /build-1/x\nsame\nbuilt %d\n" % SECOND
    found = reasons(first, second, CLUES)
    assert [(reason.kind, reason.offset) for reason in found] == [(Kind.PATH, 14), (Kind.TIMESTAMP, 36)]


def test_two_causes_in_one_line() -> None:
    """Where no single cause explains a line, those that explain it together are named."""
    assert set(kinds(b"cores 8 in /build", b"cores 1 in /build-1")) == {Kind.PATH, Kind.CORES}


def test_a_build_id_does_not_hide_other_changes() -> None:
    """An ELF file that differs beyond its build id is not explained by it."""
    assert kinds(elf(b"a" * 20, b"code"), elf(b"b" * 20, b"c0de")) != [Kind.BUILD_ID]


def test_a_number_outside_both_builds_is_no_time() -> None:
    """Ten digits are a time only where they lie within the builds."""
    assert Kind.TIMESTAMP not in kinds(b"id 1500000000", b"id 1600000000")


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_the_first_difference_is_the_first(first: bytes, second: bytes) -> None:
    """Everything before it is equal, and it is not."""
    at = first_difference(first, second)
    assert first[:at] == second[:at]
    assert first[at : at + 1] != second[at : at + 1] or first == second


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_difference_has_a_reason(first: bytes, second: bytes) -> None:
    """Any two different contents get a reason, and the earliest offset is that of the first difference."""
    if first != second:
        found = reasons(first, second, CLUES)
        assert found
        assert min(reason.offset for reason in found) == first_difference(first, second)


@given(
    st.lists(st.text("abcdef", min_size=1, max_size=5), min_size=3, max_size=12, unique=True), st.randoms()
)
def test_another_order_is_always_found(lines: list[str], draw: random.Random) -> None:
    """The same lines in another order are called that, whatever they are."""
    other = lines.copy()
    draw.shuffle(other)
    if other != lines:
        assert kinds("\n".join(lines).encode(), "\n".join(other).encode()) == [Kind.ORDERING]
