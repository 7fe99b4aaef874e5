from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest

from repro.core.errors import FormatError
from repro.core.verdict import Verdict
from repro.drift.compare import compare
from repro.drift.readers import archive
from repro.drift.readers.choose import folder_of
from repro.drift.rules import Rule, Rules

if TYPE_CHECKING:
    from pathlib import Path

    from repro.drift.report import DriftReport

TODAY = date(2030, 6, 1)


def zipped(members: dict[str, bytes], mode: int = 0) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            made.writestr(info, content)
    return file.getvalue()


def tarred(members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = "/etc/passwd" if kind in {tarfile.SYMTYPE, tarfile.LNKTYPE} else ""
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            made.addfile(info, io.BytesIO(content))
    return file.getvalue()


def compared(tmp_path: Path, one: tuple[str, bytes], other: tuple[str, bytes], *rules: Rule) -> DriftReport:
    for folder, (name, data) in zip(("a", "b"), (one, other), strict=True):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(data)
    return compare(tmp_path / "a" / one[0], tmp_path / "b" / other[0], Rules(rules=rules), today=TODAY)


ONE = {"x.csv": b"v\n1.0\n", "sub/y.json": b"[1.0, 2.0]"}
TWO = {"x.csv": b"v\n1.5\n", "sub/y.json": b"[1.0, 2.0]"}


@pytest.mark.parametrize("pack", [zipped, tarred, lambda members: gzip.compress(tarred(members))])
def test_archives_are_compared_file_by_file(tmp_path: Path, pack: object) -> None:
    """The files of ZIP and tar archives are outputs of their own, which rules select by name."""
    assert callable(pack)
    report = compared(tmp_path, ("r.any", pack(ONE)), ("r.any", pack(TWO)))
    assert [(output.name, str(output.verdict)) for output in report.outputs] == [
        ("r.any/sub/y.json", "match"),
        ("r.any/x.csv", "drift"),
    ]


def test_a_rule_reaches_into_an_archive(tmp_path: Path) -> None:
    """A rule for a file's name holds for that file in an archive."""
    rule = Rule(output="*.csv", atol=1.0)
    report = compared(tmp_path, ("r.zip", zipped(ONE)), ("r.zip", zipped(TWO)), rule)
    assert report.verdict is Verdict.MATCH


def test_an_archive_is_compared_with_a_folder(tmp_path: Path) -> None:
    """What was packed matches what it was packed from."""
    (tmp_path / "r.zip").write_bytes(zipped(ONE))
    for name, content in ONE.items():
        (tmp_path / "r" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "r" / name).write_bytes(content)
    for pair in (("r.zip", "r"), ("r", "r.zip")):
        assert compare(tmp_path / pair[0], tmp_path / pair[1], Rules(), today=TODAY).verdict is Verdict.MATCH


def test_a_missing_member_is_a_structure(tmp_path: Path) -> None:
    """A file that only one archive holds is named."""
    report = compared(tmp_path, ("r.zip", zipped(ONE)), ("r.zip", zipped({"x.csv": b"v\n1.0\n"})))
    assert report.verdict is Verdict.STRUCTURE
    assert "missing observed" in report.outputs[0].reason


def test_a_compressed_table_is_a_table(tmp_path: Path) -> None:
    """A single compressed file is read as the file it holds."""
    report = compared(
        tmp_path, ("x.csv.gz", gzip.compress(b"v\n1.0\n")), ("x.csv.gz", gzip.compress(b"v\n1.5\n"))
    )
    assert report.outputs[0].findings[0].path == "v"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped({"../x": b""}), "leaves the folder"),
        (zipped({"/x": b""}), "leaves the folder"),
        (zipped({"a\\..\\x": b""}), "leaves the folder"),
        (zipped({"C:/x": b""}), "leaves the folder"),
        (tarred({"a/../../x": b""}), "leaves the folder"),
        (zipped({"x": b"target"}, stat.S_IFLNK | 0o777), "no plain file"),
        (tarred({"x": b""}, tarfile.SYMTYPE), "no plain file"),
        (tarred({"x": b""}, tarfile.LNKTYPE), "no plain file"),
        (tarred({"x": b""}, tarfile.FIFOTYPE), "no plain file"),
        (tarred({"x": b"1", "./x": b"2"}), "given twice"),
        (zipped({}), "nothing"),
        (zipped(ONE)[:-30], "archive"),
        (gzip.compress(b"x" * 1000)[:-12], "truncated"),
        (gzip.compress(b"\x00" * (1 << 24)) + b"trailing", "not a compressed file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_archives_are_refused(data: bytes, message: str) -> None:
    """Names that leave the folder, links, duplicates, damage: a FormatError that names the archive."""
    with pytest.raises(FormatError, match=message) as caught:
        folder_of(data, name="r.zip")
    assert "r.zip" in caught.value.message


def test_bombs_are_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unpacking stops at the cap on bytes, on their ratio and on the number of files."""
    zeros = b"\x00" * (1 << 20)
    monkeypatch.setattr(archive, "MAX_BYTES", 1 << 19)
    for data in (zipped({"x": zeros}), gzip.compress(zeros)):
        with pytest.raises(FormatError, match="unpacks to more"):
            folder_of(data, name="bomb")
    monkeypatch.setattr(archive, "MAX_MEMBERS", 2)
    with pytest.raises(FormatError, match="more than 2 files"):
        folder_of(zipped({"a": b"", "b": b"", "c": b""}), name="bomb")


def test_files_that_claim_more_than_deflate_can_hold_are_refused() -> None:
    """A declared size beyond what the packed bytes could give is a bomb or a lie."""
    data = bytearray(zipped({"x": b"12345"}))
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (1 << 29).to_bytes(4, "little")
    with pytest.raises(FormatError, match="unpacks to more"):
        folder_of(bytes(data), name="r.zip")


def test_large_files_are_mapped_and_compared(tmp_path: Path) -> None:
    """A file beyond the size from which files are mapped is read like any other, in any byte order."""
    values = np.linspace(0, 1, 200_000)
    other = values.copy()
    other[150_000] += 1e-3
    np.save(tmp_path / "a.npy", values)
    np.save(tmp_path / "b.npy", other.astype(">f8"))
    report = compare(tmp_path / "a.npy", tmp_path / "b.npy", Rules(), today=TODAY)
    found = report.outputs[0].findings[0]
    assert (found.over, found.worst["absolute"].index) == (1, (150_000,))


def test_an_ignored_file_need_not_be_readable(tmp_path: Path) -> None:
    """What rules ignore as a whole is not a reason to stop."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.json").write_text("[1.5]")
        (tmp_path / folder / "model.pkl").write_bytes(b"\x80\x04N.")
    rule = Rule(output="*.pkl", ignore=True, reason="weights")
    assert compare(tmp_path / "a", tmp_path / "b", Rules(rules=(rule,)), today=TODAY).verdict is Verdict.MATCH
    with pytest.raises(FormatError, match="pickle"):
        compare(tmp_path / "a", tmp_path / "b", Rules(), today=TODAY)


def test_links_that_leave_the_folder_are_refused(tmp_path: Path) -> None:
    """A link out of a compared folder is not followed."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").symlink_to("/etc/hostname")
    with pytest.raises(FormatError, match="leaves its folder"):
        compare(tmp_path / "a", tmp_path / "a", Rules(), today=TODAY)
