"""Statements about SBOMs and releases, and about files that a command makes."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.attest.conftest import KeyFiles, Said

BOM = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "library", "name": "é"}]}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A repository with an artifact and an SBOM beside it."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "x.whl").write_bytes(b"wheel")
    (folder / "sbom.json").write_text(json.dumps(BOM))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "sbom.json"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    return folder


def said_of(answer: Said) -> dict[str, Any]:
    assert answer.code == 0, answer.err
    document: dict[str, Any] = json.loads(answer.out)
    return document


def test_an_sbom_is_the_predicate(repro: Callable[..., Said], work: Path) -> None:
    """A document that fits is the predicate itself, about the artifact's own digest."""
    said = said_of(repro(work, "attest", "sbom", "x.whl", "--sbom", "sbom.json"))
    assert (said["predicateType"], said["predicate"]) == ("https://cyclonedx.org/bom", BOM)
    assert said["subject"] == [{"name": "x.whl", "digest": {"sha256": hashlib.sha256(b"wheel").hexdigest()}}]


def test_a_large_sbom_is_referred_to(repro: Callable[..., Said], work: Path) -> None:
    """A document that exceeds what logs take is named by digest, place and media type."""
    answer = repro(work, "attest", "sbom", "x.whl", "--sbom", "sbom.json", "--max-size", "100")
    said = said_of(answer)
    assert said["predicateType"] == "https://in-toto.io/attestation/reference/v0.1"
    (reference,) = said["predicate"]["references"]
    assert reference == {
        "name": "sbom.json",
        "digest": {"sha256": hashlib.sha256((work / "sbom.json").read_bytes()).hexdigest()},
        "mediaType": "application/vnd.cyclonedx+json",
        "downloadLocation": "sbom.json",
    }


@pytest.mark.parametrize("content", ["{}", "[]", "junk", '{"bomFormat":"CycloneDX","bomFormat":"CycloneDX"}'])
def test_what_is_no_sbom_is_refused(repro: Callable[..., Said], work: Path, content: str) -> None:
    """Another document, junk, or a key given twice is exit 1."""
    (work / "sbom.json").write_text(content)
    assert repro(work, "attest", "sbom", "x.whl", "--sbom", "sbom.json").code == 1


def test_a_release_links_what_vouches_for_it(repro: Callable[..., Said], work: Path, key: KeyFiles) -> None:
    """Artifacts under a package URL, and each linked statement by its digest, signed or not."""
    assert repro(work, "attest", "sbom", "x.whl", "--sbom", "sbom.json", "--out", "s.json").code == 0
    assert repro(work, "sign", "s.json", *key.options, "--out", "s.sigstore.json").code == 0
    links = [
        said_of(repro(work, "attest", "release", "x.whl", "--purl", "pkg:pypi/x@1.0", "--with", name))
        for name in ("s.json", "s.sigstore.json")
    ]
    assert links[0]["predicate"]["purl"] == "pkg:pypi/x@1.0"
    digests = [one["predicate"]["repro_attestations"][0]["digest"] for one in links]
    assert digests == [{"sha256": hashlib.sha256((work / "s.json").read_bytes()).hexdigest()}] * 2


@pytest.mark.parametrize("purl", ["x", "pkg:pypi/x", "pkg:", ""])
def test_a_release_has_a_name_and_a_version(repro: Callable[..., Said], work: Path, purl: str) -> None:
    """What is no package URL, or has no version, is exit 2."""
    assert repro(work, "attest", "release", "x.whl", "--purl", purl).code == 2


def command(script: str) -> str:
    return shlex.join([sys.executable, "-c", script])


def test_what_a_command_makes(repro: Callable[..., Said], work: Path) -> None:
    """The command is run, and the file that it wrote is attested with commit, words, times and logs."""
    line = command("import pathlib; pathlib.Path('x.whl').write_text('new'); print('done')")
    said = said_of(repro(work, "attest", "provenance", "x.whl", "--run", line))
    definition = said["predicate"]["buildDefinition"]
    assert definition["buildType"] == "urn:repro:build-type:command:v1"
    assert definition["externalParameters"]["argv"] == shlex.split(line)
    (source,) = definition["resolvedDependencies"]
    assert len(source["digest"]["gitCommit"]) == 40
    assert source["annotations"]["dirty"] is True  # x.whl itself is in no commit
    assert said["subject"][0]["digest"]["sha256"] == hashlib.sha256(b"new").hexdigest()
    logs = {one["name"]: one["digest"]["sha256"] for one in said["predicate"]["runDetails"]["byproducts"]}
    assert logs["stdout.log"] == hashlib.sha256(b"done\n").hexdigest()


@pytest.mark.parametrize(
    ("script", "code"), [("pass", 3), ("raise SystemExit(1)", 3), ("import os; os.unlink('x.whl')", 3)]
)
def test_a_command_that_did_not_write_the_file(
    repro: Callable[..., Said], work: Path, script: str, code: int
) -> None:
    """A file that was there before, a command that fails, and a file that is gone are not attested."""
    answer = repro(work, "attest", "provenance", "x.whl", "--run", command(script))
    assert (answer.code, answer.out) == (code, "")


def test_a_file_alone_does_not_say_how_it_was_made(repro: Callable[..., Said], work: Path) -> None:
    """A file without --run is exit 2, with what to say instead."""
    answer = repro(work, "attest", "provenance", "x.whl")
    assert answer.code == 2
    assert "--run" in answer.err


def test_a_token_in_a_command_is_masked(repro: Callable[..., Said], work: Path) -> None:
    """A credential among a command's words is not in the statement."""
    line = command("open('x.whl', 'w').write('new')") + " https://user:hunter2@example.org/"
    answer = repro(work, "attest", "provenance", "x.whl", "--run", line)
    assert answer.code == 0
    assert "hunter2" not in answer.out + answer.err
    assert "https://***@example.org/" in answer.out
