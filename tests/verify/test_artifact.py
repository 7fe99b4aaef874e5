"""The artifact is opened once, and what was opened is what is verified."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from repro.core.errors import EvidenceError, FormatError, ReproError
from repro.core.exits import Exit
from repro.verify.artifact import artifact_of, open_artifact
from repro.verify.protocol import not_opened

if TYPE_CHECKING:
    from pathlib import Path


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_file_has_the_digests_of_its_bytes(tmp_path: Path) -> None:
    """SHA-256 and SHA-512 are those of the bytes, and few bytes are kept."""
    (tmp_path / "a").write_bytes(b"bytes")
    found = open_artifact(tmp_path / "a")
    assert found.name == "a"
    assert found.digests == {"sha256": sha256(b"bytes"), "sha512": hashlib.sha512(b"bytes").hexdigest()}
    assert found.content == b"bytes"


@pytest.mark.parametrize("swap", ["file", "link"])
def test_a_name_swapped_after_opening_changes_nothing(
    swap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file, or the link to it, is exchanged between opening and hashing: the first one is hashed."""
    (tmp_path / "good").write_bytes(b"good")
    (tmp_path / "evil").write_bytes(b"evil")
    named = tmp_path / "named"
    named.symlink_to("good") if swap == "link" else os.link(tmp_path / "good", named)
    opened = os.open

    def open_and_swap(path: Path, flags: int) -> int:
        descriptor = opened(path, flags)
        (tmp_path / "new").symlink_to("evil")
        (tmp_path / "new").replace(named)
        return descriptor

    monkeypatch.setattr(os, "open", open_and_swap)
    assert open_artifact(named).sha256 == sha256(b"good")
    assert named.read_bytes() == b"evil"


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes written during the hashing leave a digest of no file that ever was: it is refused."""
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)
    read = os.read

    def read_and_write(descriptor: int, size: int) -> bytes:
        data = read(descriptor, size)
        path.write_bytes(b"y" * 101)
        return data

    monkeypatch.setattr(os, "read", read_and_write)
    with pytest.raises(EvidenceError, match="changed while it was read"):
        open_artifact(path)


@pytest.mark.parametrize("name", [".", "pipe", "missing"])
def test_what_is_no_file_is_refused_at_once(name: str, tmp_path: Path) -> None:
    """A folder, a pipe that nobody writes to, and nothing at all are refused without waiting."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ReproError) as caught:
        open_artifact(tmp_path / name)
    assert caught.value.exit is Exit.NOT_CHECKED


def test_what_cannot_be_opened_is_not_checked() -> None:
    """The outcome of a missing artifact lists every step, accepts nothing and is exit 3."""
    outcome = not_opened("a", "a.sigstore.json", ReproError("a: no such file"))
    assert outcome.exit is Exit.NOT_CHECKED
    assert not outcome.is_accepted
    assert [one.step for one in outcome.checks] == list(range(1, 9))


@pytest.mark.parametrize("digest", ["AB" * 32, "ab" * 31, "zz" * 32, ""])
def test_a_digest_that_is_none_names_no_artifact(digest: str) -> None:
    """Upper case, another length and other letters are no SHA-256."""
    with pytest.raises(FormatError, match="not a sha256 digest"):
        artifact_of("a", {"sha256": digest})
