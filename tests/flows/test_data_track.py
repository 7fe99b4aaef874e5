"""Tracking data in one step: what DVC, git and `repro.toml` hold afterwards, or that nothing changed."""

from __future__ import annotations

import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.core.errors import ReproError, UsageError
from repro.data.track import with_input
from repro.flows.data_track import plan, track
from repro.tools import host, process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.flows.conftest import Lab


def test_one_step_does_all_three(lab: Lab) -> None:
    """The pointer is DVC's own, the input is named, everything is in the index, and a replay takes it."""
    lab.write("data/new.csv", "1\n2\n")
    planned = plan(lab.root, "data/new.csv", "mean")
    assert planned.steps[0] == "dvc add data/new.csv"
    track(lab.root, planned)
    assert lab.git("diff", "--cached", "--name-only").split() == [
        "data/.gitignore",
        "data/new.csv.dvc",
        "repro.toml",
    ]
    assert tomllib.loads(lab.root.joinpath("repro.toml").read_text())["experiments"]["mean"]["inputs"] == [
        "data/points.csv",
        "data/offset.txt",
        "data/new.csv",
    ]
    (lab.root / "data/new.csv").unlink()
    assert lab.plain().error is None
    said = process.run(
        [sys.executable, "-m", "dvc", "status", "data/new.csv.dvc"], cwd=lab.root, env=host.variables()
    )
    assert "deleted" in said.text


def test_tracking_again_after_a_change_needs_no_second_entry(lab: Lab) -> None:
    """A file that is an input already gets a new pointer, and `repro.toml` stays as it is."""
    lab.write("data/points.csv", "4\n")
    planned = plan(lab.root, "data/points.csv", "mean")
    assert not planned.names_input
    before = (lab.root / "repro.toml").read_bytes()
    track(lab.root, planned)
    assert (lab.root / "repro.toml").read_bytes() == before
    assert "data/points.csv.dvc" in lab.git("diff", "--cached", "--name-only")


@pytest.mark.parametrize("fails", ["dvc", "git", "repro.toml"])
def test_nothing_is_half_done(
    lab: Lab, fails: str, tree_of: Callable[[Path], dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a step fails, tree and index are as they were, whichever step it is."""
    lab.write("data/new.csv", "1\n2\n")
    planned = plan(lab.root, "data/new.csv", "mean")
    before, status = tree_of(lab.root), lab.git("status", "--porcelain")
    if fails == "dvc":
        monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(lab.write("broken/config", "[[[").parent))
    elif fails == "git":
        lab.write(".git/index.lock", "")
    else:
        monkeypatch.setattr("repro.data.track.write_atomic", _full_disk_once())
    with pytest.raises(ReproError):
        track(lab.root, planned)
    (lab.root / ".git/index.lock").unlink(missing_ok=True)
    (lab.root / "broken/config").unlink(missing_ok=True)
    assert {n: d for n, d in tree_of(lab.root).items() if not n.startswith(".dvc/tmp")} == before
    assert lab.git("status", "--porcelain") == status


def _full_disk_once() -> Callable[[Path, bytes], None]:
    from repro.tools.files import write_atomic

    calls: list[Path] = []

    def write(path: Path, data: bytes) -> None:
        calls.append(path)
        if len(calls) == 1:
            raise OSError(28, "No space left on device", str(path))
        write_atomic(path, data)

    return write


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("data/none.csv", "no such file"),
        ("data/offset.txt", "git tracks it"),
        ("../outside.csv", "not a path inside"),
        ("data", "git tracks it"),
    ],
)
def test_what_cannot_be_tracked_is_refused_before_anything_happens(lab: Lab, path: str, match: str) -> None:
    """A path that is missing, in git, or outside is an error that says what to do."""
    with pytest.raises(UsageError, match=match):
        plan(lab.root, path, "mean")


def test_a_link_is_not_data(lab: Lab) -> None:
    """A symbolic link is refused: what it names may lie anywhere."""
    (lab.root / "data/link.csv").symlink_to("/etc/hostname")
    with pytest.raises(UsageError, match="link"):
        plan(lab.root, "data/link.csv", "mean")


TABLES = (
    "[experiments.a]\ncommand = ['x'] # why\n",
    "[experiments.a]\ninputs = []\n",
    "[experiments.a]\ninputs = ['p]', 'q'] # ]\noutputs = ['o']\n",
    '[experiments.a]\ninputs = [\n  "p",  # one\n  "q",\n]\n',
    '[experiments.a]\ninputs = [\n  "p",\n  "q"\n]\n[experiments.b]\ninputs = ["z"]\n',
    "[experiments.a]\nseed = 1\n\n[[experiments.a.rules]]\npath = 'x'\n",
)


@pytest.mark.parametrize("text", TABLES)
@given(path=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8))
@settings(max_examples=20)
def test_one_input_more_and_nothing_else(text: str, path: str) -> None:
    """The text with an input more means the same plus that input, with comments kept, or is refused."""
    before = tomllib.loads(text)
    try:
        changed = with_input(text, "a", path)
    except UsageError:
        return
    inputs = before["experiments"]["a"].get("inputs", [])
    before["experiments"]["a"]["inputs"] = [*inputs, *([] if path in inputs else [path])]
    assert tomllib.loads(changed) == before
    assert changed.count("#") >= text.count("#")


@pytest.mark.parametrize("text", [*TABLES[:3], *TABLES[4:]])
def test_plain_tables_take_an_input(text: str) -> None:
    """The ways in which people write the table are understood."""
    assert "new.csv" in with_input(text, "a", "new.csv")
