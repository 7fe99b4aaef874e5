from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from repro.core.digest import of_bytes
from repro.core.errors import FormatError, ReproError, TamperError
from repro.store.baseline import Baseline, parse, read, variants, write

if TYPE_CHECKING:
    from pathlib import Path


def made(text: str = "1", **changes: Any) -> Baseline:  # noqa: ANN401 - fields of Baseline
    fields: dict[str, Any] = {
        "run": "mean",
        "run_id": "id",
        "environment": "lab",
        "platform_class": "linux-x86_64",
        "outputs": {"results.json": str(of_bytes(text.encode()))},
        "accepted_by": "A",
        "accepted_at": "2026-01-01T00:00:00+00:00",
        "reason": "first",
        "conditions": {},
    }
    return Baseline(**{**fields, **changes})


def put(folder: Path, text: str = "1") -> Path:
    """A baseline whose one output holds `text`."""
    outputs = folder.parent / "outputs"
    outputs.mkdir(parents=True, exist_ok=True)
    (outputs / "results.json").write_text(text)
    write(folder, made(text), outputs)
    return folder


def test_a_baseline_survives_writing_and_reading(tmp_path: Path) -> None:
    """Outputs and record come back as they were accepted."""
    folder = put(tmp_path / "mean" / "lab", "2")
    assert read(folder) == made("2")
    assert (folder / "results.json").read_text() == "2"
    assert parse((folder / "baseline.json").read_bytes(), name="b").to_bytes() == made("2").to_bytes()


def test_a_replacement_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    """The folder holds the new outputs alone, and nothing lies beside it."""
    folder = put(tmp_path / "mean" / "lab", "old")
    (folder / "stale.json").write_text("stale")
    put(folder, "new")
    assert sorted(path.name for path in folder.iterdir()) == ["baseline.json", "results.json"]
    assert list(variants(tmp_path / "mean")) == ["lab"]
    assert sorted(path.name for path in (tmp_path / "mean").iterdir()) == ["lab", "outputs"]


def test_a_replacement_between_its_renames_is_finished(tmp_path: Path) -> None:
    """A reader finds the new baseline, never none."""
    folder = put(tmp_path / "mean" / "lab", "old")
    folder.rename(tmp_path / "mean/.lab.old")
    new = put(tmp_path / "mean" / "next", "new")
    new.rename(tmp_path / "mean/.lab.new")
    found = variants(tmp_path / "mean")
    assert read(found["lab"]) == made("new")


@pytest.mark.parametrize("spoil", ["changed", "missing"])
def test_an_output_edited_by_hand_is_refused(tmp_path: Path, spoil: str) -> None:
    """What is not the bytes that were accepted is no baseline; the error names the file."""
    folder = put(tmp_path / "mean" / "lab")
    (folder / "results.json").unlink()
    if spoil == "changed":
        (folder / "results.json").write_text("1 ")
    with pytest.raises(TamperError, match=r"results\.json") as caught:
        read(folder)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x"])
def test_outputs_outside_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    """A record that names files elsewhere is not followed."""
    folder = put(tmp_path / "mean" / "lab")
    document = json.loads((folder / "baseline.json").read_bytes())
    document["outputs"] = {name: document["outputs"]["results.json"]}
    (folder / "baseline.json").write_text(json.dumps(document))
    with pytest.raises(ReproError, match="path inside"):
        read(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": True},
        {"outputs": []},
        {"outputs": {"x": "sha256:1"}},
        {"history": {}},
        {"run": 3},
        {"more": 1},
    ],
    ids=str,
)
def test_a_record_of_another_form_is_refused(change: dict[str, Any]) -> None:
    """Version, keys and kinds are as they must be, or FormatError."""
    document = {**json.loads(made().to_bytes()), **change}
    with pytest.raises(FormatError):
        parse(json.dumps(document).encode(), name="b")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b"\xff"])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    """Any other bytes are FormatError as well."""
    with pytest.raises(FormatError):
        parse(data, name="b")
