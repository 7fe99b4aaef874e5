"""`repro build` with a real Nix: what is reproducible, what differs, and what was not measured."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from repro.tools.nar import sri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.build.conftest import Project

pytestmark = pytest.mark.nix

PLAIN = "mkdir $out; echo hello > $out/file"


def differences(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Path and kind of every difference."""
    return {
        (difference["path"], difference["kind"])
        for derivation in document["derivations"]
        for comparison in derivation["comparisons"]
        for difference in comparison["differences"]
    }


def test_what_comes_out_the_same_is_reproducible(project: Project) -> None:
    """A deterministic derivation is reproducible, exit 0, with a proven round of other cores and folder."""
    project.attributes(det=PLAIN)
    said = project.repro("#det", "--rebuild", "2", "--json")
    assert (said.code, said.document["outcome"]) == (0, "reproducible"), said.err
    (derivation,) = said.document["derivations"]
    assert [one["proven"] for one in derivation["rounds"]] == [True, True]
    assert [one["varied"]["build directory"] for one in derivation["rounds"]] == [
        "/build -> /build-1",
        "/build -> /build-2",
    ]
    assert derivation["origin"] == "built"
    assert derivation["outputs"][0]["nar_size"] > 0


def test_a_store_hit_first_is_still_built_again(project: Project) -> None:
    """That the store has a result already saves the first build only; the second one runs."""
    project.attributes(det=PLAIN)
    project.nix("build", "--no-link", f"path:{project.root}#det")
    said = project.repro("#det", "--json")
    (derivation,) = said.document["derivations"]
    assert (said.code, derivation["origin"]) == (0, "in the store already")
    assert derivation["rounds"][0]["proven"]


def test_all_outputs_of_all_derivations_are_compared(project: Project) -> None:
    """An output that is not the default one, of a derivation that is not the first, is found to differ."""
    project.attributes(
        det=PLAIN,
        multi='=make { name = "multi"; outputs = [ "out" "dev" ]; script = "echo a > $out; date > $dev"; }',
    )
    said = project.repro("#det", "#multi", "--json")
    assert said.code == 1, said.err
    compared = {
        (derivation["name"], comparison["output"]): comparison["outcome"]
        for derivation in said.document["derivations"]
        for comparison in derivation["comparisons"]
    }
    assert compared == {
        ("det", "out"): "reproducible",
        ("multi", "dev"): "differs",
        ("multi", "out"): "reproducible",
    }


def test_a_derivation_that_reads_another_named_one_is_built_again_too(project: Project) -> None:
    """Where one named derivation is an input of another, both are built again, in either order of naming."""
    project.attributes(
        low=PLAIN,
        high='=make { name = "high"; script = "cat ${low}/file > $out; echo ${low} >> $out"; }',
    )
    for names in (("#high", "#low"), ("#low", "#high")):
        said = project.repro(*names, "--json")
        assert said.code == 0, said.err + said.out
        assert all(one["rounds"][0]["proven"] for one in said.document["derivations"])


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("date > $out", "timestamp"),
        ("date +%s > $out", "timestamp"),
        ("mkdir $out; echo $PWD > $out/x", "path"),
        ("echo built with $NIX_BUILD_CORES cores > $out", "core count"),
        ("head -c 64 /dev/urandom > $out", "randomness"),
        ("head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \\n' > $out", "randomness"),
        ("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do echo line $i; done | shuf > $out", "ordering"),
        ("echo x > $out; case $PWD in /build) chmod +x $out;; esac", "permissions"),
        ("mkdir $out; ln -s $PWD $out/l", "symbolic link"),
        ("mkdir $out; case $PWD in /build) echo > $out/x;; esac", "missing file"),
        ("mkdir $out; case $PWD in /build) ;; *) echo > $out/x;; esac", "extra file"),
    ],
)
def test_a_planted_non_determinism_is_named(project: Project, script: str, kind: str) -> None:
    """Each way of not being deterministic is found, exit 1, under its own name and no other."""
    project.attributes(planted=script.replace("''", "'''"))
    said = project.repro("#planted", "--json")
    assert said.code == 1, said.err + said.out
    assert {found for _, found in differences(said.document)} == {kind}


def test_the_text_names_file_byte_and_reason(project: Project) -> None:
    """For people: which file, which byte, why, and both excerpts."""
    project.attributes(planted="mkdir $out; echo same > $out/a; echo made $(date) > $out/stamp")
    said = project.repro("#planted")
    assert said.code == 1
    assert "stamp: timestamp, a date or time of the build, byte " in said.out
    assert said.out.rstrip().endswith("differs")


def test_without_local_builds_nothing_is_measured(project: Project) -> None:
    """With max-jobs 0 a store hit looks like success to Nix; here it is not measured, exit 3."""
    project.attributes(det=PLAIN)
    project.nix("build", "--no-link", f"path:{project.root}#det")
    said = project.repro("#det", "--json", extra={"NIX_CONFIG": "max-jobs = 0"})
    assert (said.code, said.document["outcome"]) == (3, "not measured")
    (comparison,) = said.document["derivations"][0]["comparisons"]
    assert comparison["outcome"] == "not measured"
    assert comparison["reason"]


def test_a_build_that_is_compared_with_nothing_is_not_measured(project: Project) -> None:
    """Nothing checked is never success: --rebuild 0 alone exits 3."""
    project.attributes(det=PLAIN)
    said = project.repro("#det", "--rebuild", "0")
    assert said.code == 3
    assert "compared with nothing" in said.out


def test_a_build_that_fails_the_second_time_is_not_measured(project: Project) -> None:
    """Where the second build fails there is nothing to compare, and the reason is its own."""
    project.attributes(once="case $PWD in /build) echo > $out;; *) echo not again; exit 4;; esac")
    said = project.repro("#once", "--json")
    assert said.code == 3
    assert "not again" in said.document["derivations"][0]["comparisons"][0]["reason"]


def test_what_differs_is_kept(project: Project, tmp_path: Path) -> None:
    """With --out both trees are kept, and the document with them; the second store is gone."""
    project.attributes(planted="mkdir $out; date +%s > $out/stamp")
    said = project.repro("#planted", "--out", str(tmp_path / "kept"), "--json")
    kept = tmp_path / "kept" / "planted" / "rebuild-1"
    assert said.document["derivations"][0]["comparisons"][0]["kept"] == str(kept)
    stamps = [int((kept / name / "stamp").read_text()) for name in ("first", "second")]
    assert stamps[0] < stamps[1]
    assert json.loads((tmp_path / "kept" / "build.json").read_bytes()) == said.document
    assert not [path for path in (project.nix.home / "cache" / "builds").iterdir() if path.name != ".lock"]


def test_diffoscope_is_used_where_there_is_one(project: Project, tmp_path: Path) -> None:
    """A program named diffoscope is given both trees, and its page stays in --out."""
    tool = tmp_path / "tools" / "diffoscope"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\ntest "$1" = --html && cat "$3"/stamp "$4"/stamp > "$2"; exit 1\n')
    tool.chmod(0o755)
    project.attributes(planted="mkdir $out; date +%s > $out/stamp")
    path = f"{tool.parent}:{project.environment['PATH']}"
    said = project.repro("#planted", "--out", str(tmp_path / "kept"), extra={"PATH": path})
    assert said.code == 1
    kept = tmp_path / "kept" / "planted" / "rebuild-1"
    both = (kept / "first" / "stamp").read_text() + (kept / "second" / "stamp").read_text()
    assert (kept / "diffoscope.html").read_text() == both


def test_an_altered_path_is_found(project: Project) -> None:
    """A file in the store that was changed after its registration is found, exit 1."""
    project.attributes(det=PLAIN)
    project.nix("build", "--no-link", f"path:{project.root}#det")
    file = project.path("det") / "file"
    file.chmod(0o644)
    file.write_text("altered\n")
    said = project.repro("#det", "--json")
    assert said.code == 1
    (found,) = (
        comparison
        for comparison in said.document["derivations"][0]["comparisons"]
        if comparison["against"] == "registration"
    )
    assert (found["outcome"], "altered after it was registered" in found["reason"]) == ("differs", True)


def test_a_fixed_output_is_built_again(project: Project) -> None:
    """A derivation whose output is fixed by hash is run again too, and comes out the same."""
    digest = sri(hashlib.sha256(b"hello").digest())
    project.attributes(
        fixed='=make { name = "fixed"; script = "printf hello > $out"; outputHashMode = "flat"; '
        f'outputHashAlgo = "sha256"; outputHash = "{digest}"; }}'
    )
    said = project.repro("#fixed", "--json")
    assert said.code == 0, said.err
    assert said.document["derivations"][0]["rounds"][0]["proven"]
