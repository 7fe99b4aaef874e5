"""Lock files hold names, versions and hashes only, and nothing in the repository names a registry."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from repro.tools.lock import read_lock

ROOT = Path(__file__).parent.parent
LOCKS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("requirements*.lock"), *ROOT.glob("experiments/*.lock")]
)
REGISTRY = re.compile(
    r"(files\.pythonhosted|pypi\.org/(simple|packages)|registry\.npmjs|static\.crates)", re.IGNORECASE
)
DOWNLOAD = re.compile(
    r"https?://(?!(?:[^\s/@]*@)?[\w.]+\.(?:invalid|example)/)[^\s\"')>]+\.(whl|tar\.gz|tgz|deb|crate)\b"
)


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_package_by_hash(name: str) -> None:
    """Each requirement of each lock has one exact version and at least one SHA-256, and no address."""
    lock = read_lock(ROOT / name)
    assert lock.requirements
    assert "http" not in re.sub(r"(?m)^\S*http\S*==.*$", "", (ROOT / name).read_text(encoding="utf-8"))


def test_the_experiments_have_one_version_per_package() -> None:
    """The experiments' lock is the same set of versions for every supported Python."""
    lock = read_lock(ROOT / "experiments/requirements.lock")
    names = [entry.name for entry in lock.requirements]
    assert len(names) == len(set(names))


def test_the_development_lock_contains_the_lock() -> None:
    """Installing the development lock over the other changes no version."""
    plain = {entry.name: entry.version for entry in read_lock(ROOT / "requirements.lock").requirements}
    more = {entry.name: entry.version for entry in read_lock(ROOT / "requirements-dev.lock").requirements}
    assert plain.items() <= more.items()


def test_no_tracked_file_names_a_registry_or_a_download() -> None:
    """No file that git tracks holds a registry's host or the address of a package."""
    checked = 0
    for name in tracked():
        if name.startswith(("data/remote/", "baselines/")) or name == "tests/test_locks.py":
            continue
        path = ROOT / name
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found = REGISTRY.search(text) or DOWNLOAD.search(text)
        assert found is None, f"{name}: {found}"
        checked += 1
    assert checked > 100


def test_registry_lock_files_are_ignored() -> None:
    """`uv.lock`, which writes addresses, can never be committed by accident."""
    done = subprocess.run(["git", "check-ignore", "-q", "uv.lock"], cwd=ROOT, check=False)
    assert done.returncode == 0
