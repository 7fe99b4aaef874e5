from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from repro.core.errors import ConfigError, TamperError
from repro.data.inputs import identify
from repro.flows import trees
from repro.flows.snapshot import take

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.conftest import Lab

    from repro.core.digest import Digest
    from repro.flows.trees import Code, Tree


class Nothing:
    """A remote that is never asked."""

    name = "none"

    def cache_folder(self) -> Path:
        """Never called."""
        raise AssertionError

    def fetch(self, objects: object) -> None:
        """Never called."""
        raise AssertionError(objects)


def code(lab: Lab, *patterns: str) -> Code:
    return trees.code(trees.present(lab.root), patterns, experiment="mean")


def test_sources_name_what_git_tracks_or_would_track(lab: Lab) -> None:
    """Untracked files count, ignored ones do not; baselines, definition and DVC's own files never do."""
    lab.write("src/new.py", "new")
    lab.write(".gitignore", "*.log\n")
    lab.write("src/run.log", "ignored")
    assert set(code(lab, "src/**").files) == {"src/mean.py", "src/new.py"}
    assert set(code(lab, "**").files) == {
        ".gitignore",
        "data/offset.txt",
        "notes.txt",
        "src/mean.py",
        "src/new.py",
    }


def test_the_digest_follows_names_contents_and_permission(lab: Lab) -> None:
    """Contents, names, links and permission to execute count; times do not."""
    digests: list[Digest] = [code(lab, "src/**").digest]
    (lab.root / "src/mean.py").touch()
    assert code(lab, "src/**").digest == digests[0]
    for step in range(4):
        if step == 0:
            lab.script("pass\n")
        elif step == 1:
            (lab.root / "src/mean.py").rename(lab.root / "src/renamed.py")
        elif step == 2:
            (lab.root / "src/renamed.py").chmod(0o755)
        else:
            (lab.root / "src/link").symlink_to("renamed.py")
        digests.append(code(lab, "src/**").digest)
    assert len(set(digests)) == 5


@pytest.mark.parametrize("pattern", ["nothing", "src/*.pi", "src/run.log", "repro.toml", "baselines/**"])
def test_a_pattern_that_names_no_file_is_refused(lab: Lab, pattern: str) -> None:
    """The error has the experiment and the pattern."""
    with pytest.raises(ConfigError, match=r"experiments\.mean\.sources") as caught:
        code(lab, "src/**", pattern)
    assert caught.value.hint


def test_a_deleted_file_is_no_source(lab: Lab) -> None:
    """A tracked file that was deleted is not there; a pattern for it alone is refused."""
    lab.write("src/more.py", "more")
    (lab.root / "src/mean.py").unlink()
    assert set(code(lab, "src/**").files) == {"src/more.py"}
    with pytest.raises(ConfigError):
        code(lab, "src/mean.py")


@pytest.fixture
def taken(lab: Lab) -> tuple[Tree, Code]:
    (lab.root / "src/link").symlink_to("mean.py")
    (lab.root / "src/mean.py").chmod(0o700)
    tree = trees.present(lab.root)
    return tree, trees.code(tree, ("src/**",), experiment="mean")


def test_a_snapshot_holds_the_sources_alone(taken: tuple[Tree, Code], tmp_path: Path) -> None:
    """Contents, permission to execute and links are those of the tree, and it passes its own check."""
    tree, files = taken
    snapshot = take(tree, files, {}, Nothing(), tmp_path / "copy")
    assert (snapshot.root / "src/mean.py").read_bytes() == (tree.root / "src/mean.py").read_bytes()
    assert (snapshot.root / "src/mean.py").stat().st_mode & 0o777 == 0o755
    assert str((snapshot.root / "src/link").readlink()) == "mean.py"
    assert sorted(path.name for path in snapshot.root.rglob("*")) == ["link", "mean.py", "src"]
    snapshot.check("now")


@pytest.mark.parametrize(
    "alteration",
    [
        "write",
        "delete",
        "chmod",
        "add",
        "add a link",
        "add a linked folder",
        "retarget",
        "replace",
        "loop",
    ],
)
def test_a_snapshot_notices_every_alteration(
    taken: tuple[Tree, Code], tmp_path: Path, alteration: str
) -> None:
    """Whatever was changed, added or removed below it, the check names it."""
    snapshot = take(*taken, {}, Nothing(), tmp_path / "copy")
    source = snapshot.root / "src"
    match alteration:
        case "write":
            (source / "mean.py").write_text("pass")
        case "delete":
            (source / "link").unlink()
        case "chmod":
            (source / "mean.py").chmod(0o644)
        case "add":
            (source / "deep").mkdir()
            (source / "deep/new.py").write_text("")
        case "add a link":
            (source / "new").symlink_to("/nowhere")
        case "add a linked folder":
            (source / "new").symlink_to("/etc")
        case "retarget":
            (source / "link").unlink()
            (source / "link").symlink_to("/etc/passwd")
        case "replace":
            (source / "mean.py").rename(source / "gone")
            (source / "mean.py").mkdir()
        case _:
            (source / "mean.py").unlink()
            (source / "mean.py").symlink_to("mean.py")
    with pytest.raises(TamperError, match="src/"):
        snapshot.check("during the run")


def test_a_source_that_changes_while_it_is_copied(taken: tuple[Tree, Code], tmp_path: Path) -> None:
    """What was hashed is what is copied, or the run does not start."""
    tree, files = taken
    (tree.root / "src/mean.py").write_text("pass")
    with pytest.raises(TamperError, match=r"src/mean\.py"):
        take(tree, files, {}, Nothing(), tmp_path / "copy")


def test_data_in_git_that_changes_while_it_is_copied(lab: Lab, tmp_path: Path) -> None:
    """The same for inputs that are plain files."""
    tree = trees.present(lab.root)
    inputs = identify(tree.root, ["data/offset.txt"])
    lab.write("data/offset.txt", "9\n")
    with pytest.raises(TamperError, match=r"data/offset\.txt"):
        take(tree, code(lab, "src/**"), inputs, Nothing(), tmp_path / "copy")


def test_what_a_killed_call_left_is_cleared(lab: Lab, tmp_path: Path) -> None:
    """Its worktrees go with git's notes of them, whether their folders are still there or not."""
    left, kept = tmp_path / "left", tmp_path / "kept"
    for folder in (left / "one", left / "deep/two", kept):
        lab.git("worktree", "add", "--quiet", "--detach", str(folder), "v1")
    shutil.rmtree(left / "one")
    trees.clearing(lab.root)(left)
    assert lab.worktrees() == [str(lab.root), str(kept)]
    assert not left.exists()
    lab.git("worktree", "remove", "--force", str(kept))
