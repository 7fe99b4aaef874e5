from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import ReproError, ToolError, UsageError
from repro.tools import host, process
from repro.tools.files import files_below
from repro.tools.git import Git

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    "plain",
    "a b",
    "-rf",
    "new\nline",
    "é\u0301",
    "\udcff",
    "quote'\"",
    "? x",
    "# branch.oid 1",
    "*",
    "\t",
)


def git(root: Path, *arguments: str, when: str = "2026-11-01T10:00:00Z") -> str:
    env = dict(host.variables()) | {"GIT_COMMITTER_DATE": when, "GIT_AUTHOR_DATE": when}
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    return process.run(["git", *author, *arguments], cwd=root, env=env).text


def commit(root: Path, message: str = "m", when: str = "2026-11-01T10:00:00Z") -> str:
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "--allow-empty", "-m", message, when=when)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    return root


def test_before_the_first_commit_there_is_a_state(root: Path) -> None:
    """An empty repository has no commit, and everything in it counts as changed."""
    (root / "a").write_text("x")
    state = Git(root).state()
    assert (state.commit, state.changed, state.dirty) == ("", ("a",), True)
    assert Git(root).difference(state) == Git(root).difference(state)


def test_a_clean_tree_is_its_commit(root: Path) -> None:
    """After a commit nothing differs, ignored files included."""
    (root / ".gitignore").write_text("*.log\n")
    (root / "x.log").write_text("x")
    made = commit(root)
    state = Git(root).state()
    assert (state.commit, state.changed, state.dirty) == (made, (), False)


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_come_back_as_they_are(root: Path, name: str) -> None:
    """A path of any name is reported unchanged: untracked, added, changed, renamed, deleted."""
    (root / name).write_text("x" * 100)
    assert Git(root).state().changed == (name,)
    assert Git(root).files() == (name,)
    first = Git(root).difference(Git(root).state())
    git(root, "add", "-A")
    assert Git(root).state().changed == (name,)
    commit(root)
    assert Git(root).state().changed == ()
    (root / name).write_text("y" * 100)
    assert Git(root).state().changed == (name,)
    assert Git(root).difference(Git(root).state()) != first
    git(root, "checkout", "--", "./" + name)
    git(root, "mv", "./" + name, "moved")
    assert Git(root).state().changed == tuple(sorted((name, "moved")))
    git(root, "mv", "moved", "./" + name)
    (root / name).unlink()
    assert Git(root).state().changed == (name,)


def test_a_merge_conflict_is_a_difference(root: Path) -> None:
    """Files in conflict are listed like other differences, once."""
    (root / "a").write_text("base\n")
    commit(root)
    git(root, "checkout", "--quiet", "-b", "other")
    (root / "a").write_text("other\n")
    commit(root)
    git(root, "checkout", "--quiet", "main")
    (root / "a").write_text("main\n")
    commit(root)
    process.run(["git", "-c", "user.name=A", "-c", "user.email=a", "merge", "other"], cwd=root, check=False)
    assert Git(root).state().changed == ("a",)
    assert Git(root).files() == ("a",)


def test_every_kind_of_change_moves_the_difference(root: Path) -> None:
    """Another byte, name, mode, staged or untracked content or link target gives another digest."""
    (root / "a").write_text("x")
    commit(root)
    here = Git(root)
    seen = [here.difference(here.state())]

    def saw() -> None:
        seen.append(here.difference(here.state()))

    (root / "a").write_text("y")
    saw()
    (root / "a").chmod(0o755)
    saw()
    (root / "new").write_text("n")
    saw()
    (root / "new").write_text("m")
    saw()
    (root / "new").rename(root / "newer")
    saw()
    (root / "link").symlink_to("a")
    saw()
    (root / "link").unlink()
    (root / "link").symlink_to("newer")
    saw()
    (root / "a").write_bytes(b"\0binary")
    saw()
    assert len(set(seen)) == len(seen)


def test_a_folder_outside_git_is_named(tmp_path: Path) -> None:
    """Where there is no repository, the error names the folder and says how to make one."""
    with pytest.raises(ToolError, match="not a git repository") as caught:
        Git(tmp_path).state()
    assert "git init" in caught.value.hint


@pytest.fixture
def dated(root: Path) -> dict[str, str]:
    """A history of three commits, named by their days."""
    days = ("2026-11-01T10:00:00Z", "2026-11-01T20:00:00Z", "2026-11-03T10:00:00Z")
    return {when[:13]: commit(root, when, when) for when in days}


def test_revisions_have_many_names(root: Path, dated: dict[str, str]) -> None:
    """Tag, annotated tag, branch, full and short hash and expressions all name their commit."""
    git(root, "tag", "v1", "HEAD~1")
    git(root, "tag", "-a", "v2", "-m", "annotated", "HEAD~1")
    wanted = dated["2026-11-01T20"]
    for name in ("v1", "v2", "HEAD~1", "main~1", wanted, wanted[:10], "main^"):
        assert Git(root).resolve(name) == wanted


def test_dates_name_the_last_commit_until_then(
    root: Path, dated: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day means its last commit, a moment the last one before it; a tag of that name comes first."""
    monkeypatch.setenv("TZ", "UTC")
    here = Git(root)
    assert here.resolve("2026-11-01") == here.resolve("2026-11-02") == dated["2026-11-01T20"]
    assert here.resolve("2026-11-01T12:00:00Z") == here.resolve("2026-11-01 12:00") == dated["2026-11-01T10"]
    assert here.resolve("2026-11-01T21:00:00+02:00") == dated["2026-11-01T10"]
    assert here.resolve("2027-01-01") == dated["2026-11-03T10"]
    git(root, "tag", "2026-11-01", dated["2026-11-03T10"])
    assert here.resolve("2026-11-01") == dated["2026-11-03T10"]


@pytest.mark.parametrize(
    "revision",
    ["", "nothing", "--help", "-1", "HEAD:file", "2026-10-31", "2026-99-99", "2026-02-31", "2026-11-01T99:99",
     "yesterday", "main..main", "@{u}", "a\nb", "0" * 40, "é"],
)  # fmt: skip
def test_an_unknown_revision_is_a_usage_error(root: Path, dated: dict[str, str], revision: str) -> None:
    """What names no commit, options and impossible dates included, is refused with a next step."""
    with pytest.raises(UsageError, match="unknown revision") as caught:
        Git(root).resolve(revision)
    assert caught.value.hint


@given(st.text(max_size=20))
def test_no_revision_gets_out_of_hand(tmp_path_factory: pytest.TempPathFactory, revision: str) -> None:
    """Any text at all, in a repository without commits, is refused by one of our errors."""
    folder = tmp_path_factory.getbasetemp() / "empty-repository"
    if not folder.exists():
        folder.mkdir()
        git(folder, "init", "--quiet")
    with pytest.raises(ReproError):
        Git(folder).resolve(revision)


def trap(root: Path, path: Path) -> None:
    """A program in the place of a hook or monitor that leaves a trace when it runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {path.name} >> {root.parent}/trace\n")
    path.chmod(0o755)


def test_no_code_of_the_repository_runs(root: Path, tmp_path: Path) -> None:
    """Hooks, a file system monitor, an external diff and text converters of a repository never run."""
    (root / "a").write_text("x\n")
    (root / ".gitattributes").write_text("a diff=mine\n")
    made = commit(root)
    for name in (
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "pre-auto-gc",
        "fsmonitor-watchman",
    ):
        trap(root, root / ".git/hooks" / name)
    trap(root, root / "program")
    for key in ("core.fsmonitor", "diff.external", "diff.mine.textconv", "diff.mine.command"):
        git(root, "config", key, str(root / "program"))
    (root / "a").write_text("y\n")
    (tmp_path / "trace").unlink(missing_ok=True)
    here = Git(root)
    here.difference(here.state())
    here.files()
    here.resolve("HEAD")
    here.author()
    with here.worktree(made, tmp_path / "tree"):
        assert (tmp_path / "tree/a").read_text() == "x\n"
    assert not (tmp_path / "trace").exists()
    git(root, "status")
    assert (tmp_path / "trace").exists()  # the trap works


def test_a_worktree_leaves_the_users_tree_alone(root: Path, tmp_path: Path) -> None:
    """Commit, index, changes, branches and every byte of the user's tree are the same during and after."""
    (root / "a").write_text("old")
    old = commit(root)
    (root / "a").write_text("new")
    commit(root)
    (root / "a").write_text("changed")
    (root / "staged").write_text("s")
    git(root, "add", "staged")
    (root / "untracked").write_text("u")

    def picture() -> tuple[object, ...]:
        files = {n: (root / n).read_bytes() for n in files_below(root) if not n.startswith(".git/")}
        index = (root / ".git/index").read_bytes()
        refs = git(root, "for-each-ref"), git(root, "symbolic-ref", "HEAD"), git(root, "stash", "list")
        return files, index, refs

    before = picture()
    with Git(root).worktree(old, tmp_path / "deep/tree") as folder:
        assert (folder / "a").read_text() == "old"
        assert Git(folder).state().commit == old
        assert not Git(folder).state().dirty
        assert picture() == before
    assert picture() == before
    assert not folder.exists()
    assert git(root, "worktree", "list", "--porcelain").count("worktree ") == 1


def test_a_worktree_goes_away_whatever_happens_in_it(root: Path, tmp_path: Path) -> None:
    """An error inside, and files made read-only inside, do not keep the worktree from being removed."""
    made = commit(root)

    def spoil() -> None:
        with Git(root).worktree(made, tmp_path / "tree") as folder:
            (folder / "d").mkdir()
            (folder / "d/f").write_text("x")
            (folder / "d").chmod(0o500)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        spoil()
    assert not (tmp_path / "tree").exists()
    assert git(root, "worktree", "list", "--porcelain").count("worktree ") == 1


def test_what_a_killed_call_left_is_replaced(root: Path, tmp_path: Path) -> None:
    """A worktree that a killed call left at the same place, half done or whole, is made anew."""
    (root / "a").write_text("x")
    made = commit(root)
    git(root, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), made)
    (tmp_path / "tree/a").write_text("spoilt")
    (tmp_path / "tree/left").write_text("over")
    with Git(root).worktree(made, tmp_path / "tree") as folder:
        assert {p.name for p in folder.iterdir()} == {".git", "a"}
        assert (folder / "a").read_text() == "x"


def test_a_folder_that_is_no_worktree_is_never_removed(root: Path, tmp_path: Path) -> None:
    """A folder of the user's at that place is an error, and stays as it is."""
    made = commit(root)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/f").write_text("x")
    with pytest.raises(ToolError), Git(root).worktree(made, tmp_path / "mine"):
        pytest.fail("the folder was taken")
    assert (tmp_path / "mine/f").read_text() == "x"


def test_the_users_own_worktrees_are_not_forgotten(root: Path, tmp_path: Path) -> None:
    """A worktree of the user's on a drive that is not mounted now is still known afterwards."""
    made = commit(root)
    git(root, "worktree", "add", "--quiet", "--detach", str(tmp_path / "mine"), made)
    (tmp_path / "mine").rename(tmp_path / "away")
    with Git(root).worktree(made, tmp_path / "tree"):
        pass
    assert str(tmp_path / "mine") in git(root, "worktree", "list", "--porcelain")


def test_a_call_from_a_hook_looks_at_its_own_folder(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that git sets for hooks do not carry a call to another repository or index."""
    (root / "a").write_text("x")
    made = commit(root)
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    for name, value in [("DIR", ".git"), ("WORK_TREE", "."), ("INDEX_FILE", ".git/index"), ("PREFIX", "")]:
        monkeypatch.setenv(f"GIT_{name}", str(other / value))
    assert Git(root).resolve("HEAD") == made
    assert Git(root).files() == ("a",)
    with Git(root).worktree(made, tmp_path / "tree") as folder:
        assert Git(folder).state().changed == ()
    assert not (other / ".git/index").exists()


def test_a_sub_folder_knows_where_it_lies(root: Path) -> None:
    """The prefix of a folder is its path below the top, with a slash; empty at the top."""
    (root / "sub dir/deep").mkdir(parents=True)
    assert Git(root).prefix() == ""
    assert Git(root / "sub dir/deep").prefix() == "sub dir/deep/"


@pytest.mark.parametrize(("name", "mail", "expected"), [("A B", "a@b", "A B <a@b>"), ("", "", "unknown")])
def test_the_author_is_who_git_knows(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, mail: str, expected: str
) -> None:
    """Name and address come from git's configuration; without them the author is unknown."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    if name:
        git(root, "config", "user.name", name)
        git(root, "config", "user.email", mail)
    assert Git(root).author() == expected
