"""From a build and a replay to a verified release: no network, a new home, and then any byte altered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.attest.conftest import Said, repro
from tests.flows.tampering import answers

from repro import __version__
from repro.core.exits import Exit
from repro.flows.verify import Wishes, verify
from repro.tools.host import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["repro"]

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WHEEL = f"repro_toolchain-{__version__}-py3-none-any.whl"
BUILD = f"{sys.executable} -m hatchling build --target wheel --directory dist"

POLICY = """\
version = 1
name = "release"

[signers.maker]
key = "maker.pub"

[builders.here]
id = "urn:repro:builder:local"
signers = ["maker"]
level = 1

[[artifacts]]
name = "all"
match = ["**"]
demands.listed = { kind = "release", signers = ["maker"] }

[[artifacts]]
name = "wheel"
match = ["*.whl"]
demands.provenance = { kind = "provenance", builders = ["here"], level = 1 }
demands.sbom = { kind = "sbom", signers = ["maker"], matches = true }

[[artifacts]]
name = "numbers"
match = ["results.json"]
demands.provenance = { kind = "provenance", builders = ["here"] }
demands.replay = { kind = "replay", signers = ["maker"], experiments = ["linalg"] }
"""

VERIFY = ("verify", "release", "--policy", "policy.toml", "--bundle", "attestations", "--offline")


def alone() -> list[str]:
    """What takes the network away from a command, where the machine lets it."""
    for words in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if not shutil.which("unshare"):
            break
        if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return words
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A clone of this project, in which each command runs in a new home without a network."""

    place: Path
    variables: dict[str, str]
    alone: Sequence[str]

    def __call__(self, *arguments: str) -> str:
        """A call of `repro` that must succeed."""
        words = [*self.alone, sys.executable, "-m", "repro", *arguments]
        done = subprocess.run(
            words, cwd=self.place, env=self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel and the shipped experiment's outputs: made, attested and signed offline; made once.

    Only the replay may have a network, in which an environment is built that no cache has yet.
    """
    place, home = tmp_path_factory.mktemp("desk") / "project", tmp_path_factory.mktemp("home")
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "REPRO_CACHE_DIR": str(cache_folder()),
        "LC_ALL": "C.UTF-8",
    }
    Desk(place=place, variables={**os.environ, **variables}, alone=())("replay", "linalg")
    desk = Desk(place=place, variables=variables, alone=alone())
    (place / "dist").mkdir()
    built = f"dist/{WHEEL}"
    desk("keys", "generate", "--no-password", "--out", "maker")
    desk("attest", "provenance", built, "--run", BUILD, "--out", "made/wheel.json")
    (run_id,) = [path.name for path in (place / ".repro/runs").iterdir()]
    (place / "release").mkdir()
    for source in (built, f".repro/runs/{run_id}/out/results.json", f".repro/runs/{run_id}/record.json"):
        shutil.copy(place / source, place / "release")
    desk("sbom", built, "--out", "release/sbom.json")
    desk("attest", "sbom", built, "--sbom", "release/sbom.json", "--out", "made/sbom.json")
    desk("attest", "provenance", "linalg", "--out", "made/numbers.json")
    desk("attest", "replay", "linalg", "--out", "made/replay.json")
    all_files = [f"release/{path.name}" for path in sorted((place / "release").iterdir())]
    desk(
        "attest",
        "release",
        *all_files,
        "--purl",
        f"pkg:pypi/repro-toolchain@{__version__}",
        "--out",
        "made/release.json",
    )
    statements = [f"made/{path.name}" for path in sorted((place / "made").iterdir())]
    desk("sign", *statements, "--key", "maker.key", "--out", "attestations")
    (place / "policy.toml").write_text(POLICY)
    desk(*VERIFY)
    return place


@pytest.fixture
def work(released: Path, tmp_path: Path) -> Path:
    """What is needed to verify the release, and nothing else."""
    for name in ("release", "attestations"):
        shutil.copytree(released / name, tmp_path / name)
    for name in ("policy.toml", "maker.pub"):
        shutil.copyfile(released / name, tmp_path / name)
    return tmp_path


def failures(document: object) -> Iterator[str]:
    """The names of all checks that failed in a report."""
    if isinstance(document, dict):
        if document.get("status") == "fail":
            yield f"{document['step']} {document['name']}"
        for each in document.values():
            yield from failures(each)
    elif isinstance(document, list):
        for each in document:
            yield from failures(each)


def test_the_release_round_trips(work: Path, repro: Callable[..., Said]) -> None:
    """What was attested and signed is verified, file by file, by demands of provenance, SBOM and replay."""
    answer = repro(work, *VERIFY, "--json")
    assert answer.code == 0, answer.out
    met = {
        one["name"]: {each["name"] for rule in one["rules"] if rule["met"] for each in rule["demands"]}
        for one in answer.document["artifacts"]
    }
    assert met == {
        f"release/{WHEEL}": {"listed", "provenance", "sbom"},
        "release/results.json": {"listed", "provenance", "replay"},
        "release/record.json": {"listed"},
        "release/sbom.json": {"listed"},
    }


@pytest.mark.parametrize("folder", ["release", "attestations"])
def test_whatever_is_done_to_a_release(work: Path, folder: str) -> None:
    """Every artifact, SBOM, record and bundle altered, cut, emptied, removed or swapped: exit 1.

    What failed is named with its step: the file itself, or a demand that needs it.
    """
    wishes = Wishes(targets=("release",), policy="policy.toml", bundles=("attestations",), offline=True)
    files = {path.name for path in (work / folder).iterdir()}
    done = list(answers(work / folder, work, wishes))
    assert {one.file for one in done} == files
    for one in done:
        assert one.is_harmless or one.code == 1, one
        if folder == "release":
            steps = [each for each in one.said if each.startswith(f"release/{one.file}: step ")]
            assert steps or any("demand listed" in each for each in one.said), one
        else:
            assert any("step " in each for each in one.said), one
    assert verify(work, wishes).exit is Exit.GOOD


@pytest.mark.parametrize("name", [WHEEL, "results.json", "record.json", "sbom.json"])
def test_without_any_attestation_nothing_was_checked(
    work: Path, repro: Callable[..., Said], name: str
) -> None:
    """One target without any attestation is exit 3, alone and beside others that are verified."""
    (work / "empty").mkdir()
    bare = ("verify", f"release/{name}", "--policy", "policy.toml", "--offline")
    assert repro(work, *bare).code == 3
    assert repro(work, *bare, "--bundle", "empty").code == 3
    for path in (work / "release").iterdir():
        if path.name != name:
            lines = [one.read_bytes() for one in sorted((work / "attestations").iterdir())]
            path.with_name(f"{path.name}.sigstore.jsonl").write_bytes(b"".join(lines))
    answer = repro(work, "verify", "release", "--policy", "policy.toml", "--offline", "--json")
    assert answer.code == 3
    exits = {one["name"]: one["exit"] for one in answer.document["artifacts"]}
    assert exits.pop(f"release/{name}") == 3
    assert set(exits.values()) == {0}


@pytest.mark.parametrize("name", ["wheel", "sbom", "numbers", "replay", "release"])
def test_without_one_attestation_the_demand_is_not_met(
    work: Path, repro: Callable[..., Said], name: str
) -> None:
    """Any one of the five that is missing is missed: never exit 0."""
    (work / f"attestations/{name}.json.sigstore.json").unlink()
    answer = repro(work, *VERIFY, "--json")
    assert answer.code == 1
    assert "0 present" in set(failures(answer.document))


def test_a_shipped_experiments_certificate(
    released: Path, tmp_path: Path, repro: Callable[..., Said]
) -> None:
    """The certificate of a shipped experiment, with the SBOM of its locked environment, verifies anywhere."""
    place = tmp_path / "certificate"
    key = ("--key", released / "maker.key")
    assert repro(released, "certificate", "linalg", *key, "--out", place).code == 0
    components = json.loads((place / "environment.cdx.json").read_bytes())["components"]
    assert "numpy" in {one["name"] for one in components}
    command = next(
        line for line in (place / "README.md").read_text().splitlines() if line.startswith("repro ")
    )
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    words = [*alone(), sys.executable, "-m", *command.split()]
    done = subprocess.run(words, cwd=place, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
