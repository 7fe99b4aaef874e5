"""Databases on disk: folders and zips, whole, damaged and hostile."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sbom.audit.databases import entry, folder_of, zip_of

from repro.core.errors import DataError, FormatError
from repro.sbom.osv import MAX_ENTRY, parse_entry
from repro.sbom.osv_database import read_database

if TYPE_CHECKING:
    from pathlib import Path

WANTED = {("PyPI", "demo")}


def test_a_folder_and_a_zip_say_the_same(tmp_path: Path) -> None:
    """The form of a database changes nothing but its name, and neither does a folder around a zip."""
    entries = [entry("A"), entry("B", package="other"), entry("C", package="De_mo")]
    entries[2]["affected"][0]["package"]["name"] = "DEMO"
    forms = (
        folder_of(tmp_path / "folder" / "below", *entries).parent,
        zip_of(tmp_path / "all.zip", *entries),
        zip_of(tmp_path / "export" / "PyPI" / "all.zip", *entries).parents[1],
    )
    found = [read_database(form, WANTED, name="db") for form in forms]
    assert found[0] == found[1] == found[2]
    assert found[0].count == 3
    assert [each.id for each in found[0].packages["PyPI", "demo"]] == ["A", "C"]


def test_of_one_id_the_newest_counts_wherever_it_stands(tmp_path: Path) -> None:
    """An entry that is there twice is the one that was changed last, also where that one withdraws it."""
    old = entry("A", modified="2026-01-01T00:00:00Z")
    gone = entry("A", modified="2026-02-01T00:00:00Z", withdrawn="2026-02-01T00:00:00Z")
    moved = entry("B", package="elsewhere", modified="2026-03-01T00:00:00Z")
    was = entry("B", modified="2026-01-01T00:00:00Z")
    for name, order in (("one", [old, gone, moved, was]), ("other", [gone, old, was, moved])):
        database = read_database(folder_of(tmp_path / name, *order), WANTED)
        assert (database.count, dict(database.packages)) == (2, {})


def test_the_age_is_that_of_the_newest_entry_not_of_a_file(tmp_path: Path) -> None:
    """The newest `modified` of each ecosystem is kept, of withdrawn entries and of other packages too."""
    path = folder_of(
        tmp_path / "db",
        entry("A", modified="2026-01-01T00:00:00Z"),
        entry("B", package="x", modified="2026-05-01T02:00:00+02:00", withdrawn="2026-05-01T00:00:00Z"),
        entry("C", ecosystem="Debian:12", modified="2025-01-01T00:00:00Z"),
    )
    database = read_database(path, WANTED)
    newest = {name: moment.isoformat() for name, moment in database.newest.items()}
    assert newest == {"Debian": "2025-01-01T00:00:00+00:00", "PyPI": "2026-05-01T00:00:00+00:00"}


BROKEN = {
    "no_json": b"{",
    "a_list": b"[]",
    "no_id": json.dumps({"modified": "2026-01-01T00:00:00Z"}).encode(),
    "no_time": json.dumps({"id": "A"}).encode(),
    "a_time_that_is_none": json.dumps({"id": "A", "modified": "yesterday"}).encode(),
    "a_key_twice": b'{"id": "A", "id": "B", "modified": "2026-01-01T00:00:00Z"}',
    "affected_is_a_word": json.dumps(entry(affected="demo")).encode(),
    "package_without_ecosystem": json.dumps(entry(affected=[{"package": {"name": "demo"}}])).encode(),
    "two_events_in_one": json.dumps(entry(events=[{"introduced": "0", "fixed": "1"}])).encode(),
    "nothing_introduced": json.dumps(entry(events=[{"fixed": "1"}])).encode(),
    "a_version_that_is_a_number": json.dumps(entry(events=[{"introduced": 1}])).encode(),  # type: ignore[dict-item]
    "nested_too_deep": b"[" * 5000 + b"]" * 5000,
}


@pytest.mark.parametrize("defect", BROKEN)
def test_an_entry_that_is_none_is_named_and_the_others_are_read(tmp_path: Path, defect: str) -> None:
    """A damaged entry neither stops the reading nor is passed over: it is among the unread, by name."""
    path = folder_of(tmp_path / "db", entry("A"))
    (path / f"{defect}.json").write_bytes(BROKEN[defect])
    database = read_database(path, WANTED)
    assert [each.id for each in database.packages["PyPI", "demo"]] == ["A"]
    assert database.unread_count == 1
    assert defect in database.unread[0]


def test_a_huge_entry_is_not_read(tmp_path: Path) -> None:
    """An entry above the cap is refused by its size, in a folder and in a zip, before it is in memory."""
    folder = folder_of(tmp_path / "db", entry("A"))
    with (folder / "huge.json").open("wb") as file:
        file.truncate(MAX_ENTRY + 1)
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("A.json", json.dumps(entry("A")))
        archive.writestr("huge.json", b" " * (MAX_ENTRY + 1))
    for path in (folder, tmp_path / "all.zip"):
        database = read_database(path, WANTED)
        assert (database.count, database.unread_count) == (1, 1)
        assert "huge" in database.unread[0]


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    """A zip whose directory promises much more than its size can hold is refused before it is unpacked."""
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("A.json", json.dumps(entry("A")))
        archive.infolist()[0].file_size = 1 << 30  # what its directory will promise
    with pytest.raises(FormatError, match="bytes out of"):
        read_database(path, WANTED)


@pytest.mark.parametrize("data", [b"", b"no zip at all", b"PK\x05\x06" + bytes(17)])
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    """A file that is called zip and is none is an error that names it."""
    (tmp_path / "all.zip").write_bytes(data)
    with pytest.raises(FormatError, match=r"all\.zip"):
        read_database(tmp_path, WANTED)


def test_names_in_a_zip_that_lead_out_are_refused(tmp_path: Path) -> None:
    """A member called ../x is refused though nothing is ever unpacked to disk."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("../A.json", json.dumps(entry("A")))
    with pytest.raises(FormatError, match="leads out"):
        read_database(tmp_path / "all.zip", WANTED)


@pytest.mark.parametrize("name", ["absent", "empty", "none.zip", "readme"])
def test_no_entries_are_no_database(tmp_path: Path, name: str) -> None:
    """Nothing there, an empty folder, a zip without entries and a folder of other files cannot be asked."""
    (tmp_path / "empty").mkdir()
    zipfile.ZipFile(tmp_path / "none.zip", "w").close()
    (tmp_path / "readme").mkdir()
    (tmp_path / "readme" / "README.md").write_text("OSV", encoding="utf-8")
    with pytest.raises(DataError):
        read_database(tmp_path / name, WANTED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["package", "ranges", "events", "versions", "ecosystem", "name", "type"]), inner
        )
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["affected", "aliases", "severity", "database_specific", "withdrawn", "summary"]), JSON
)
def test_any_value_is_an_entry_or_a_format_error(key: str, value: object) -> None:
    """Whatever stands in a field, an entry is read or refused in the house's words."""
    try:
        parse_entry(json.dumps({**entry(), key: value}).encode(), name="entry")
    except FormatError as error:
        assert error.message.startswith("entry: ")  # noqa: PT017 - any of two ends is right
