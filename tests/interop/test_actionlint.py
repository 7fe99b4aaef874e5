"""The workflows before actionlint, which knows contexts, inputs of actions, and types of expressions."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.interop.tools import TOOLS

ROOT = Path(__file__).parents[2]


def actionlint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(TOOLS["actionlint"].path), "-no-color", "-shellcheck=", "-pyflakes="]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with these workflows; actionlint finds them from the folder that has `.git`."""
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def test_actionlint_has_nothing_to_say(project: Path) -> None:
    """Every workflow is valid, expressions and all."""
    done = actionlint(project)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("needs.verify.outputs.image-digest", "needs.verify.outputs.digest"),
        ("steps.digests.outputs", "steps.digest.outputs"),
        ("    needs: verify\n", "    needs: verfiy\n"),
    ],
    ids=["an-output-that-is-not-there", "a-step-that-is-not-there", "a-job-that-is-not-there"],
)
def test_actionlint_looks(project: Path, old: str, new: str) -> None:
    """A digest taken from nowhere, which GitHub would read as an empty text, is found."""
    path = project / ".github" / "workflows" / "release.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert actionlint(project).returncode == 1
