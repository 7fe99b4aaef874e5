"""`repro git`: numbers in `git diff`, and the check that a hook makes before a commit."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from ruamel.yaml import YAML

if TYPE_CHECKING:
    from tests.cli.conftest import Project

ROOT = Path(__file__).parents[2]


@pytest.fixture
def versions(project: Project) -> Project:
    """A project whose git shows `.npy` by numbers; arrays are committed, one has drifted since."""
    project.git("config", "diff.repro.command", f"'{sys.executable}' -m repro git diff")
    project.write(".gitattributes", "*.npy diff=repro\n")
    (project.root / "sub dir").mkdir()
    for name in ("sub dir/a.npy", "b.npy", "broken.npy"):
        np.save(project.root / name, np.array([1.0, 2.0, 3.0]))
    project.git("add", "-A")
    project.git("commit", "-qm", "arrays")
    np.save(project.root / "sub dir/a.npy", np.array([1.0, 2.5, 3.0]))
    return project


def _git(project: Project, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=project.root, env=project.env, capture_output=True, check=True
    )
    return done.stdout.decode()


def test_git_diff_shows_numbers(versions: Project) -> None:
    """`git diff` tells the drift of a changed array: its name in git, where, and both values."""
    text = _git(versions, "diff")
    assert "diff --repro sub dir/a.npy" in text
    assert "[1]: baseline 2.0, observed 2.5" in text
    assert "sub dir/a.npy: drift" in text
    assert "tmp" not in text
    assert "b.npy" not in text


def test_git_diff_shows_hdf5_and_parquet(versions: Project) -> None:
    """`git diff` tells the path, the place and both values of what drifted in `.h5` and `.parquet`."""
    versions.write(".gitattributes", "*.h5 diff=repro\n*.parquet diff=repro\n")
    for values in ([1.0, 2.0, 3.0], [1.0, 2.5, 3.0]):
        with h5py.File(versions.root / "a.h5", "w") as made:
            made["group/x"] = values
        parquet.write_table(pa.table({"speed": values}), versions.root / "t.parquet")
        if values[1] == 2.0:
            versions.git("add", "-A")
            versions.git("commit", "-qm", "science")
    text = _git(versions, "diff", "--", "a.h5", "t.parquet")
    assert "Binary files" not in text
    for name, path in (("a.h5", "group.x"), ("t.parquet", "speed")):
        told = text[text.index(f"diff --repro {name}") :]
        assert told.startswith(f"diff --repro {name}\n{name}: drift\n  {path}: drift\n")
        assert "[1]: baseline 2.0, observed 2.5" in told


def test_git_shows_new_deleted_renamed_and_broken_files(versions: Project) -> None:
    """Whatever became of a file, `git diff` goes through to its end."""
    np.save(versions.root / "new.npy", np.array([1.0]))
    (versions.root / "b.npy").unlink()
    (versions.root / "broken.npy").write_bytes(b"\x93NUMPY broken")
    versions.git("add", "-A")
    text = _git(versions, "diff", "--cached", "-M")
    assert "diff --repro new.npy\nnew file\n" in text
    assert "diff --repro b.npy\ndeleted\n" in text
    assert "broken.npy: structure" in text
    versions.git("commit", "-qm", "all")
    versions.git("mv", "new.npy", "moved.npy")
    np.save(versions.root / "broken.npy", np.array([1.0]))
    text = _git(versions, "diff", "HEAD", "-M1")
    assert "diff --repro broken.npy\ncannot be compared: " in text
    assert "moved.npy" in text


def test_the_rules_of_a_file_hold_in_git_diff(versions: Project) -> None:
    """Tolerances named in git's configuration admit what they grant, by the name that git has for a file."""
    rule = '[[rules]]\npath = "**"\noutput = "sub dir/*"\natol = 1.0\nreason = "known noise"\n'
    versions.write("rules.toml", rule)
    command = f"'{sys.executable}' -m repro git diff --rules rules.toml"
    versions.git("config", "diff.repro.command", command)
    assert "sub dir/a.npy: match" in _git(versions, "diff")


def test_a_hook_stops_what_drifted(versions: Project) -> None:
    """Files as they lie are compared with the last commit: drift is 1, equal and new ones are 0."""
    answer = versions("git", "check", "sub dir/a.npy", "b.npy")
    assert answer.code == 1
    assert "sub dir/a.npy: drift" in answer.out
    assert "b.npy: match" in answer.out
    np.save(versions.root / "new.npy", np.array([1.0]))
    answer = versions("git", "check", "b.npy", "new.npy", "--json")
    assert (answer.code, answer.document["new"], answer.document["report"]["verdict"]) == (
        0,
        ["new.npy"],
        "match",
    )
    assert versions("git", "check", "new.npy").code == 0
    assert versions("git", "check", "absent.npy").code == 3
    assert versions("git", "check", "../x.npy").code == 2


def test_git_with_other_arguments_than_gits_is_refused(versions: Project) -> None:
    """Called by hand, the driver says who is to call it."""
    answer = versions("git", "diff", "a", "b")
    assert answer.code == 2
    assert "git config diff.repro.command" in answer.err


def test_the_hook_is_declared_for_pre_commit(versions: Project) -> None:
    """The definition has what pre-commit demands, its files are data files, and its entry works in a hook."""
    hook, gate = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {"id", "name", "entry", "language"} <= set(hook) & set(gate)
    assert (gate["entry"], gate["pass_filenames"]) == ("repro gate", False)
    chosen = [
        name for name in ("x/a.npy", "a.csv", "a.h5", "a.py", "a.npy.txt") if re.search(hook["files"], name)
    ]
    assert chosen == ["x/a.npy", "a.csv", "a.h5"]
    words = hook["entry"].split()
    assert words[0] == "repro"
    script = f"#!/bin/sh\nexec '{sys.executable}' -m repro {' '.join(words[1:])} 'sub dir/a.npy'\n"
    file = versions.root / ".git/hooks/pre-commit"
    file.parent.mkdir(exist_ok=True)
    file.write_text(script, encoding="utf-8")
    file.chmod(0o755)
    commit = ["git", "commit", "-qam", "drift"]
    done = subprocess.run(commit, cwd=versions.root, env=versions.env, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"baseline 2.0, observed 2.5" in done.stdout + done.stderr
