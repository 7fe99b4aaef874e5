from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from repro.core.errors import ReproError
from repro.core.events import silent
from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.flows.replay import Request, replay

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.conftest import Lab

SECRET = "root-only-secret-4711\n"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file beside the repository that no revision may read."""
    path = tmp_path / "lab/secret"
    path.write_text(SECRET)
    os.utime(path, (1, 1))
    return path


def unread(lab: Lab, secret: Path) -> None:
    """The secret is nowhere below the project: not in a record, not in a log, not in an error."""
    for path in lab.root.rglob("*"):
        if path.is_file() and not path.is_symlink() and ".git" not in path.parts:
            assert SECRET.strip().encode() not in path.read_bytes(), path
    assert secret.read_text() == SECRET


def refused(lab: Lab, secret: Path, *exits: Exit) -> ReproError:
    """Replaying the revision `evil` fails, whether as a whole or in its one run."""
    try:
        error = lab.one(revision="evil").error
    except ReproError as raised:
        error = raised
    assert error is not None
    assert error.exit in exits, error
    assert SECRET.strip() not in error.message + error.hint
    assert lab.worktrees() == [str(lab.root)]
    unread(lab, secret)
    return error


def evil(lab: Lab) -> None:
    """Commit the present tree as the revision `evil`, and go back to v1."""
    lab.commit(tag="evil")
    lab.git("checkout", "--quiet", "--force", "v1")


@pytest.mark.parametrize(
    "keys",
    [
        {"inputs": ["../secret"]},
        {"inputs": ["/etc/passwd"]},
        {"inputs": ["data/../../secret"]},
        {"outputs": ["../../../../stolen.json"]},
        {"outputs": ["/etc/stolen.json"]},
        {"sources": ["../**"]},
        {"sources": ["/etc/**"]},
    ],
    ids=str,
)
def test_a_definition_that_names_files_outside_is_refused(
    lab: Lab, secret: Path, keys: dict[str, Any]
) -> None:
    """Inputs, outputs and sources of a revision stay inside its checkout, or the call ends with exit 2."""
    lab.define(**keys)
    evil(lab)
    assert "evil" in refused(lab, secret, Exit.USAGE).message


@pytest.mark.parametrize("lock", ["../secret", "../../../../etc/passwd", "/etc/passwd", "lock.txt"])
def test_a_lock_outside_the_checkout_is_refused(lab: Lab, secret: Path, lock: str) -> None:
    """Neither a path nor a link of a revision lets its lock be read from elsewhere."""
    (lab.root / "lock.txt").symlink_to(secret)
    lab.environments["locked"] = {"kind": "venv", "lock": lock}
    lab.define(environment="locked")
    evil(lab)
    refused(lab, secret, Exit.USAGE)


@pytest.mark.parametrize("target", ["{secret}", "/etc", "../../secret", "../../../../../../../etc/passwd"])
def test_a_source_that_is_a_link_out_is_refused(lab: Lab, secret: Path, target: str) -> None:
    """A link among the sources that leaves the checkout ends the call; what it names is not read."""
    (lab.root / "src/link").symlink_to(target.format(secret=secret))
    evil(lab)
    assert "src/link" in refused(lab, secret, Exit.USAGE).message


def test_an_absolute_link_to_the_present_tree_is_refused(lab: Lab) -> None:
    """A link that names the user's own folder would make a run see what nobody hashed."""
    lab.write("other.txt", "not declared")
    (lab.root / "src/link").symlink_to(lab.root / "other.txt")
    with pytest.raises(ReproError, match="src/link"):
        lab.one()


@pytest.mark.parametrize("name", ["data/offset.txt", "data"])
def test_an_input_that_is_a_link_out_is_refused(lab: Lab, secret: Path, name: str) -> None:
    """A link in the place of data, or of its folder, is not followed."""
    path = lab.root / name
    if path.is_dir():
        folder = secret.parent / "folder"
        path.rename(folder)
        path.symlink_to(folder)
    else:
        path.unlink()
        path.symlink_to(secret)
    evil(lab)
    refused(lab, secret, Exit.USAGE, Exit.NOT_CHECKED)


def test_a_definition_that_is_a_link_out_is_refused(lab: Lab, secret: Path) -> None:
    """`repro.toml` itself may not be a link that leaves the checkout."""
    (lab.root / "repro.toml").unlink()
    (lab.root / "repro.toml").symlink_to(secret)
    evil(lab)
    refused(lab, secret, Exit.USAGE)


@pytest.mark.parametrize("name", ["baselines", "baselines/mean", "variant", "record", "output"])
def test_a_baseline_that_is_a_link_out_is_refused(lab: Lab, secret: Path, name: str) -> None:
    """Neither the folder of the baselines nor anything in it may be a link that leaves the checkout."""
    (variant,) = (lab.root / "baselines/mean").iterdir()
    path = {
        "variant": variant,
        "record": variant / "baseline.json",
        "output": variant / "results.json",
    }.get(name, lab.root / name)
    moved = secret.parent / "moved"
    path.rename(moved)
    path.symlink_to(moved)
    evil(lab)
    refused(lab, secret, Exit.USAGE)


def test_a_pointer_that_leaves_the_checkout_is_refused(lab: Lab, secret: Path) -> None:
    """A `.dvc` file whose out lies elsewhere is an error, and nothing is written there."""
    pointer = lab.root / "data/points.csv.dvc"
    pointer.write_text(pointer.read_text().replace("path: points.csv", "path: ../../secret"))
    evil(lab)
    refused(lab, secret, Exit.NOT_CHECKED)


def test_a_submodule_as_source_is_refused(lab: Lab, secret: Path) -> None:
    """A pattern that names nothing but a submodule is an error that says so."""
    module = secret.parent / "module"
    module.mkdir()
    lab.git("-C", str(module), "init", "--quiet")
    lab.git("-C", str(module), "commit", "--quiet", "--allow-empty", "-m", "m")
    lab.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(module), "vendor")
    lab.define(sources=["src/**", "vendor"])
    lab.commit(tag="evil")
    assert "submodule vendor" in refused(lab, secret, Exit.USAGE).message
    lab.define(sources=["**"])
    assert lab.one().verdict is Verdict.MATCH


def test_hooks_and_filters_of_a_revision_do_not_run(lab: Lab, secret: Path) -> None:
    """A revision cannot make git run a program: hooks are off, and filters need the caller's own setting."""
    mark = secret.parent / "ran"
    hook = lab.root / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    lab.write(".gitattributes", "*.py filter=evil\n")
    lab.write(".gitconfig", f'[filter "evil"]\n\tsmudge = touch {mark}\n')
    lab.commit(tag="evil")
    mark.unlink(missing_ok=True)
    assert lab.one(revision="evil").verdict is Verdict.MATCH
    assert not mark.exists()


def test_a_project_folder_that_is_a_link_out_is_refused(lab: Lab, secret: Path) -> None:
    """Where REV has a link in the place of the project's own folder, nothing is read through it."""
    top = secret.parent / "top"
    (top / "inner").mkdir(parents=True)
    lab.git("-C", str(top), "init", "--quiet")
    (top / "inner/repro.toml").write_text((lab.root / "repro.toml").read_text())
    lab.git("-C", str(top), "add", "-A")
    lab.git("-C", str(top), "commit", "--quiet", "-m", "folder")
    (top / "inner").rename(top / "real")
    (top / "inner").symlink_to(lab.root)
    lab.git("-C", str(top), "add", "-A")
    lab.git("-C", str(top), "commit", "--quiet", "-m", "link")
    lab.git("-C", str(top), "tag", "evil")
    lab.git("-C", str(top), "checkout", "--quiet", "HEAD~1")
    with pytest.raises(ReproError, match="leaves the checkout"):
        replay(top / "inner", Request(selections=("mean",), revision="evil"), silent)


@pytest.mark.parametrize("where", ["src/link", "baselines", "lock.txt", "data/offset.txt", "repro.toml"])
def test_a_link_to_itself_is_an_error_and_no_crash(lab: Lab, secret: Path, where: str) -> None:
    """A loop of links leads nowhere, wherever it stands."""
    path = lab.root / where
    if path.is_dir():
        path.rename(secret.parent / "moved")
    path.unlink(missing_ok=True)
    path.symlink_to(path.name)
    if where == "lock.txt":
        lab.environments["locked"] = {"kind": "venv", "lock": "lock.txt"}
        lab.define(environment="locked")
    evil(lab)
    refused(lab, secret, Exit.USAGE, Exit.NOT_CHECKED)


def test_a_revision_does_not_give_itself_the_network(lab: Lab) -> None:
    """A revision gets the network only where the caller gives it too, and the output says so."""
    lab.define(network=True)
    asking = lab.commit("ask for the network")
    granted = lab.replay("mean", revision=asking, use_cache=False)
    assert granted.notes == ()
    lab.define(network=False)
    refused = lab.replay("mean", revision=asking, use_cache=False)
    assert refused.notes == ("mean: the revision asks for the network, which yours does not give",)
    given = [lab.record_of(replayed.results[0]).command["network"] for replayed in (granted, refused)]
    assert given == [True, False]
