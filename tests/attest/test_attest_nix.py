"""Provenance of Nix builds, with a real Nix: sources, digests by their right names, and who may vouch."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.build.conftest import Project, nix, project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.build.conftest import Said

__all__ = ["nix", "project"]
pytestmark = pytest.mark.nix

HI = hashlib.sha256(b"hi\n").hexdigest()
SOURCE = (
    f'=make {{ name = "data"; script = "echo hi > $out"; outputHashMode = "flat"; '
    f'outputHashAlgo = "sha256"; outputHash = "{HI}"; urls = "https://user:pw@example.org/data"; }}'
)


@pytest.fixture
def flake(project: Project) -> Project:
    """A committed flake: `hello` reads a fixed source and makes a folder, `one` makes a file."""
    project.attributes(data=SOURCE, hello="mkdir $out; cat ${data} > $out/x.whl", one="echo 1 > $out")
    project.git("init", "-q")
    project.git("add", "-A")
    project.git("commit", "-qm", "first")
    return project


def attest(flake: Project, *arguments: str, cwd: Path | None = None) -> Said:
    """`repro attest provenance` there."""
    from tests.build.conftest import Said

    words = [*flake.command()[:-1], "attest", "provenance", *arguments]
    done = subprocess.run(
        words, cwd=cwd or flake.root, env=flake.environment, capture_output=True, text=True, check=False
    )
    return Said(code=done.returncode, out=done.stdout, err=done.stderr)


def nar_hex(flake: Project, path: str) -> str:
    """The NAR hash that Nix itself tells of a path."""
    info = json.loads(flake.nix("path-info", "--json", path))
    entry = info[path] if isinstance(info, dict) else info[0]
    return base64.b64decode(entry["narHash"].removeprefix("sha256-")).hex()


def test_provenance_of_a_build(flake: Project) -> None:
    """Source, fixed sources, derivation, Nix, times and log are there; a NAR hash has its own name."""
    said = attest(flake, ".#hello")
    assert said.code == 0, said.err
    predicate: dict[str, Any] = said.document["predicate"]
    definition, details = predicate["buildDefinition"], predicate["runDetails"]
    commit = flake.git("rev-parse", "HEAD").strip()
    assert definition["externalParameters"] == {
        "attribute": "hello",
        "flake": f"git+file:.?rev={commit}",
        "system": "x86_64-linux",
    }
    found = {one["name"]: one for one in definition["resolvedDependencies"]}
    assert found["source"]["digest"]["gitCommit"] == commit
    assert found["data"]["digest"] == {"sha256": HI}
    assert found["data"]["uri"] == "https://example.org/data"
    assert definition["internalParameters"]["sandbox"] is True
    assert set(details["metadata"]) == {"startedOn", "finishedOn"}
    assert [one["name"] for one in details["byproducts"]] == ["log"]
    (path,) = definition["internalParameters"]["outputs"].values()
    subjects = {one["name"]: one["digest"] for one in said.document["subject"]}
    assert subjects == {
        path.rpartition("/")[2]: {"nix-nar-sha256": nar_hex(flake, path)},
        "x.whl": {"sha256": HI},
    }
    assert str(flake.root) not in said.out


def test_an_output_that_is_a_file_has_both_digests(flake: Project) -> None:
    """One subject carries the file's SHA-256 and, under its own name, the NAR's."""
    (subject,) = attest(flake, ".#one").document["subject"]
    assert subject["digest"]["sha256"] == hashlib.sha256(b"1\n").hexdigest()
    assert set(subject["digest"]) == {"sha256", "nix-nar-sha256"}


def test_the_same_build_gives_the_same_bytes(flake: Project) -> None:
    """Attesting what is built already gives the same bytes; a start that is not known is left out."""
    attest(flake, ".#hello")
    first, second = attest(flake, ".#hello"), attest(flake, ".#hello")
    assert first.out == second.out
    assert "startedOn" not in first.document["predicate"]["runDetails"]["metadata"]


def test_evidence_of_a_rebuild_is_a_by_product(flake: Project) -> None:
    """What `repro build --json` wrote stands in the statement by digest and outcome."""
    built = flake.repro(".#hello", "--json")
    (flake.root.parent / "build.json").write_text(built.out)
    said = attest(flake, ".#hello", "--evidence", "../build.json")
    assert said.code == 0, said.err
    (rebuild,) = [
        one for one in said.document["predicate"]["runDetails"]["byproducts"] if one["name"] == "rebuild"
    ]
    assert rebuild["digest"]["sha256"] == hashlib.sha256(built.out.encode()).hexdigest()
    assert rebuild["annotations"]["outcome"] == "reproducible"


def test_evidence_of_another_build_is_refused(flake: Project) -> None:
    """Evidence about another derivation, other outputs, or that is none, is never linked."""
    good = flake.repro(".#hello", "--json").document
    other_hash, other_drv = json.loads(json.dumps(good)), json.loads(json.dumps(good))
    other_hash["derivations"][0]["outputs"][0]["nar_hash"] = "sha256-" + "A" * 43 + "="
    other_drv["derivations"][0]["drv"] = "/nix/store/" + "a" * 32 + "-other.drv"
    defects = {json.dumps(other_hash): 1, json.dumps(other_drv): 2, "junk": 1, "{}": 1}
    for text, code in defects.items():
        (flake.root.parent / "build.json").write_text(text)
        said = attest(flake, ".#hello", "--evidence", "../build.json")
        assert (said.code, said.out) == (code, ""), text


def test_what_was_built_elsewhere_is_not_attested(flake: Project) -> None:
    """A path that came from another store is its builder's to vouch for: exit 3."""
    attest(flake, ".#hello")
    path = str(flake.path("hello"))
    flake.nix("copy", "--no-check-sigs", "--to", f"file://{flake.nix.home}/cache", path)
    flake.nix("store", "delete", path)
    flake.nix("copy", "--no-check-sigs", "--from", f"file://{flake.nix.home}/cache", path)
    said = attest(flake, ".#hello")
    assert said.code == 3, said
    assert "not built on this machine" in said.err


def test_an_altered_path_is_not_attested(flake: Project) -> None:
    """A store path that was changed after it was registered is exit 1."""
    attest(flake, ".#hello")
    path = flake.path("hello")
    path.chmod(0o755)
    (path / "x.whl").chmod(0o644)
    (path / "x.whl").write_text("evil\n")
    assert attest(flake, ".#hello").code == 1


def test_a_flake_that_is_not_committed_says_so(flake: Project) -> None:
    """What is in no commit is dirty, and no commit is named as its source."""
    (flake.root / "more").write_text("x")
    flake.git("add", "-A")
    said = attest(flake, ".#hello")
    source = said.document["predicate"]["buildDefinition"]["resolvedDependencies"][0]
    assert source["annotations"] == {"dirty": True}
