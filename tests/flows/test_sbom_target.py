"""What a target on the command line is: told from what lies there, never guessed in silence."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from repro.core.errors import FormatError, UsageError
from repro.flows.sbom_target import Closure, Sort, inventory_of, target_of

if TYPE_CHECKING:
    from pathlib import Path


def tar(path: Path, *names: str) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One thing of each kind."""
    for name in ("venv/pyvenv.cfg", "site/a-1.dist-info/METADATA", "layout/oci-layout", "flake/flake.nix"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    for name in ("requirements.lock", "requirements-dev.txt", "a-1-py3-none-any.whl", "other.bin"):
        (tmp_path / name).touch()
    (tmp_path / "pinned").write_text("# ours\nAlpha[x]==1.0 \\\n    --hash=sha256:00\n", encoding="utf-8")
    (tmp_path / "loose").write_text("alpha==1.0\nbeta>=2\n", encoding="utf-8")
    tar(tmp_path / "a-1.tar.gz", "a-1/setup.py", "a-1/PKG-INFO")
    tar(tmp_path / "image.tar.gz", "blobs/sha256/x", "manifest.json")
    tar(tmp_path / "image", "index.json")
    tar(tmp_path / "unknown.tar.gz", "readme")
    (tmp_path / "broken.tar.gz").write_bytes(b"\x1f\x8bnothing")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("venv", Sort.ENVIRONMENT),
        ("site", Sort.ENVIRONMENT),
        ("layout", Sort.IMAGE),
        ("flake", Sort.NIX),
        ("requirements.lock", Sort.LOCK),
        ("requirements-dev.txt", Sort.LOCK),
        ("a-1-py3-none-any.whl", Sort.WHEEL),
        ("a-1.tar.gz", Sort.SDIST),
        ("image.tar.gz", Sort.IMAGE),
        ("pinned", Sort.LOCK),
        ("image", Sort.IMAGE),
        (".#default", Sort.NIX),
        ("flake#x.y", Sort.NIX),
        ("nixpkgs#hello", Sort.NIX),
        ("github:owner/repository", Sort.NIX),
        ("git+https://example.org/x?ref=main#y", Sort.NIX),
    ],
)
def test_each_kind_is_told_from_what_lies_there(folder: Path, text: str, sort: Sort) -> None:
    """Folders, archives and locks by what they hold, references by their form."""
    assert target_of(folder, text).sort is sort


def test_a_link_into_the_store_is_a_store_path(folder: Path) -> None:
    """`result` names what it links to, whatever that is and whether or not it is still there."""
    (folder / "result").symlink_to("/nix/store/00000000000000000000000000000000-a-1.whl")
    found = target_of(folder, "result")
    assert (found.sort, found.stored) == (Sort.NIX, True)


@pytest.mark.parametrize("text", ["other.bin", "loose", "unknown.tar.gz", "nowhere", "nowhere/venv", ""])
def test_what_has_no_inventory_is_wrong_usage(folder: Path, text: str) -> None:
    """What is none of the kinds, or is not there, is exit 2 with a hint of what would be."""
    with pytest.raises(UsageError) as caught:
        target_of(folder, text)
    assert caught.value.hint


def test_an_archive_that_cannot_be_read_is_evidence_that_cannot(folder: Path) -> None:
    """A broken archive is exit 1, not a kind of its own."""
    with pytest.raises(FormatError, match="not gzip"):
        target_of(folder, "broken.tar.gz")


def test_options_of_another_kind_are_wrong_usage(folder: Path) -> None:
    """--closure is for Nix and --platform for images; elsewhere they would do nothing."""
    with pytest.raises(UsageError, match="--closure is for Nix"):
        inventory_of(folder, "venv", closure=Closure.RUNTIME)
    with pytest.raises(UsageError, match="--platform is for images"):
        inventory_of(folder, "venv", platform="linux/amd64")
