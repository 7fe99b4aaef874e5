"""Many replays and pulls at once, in one repository and in its worktrees: no lock error, one whole cache."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

from repro.tools import process

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.conftest import Lab

AT_ONCE = 8
REPRO = (sys.executable, "-c", "from repro.cli.main import main; main()")
DEADLINE = 120.0


def together(calls: list[tuple[Path, list[str]]]) -> list[str]:
    """Start every call before the first is waited for; what they said on standard error."""
    started = [
        subprocess.Popen([*REPRO, *words], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for cwd, words in calls
    ]
    said = [each.communicate(timeout=DEADLINE) for each in started]
    assert [each.returncode for each in started] == [0] * len(started), said
    return [err for _, err in said]


def test_eight_replays_at_once_finish_without_a_lock_error(lab: Lab) -> None:
    """Eight processes replay in one repository with an empty cache: all match, and none speaks of a lock."""
    for number in range(AT_ONCE):
        lab.define(
            f"mean{number}", seed=number, command=["python", "src/mean.py", "{data}", "{out}", "{seed}"]
        )
    lab.commit("eight of them")
    lab.record_baseline(*(f"mean{number}" for number in range(AT_ONCE)))
    process.run(["rm", "-rf", str(lab.root / ".dvc/cache")])
    words = [["replay", f"mean{n}", "--no-cache"] for n in range(AT_ONCE)]
    assert not any("lock" in text.lower() for text in together([(lab.root, each) for each in words]))


def test_worktrees_share_one_cache(lab: Lab, tmp_path: Path) -> None:
    """Pulls at once in two worktrees with one configured cache leave every object there once, and whole."""
    shared = tmp_path / "shared"
    lab.write(".dvc/config", lab.root.joinpath(".dvc/config").read_text() + f"[cache]\n    dir = {shared}\n")
    lab.write(
        ".dvc/config", lab.root.joinpath(".dvc/config").read_text().replace("../../shelf", str(lab.shelf))
    )
    lab.commit("shared cache")
    other = tmp_path / "other"
    lab.git("worktree", "add", "--quiet", "--detach", str(other))
    together([(root, ["data", "pull"]) for root in (lab.root, other) * 2])
    objects = [path for path in (shared / "files").rglob("*") if path.is_file()]
    assert len(objects) == 1
    md5 = hashlib.md5(objects[0].read_bytes(), usedforsecurity=False).hexdigest()
    assert objects[0].parent.name + objects[0].name == md5
    lab.git("worktree", "remove", "--force", str(other))
