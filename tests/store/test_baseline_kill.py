"""A baseline's replacement, killed before each of its steps on the file system."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from repro.core.digest import of_bytes
from repro.core.errors import FormatError, TamperError
from repro.store import baseline as baselines
from repro.store.baseline import Baseline

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """\
import os, signal, sys
from pathlib import Path
from repro.store import baseline as baselines

folder, record, outputs, steps = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
new = baselines.parse(record.read_bytes(), name="new")
STEPS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "shutil.rmtree"}

def hook(event, arguments):
    global steps
    if event in STEPS:
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
baselines.write(folder, new, outputs)
"""
"""A replacement that kills itself before the step of that number; without as many steps it ends well."""

LABEL = "here-linux-x86_64"


def baseline_of(text: str) -> Baseline:
    """The record of a baseline whose one output holds `text`."""
    return Baseline(
        run="sums",
        run_id="20261120T000000417Z-sums-00000000",
        environment="here",
        platform_class="linux-x86_64",
        outputs={"out/r.json": str(of_bytes(text.encode()))},
        accepted_by="A <a@example.org>",
        accepted_at="2026-11-20T00:00:00+00:00",
        reason=text,
        conditions={},
    )


def put(folder: Path, text: str) -> Path:
    """A folder of outputs that hold `text`."""
    (folder / "out").mkdir(parents=True)
    (folder / "out/r.json").write_text(text, encoding="utf-8")
    return folder


def steps_until_done(place: Path, new: Path, record: Path) -> list[str]:
    """The reason of the baseline that stands after a kill before step 0, 1, 2, …, until one is not killed."""
    found: list[str] = []
    for number in range(200):
        old = put(place / f"{number}/old", "old")
        folder = place / f"{number}/sums/{LABEL}"
        baselines.write(folder, baseline_of("old"), old)
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(folder), str(record), str(new), str(number)], check=False
        )
        assert done.returncode in {0, -9}
        # Any reader, and the next writer, find one whole baseline.
        variants = baselines.variants(folder.parent)
        assert list(variants) == [LABEL]
        found.append(baselines.read(variants[LABEL]).reason)
        baselines.write(folder, baseline_of("old"), old)
        assert sorted(entry.name for entry in folder.parent.iterdir()) == [LABEL]
        if done.returncode == 0:
            return found
    raise AssertionError("it never ends")


def test_a_replacement_that_is_killed_leaves_the_old_or_the_new_whole(tmp_path: Path) -> None:
    """Whenever it is killed, a reader finds the old baseline whole, or from some step on the new one."""
    new = put(tmp_path / "new", "new")
    record = tmp_path / "new.json"
    record.write_bytes(baseline_of("new").to_bytes())
    found = steps_until_done(tmp_path / "places", new, record)
    assert len(found) > 10
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == ("old", "new")


def test_a_record_survives_its_bytes() -> None:
    """Reading what was written gives the same record, and an unknown or missing key is refused."""
    baseline = replace(baseline_of("x"), history=({"digest": "sha256:0", "reason": "y"},))
    data = baseline.to_bytes()
    assert baselines.parse(data, name="b") == baseline
    for wrong in (
        data.replace(b'"reason": "x"', b'"raison": "x"'),
        data.replace(b'"version": 1', b'"version": 2'),
    ):
        with pytest.raises(FormatError, match=r"^b: "):
            baselines.parse(wrong, name="b")


def test_altered_or_missing_outputs_are_refused(tmp_path: Path) -> None:
    """A baseline is not read without its outputs as they were accepted; the error says how to restore it."""
    folder = tmp_path / "sums" / LABEL
    baselines.write(folder, baseline_of("old"), put(tmp_path / "old", "old"))
    (folder / "out/r.json").write_text("other", encoding="utf-8")
    with pytest.raises(TamperError, match="not the bytes that were accepted") as altered:
        baselines.read(folder)
    assert "git checkout" in altered.value.hint
    (folder / "out/r.json").unlink()
    with pytest.raises(TamperError, match="missing") as missing:
        baselines.read(folder)
    assert "git checkout" in missing.value.hint
